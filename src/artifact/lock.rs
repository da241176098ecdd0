//! `artifacts/lock.yml`: the digest that every file must have.
//!
//! A program has one digest per origin: the publisher's file differs from a build of our own, and a
//! build with a C compiler differs from one system to the next.

use super::document::root;
use super::key::Key;
use crate::error::{Error, Result};
use crate::source::Source;
use crate::value::Value;
use crate::yaml::{self, Node};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Origin to SHA-256.
type Digests = BTreeMap<String, String>;

/// Name, version, platform, origin, SHA-256.
type Entries = BTreeMap<String, BTreeMap<String, BTreeMap<String, Digests>>>;

/// Why a source is not asked: nobody could tell whether its file is the right one.
pub const NO_DIGEST: &str =
    "artifacts/lock.yml has no digest of it, and without one nothing is taken from there";

/// Name of the file.
pub const FILE: &str = "lock.yml";

const HEADER: &str = "\
# SHA-256 of every program: name, version, architecture (with variant), origin.
# A file with another digest is refused, and so is a mirror's or a publisher's file
# without one. `vent artifacts build --lock` writes the digests of what was built,
# `vent artifacts lock --official` those of publishers' files. Builds with a C compiler name its version, and those
# of the libraries they contain.
";

/// The lock file.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    entries: Entries,
}

impl Lock {
    /// Reads `lock.yml` of a folder: that of the manifest, or a mirror's. An absent file locks nothing.
    pub fn load(folder: &Path) -> Result<Lock> {
        let path = folder.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                return Err(Error::new(format!("cannot read the lock file {}", path.display())).cause(error));
            }
        };
        Lock::parse(path, &text)
    }

    /// The same from text; `path` is where it comes from and where it is saved.
    pub fn parse(path: PathBuf, text: &str) -> Result<Lock> {
        let source = Source::file(&path, text.to_string());
        let mut lock = Lock {
            path,
            entries: Entries::new(),
        };
        if let Some(root) = root(&source)? {
            for (name, versions) in entries(&root)? {
                for (version, platforms) in entries(versions)? {
                    for (platform, digests) in entries(platforms)? {
                        let read: Result<Digests> = entries(digests)?
                            .into_iter()
                            .map(|(origin, digest)| Ok((origin.to_string(), scalar(digest)?.to_string())))
                            .collect();
                        let versions = lock.entries.entry(name.to_string()).or_default();
                        versions
                            .entry(version.to_string())
                            .or_default()
                            .insert(platform.to_string(), read?);
                    }
                }
            }
        }
        Ok(lock)
    }

    /// All digests of a file, by origin.
    pub fn digests(&self, key: &Key) -> Option<&Digests> {
        self.entries
            .get(&key.name)?
            .get(&key.version)?
            .get(&key.platform())
    }

    /// The digest a file of this origin must have, if one is locked.
    pub fn digest(&self, key: &Key, origin: &str) -> Option<&str> {
        self.digests(key)?.get(origin).map(String::as_str)
    }

    /// The origin that has this digest.
    pub fn origin_of(&self, key: &Key, digest: &str) -> Option<&str> {
        let (origin, _) = self.digests(key)?.iter().find(|(_, locked)| *locked == digest)?;
        Some(origin)
    }

    /// Refuses a digest that differs from the locked one of its origin.
    pub fn check(&self, key: &Key, origin: &str, found: &str, from: &str) -> Result<()> {
        match self.digest(key, origin) {
            Some(expected) if expected != found => Err(wrong_digest(key, expected, found, from)),
            _ => Ok(()),
        }
    }

    /// Sets a digest.
    pub fn set(&mut self, key: &Key, origin: &str, digest: &str) {
        let versions = self.entries.entry(key.name.clone()).or_default();
        let platforms = versions.entry(key.version.clone()).or_default();
        let digests = platforms.entry(key.platform()).or_default();
        digests.insert(origin.to_string(), digest.to_string());
    }

    /// Writes the file, whole or not at all.
    pub fn save(&self) -> Result<()> {
        let problem = |error: std::io::Error| {
            Error::new(format!("cannot write the lock file {}", self.path.display())).cause(error)
        };
        let text = |digests: &Digests| {
            Value::map(
                digests
                    .iter()
                    .map(|(origin, digest)| (origin, Value::string(digest))),
            )
        };
        let platforms = |platforms: &BTreeMap<String, Digests>| {
            Value::map(
                platforms
                    .iter()
                    .map(|(platform, digests)| (platform, text(digests))),
            )
        };
        let names = self.entries.iter().map(|(name, versions)| {
            (
                name,
                Value::map(versions.iter().map(|(version, of)| (version, platforms(of)))),
            )
        });
        let body = yaml::write(&Value::map(names));
        let part = self.path.with_extension("yml.part");
        std::fs::write(&part, format!("{HEADER}{body}")).map_err(problem)?;
        std::fs::rename(&part, &self.path).map_err(problem)
    }
}

/// The entries of a mapping whose keys are texts.
fn entries(node: &Node) -> Result<Vec<(&str, &Node)>> {
    let Some(entries) = node.entries() else {
        return Err(not_a_lock(node, "a mapping"));
    };
    entries
        .iter()
        .map(|(key, value)| Ok((scalar(key)?, value)))
        .collect()
}

fn scalar(node: &Node) -> Result<&str> {
    node.text().ok_or_else(|| not_a_lock(node, "a text"))
}

fn not_a_lock(node: &Node, wanted: &str) -> Error {
    Error::new(format!("a lock file has {wanted} here, not {}", node.kind_name())).at(&node.place)
}

/// The error of a file that is not what it must be. It ends the search for another source: somebody
/// changed the file or the lock, and a person has to find out who.
pub fn wrong_digest(key: &Key, expected: &str, found: &str, from: &str) -> Error {
    Error::new(format!("wrong digest of {key}"))
        .cause(format!("{from}\nexpected sha256 {expected}\nfound    sha256 {found}"))
        .help("the file is not the one that artifacts/lock.yml or its publisher vouches for: find out who changed it; if the change is meant, remove the old file and its line in the lock file")
}

#[cfg(test)]
mod tests {
    use super::super::key::Architecture;
    use super::*;

    fn key() -> Key {
        Key {
            name: "etcd".into(),
            version: "3.6.8".into(),
            variant: None,
            arch: Architecture::Amd64,
        }
    }

    #[test]
    fn a_lock_is_read_back_as_written() {
        let folder = std::env::temp_dir().join(format!("vent-lock-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut lock = Lock::load(&folder).unwrap();
        assert_eq!(lock.digest(&key(), "built"), None);
        lock.set(&key(), "built", "12");
        lock.save().unwrap();
        let lock = Lock::load(&folder).unwrap();
        assert_eq!(lock.digest(&key(), "built"), Some("12"));
        assert_eq!(lock.origin_of(&key(), "12"), Some("built"));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_lock_of_another_shape_is_shown_with_its_place() {
        let error = Lock::parse("lock.yml".into(), "etcd:\n  3.6.8: [1]\n")
            .unwrap_err()
            .to_string();
        assert!(error.contains("--> lock.yml:2:10"), "{error}");
        assert!(
            error.starts_with("error: a lock file has a mapping here, not a list"),
            "{error}"
        );
    }

    #[test]
    fn a_wrong_digest_names_both() {
        let mut lock = Lock {
            path: PathBuf::new(),
            entries: Entries::new(),
        };
        lock.set(&key(), "official", "11");
        assert!(lock.check(&key(), "built", "22", "x").is_ok());
        let error = lock
            .check(&key(), "official", "22", "https://example.org/etcd")
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "error: wrong digest of etcd 3.6.8 for amd64\n  cause: https://example.org/etcd\n         \
             expected sha256 11\n         found    sha256 22\n  help: the file is not the one that \
             artifacts/lock.yml or its publisher vouches for: find out who changed it; if the change is \
             meant, remove the old file and its line in the lock file\n"
        );
    }
}
