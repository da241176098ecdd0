//! The folder of the bridge in the cache of this computer, which no other account may read or write.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The folder.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder `bridge` of a cache, made if need be; `None` if it is not this account's alone, or cannot be made: then nothing is
    /// kept.
    pub fn in_cache(cache: &Path) -> Option<Folder> {
        let path = cache.join("bridge");
        for folder in [&path, &path.join("files"), &path.join("payloads")] {
            let made = std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder);
            let known = made.and_then(|()| std::fs::symlink_metadata(folder)).ok()?;
            let own = known.uid() == rustix::process::geteuid().as_raw();
            if !known.is_dir() || !own || known.mode() & 0o077 != 0 {
                return None;
            }
        }
        Some(Folder(path))
    }

    /// A file of it.
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.0.join(name)).ok()
    }

    /// True if there is a file of this name and length.
    pub fn has(&self, name: &str, length: u64) -> bool {
        std::fs::metadata(self.0.join(name)).is_ok_and(|known| known.len() == length)
    }

    /// Writes a file beside its place and renames it. What cannot be kept is made again the next time.
    pub fn write(&self, name: &str, content: &[u8]) {
        let path = self.0.join(name);
        let beside = path.with_extension(format!("{}.new", std::process::id()));
        let file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside);
        let written = file.and_then(|mut file| file.write_all(content));
        match written.and_then(|()| std::fs::rename(&beside, &path)) {
            Ok(()) => {}
            Err(_) => drop(std::fs::remove_file(&beside)),
        }
    }

    /// Removes a file.
    pub fn remove(&self, name: &str) {
        // Somebody else may have removed it.
        let _ = std::fs::remove_file(self.0.join(name));
    }
}
