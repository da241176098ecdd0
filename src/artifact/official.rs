//! A publisher's own file: downloaded, compared with the publisher's checksum, unpacked.

use super::command::{command, into_file};
use super::digest;
use super::download::{Downloader, Failure, Tried};
use super::key::Key;
use super::lock::wrong_digest;
use crate::error::Error;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// Publishers' files of one run. Several programs come in one archive, which is fetched once and
/// thrown away when the run ends.
#[derive(Default)]
pub struct Official {
    archives: Mutex<HashMap<String, Arc<OnceCell<Archive>>>>,
}

/// How the names of archives begin; the number of the process that fetches them follows.
const ARCHIVE: &str = "archive-";

/// A verified download that is removed at the end.
struct Archive(PathBuf);

impl Drop for Archive {
    fn drop(&mut self) {
        // A file that cannot be removed lies in the cache and does no harm.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Official {
    /// Puts the program of `key` at `to`: the file at `url`, or its member.
    pub async fn fetch(
        &self,
        downloader: &Downloader,
        key: &Key,
        (url, checksum, member): (&str, &str, Option<&str>),
        to: &Path,
    ) -> Tried<()> {
        let Some(member) = member else {
            return verified(downloader, key, url, checksum, to).await;
        };
        let cell = {
            let mut archives = self.archives.lock().unwrap_or_else(PoisonError::into_inner);
            archives.entry(url.to_string()).or_default().clone()
        };
        let name = format!(
            "{ARCHIVE}{}-{}",
            std::process::id(),
            &digest::sha256_of(url.as_bytes())[..16]
        );
        let path = to.with_file_name(name);
        let archive = cell.get_or_try_init(|| async {
            remove_left_over(path.parent());
            let archive = Archive(path);
            verified(downloader, key, url, checksum, &archive.0).await?;
            Ok::<Archive, Failure>(archive)
        });
        Ok(extract(&archive.await?.0, member, to).await?)
    }
}

/// Removes the archives of processes that are no more.
fn remove_left_over(folder: Option<&Path>) {
    let entries = folder
        .and_then(|folder| std::fs::read_dir(folder).ok())
        .into_iter()
        .flatten()
        .flatten();
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix(ARCHIVE).and_then(|rest| rest.split('-').next());
        if owner.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            // Another process may have been quicker.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Downloads a file and compares it with its publisher's checksum.
async fn verified(downloader: &Downloader, key: &Key, url: &str, checksum: &str, to: &Path) -> Tried<()> {
    let listing = downloader.text(checksum).await?;
    let file = url.rsplit('/').next().unwrap_or(url);
    let Some(expected) = digest::listed(&listing, file) else {
        return Err(Failure::Unavailable(format!(
            "{checksum} names no digest of {file}"
        )));
    };
    downloader.file(key, url, &[], to).await?;
    let found = if expected.len() == 128 {
        digest::sha512(to)?
    } else {
        digest::sha256(to)?
    };
    if found == expected {
        return Ok(());
    }
    let _ = std::fs::remove_file(to);
    Err(wrong_digest(key, &expected, &found, &format!("{url} against {checksum}")).into())
}

/// Writes one member of a tar archive, compressed or not, to a file. Archives differ in whether names
/// begin with `./`, even from one version of a program to the next.
pub async fn extract(archive: &Path, member: &str, to: &Path) -> Result<(), Error> {
    let name = member.trim_start_matches("./");
    let purpose = format!("take {name} out of {}", archive.display());
    let tar = |name: &str| {
        let mut tar = command("tar");
        tar.arg("-xOf").arg(archive).arg("--").arg(name);
        tar
    };
    match into_file(&mut tar(name), to, &purpose).await {
        Ok(()) => Ok(()),
        Err(error) => into_file(&mut tar(&format!("./{name}")), to, &purpose)
            .await
            .map_err(|_| error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_of_killed_runs_are_removed() {
        let folder = std::env::temp_dir().join(format!("vent-official-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let ours = format!("{ARCHIVE}{}-1", std::process::id());
        for name in [ours.as_str(), "archive-4194999-1", "other"] {
            std::fs::write(folder.join(name), "").unwrap();
        }
        remove_left_over(Some(&folder));
        assert!(folder.join(ours).exists() && folder.join("other").exists());
        assert!(!folder.join("archive-4194999-1").exists());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
