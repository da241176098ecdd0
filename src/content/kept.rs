//! What was made of files of this computer, kept for as long as they stay as they are.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A file that changed so lately might change once more without its times telling.
const SETTLED: Duration = Duration::from_millis(100);

/// What tells that a file is as it was: length, inode, and when content and properties changed, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    length: u64,
    device: u64,
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// The stamp of a file; `None` if it is not there or has changed just now.
    fn of(path: &Path) -> Option<Stamp> {
        let data = std::fs::metadata(path).ok()?;
        let seconds = u64::try_from(data.ctime()).ok()?;
        let changed = UNIX_EPOCH + Duration::new(seconds, u32::try_from(data.ctime_nsec()).ok()?);
        let age = SystemTime::now().duration_since(changed).ok()?;
        (age >= SETTLED).then_some(Stamp {
            length: data.len(),
            device: data.dev(),
            inode: data.ino(),
            modified: (data.mtime(), data.mtime_nsec()),
            changed: (data.ctime(), data.ctime_nsec()),
        })
    }
}

/// Values made of files, by their paths.
#[derive(Debug)]
pub struct Kept<T>(Mutex<HashMap<PathBuf, (Stamp, T)>>);

impl<T> Default for Kept<T> {
    fn default() -> Kept<T> {
        Kept(Mutex::default())
    }
}

impl<T: Clone> Kept<T> {
    /// The value of a file, made by `make` unless it was made of the same file before.
    ///
    /// # Errors
    /// Those of `make`, which are not kept.
    pub fn get<E>(&self, path: &Path, make: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let stamp = Stamp::of(path);
        let kept = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, value)) = kept().get(path)
            && Some(*known) == stamp
        {
            return Ok(value.clone());
        }
        let value = make()?;
        // A file that was changed while it was read is read again.
        if let Some(stamp) = stamp.filter(|stamp| Stamp::of(path) == Some(*stamp)) {
            kept().insert(path.to_path_buf(), (stamp, value.clone()));
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_once_until_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let kept = Kept::default();
        let mut reads = 0;
        let mut read = |wanted: &str| {
            let value = kept.get(&path, || {
                reads += 1;
                std::fs::read_to_string(&path)
            });
            assert_eq!(value.unwrap(), wanted);
            reads
        };
        std::fs::write(&path, "one").unwrap();
        assert_eq!((read("one"), read("one")), (1, 2), "it has changed just now");
        std::thread::sleep(2 * SETTLED);
        assert_eq!((read("one"), read("one")), (3, 3));
        std::fs::write(&path, "two").unwrap();
        assert_eq!(read("two"), 4);
    }
}
