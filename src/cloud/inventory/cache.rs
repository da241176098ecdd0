//! What a provider told is kept for a while, if the file asks for it.

use super::CloudInventory;
use super::PluginFile;
use super::options::Common;
use crate::cloud::client::access::expanded;
use crate::content::digest_of;
use crate::error::{Error, Result};
use crate::value::json;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is kept and young enough.
pub fn read(file: &PluginFile<'_>, common: &Common) -> Option<CloudInventory> {
    if !common.cache {
        return None;
    }
    read_file(&file_of(file, common), Duration::from_secs(common.cache_timeout))
}

/// Keeps what was found, for the user alone: user data may hold secrets.
///
/// # Errors
/// When the file cannot be written.
pub fn write(file: &PluginFile<'_>, common: &Common, found: &CloudInventory) -> Result<()> {
    if !common.cache {
        return Ok(());
    }
    let path = file_of(file, common);
    write_file(&path, found).map_err(|error| {
        Error::new(format!("cannot keep the inventory in {}", path.display()))
            .cause(error)
            .help("name another folder in `cache_connection`, or leave `cache` out")
    })
}

fn read_file(path: &Path, age: Duration) -> Option<CloudInventory> {
    let changed = std::fs::metadata(path).ok()?.modified().ok()?;
    if changed.elapsed().ok()? > age {
        return None;
    }
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

fn write_file(path: &Path, found: &CloudInventory) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let new = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(&serde_json::to_vec(found)?)?;
    std::fs::rename(new, path)
}

/// The file that belongs to a plugin file with its present content.
pub fn file_of(file: &PluginFile<'_>, common: &Common) -> PathBuf {
    let folder = match &common.cache_connection {
        Some(folder) => expanded(folder),
        None => std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
            .unwrap_or_else(std::env::temp_dir)
            .join("vent/inventory"),
    };
    let path = std::path::absolute(file.path).unwrap_or_else(|_| file.path.to_path_buf());
    let text = format!("{}\n{}", path.display(), json(&file.value, None, true));
    folder.join(format!("{}.json", digest_of(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_private_and_grows_old() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("below/kept.json");
        let mut found = CloudInventory::default();
        found.hosts.insert("a".into(), Default::default());
        found.put("a", "g");
        write_file(&path, &found).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(read_file(&path, Duration::from_secs(60)), Some(found));
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(read_file(&path, Duration::from_millis(1)), None);
    }
}
