//! Where the lab keeps what: its folder in the user's state, the base trees in the user's cache.

use crate::error::{Error, Result};
use rustix::fs::{FlockOperation, flock};
use std::fs::{DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The folders of one lab.
#[derive(Clone, Debug, PartialEq)]
pub struct Folders {
    /// Everything of this lab; gone after `down`.
    pub lab: PathBuf,
    /// The base trees of all labs; stays.
    pub trees: PathBuf,
}

impl Folders {
    /// The folders of the lab `name`: `$VENT_STATE` (else `~/.local/state/vent`) and `$VENT_CACHE`
    /// (else `~/.cache/vent`).
    ///
    /// # Errors
    /// Neither the variables nor `HOME` are set.
    pub fn of(name: &str) -> Result<Folders> {
        Ok(Folders {
            lab: variable_or_home("VENT_STATE", ".local/state/vent")?
                .join("lab")
                .join(name),
            trees: variable_or_home("VENT_CACHE", ".cache/vent")?.join("lab"),
        })
    }

    /// Keys, pins and choices, on the disk that was there before.
    pub fn file(&self, name: &str) -> PathBuf {
        self.lab.join(name)
    }

    /// Where the nodes lie: a folder, or a file system in a file where the folder cannot carry them.
    pub fn nodes(&self) -> PathBuf {
        self.lab.join("nodes")
    }

    /// The folder of one node.
    pub fn node(&self, name: &str) -> NodeFolders {
        NodeFolders(self.nodes().join(name))
    }

    /// Makes the lab's folder, private to its owner, and keeps others out until the lock is dropped.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn lock(&self) -> Result<Lock> {
        let parent = self.lab.parent().unwrap_or(Path::new("/"));
        make_private(parent)?;
        let mut name = self.lab.file_name().unwrap_or_default().to_os_string();
        name.push(".lock");
        let path = parent.join(name);
        let file = lock_file(&path)?;
        make_private(&self.lab)?;
        Ok(Lock { path, _file: file })
    }
}

/// Keeps other processes out of a lab until it is dropped.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    /// Lets the others in and leaves no file.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn remove(self) -> Result<()> {
        std::fs::remove_file(&self.path)
            .map_err(|cause| Error::new(format!("{} cannot be removed", self.path.display())).cause(cause))
    }
}

/// The folders of one node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeFolders(pub PathBuf);

impl NodeFolders {
    /// The file that its disk is, if it has one of its own: all its folders lie there.
    pub fn disk(&self) -> PathBuf {
        let mut name = self.0.clone().into_os_string();
        name.push(".ext4");
        name.into()
    }

    /// What this node was given before its first boot: names, addresses, keys.
    pub fn given(&self) -> PathBuf {
        self.0.join("given")
    }

    /// All that was changed since.
    pub fn upper(&self) -> PathBuf {
        self.0.join("upper")
    }

    /// What the overlay needs beside it.
    pub fn work(&self) -> PathBuf {
        self.0.join("work")
    }

    /// Folders of the node that cannot lie on an overlay.
    pub fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    /// Where the node's whole tree is put together.
    pub fn root(&self) -> PathBuf {
        self.0.join("root")
    }

    /// What the node printed while it booted.
    pub fn console(&self) -> PathBuf {
        self.0.join("console.log")
    }
}

/// Takes the lock of a file, waiting for whoever has it.
///
/// # Errors
/// The file cannot be made or locked.
pub fn lock_file(path: &Path) -> Result<File> {
    let lock = || -> std::io::Result<File> {
        loop {
            let file = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .open(path)?;
            flock(&file, FlockOperation::LockExclusive)?;
            // Whoever had it may have removed the file: then it is not the one that others lock.
            let same = |there: std::fs::Metadata| there.ino() == file.metadata().map_or(0, |own| own.ino());
            if std::fs::metadata(path).is_ok_and(same) {
                return Ok(file);
            }
        }
    };
    lock().map_err(|cause| Error::new(format!("{} cannot be locked", path.display())).cause(cause))
}

/// Makes a folder and those above it, closed to other users.
///
/// # Errors
/// What the system says.
pub fn make_private(path: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|cause| Error::new(format!("{} cannot be made", path.display())).cause(cause))
}

fn variable_or_home(variable: &str, below_home: &str) -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os(variable).filter(|folder| !folder.is_empty()) {
        return std::path::absolute(&folder)
            .map_err(|cause| Error::new(format!("`{variable}` is not a folder")).cause(cause));
    }
    match std::env::var_os("HOME") {
        Some(home) => Ok(PathBuf::from(home).join(below_home)),
        None => Err(
            Error::new("there is no place for the lab: HOME is not set").help(format!(
                "set HOME, or set {variable} to a folder on a disk of this computer"
            )),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_keeps_a_second_one_out_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = lock_file(&path).unwrap();
        let second = File::open(&path).unwrap();
        assert!(flock(&second, FlockOperation::NonBlockingLockExclusive).is_err());
        drop(first);
        // Waits, for a program that another test starts holds a copy until it has become that program.
        assert!(flock(&second, FlockOperation::LockExclusive).is_ok());
    }

    #[test]
    fn the_lab_folder_is_closed_to_others() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders {
            lab: folder.path().join("lab/vent"),
            trees: folder.path().join("trees"),
        };
        folders.lock().unwrap().remove().unwrap();
        assert!(!folder.path().join("lab/vent.lock").exists());
        let mode = std::fs::metadata(&folders.lab).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
