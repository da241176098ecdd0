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
            "archive-{}-{}",
            std::process::id(),
            &digest::sha256_of(url.as_bytes())[..16]
        );
        let path = to.with_file_name(name);
        let archive = cell.get_or_try_init(|| async {
            let archive = Archive(path);
            verified(downloader, key, url, checksum, &archive.0).await?;
            Ok::<Archive, Failure>(archive)
        });
        Ok(extract(&archive.await?.0, member, to).await?)
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

/// Writes one member of a tar archive, compressed or not, to a file.
pub async fn extract(archive: &Path, member: &str, to: &Path) -> Result<(), Error> {
    let mut tar = command("tar");
    tar.arg("-xOf").arg(archive).arg("--").arg(member);
    into_file(
        &mut tar,
        to,
        &format!("take {member} out of {}", archive.display()),
    )
    .await
}
