//! What this computer keeps of a cluster's machines: the host key each was given, `known_hosts` that pins it,
//! and which machines have answered with it already.

use crate::error::{Error, Result};
use crate::words::quote;
use russh::keys::PrivateKey;
use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};
use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The folder of a cluster's machines.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    cluster: String,
    /// Held while `known_hosts` is rewritten.
    writing: Arc<Mutex<()>>,
}

/// A pair of keys by which a machine proves itself.
#[derive(Clone, PartialEq)]
pub struct HostKey {
    /// The private half as OpenSSH writes it.
    pub private: String,
    /// The public half: kind and blob.
    pub public: String,
}

impl Folder {
    /// `.vent/machines/CLUSTER` of the project that an inventory file belongs to: the folder above
    /// `inventory/`, else the folder of the file.
    pub fn of(file: &Path, cluster: &str) -> Folder {
        let file = std::path::absolute(file).unwrap_or_else(|_| file.to_path_buf());
        let beside = file.parent().map(PathBuf::from).unwrap_or_default();
        let project = match beside.file_name() {
            Some(name) if name == "inventory" => beside.parent().map(PathBuf::from).unwrap_or(beside),
            _ => beside,
        };
        Folder {
            path: project.join(".vent/machines").join(cluster),
            cluster: cluster.to_string(),
            writing: Arc::default(),
        }
    }

    /// The name under which a machine's key is pinned; addresses may be given to others later.
    pub fn alias(&self, name: &str) -> String {
        format!("{name}.{}", self.cluster)
    }

    fn known_hosts(&self) -> PathBuf {
        self.path.join("known_hosts")
    }

    /// What SSH must be told so that it takes the pinned key and no other; `None` for a machine without one.
    pub fn ssh_arguments(&self, name: &str) -> Option<String> {
        self.pinned(name)?;
        let file = self.known_hosts();
        Some(format!(
            "-o UserKnownHostsFile={} -o HostKeyAlias={} -o StrictHostKeyChecking=yes",
            quote(&file.to_string_lossy()),
            self.alias(name)
        ))
    }

    /// The pinned key of a machine: kind and blob.
    pub fn pinned(&self, name: &str) -> Option<String> {
        let text = std::fs::read_to_string(self.known_hosts()).ok()?;
        let alias = self.alias(name);
        text.lines().find_map(|line| {
            let (host, key) = line.split_once(' ')?;
            (host == alias).then(|| key.to_string())
        })
    }

    /// The key of a machine, made at the first call and pinned.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn key(&self, name: &str) -> Result<HostKey> {
        let path = self.path.join(format!("{name}.key"));
        let failed = |error: String| {
            Error::new(format!(
                "the host key of {name} cannot be kept in {}",
                self.path.display()
            ))
            .cause(error)
        };
        let private = match std::fs::read_to_string(&path) {
            Ok(text) => PrivateKey::from_openssh(&text).map_err(|error| {
                failed(error.to_string()).help(format!("remove {}, if it is no key", path.display()))
            })?,
            Err(_) => new_key(&self.alias(name)).map_err(failed)?,
        };
        let text = private
            .to_openssh(LineEnding::LF)
            .map_err(|error| failed(error.to_string()))?
            .to_string();
        let public = private
            .public_key()
            .to_openssh()
            .map_err(|error| failed(error.to_string()))?;
        let public: Vec<&str> = public.split_whitespace().take(2).collect();
        let key = HostKey {
            private: text,
            public: public.join(" "),
        };
        self.write(&path, &key.private)
            .map_err(|error| failed(error.to_string()))?;
        self.pin(name, &key.public)?;
        Ok(key)
    }

    /// Writes down the only key that is taken from a machine.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn pin(&self, name: &str, public: &str) -> Result<()> {
        if self.pinned(name).as_deref() == Some(public) {
            return Ok(());
        }
        self.rewrite(name, Some(public))
    }

    /// Forgets a machine that was removed.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn forget(&self, name: &str) -> Result<()> {
        for ending in ["key", "answered"] {
            let path = self.path.join(format!("{name}.{ending}"));
            if let Err(error) = std::fs::remove_file(&path)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                return Err(Error::new(format!("{} cannot be removed", path.display())).cause(error));
            }
        }
        self.rewrite(name, None)
    }

    /// Forgets all machines, those of earlier removals that were broken off included.
    ///
    /// # Errors
    /// When the folder cannot be read or written.
    pub fn forget_all(&self) -> Result<()> {
        let failed = |error| Error::new(format!("{} cannot be read", self.path.display())).cause(error);
        for entry in std::fs::read_dir(&self.path).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let kept = path.extension().and_then(|ending| ending.to_str());
            match (kept, path.file_stem().and_then(|stem| stem.to_str())) {
                (Some("key" | "answered"), Some(name)) => self.forget(name)?,
                // What a process that was killed had not renamed yet.
                (Some(ending), _) if ending.starts_with("new-") => {
                    std::fs::remove_file(&path).map_err(failed)?
                }
                _ => {}
            }
        }
        let ending = format!(".{}", self.cluster);
        let text = std::fs::read_to_string(self.known_hosts()).unwrap_or_default();
        let aliases = text.lines().filter_map(|line| line.split(' ').next());
        for name in aliases.filter_map(|alias| alias.strip_suffix(&ending)) {
            self.rewrite(name, None)?;
        }
        Ok(())
    }

    fn rewrite(&self, name: &str, public: Option<&str>) -> Result<()> {
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let alias = self.alias(name);
        let file = self.known_hosts();
        let old = std::fs::read_to_string(&file).unwrap_or_default();
        let other = |line: &&str| line.split(' ').next() != Some(&alias);
        let mut lines: Vec<String> = old.lines().filter(other).map(str::to_string).collect();
        lines.extend(public.map(|key| format!("{alias} {key}")));
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        if text == old {
            return Ok(());
        }
        self.write(&file, &text)
            .map_err(|error| Error::new(format!("{} cannot be written", file.display())).cause(error))
    }

    /// True if the machine `id` has answered with its pinned key before.
    pub fn has_answered(&self, name: &str, id: &str) -> bool {
        let path = self.path.join(format!("{name}.answered"));
        std::fs::read_to_string(path).is_ok_and(|text| text.trim() == id)
    }

    /// Notes that the machine `id` has answered with its pinned key.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn answered(&self, name: &str, id: &str) -> Result<()> {
        let path = self.path.join(format!("{name}.answered"));
        self.write(&path, &format!("{id}\n"))
            .map_err(|error| Error::new(format!("{} cannot be written", path.display())).cause(error))
    }

    /// Keeps other processes from making the same machines at the same time, until it is dropped.
    ///
    /// # Errors
    /// When another process does, or the folder cannot be written.
    pub fn lock(&self) -> Result<File> {
        let path = self.path.join("lock");
        let opened = self.make().and_then(|()| File::create(&path));
        let file = opened
            .map_err(|error| Error::new(format!("{} cannot be written", path.display())).cause(error))?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|error| {
            Error::new(format!(
                "another process is at work on the machines of {}",
                self.cluster
            ))
            .cause(error)
            .help("wait until it has ended, then run again")
        })?;
        Ok(file)
    }

    fn make(&self) -> std::io::Result<()> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.path)
    }

    /// Writes a file whole, for the user alone.
    fn write(&self, path: &Path, text: &str) -> std::io::Result<()> {
        self.make()?;
        let new = path.with_extension(format!("new-{}", std::process::id()));
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(new, path)
    }
}

fn new_key(comment: &str) -> std::result::Result<PrivateKey, String> {
    let mut seed = [0; 32];
    rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::empty())
        .map_err(|error| error.to_string())?;
    let pair = KeypairData::Ed25519(Ed25519Keypair::from_seed(&seed));
    PrivateKey::new(pair, comment).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_key_is_made_once_and_pinned_under_the_name_of_the_machine() {
        let project = tempfile::tempdir().unwrap();
        let file = project.path().join("inventory/packet.yml");
        let folder = Folder::of(&file, "demo");
        assert_eq!(folder.ssh_arguments("worker-0"), None);
        let key = folder.key("worker-0").unwrap();
        assert!(key.private.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----"));
        assert!(key.public.starts_with("ssh-ed25519 AAAA"));
        assert_eq!(folder.key("worker-0").unwrap().public, key.public);
        assert_eq!(folder.pinned("worker-0").as_ref(), Some(&key.public));
        let arguments = folder.ssh_arguments("worker-0").unwrap();
        assert!(arguments.contains("-o HostKeyAlias=worker-0.demo"), "{arguments}");
        assert!(
            arguments.contains(&format!(
                "{}/.vent/machines/demo/known_hosts",
                project.path().display()
            )),
            "{arguments}"
        );
        folder.answered("worker-0", "id").unwrap();
        assert!(folder.has_answered("worker-0", "id") && !folder.has_answered("worker-0", "other"));
        folder.key("worker-1").unwrap();
        folder.forget("worker-0").unwrap();
        assert_eq!(folder.pinned("worker-0"), None);
        assert!(folder.pinned("worker-1").is_some());
        assert!(!folder.has_answered("worker-0", "id"));
        folder.pin("member", "ssh-ed25519 AAAA").unwrap();
        folder.answered("member", "id").unwrap();
        std::fs::write(project.path().join(".vent/machines/demo/member.new-1"), "half").unwrap();
        folder.forget_all().unwrap();
        assert!(folder.pinned("worker-1").is_none() && folder.pinned("member").is_none());
        let left = std::fs::read_dir(project.path().join(".vent/machines/demo")).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["known_hosts"]);
    }

    #[test]
    fn two_processes_do_not_make_the_same_machines() {
        let project = tempfile::tempdir().unwrap();
        let folder = Folder::of(&project.path().join("packet.yml"), "demo");
        let held = folder.lock().unwrap();
        assert!(folder.lock().unwrap_err().to_string().contains("another process"));
        drop(held);
        // A program that another test starts meanwhile holds a copy until it has become that program.
        let is_free = |_| {
            std::thread::sleep(Duration::from_millis(10));
            folder.lock().is_ok()
        };
        assert!((0..1000).any(is_free));
    }
}
