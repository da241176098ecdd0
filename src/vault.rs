//! Ansible Vault, formats 1.1 and 1.2 with AES256, both ways.

use crate::content::hexadecimal;
use crate::error::{Error, Result};
use aes::cipher::{KeyIvInit, StreamCipher};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

/// What every vaulted text begins with.
pub const HEADER: &str = "$ANSIBLE_VAULT;";

/// Iterations of PBKDF2, fixed by the format.
const ITERATIONS: u32 = 10_000;

/// Hexadecimal digits in a line.
const LINE: usize = 80;

/// The label of passwords that were given without one.
pub const DEFAULT_LABEL: &str = "default";

/// The passwords that may open vaulted texts.
#[derive(Clone, Default)]
pub struct Vault {
    secrets: Vec<Secret>,
    /// Only the passwords of a text's own label are tried (`vault_id_match`); this is the one of texts without.
    only_label: Option<String>,
    /// Texts that were vaulted, so that they can be masked wherever they turn up; shared by all clones.
    opened: Arc<Mutex<BTreeSet<String>>>,
}

#[derive(Clone)]
struct Secret {
    label: String,
    password: Vec<u8>,
}

/// Passwords are never shown.
impl std::fmt::Debug for Vault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let labels: Vec<_> = self.secrets.iter().map(|secret| &secret.label).collect();
        out.debug_struct("Vault").field("labels", &labels).finish()
    }
}

impl Vault {
    /// Adds a password.
    pub fn add(&mut self, label: &str, password: impl Into<Vec<u8>>) {
        self.secrets.push(Secret {
            label: label.to_string(),
            password: password.into(),
        });
    }

    /// Adds the password of a file, or, if the file is executable, what it prints (a name that ends in
    /// `-client` is called with `--vault-id LABEL`, as Ansible does).
    ///
    /// # Errors
    /// When it cannot be read or run, or gives no password.
    pub fn add_file(&mut self, label: &str, path: &Path) -> Result<()> {
        let bytes = if is_executable(path) {
            run(label, path)?
        } else {
            std::fs::read(path).map_err(|error| {
                Error::new(format!("cannot read the vault password file {}", path.display()))
                    .cause(error)
                    .help("name the file that holds the password: --vault-password-file FILE")
            })?
        };
        let password = bytes.trim_ascii();
        if password.is_empty() {
            return Err(
                Error::new(format!("the vault password file {} is empty", path.display()))
                    .help("write the password into its first line"),
            );
        }
        self.add(label, password);
        Ok(())
    }

    /// Adds what a `--vault-id` names: `FILE`, whose label is the `usual` one, or `LABEL@FILE`.
    ///
    /// # Errors
    /// As [`Vault::add_file`].
    pub fn add_identity(&mut self, identity: &str, usual: &str) -> Result<()> {
        match identity.split_once('@') {
            Some((label, file)) if !label.is_empty() => self.add_file(label, Path::new(file)),
            _ => self.add_file(usual, Path::new(identity.trim_start_matches('@'))),
        }
    }

    /// Tries only the passwords of a text's own label from now on; texts without have the `usual` one.
    pub fn match_labels(&mut self, usual: &str) {
        self.only_label = Some(usual.to_string());
    }

    /// Notes a value that was vaulted.
    pub fn note(&self, text: &str) {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.insert(text.to_string());
    }

    /// The values that were vaulted and have been read so far.
    pub fn noted(&self) -> Vec<String> {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.iter().cloned().collect()
    }

    /// How many values [`Vault::noted`] gives; it only grows.
    pub fn count_noted(&self) -> usize {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// True if there is no password.
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// Opens a vaulted text: first with the passwords of its label, then with all others, unless labels must match.
    ///
    /// # Errors
    /// When the text is not in the format, or no password opens it.
    pub fn decrypt(&self, text: &str) -> Result<Vec<u8>> {
        let envelope = Envelope::read(text)?;
        if self.secrets.is_empty() {
            return Err(Error::new("this is vaulted, and no vault password was given")
                .help("give --vault-password-file FILE, or set vault_password_file in ansible.cfg"));
        }
        let label = envelope.label.as_deref().or(self.only_label.as_deref());
        let (first, others): (Vec<_>, Vec<_>) = self
            .secrets
            .iter()
            .partition(|secret| Some(secret.label.as_str()) == label);
        let others = others.into_iter().filter(|_| self.only_label.is_none());
        let opened = first
            .into_iter()
            .chain(others)
            .find_map(|secret| envelope.open(&secret.password));
        opened.ok_or_else(|| {
            let tried: Vec<_> = self.secrets.iter().map(|secret| secret.label.as_str()).collect();
            let named = label
                .map(|label| format!(" labelled `{label}`"))
                .unwrap_or_default();
            Error::new(format!("no vault password opens this text{named}"))
                .cause(format!("tried the passwords of: {}", tried.join(", ")))
                .help(
                    "give the password it was made with: --vault-id LABEL@FILE or --vault-password-file FILE",
                )
        })
    }

    /// Vaults a text with the first password of `label`.
    ///
    /// # Errors
    /// When there is no such password, or the system gives no random bytes.
    pub fn encrypt(&self, plain: &[u8], label: &str) -> Result<String> {
        let secret = self.secrets.iter().find(|secret| secret.label == label);
        let secret =
            secret.ok_or_else(|| Error::new(format!("there is no vault password labelled `{label}`")))?;
        let mut salt = [0; 32];
        std::fs::File::open("/dev/urandom")
            .and_then(|mut file| file.read_exact(&mut salt))
            .map_err(|error| Error::new("the system gives no random bytes").cause(error))?;
        seal(plain, &secret.password, &salt, label)
    }
}

/// True if a text is vaulted.
pub fn is_vaulted(text: &str) -> bool {
    text.trim_start().starts_with(HEADER)
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

fn run(label: &str, path: &Path) -> Result<Vec<u8>> {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let mut command = Command::new(&path);
    if path
        .file_stem()
        .is_some_and(|stem| stem.to_string_lossy().ends_with("-client"))
    {
        command.args(["--vault-id", label]);
    }
    let failed = || Error::new(format!("the vault password program {} failed", path.display()));
    let output = command
        .stdin(Stdio::inherit())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| failed().cause(error))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(failed().cause(output.status))
    }
}

/// A vaulted text taken apart.
struct Envelope {
    label: Option<String>,
    salt: Vec<u8>,
    digest: Vec<u8>,
    cipher: Vec<u8>,
}

impl Envelope {
    fn read(text: &str) -> Result<Envelope> {
        let broken = |what: &str| Error::new(format!("this vaulted text is broken: {what}"));
        let mut lines = text.trim().lines().map(str::trim);
        let header: Vec<&str> = lines.next().unwrap_or("").split(';').map(str::trim).collect();
        let label = match header.as_slice() {
            ["$ANSIBLE_VAULT", "1.1", "AES256"] => None,
            ["$ANSIBLE_VAULT", "1.2", "AES256", label] => Some(label.to_string()),
            ["$ANSIBLE_VAULT", version, cipher, ..] => {
                return Err(
                    Error::new(format!("vault format {version} with {cipher} is not supported"))
                        .help("encrypt it again with today's ansible-vault"),
                );
            }
            _ => return Err(broken("it does not begin with $ANSIBLE_VAULT")),
        };
        let body: String = lines.collect();
        let inner =
            hex::decode(&body).map_err(|_| broken("it holds something else than hexadecimal digits"))?;
        let inner = String::from_utf8(inner).unwrap_or_default();
        let parts: Vec<_> = inner
            .split('\n')
            .map(|line| hex::decode(line.trim()).ok())
            .collect();
        match <[Option<Vec<u8>>; 3]>::try_from(parts) {
            Ok([Some(salt), Some(digest), Some(cipher)]) => Ok(Envelope {
                label,
                salt,
                digest,
                cipher,
            }),
            _ => Err(broken("it does not hold salt, digest and text")),
        }
    }

    /// The plain text, if the password is right.
    fn open(&self, password: &[u8]) -> Option<Vec<u8>> {
        let keys = Keys::derive(password, &self.salt);
        let mut mac = keys.mac()?;
        mac.update(&self.cipher);
        mac.verify_slice(&self.digest).ok()?;
        let mut plain = self.cipher.clone();
        keys.crypt(&mut plain)?;
        let padding = usize::from(*plain.last()?);
        if !(1..=16).contains(&padding) {
            return None;
        }
        plain.truncate(plain.len().checked_sub(padding)?);
        Some(plain)
    }
}

fn seal(plain: &[u8], password: &[u8], salt: &[u8], label: &str) -> Result<String> {
    let keys = Keys::derive(password, salt);
    let padding = 16 - plain.len() % 16;
    let mut cipher = plain.to_vec();
    cipher.extend(std::iter::repeat_n(padding as u8, padding));
    let mac = keys.crypt(&mut cipher).and_then(|()| keys.mac());
    let mut mac = mac.ok_or_else(|| Error::new("the text is too long to be vaulted"))?;
    mac.update(&cipher);
    let digest = mac.finalize().into_bytes();
    let inner = [salt, &digest, &cipher].map(hexadecimal).join("\n");
    let mut text = match label {
        DEFAULT_LABEL => format!("{HEADER}1.1;AES256\n"),
        label => format!("{HEADER}1.2;AES256;{label}\n"),
    };
    let body = hexadecimal(inner.as_bytes());
    for line in body.as_bytes().chunks(LINE) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    Ok(text)
}

/// The two keys and the counter's start that a password and a salt give.
struct Keys([u8; 80]);

impl Keys {
    fn derive(password: &[u8], salt: &[u8]) -> Keys {
        let mut keys = [0; 80];
        pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, ITERATIONS, &mut keys);
        Keys(keys)
    }

    fn mac(&self) -> Option<Hmac<Sha256>> {
        Hmac::<Sha256>::new_from_slice(&self.0[32..64]).ok()
    }

    fn crypt(&self, text: &mut [u8]) -> Option<()> {
        let mut cipher = ctr::Ctr128BE::<aes::Aes256>::new_from_slices(&self.0[..32], &self.0[64..]).ok()?;
        cipher.try_apply_keystream(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by ansible-vault of ansible-core 2.19 with the password `secret`.
    const MADE: &str = "$ANSIBLE_VAULT;1.1;AES256\n\
        34633264633864303561306335626266663937396165393932653737336537643366633437616638\n\
        6239336634623930313263393061633830623239643463340a393762373833653165303037306663\n\
        37363237643938353632643837646234333732323731666339656463636430613066343337646365\n\
        6433393163306539360a633338636262353839623266336131396435636166643464626364613830\n\
        3239\n";

    fn vault(label: &str) -> Vault {
        let mut vault = Vault::default();
        vault.add(label, "secret");
        vault
    }

    #[test]
    fn what_ansible_made_is_opened() {
        assert_eq!(vault(DEFAULT_LABEL).decrypt(MADE).unwrap(), b"hello vent\n");
        let indented = MADE.replace('\n', "\r\n    ");
        assert_eq!(vault("other").decrypt(&indented).unwrap(), b"hello vent\n");
    }

    #[test]
    fn labels_must_match_where_that_is_wanted() {
        let opens = |label: &str, usual: &str| {
            let mut vault = vault(label);
            vault.match_labels(usual);
            vault.decrypt(MADE).is_ok()
        };
        assert!(opens("dev", "dev"));
        assert!(!opens("dev", DEFAULT_LABEL));
        let text = vault("prod").encrypt(b"text", "prod").unwrap();
        let mut others = vault("dev");
        assert!(others.decrypt(&text).is_ok());
        others.match_labels("dev");
        assert!(others.decrypt(&text).is_err());
    }

    #[test]
    fn what_is_sealed_is_opened_again() {
        for (label, header) in [(DEFAULT_LABEL, "1.1;AES256\n"), ("prod", "1.2;AES256;prod\n")] {
            let text = vault(label).encrypt(b"0123456789abcdef", label).unwrap();
            assert!(text.starts_with(&format!("{HEADER}{header}")), "{text}");
            assert!(text.lines().all(|line| line.len() <= LINE));
            assert_eq!(vault(label).decrypt(&text).unwrap(), b"0123456789abcdef");
        }
    }

    #[test]
    fn a_wrong_password_and_a_broken_text_are_told_apart() {
        let mut wrong = Vault::default();
        wrong.add("x", "wrong");
        let error = wrong.decrypt(MADE).unwrap_err();
        assert!(error.message().starts_with("no vault password opens"), "{error}");
        let error = Vault::default().decrypt(MADE).unwrap_err();
        assert!(error.message().contains("no vault password was given"), "{error}");
        let error = wrong.decrypt("$ANSIBLE_VAULT;1.1;AES256\nzz\n").unwrap_err();
        assert!(error.message().contains("hexadecimal"), "{error}");
    }

    #[test]
    fn a_password_comes_from_a_file_or_a_program() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "secret\n").unwrap();
        let program = folder.path().join("give-client");
        std::fs::write(&program, "#!/bin/sh\necho secret-$2\n").unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut vault = Vault::default();
        vault
            .add_identity(&file.display().to_string(), DEFAULT_LABEL)
            .unwrap();
        vault
            .add_identity(&format!("a@{}", program.display()), DEFAULT_LABEL)
            .unwrap();
        let passwords: Vec<_> = vault.secrets.iter().map(|secret| &secret.password[..]).collect();
        assert_eq!(passwords, [&b"secret"[..], b"secret-a"]);
        assert!(!format!("{vault:?}").contains("secret"));
    }
}
