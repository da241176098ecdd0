//! The files that say which key a host has: `known_hosts` as OpenSSH reads it (sshd(8), "SSH_KNOWN_HOSTS
//! FILE FORMAT"): hashed names, wildcards, negation, `[host]:port`, `@revoked`, `@cert-authority`. Markers, hashes
//! and keys are read by `ssh_key`; what they say about a host is decided here, since what `russh` has for it knows
//! neither markers nor wildcards.

use crate::wildcard::openssh;
use hmac::{Hmac, KeyInit, Mac};
use russh::keys::ssh_key::HashAlg;
use russh::keys::ssh_key::certificate::CertType;
use russh::keys::ssh_key::known_hosts::{HostPatterns, Marker};
use russh::keys::{Algorithm, Certificate, PublicKey};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What the files say about a key that a host shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the host's.
    Known,
    /// Nothing.
    Unknown,
    /// Another one, of whatever type, is the host's: the file, the line (from 1), and the fingerprint written there.
    Changed(PathBuf, usize, String),
    /// It must not be trusted: the file and the line (from 1).
    Revoked(PathBuf, usize),
}

/// The lines of all files that concern one host.
#[derive(Clone, Debug)]
pub struct KnownHost {
    /// The names under which the host is looked up: with the port first, then, for keys that agree, without.
    host: String,
    lines: Vec<Line>,
}

#[derive(Clone, Debug)]
struct Line {
    file: PathBuf,
    number: usize,
    marker: Option<Marker>,
    /// The line names the host with its port (or needs none).
    exact: bool,
    key: PublicKey,
}

impl KnownHost {
    /// Reads what the files say about a host; files that do not exist and lines that are not understood
    /// say nothing.
    pub fn read(files: &[PathBuf], host: &str, port: u16) -> KnownHost {
        let host = host.to_lowercase();
        let with_port = name(&host, port);
        let mut lines = vec![];
        for file in files {
            let text = std::fs::read(file).unwrap_or_default();
            for (at, text) in String::from_utf8_lossy(&text).lines().enumerate() {
                let Some((marker, hosts, key)) = parse(text) else {
                    continue;
                };
                let exact = matches(&hosts, &with_port);
                let fits = exact || matches(&hosts, &host);
                if let Some(key) = fits.then(|| PublicKey::from_openssh(&key).ok()).flatten() {
                    lines.push(Line {
                        file: file.clone(),
                        number: at + 1,
                        marker,
                        exact,
                        key,
                    });
                }
            }
        }
        KnownHost { host, lines }
    }

    /// Judges a plain key.
    pub fn judge(&self, key: &PublicKey) -> Verdict {
        let same = |line: &&Line| line.key.key_data() == key.key_data();
        if let Some(line) = self.marked(Some(Marker::Revoked)).find(same) {
            return Verdict::Revoked(line.file.clone(), line.number);
        }
        if self.marked(None).any(|line| same(&line)) {
            return Verdict::Known;
        }
        // A key of another type is another key, as for ssh: whoever has not the one can well make the other.
        let others = || self.marked(None).filter(|line| line.exact);
        let alike = others().find(|line| line.key.algorithm() == key.algorithm());
        match alike.or_else(|| others().next()) {
            Some(line) => Verdict::Changed(line.file.clone(), line.number, fingerprint(&line.key)),
            None => Verdict::Unknown,
        }
    }

    /// Judges a certificate: its authority must be one of the host's, its names must hold the host, and
    /// this must be its time. What is no proof says nothing; the key in it may still be known.
    pub fn judge_certificate(&self, certificate: &Certificate) -> Verdict {
        let plain = PublicKey::new(certificate.public_key().clone(), "");
        let authority = PublicKey::new(certificate.signature_key().clone(), "");
        for key in [&plain, &authority] {
            if let verdict @ Verdict::Revoked(..) = self.judge(key) {
                return verdict;
            }
        }
        let trusted: Vec<_> = self
            .marked(Some(Marker::CertAuthority))
            .map(|line| line.key.fingerprint(HashAlg::Sha256))
            .collect();
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |time| time.as_secs());
        let named = |name: &String| openssh(&name.to_lowercase()).matches(&self.host);
        let proves = certificate.cert_type() == CertType::Host
            && certificate.critical_options().is_empty()
            && certificate.signature().algorithm() != (Algorithm::Rsa { hash: None })
            && certificate.valid_principals().iter().any(named)
            && certificate.validate_at(now, &trusted).is_ok();
        if proves {
            Verdict::Known
        } else {
            self.judge(&plain)
        }
    }

    /// The algorithms of the keys that are written down, to be asked for first.
    pub fn algorithms(&self) -> Vec<Algorithm> {
        self.marked(None).map(|line| line.key.algorithm()).collect()
    }

    /// True if certificates can prove this host.
    pub fn has_authority(&self) -> bool {
        self.marked(Some(Marker::CertAuthority)).next().is_some()
    }

    fn marked(&self, marker: Option<Marker>) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| line.marker == marker)
    }
}

/// The fingerprint as OpenSSH prints it (`SHA256:…`).
pub fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// The name of a host in a known_hosts file: `host`, or `[host]:port` if the port is not 22.
pub fn name(host: &str, port: u16) -> String {
    if port == 22 {
        host.to_string()
    } else {
        format!("[{host}]:{port}")
    }
}

/// Writes down the key of a host at the end of a file; folder and file are made if they are missing.
///
/// # Errors
/// What the system says when that fails.
pub fn learn(file: &Path, host: &str, port: u16, key: &PublicKey) -> std::io::Result<()> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let key = key.to_openssh().map_err(std::io::Error::other)?;
    let key: Vec<&str> = key.split(' ').take(2).collect();
    let before = std::fs::read(file).unwrap_or_default();
    let ended = before.last().is_none_or(|byte| *byte == b'\n');
    let line = format!(
        "{}{} {}\n",
        if ended { "" } else { "\n" },
        name(host, port),
        key.join(" ")
    );
    let mut open = std::fs::OpenOptions::new().append(true).create(true).open(file)?;
    open.write_all(line.as_bytes())
}

/// Marker, host patterns and the two words of the key of a line.
fn parse(line: &str) -> Option<(Option<Marker>, HostPatterns, String)> {
    let mut words = line.split_whitespace();
    let mut word = words.next().filter(|word| !word.starts_with('#'))?;
    let mut marker = None;
    if word.starts_with('@') {
        marker = Some(word.parse().ok()?);
        word = words.next()?;
    }
    let key = format!("{} {}", words.next()?, words.next()?);
    Some((marker, word.parse().ok()?, key))
}

/// True if the patterns hold a name; one with `!` that holds it decides against.
fn matches(patterns: &HostPatterns, name: &str) -> bool {
    let holds = |pattern: &str| openssh(&pattern.to_lowercase()).matches(name);
    match patterns {
        // HMAC-SHA1 of the name under the salt.
        HostPatterns::HashedName { salt, hash } => Hmac::<sha1::Sha1>::new_from_slice(salt)
            .is_ok_and(|state| state.chain_update(name).verify_slice(hash).is_ok()),
        HostPatterns::Patterns(patterns) => {
            let denied = patterns
                .iter()
                .any(|pattern| pattern.strip_prefix('!').is_some_and(holds));
            !denied && patterns.iter().any(|pattern| holds(pattern))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    const ONE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    const TWO: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA6rWI3G1sz07DnfFlrouTcysQlj2P+jpNSOEWD9OJ3X";

    const OTHER_TYPE: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBAgSLssLd1ZhPZ6UMXmwMk5A9fZRCJ5GkswkEWNARFqd01787It5saYS9HpGRyg5FuVxlBPGePyW4gYtFrmNxwI=";

    fn key(text: &str) -> PublicKey {
        PublicKey::from_openssh(text).unwrap()
    }

    fn judge(file: &str, host: &str, port: u16) -> Verdict {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known_hosts");
        std::fs::write(&path, file).unwrap();
        match KnownHost::read(&[path], host, port).judge(&key(ONE)) {
            Verdict::Changed(_, line, _) => Verdict::Changed(PathBuf::new(), line, String::new()),
            Verdict::Revoked(_, line) => Verdict::Revoked(PathBuf::new(), line),
            other => other,
        }
    }

    fn changed(line: usize) -> Verdict {
        Verdict::Changed(PathBuf::new(), line, String::new())
    }

    #[test]
    fn names_are_matched_as_openssh_does() {
        let cases = [
            (format!("web {ONE}"), "web", 22, Verdict::Known),
            (format!("WEB\t {ONE} comment"), "Web", 22, Verdict::Known),
            (format!("web,192.0.2.1 {ONE}"), "192.0.2.1", 22, Verdict::Known),
            (format!("web {ONE}"), "other", 22, Verdict::Unknown),
            (format!("[web]:2222 {ONE}"), "web", 2222, Verdict::Known),
            (format!("[web]:2222 {ONE}"), "web", 22, Verdict::Unknown),
            (
                format!("*.example.org,!bad.example.org {ONE}"),
                "a.example.org",
                22,
                Verdict::Known,
            ),
            (
                format!("*.example.org,!bad.example.org {ONE}"),
                "bad.example.org",
                22,
                Verdict::Unknown,
            ),
            (format!("# web {ONE}\n\nweb? {ONE}"), "web1", 22, Verdict::Known),
            (format!("web {TWO}"), "web", 22, changed(1)),
            (format!("web {OTHER_TYPE}"), "web", 22, changed(1)),
            (format!("web {OTHER_TYPE}\nweb {TWO}"), "web", 22, changed(2)),
            (format!("web {OTHER_TYPE}\nweb {ONE}"), "web", 22, Verdict::Known),
            (format!("web {OTHER_TYPE}"), "web", 2222, Verdict::Unknown),
            (format!("web {TWO}\nweb {ONE}"), "web", 22, Verdict::Known),
            (format!("web {TWO}"), "web", 2222, Verdict::Unknown),
            (format!("web {ONE}"), "web", 2222, Verdict::Known),
            (
                format!("web {ONE}\n@revoked * {ONE}"),
                "web",
                22,
                Verdict::Revoked(PathBuf::new(), 2),
            ),
            (format!("@cert-authority web {ONE}"), "web", 22, Verdict::Unknown),
            ("web ssh-ed25519 garbage".to_string(), "web", 22, Verdict::Unknown),
        ];
        for (file, host, port, verdict) in cases {
            assert_eq!(judge(&file, host, port), verdict, "{file} for {host} {port}");
        }
    }

    #[test]
    fn hashed_names_are_matched() {
        let salt = b"01234567890123456789";
        let hash = Hmac::<sha1::Sha1>::new_from_slice(salt)
            .unwrap()
            .chain_update("[web]:2222")
            .finalize()
            .into_bytes();
        let line = format!("|1|{}|{} {ONE}", STANDARD.encode(salt), STANDARD.encode(hash));
        assert_eq!(judge(&line, "web", 2222), Verdict::Known);
        assert_eq!(judge(&line, "web", 22), Verdict::Unknown);
    }

    #[test]
    fn a_key_that_was_learned_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/known_hosts");
        learn(&path, "web", 2222, &key(ONE)).unwrap();
        std::fs::write(&path, std::fs::read_to_string(&path).unwrap().trim_end()).unwrap();
        learn(&path, "web", 22, &key(TWO)).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("[web]:2222 {ONE}\nweb {TWO}\n"));
        assert_eq!(
            KnownHost::read(&[path], "web", 2222).judge(&key(ONE)),
            Verdict::Known
        );
    }
}
