//! Writes and removes files as root, with exact modes and errors that name the path.

use crate::error::{Error, Result};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Writes a file with this mode, making the folders above it (0755), never seen half written.
///
/// # Errors
/// What the system says, with the path.
pub fn make_file(path: &Path, text: impl AsRef<[u8]>, mode: u32) -> Result<()> {
    if let Some(parent) = path.parent() {
        make_folder(parent, 0o755)?;
    }
    let mut partial = path.as_os_str().to_os_string();
    partial.push(".partial");
    let partial = Path::new(&partial);
    let write = || -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(partial)?;
        file.write_all(text.as_ref())?;
        file.set_permissions(std::fs::Permissions::from_mode(mode))?;
        std::fs::rename(partial, path)
    };
    write().map_err(|cause| Error::new(format!("{} cannot be written", path.display())).cause(cause))
}

/// Makes a folder and those missing above it; the mode is set whatever the umask is.
///
/// # Errors
/// What the system says, with the path.
pub fn make_folder(path: &Path, mode: u32) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        make_folder(parent, 0o755)?;
    }
    let make = || -> std::io::Result<()> {
        match std::fs::DirBuilder::new().mode(mode).create(path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(()),
            other => other?,
        }
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
    };
    make().map_err(|cause| Error::new(format!("{} cannot be made", path.display())).cause(cause))
}

/// The text of a file, or an empty one where it is missing. A byte that is no UTF-8 hides none of the others.
pub fn text_or_empty(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

/// Removes a file; it may be missing.
///
/// # Errors
/// What the system says, with the path.
pub fn remove_file(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(Error::new(format!("{} cannot be removed", path.display())).cause(cause)),
        Ok(()) => Ok(()),
    }
}

/// Removes a folder with all below it; it may be missing.
///
/// # Errors
/// What the system says, with the path.
pub fn remove_tree(path: &Path) -> Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(Error::new(format!("{} cannot be removed", path.display())).cause(cause)),
        Ok(()) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_exact_and_a_missing_tree_is_removed_already() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/file");
        make_file(&path, "text", 0o640).unwrap();
        make_file(&path, "other", 0o600).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(&folder.path().join("a/b")), 0o755);
        assert_eq!(text_or_empty(&path), "other");
        remove_tree(&folder.path().join("a")).unwrap();
        remove_tree(&folder.path().join("a")).unwrap();
        assert_eq!(text_or_empty(&path), "");
    }
}
