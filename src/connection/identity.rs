//! Private key files: read once, opened with a passphrase only when the host would take them.

use super::target::{Secret, Target};
use super::terminal;
use russh::keys::{Certificate, PrivateKey, PublicKey, decode_secret_key, load_openssh_certificate};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use tokio::sync::Mutex;

/// A key of the user.
#[derive(Clone)]
pub struct Identity {
    /// Where it lies.
    pub path: PathBuf,
    /// The private key, unless it is locked.
    pub key: Option<Arc<PrivateKey>>,
    /// The public key, if it can be known without a passphrase.
    pub public: Option<PublicKey>,
    /// The certificate beside it (`KEY-cert.pub`).
    pub certificate: Option<Certificate>,
    text: String,
}

/// Why a locked key stays locked.
#[derive(Debug, PartialEq, Eq)]
pub enum Locked {
    /// There is nobody to ask.
    NoTerminal,
    /// The passphrase is wrong.
    Wrong,
}

impl Identity {
    /// Reads a key file.
    ///
    /// # Errors
    /// A text that says why there is no key in it.
    pub fn read(path: &Path) -> Result<Identity, String> {
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        let beside = |ending: &str| {
            let mut name = path.as_os_str().to_os_string();
            name.push(ending);
            PathBuf::from(name)
        };
        let certificate = load_openssh_certificate(beside("-cert.pub")).ok();
        let (key, public) = match decode_secret_key(&text, None) {
            Ok(key) => (Some(key.public_key().clone()), Some(Arc::new(key))),
            Err(_) if is_locked(&text) => (public_of(&text, &beside(".pub")), None),
            Err(error) => return Err(error.to_string()),
        };
        Ok(Identity {
            path: path.to_path_buf(),
            key: public,
            public: key,
            certificate,
            text,
        })
    }

    /// The private key; a locked one is opened with the passphrase of the target, or with one asked for at
    /// the terminal. It is asked for once per file.
    pub async fn unlock(&self, target: &Target) -> Result<Arc<PrivateKey>, Locked> {
        static OPENED: LazyLock<Mutex<HashMap<PathBuf, Arc<PrivateKey>>>> = LazyLock::new(Mutex::default);
        if let Some(key) = &self.key {
            return Ok(key.clone());
        }
        let mut opened = OPENED.lock().await;
        if let Some(key) = opened.get(&self.path) {
            return Ok(key.clone());
        }
        let (path, text, passphrase) = (self.path.clone(), self.text.clone(), target.passphrase.clone());
        // Both the terminal and the key derivation take their time.
        let work = tokio::task::spawn_blocking(move || open(&path, &text, passphrase.as_ref()));
        let key = work.await.unwrap_or(Err(Locked::NoTerminal))?;
        opened.insert(self.path.clone(), key.clone());
        Ok(key)
    }
}

fn open(path: &Path, text: &str, passphrase: Option<&Secret>) -> Result<Arc<PrivateKey>, Locked> {
    let decode = |passphrase: &str| decode_secret_key(text, Some(passphrase)).map(Arc::new);
    if let Some(passphrase) = passphrase {
        return decode(passphrase.reveal()).map_err(|_| Locked::Wrong);
    }
    for _ in 0..3 {
        let question = format!("Passphrase of {}: ", path.display());
        let passphrase = terminal::ask(&question, true).ok_or(Locked::NoTerminal)?;
        if let Ok(key) = decode(&passphrase) {
            return Ok(key);
        }
    }
    Err(Locked::Wrong)
}

fn is_locked(text: &str) -> bool {
    let openssh = PrivateKey::from_openssh(text).is_ok_and(|key| key.is_encrypted());
    openssh || text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED")
}

fn public_of(text: &str, beside: &Path) -> Option<PublicKey> {
    let inside = PrivateKey::from_openssh(text).map(|key| key.public_key().clone());
    inside.ok().or_else(|| russh::keys::load_public_key(beside).ok())
}
