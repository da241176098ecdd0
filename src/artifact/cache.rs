//! The folder where every file is kept once, with its digest beside it.

use super::digest;
use super::key::Key;
use super::lock::{Lock, wrong_digest};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The cache. Its layout is that of a mirror: `NAME/VERSION/PLATFORM/NAME`.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

/// What is known of a cached file, kept beside it so that it need not be read again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// SHA-256.
    pub sha256: String,
    /// `official`, `built`, `built with ...`, `assembled`, `mirror`: the key in the lock file.
    pub origin: String,
    /// Where it came from, for people.
    pub from: String,
    /// It was built or put together here, from pinned sources: no digest has to vouch for it.
    #[serde(default)]
    pub made_here: bool,
    /// For an image put together here: the digests of its parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
    /// Bytes.
    size: u64,
    /// Nanoseconds since 1970.
    modified: i128,
    inode: u64,
}

impl Record {
    /// The record of a file whose digest was just computed.
    pub fn new(path: &Path, sha256: String, origin: &str, from: &str) -> Result<Record> {
        let (size, modified, inode) = identity(path)?;
        let (origin, from) = (origin.to_string(), from.to_string());
        Ok(Record {
            sha256,
            origin,
            from,
            made_here: false,
            parts: Vec::new(),
            size,
            modified,
            inode,
        })
    }

    /// Bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// True if the file is still the one that was digested.
    fn fits(&self, path: &Path) -> bool {
        identity(path).is_ok_and(|found| found == (self.size, self.modified, self.inode))
    }
}

fn identity(path: &Path) -> Result<(u64, i128, u64)> {
    let found = fs::metadata(path).map_err(|error| cannot("look at", path, &error))?;
    let modified = i128::from(found.mtime()) * 1_000_000_000 + i128::from(found.mtime_nsec());
    Ok((found.len(), modified, found.ino()))
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Error {
    let problem = Error::new(format!("cannot {what} {}", path.display())).cause(error);
    match error.kind() {
        std::io::ErrorKind::StorageFull => {
            problem.help("the disk is full: make room, or put the cache elsewhere with VENT_CACHE=FOLDER")
        }
        std::io::ErrorKind::PermissionDenied => {
            problem.help("choose a folder of your own with VENT_CACHE=FOLDER")
        }
        _ => problem,
    }
}

/// The folder in which everything is kept that may be made again, in an environment that is told variable by variable:
/// `$VENT_CACHE`, else `$XDG_CACHE_HOME/vent`, else `~/.cache/vent`.
pub fn cache_folder(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let set = |name: &str| {
        variable(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("VENT_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("vent")))
        .or_else(|| set("HOME").map(|folder| folder.join(".cache/vent")))
}

impl Cache {
    /// A cache in `folder/artifacts`.
    pub fn new(folder: &Path) -> Cache {
        Cache {
            root: folder.join("artifacts"),
        }
    }

    /// The cache of this user: `$VENT_CACHE`, else `$XDG_CACHE_HOME/vent`, else `~/.cache/vent`.
    pub fn of_user() -> Result<Cache> {
        Cache::within(|name| std::env::var_os(name))
    }

    /// As [`Cache::of_user`], in an environment that is told variable by variable.
    pub fn within(variable: impl Fn(&str) -> Option<OsString>) -> Result<Cache> {
        let folder = cache_folder(variable);
        folder.map(|folder| Cache::new(&folder)).ok_or_else(|| {
            Error::new("there is no folder for the artifact cache")
                .cause("none of VENT_CACHE, XDG_CACHE_HOME and HOME is set")
                .help("set VENT_CACHE=FOLDER")
        })
    }

    /// Where a file lies or will lie.
    pub fn path(&self, key: &Key) -> PathBuf {
        self.root.join(key.path())
    }

    /// A folder inside the cache, on the same file system, for things on their way in.
    pub fn workshop(&self) -> Result<PathBuf> {
        let folder = self.root.join(".parts");
        fs::create_dir_all(&folder).map_err(|error| cannot("make the folder", &folder, &error))?;
        Ok(folder)
    }

    /// Takes the lock on a file's place, or on the builds of this cache (`None`). `waiting` is called
    /// once if another process holds it. The lock ends when the returned file is dropped.
    pub fn hold(&self, key: Option<&Key>, waiting: impl FnOnce()) -> Result<File> {
        use rustix::fs::{FlockOperation, flock};
        let folder = key.map_or_else(|| self.root.clone(), |key| self.root.join(key.folder()));
        fs::create_dir_all(&folder).map_err(|error| cannot("make the folder", &folder, &error))?;
        let path = folder.join(".lock");
        let file = File::create(&path).map_err(|error| cannot("open", &path, &error))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            waiting();
            flock(&file, FlockOperation::LockExclusive)
                .map_err(|error| Error::new(format!("cannot lock {}", path.display())).cause(error))?;
        }
        Ok(file)
    }

    /// The record of a file that is there and is what it must be; `None` if it has to be fetched: also if it came from
    /// elsewhere, and no digest vouches for it. A file that is there and is something else is an error.
    pub fn find(&self, key: &Key, lock: &Lock, thorough: bool) -> Result<Option<Record>> {
        let path = self.path(key);
        if !path.is_file() {
            return Ok(None);
        }
        let known = self.record(key);
        let record = match known {
            Some(record) if !thorough && record.fits(&path) => record,
            known => match self.examine(key, lock, known)? {
                Some(record) => record,
                None => return Ok(None),
            },
        };
        lock.check(key, &record.origin, &record.sha256, &path.display().to_string())?;
        let vouched = record.made_here || lock.origin_of(key, &record.sha256).is_some();
        Ok(vouched.then_some(record))
    }

    /// Digests a file anew and compares it with what is known of it.
    fn examine(&self, key: &Key, lock: &Lock, known: Option<Record>) -> Result<Option<Record>> {
        let path = self.path(key);
        let found = digest::sha256(&path)?;
        let record = match (known, lock.origin_of(key, &found)) {
            (Some(known), _) if known.sha256 == found => Record {
                parts: known.parts,
                made_here: known.made_here,
                ..Record::new(&path, found, &known.origin, &known.from)?
            },
            (_, Some(origin)) => Record::new(&path, found, origin, "already there")?,
            (Some(known), None) => {
                return Err(wrong_digest(
                    key,
                    &known.sha256,
                    &found,
                    &path.display().to_string(),
                ));
            }
            (None, None) => match lock.digests(key).and_then(|digests| digests.values().next()) {
                Some(expected) => {
                    return Err(wrong_digest(key, expected, &found, &path.display().to_string()));
                }
                None => return Ok(None),
            },
        };
        self.write_record(key, &record)?;
        Ok(Some(record))
    }

    fn record_path(&self, key: &Key) -> PathBuf {
        self.root.join(key.folder()).join(format!(".{}.json", key.name))
    }

    fn record(&self, key: &Key) -> Option<Record> {
        let text = fs::read(self.record_path(key)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    fn write_record(&self, key: &Key, record: &Record) -> Result<()> {
        let path = self.record_path(key);
        let text = serde_json::to_vec(record)
            .map_err(|error| Error::new("cannot write down a digest").cause(error))?;
        let part = path.with_extension("part");
        fs::write(&part, text).map_err(|error| cannot("write", &part, &error))?;
        fs::rename(&part, &path).map_err(|error| cannot("write", &path, &error))
    }

    /// Moves a finished file to its place. The record goes first: it holds for the moved file as
    /// well, and whoever is killed in between leaves no file without one.
    pub fn place(&self, key: &Key, part: &Path, record: Record) -> Result<Record> {
        fs::set_permissions(part, fs::Permissions::from_mode(key.mode()))
            .map_err(|error| cannot("change the mode of", part, &error))?;
        let synced = File::open(part).and_then(|file| file.sync_all());
        synced.map_err(|error| cannot("write", part, &error))?;
        let path = self.path(key);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| cannot("make the folder", folder, &error))?;
        }
        self.write_record(key, &record)?;
        fs::rename(part, &path).map_err(|error| cannot("write", &path, &error))?;
        Ok(record)
    }

    /// Every file of the cache, as the path of its artifact below the root.
    pub fn files(&self) -> Vec<PathBuf> {
        let within = |folder: PathBuf| {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            entries.map(|entry| entry.path()).filter(|path| {
                path.file_name()
                    .is_some_and(|name| !name.to_string_lossy().starts_with('.'))
            })
        };
        let platforms = within(self.root.clone()).flat_map(within).flat_map(within);
        let mut files: Vec<PathBuf> = platforms.flat_map(within).filter(|path| path.is_file()).collect();
        files.sort();
        files
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::Architecture;
    use super::*;

    struct Bench {
        folder: PathBuf,
        cache: Cache,
        key: Key,
    }

    impl Bench {
        fn new(name: &str) -> Bench {
            let folder = std::env::temp_dir().join(format!("vent-cache-{name}-{}", std::process::id()));
            let key = Key {
                name: "p".into(),
                version: "1".into(),
                variant: None,
                arch: Architecture::Amd64,
            };
            Bench {
                cache: Cache::new(&folder),
                key,
                folder,
            }
        }

        fn lock(&self) -> Lock {
            Lock::load(&self.folder).unwrap()
        }

        fn put(&self, text: &str) {
            let part = self.cache.workshop().unwrap().join("p");
            fs::write(&part, text).unwrap();
            let record = Record {
                made_here: true,
                ..Record::new(&part, digest::sha256_of(text.as_bytes()), "built", "a test").unwrap()
            };
            self.cache.place(&self.key, &part, record).unwrap();
        }
    }

    impl Drop for Bench {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.folder).unwrap();
        }
    }

    #[test]
    fn a_placed_file_is_found_and_not_read_again() {
        let bench = Bench::new("placed");
        assert_eq!(bench.cache.find(&bench.key, &bench.lock(), false).unwrap(), None);
        bench.put("one");
        let record = bench
            .cache
            .find(&bench.key, &bench.lock(), false)
            .unwrap()
            .unwrap();
        assert_eq!(record.sha256, digest::sha256_of(b"one"));
        assert_eq!(bench.cache.files(), [bench.cache.path(&bench.key)]);
        let mode = fs::metadata(bench.cache.path(&bench.key))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o755);
    }

    #[test]
    fn a_changed_file_is_refused() {
        let bench = Bench::new("changed");
        bench.put("one");
        fs::write(bench.cache.path(&bench.key), "two").unwrap();
        let error = bench.cache.find(&bench.key, &bench.lock(), false).unwrap_err();
        assert_eq!(error.message(), "wrong digest of p 1 for amd64");
    }

    #[test]
    fn a_touched_file_is_digested_again_and_accepted() {
        let bench = Bench::new("touched");
        bench.put("one");
        fs::write(bench.cache.path(&bench.key), "one").unwrap();
        assert!(
            bench
                .cache
                .find(&bench.key, &bench.lock(), false)
                .unwrap()
                .is_some()
        );
    }

    #[test]
    fn a_file_that_the_lock_does_not_know_is_refused_even_with_a_record() {
        let bench = Bench::new("locked");
        bench.put("one");
        let mut lock = bench.lock();
        lock.set(&bench.key, "built", "00");
        assert!(bench.cache.find(&bench.key, &lock, false).is_err());
    }

    #[test]
    fn what_came_from_elsewhere_is_nothing_without_a_digest() {
        let bench = Bench::new("elsewhere");
        let part = bench.cache.workshop().unwrap().join("p");
        fs::write(&part, "one").unwrap();
        let one = digest::sha256_of(b"one");
        let record = Record::new(&part, one.clone(), "official", "a test").unwrap();
        bench.cache.place(&bench.key, &part, record).unwrap();
        let mut lock = bench.lock();
        assert_eq!(bench.cache.find(&bench.key, &lock, false).unwrap(), None);
        lock.set(&bench.key, "official", &one);
        assert!(bench.cache.find(&bench.key, &lock, false).unwrap().is_some());
    }

    #[test]
    fn a_file_without_record_is_taken_over_if_the_lock_knows_it() {
        let bench = Bench::new("foreign");
        let path = bench.cache.path(&bench.key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "one").unwrap();
        assert_eq!(bench.cache.find(&bench.key, &bench.lock(), false).unwrap(), None);
        let mut lock = bench.lock();
        lock.set(&bench.key, "built", &digest::sha256_of(b"one"));
        let record = bench.cache.find(&bench.key, &lock, false).unwrap().unwrap();
        assert_eq!(record.origin, "built");
    }

    #[test]
    fn only_one_holds_a_place() {
        let bench = Bench::new("held");
        let held = bench
            .cache
            .hold(Some(&bench.key), || panic!("nobody else is there"))
            .unwrap();
        let (cache, key) = (bench.cache.clone(), bench.key.clone());
        let (say, heard) = std::sync::mpsc::channel();
        let other = std::thread::spawn(move || {
            let waited = say.clone();
            let _lock = cache
                .hold(Some(&key), move || waited.send("waiting").unwrap())
                .unwrap();
            say.send("has it").unwrap();
        });
        assert_eq!(heard.recv().unwrap(), "waiting");
        drop(held);
        assert_eq!(heard.recv().unwrap(), "has it");
        other.join().unwrap();
    }
}
