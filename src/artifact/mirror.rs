//! A mirror: a folder or an address with the layout of the cache and a lock file of its own.

use super::digest;
use super::download::{Downloader, Failure, Tried};
use super::key::Key;
use super::lock::{FILE, Lock, NO_DIGEST, wrong_digest};
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};
use tokio::sync::OnceCell;

/// Where `vent_mirror` points to.
pub struct Mirror {
    root: Root,
    lock: OnceCell<Lock>,
}

enum Root {
    Folder(PathBuf),
    Address(String),
}

impl Mirror {
    /// A mirror in a folder (also `file://`), or at an http or https address.
    pub fn new(location: &str) -> Mirror {
        let location = location.trim_end_matches('/');
        let root = if location.starts_with("http://") || location.starts_with("https://") {
            Root::Address(location.to_string())
        } else {
            Root::Folder(PathBuf::from(
                location.strip_prefix("file://").unwrap_or(location),
            ))
        };
        Mirror {
            root,
            lock: OnceCell::new(),
        }
    }

    /// What a file of the mirror is called in messages.
    pub fn describe(&self, key: &Key) -> String {
        match &self.root {
            Root::Folder(folder) => folder.join(key.path()).display().to_string(),
            Root::Address(address) => format!("{address}/{}", key.path().display()),
        }
    }

    /// Copies a file of the mirror to `to`; answers its digest and its origin.
    ///
    /// Only the project's lock vouches for it. The mirror's own tells no more than whether the file is of an origin (a
    /// build by another compiler) that the project's has no digest of; such a file is of no use here, but nobody has to
    /// find out who changed it.
    pub async fn fetch(
        &self,
        downloader: &Downloader,
        lock: &Lock,
        key: &Key,
        to: &Path,
    ) -> Tried<(String, String)> {
        let Some(known) = lock.digests(key) else {
            return Err(Failure::Unavailable(NO_DIGEST.to_string()));
        };
        self.copy(downloader, key, to).await?;
        let found = digest::sha256(to)?;
        if let Some(origin) = lock.origin_of(key, &found) {
            return Ok((found, origin.to_string()));
        }
        let _ = std::fs::remove_file(to);
        let own = self.lock(downloader).await?;
        let origin = own.origin_of(key, &found).unwrap_or_default();
        match known
            .get(origin)
            .or(known.values().next().filter(|_| origin.is_empty()))
        {
            Some(expected) => Err(wrong_digest(key, expected, &found, &self.describe(key)).into()),
            None => Err(Failure::Unavailable(format!(
                "it is `{origin}`; of that artifacts/lock.yml has no digest"
            ))),
        }
    }

    async fn copy(&self, downloader: &Downloader, key: &Key, to: &Path) -> Tried<()> {
        match &self.root {
            Root::Address(_) => downloader.file(key, &self.describe(key), &[], to).await,
            Root::Folder(folder) => {
                let from = folder.join(key.path());
                if !from.is_file() {
                    return Err(Failure::Unavailable("no such file".to_string()));
                }
                let copied = tokio::fs::copy(&from, to).await;
                copied
                    .map(drop)
                    .map_err(|error| cannot_copy(&from, to, &error).into())
            }
        }
    }

    async fn lock(&self, downloader: &Downloader) -> Tried<&Lock> {
        let load = || async {
            match &self.root {
                Root::Folder(folder) => Ok(Lock::load(folder)?),
                Root::Address(address) => {
                    let url = format!("{address}/{FILE}");
                    let text = match downloader.text(&url).await {
                        Err(Failure::Unavailable(_)) => String::new(),
                        text => text?,
                    };
                    Ok::<Lock, Failure>(Lock::parse(PathBuf::from(url), &text)?)
                }
            }
        };
        self.lock.get_or_try_init(load).await
    }
}

/// True if `to` is not there, or is not what `from` is.
pub fn differs(from: &Path, to: &Path) -> Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let source = std::fs::metadata(from).map_err(|error| cannot_copy(from, to, &error))?;
    let Ok(present) = std::fs::metadata(to) else {
        return Ok(true);
    };
    if (present.dev(), present.ino()) == (source.dev(), source.ino()) {
        return Ok(false);
    }
    Ok(present.len() != source.len() || digest::sha256(from)? != digest::sha256(to)?)
}

/// Puts a file at `to` without ever showing half of it: a hard link, or a copy on another file
/// system. True if something changed.
pub fn place(from: &Path, to: &Path) -> Result<bool> {
    let problem = |error: std::io::Error| cannot_copy(from, to, &error);
    if !differs(from, to)? {
        return Ok(false);
    }
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).map_err(problem)?;
    }
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    let part = to.with_file_name(format!(".{name}.part"));
    let _ = std::fs::remove_file(&part);
    if std::fs::hard_link(from, &part).is_err() {
        std::fs::copy(from, &part).map_err(problem)?;
    }
    std::fs::rename(&part, to).map_err(problem)?;
    Ok(true)
}

fn cannot_copy(from: &Path, to: &Path, error: &std::io::Error) -> Error {
    Error::new(format!("cannot copy {} to {}", from.display(), to.display())).cause(error)
}

#[cfg(test)]
mod tests {
    use super::super::key::Architecture;
    use super::*;
    use std::sync::Arc;

    fn key() -> Key {
        Key {
            name: "p".into(),
            version: "1".into(),
            variant: None,
            arch: Architecture::Amd64,
        }
    }

    struct Bench {
        folder: PathBuf,
        mirror: Mirror,
    }

    impl Bench {
        fn new(name: &str) -> Bench {
            let folder = std::env::temp_dir().join(format!("vent-mirror-{name}-{}", std::process::id()));
            std::fs::create_dir_all(folder.join(key().folder())).unwrap();
            std::fs::write(folder.join(key().path()), "one").unwrap();
            Bench {
                mirror: Mirror::new(&format!("file://{}/", folder.display())),
                folder,
            }
        }

        async fn fetch(&self, lock: &Lock) -> Tried<(String, String)> {
            let downloader = Downloader::new(Arc::new(|_| {})).unwrap();
            self.mirror
                .fetch(&downloader, lock, &key(), &self.folder.join("part"))
                .await
        }

        fn lock(&self, digests: &[(&str, &str)]) -> Lock {
            let mut lock = Lock::parse(self.folder.join(FILE), "").unwrap();
            for (origin, digest) in digests {
                lock.set(&key(), origin, digest);
            }
            lock
        }
    }

    impl Drop for Bench {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.folder).unwrap();
        }
    }

    #[tokio::test]
    async fn the_projects_lock_vouches() {
        let bench = Bench::new("vouched");
        let one = digest::sha256_of(b"one");
        let got = bench.fetch(&bench.lock(&[("built", &one)])).await.unwrap();
        assert_eq!(got, (one, "built".to_string()));
    }

    #[tokio::test]
    async fn the_mirrors_lock_vouches_for_nothing() {
        let bench = Bench::new("own");
        let one = digest::sha256_of(b"one");
        for origin in ["official", "built with another", "assembled"] {
            bench.lock(&[(origin, &one)]).save().unwrap();
            for project in [bench.lock(&[("built", "00")]), bench.lock(&[])] {
                let got = bench.fetch(&project).await;
                assert!(matches!(got, Err(Failure::Unavailable(_))), "{origin}: {got:?}");
                assert!(!bench.folder.join("part").exists());
            }
        }
    }

    #[tokio::test]
    async fn the_mirrors_lock_cannot_overrule_the_projects() {
        let bench = Bench::new("overruled");
        bench
            .lock(&[("built", &digest::sha256_of(b"one"))])
            .save()
            .unwrap();
        let got = bench.fetch(&bench.lock(&[("built", "00")])).await;
        let Err(Failure::Fatal(error)) = got else { panic!() };
        assert_eq!(error.message(), "wrong digest of p 1 for amd64");
    }

    #[tokio::test]
    async fn an_unknown_digest_is_refused_and_an_unknown_file_is_left_to_others() {
        let bench = Bench::new("unknown");
        assert!(matches!(
            bench.fetch(&bench.lock(&[("built", "00")])).await,
            Err(Failure::Fatal(_))
        ));
        assert!(matches!(
            bench.fetch(&bench.lock(&[])).await,
            Err(Failure::Unavailable(_))
        ));
    }

    #[test]
    fn a_file_is_placed_once() {
        let bench = Bench::new("placed");
        let (from, to) = (bench.folder.join(key().path()), bench.folder.join("to/p"));
        assert!(place(&from, &to).unwrap());
        assert!(!place(&from, &to).unwrap());
        std::fs::remove_file(&to).unwrap();
        std::fs::write(&to, "two").unwrap();
        assert!(place(&from, &to).unwrap());
        assert_eq!(std::fs::read_to_string(&to).unwrap(), "one");
    }
}
