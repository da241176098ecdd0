//! The keys that servers show, judged by the known_hosts files and the wishes of the user.

use super::failure::{Failure, FailureKind};
use super::known_hosts::{self, KnownHost, Verdict};
use super::revoked_keys;
use super::target::{Checking, Target};
use russh::client;
use russh::keys::{Certificate, PublicKey, PublicKeyOrCertificate};
use std::sync::{Arc, Mutex, PoisonError};

/// What is known about a host.
pub fn known(target: &Target) -> KnownHost {
    let host = target.host_key_alias.as_deref().unwrap_or(&target.address);
    KnownHost::read(&target.known_hosts, host, known_port(target))
}

/// An alias stands for host and port.
fn known_port(target: &Target) -> u16 {
    if target.host_key_alias.is_some() {
        22
    } else {
        target.port
    }
}

/// Why a key is not trusted, if it is not: it was refused, or, without checking, let pass.
pub type Distrust = Arc<Mutex<Option<Failure>>>;

/// What to do about a revoked key.
const REVOKED_CURE: &str =
    "do not connect: somebody who stole the key may be answering; give the host a new key first";

/// Judges the key a server shows.
pub struct Greeter {
    target: Target,
    known: KnownHost,
    distrust: Distrust,
}

impl client::Handler for Greeter {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let (failure, accepted) = match self.never_taken(shown) {
            Some(failure) => (Some(failure), false),
            None => {
                let failure = self.judge(shown);
                let accepted = failure.is_none() || self.target.host_key_checking == Checking::Off;
                (failure, accepted)
            }
        };
        *self.distrust.lock().unwrap_or_else(PoisonError::into_inner) = failure;
        Ok(accepted)
    }
}

impl Greeter {
    /// For the handshake with a target; the second value tells afterwards why the key is not trusted.
    pub fn new(target: &Target, known: KnownHost) -> (Greeter, Distrust) {
        let distrust = Distrust::default();
        let greeter = Greeter {
            target: target.clone(),
            known,
            distrust: distrust.clone(),
        };
        (greeter, distrust)
    }

    /// Why a key is refused whatever is wanted, as `RevokedHostKeys` has it: without checking too.
    fn never_taken(&self, shown: &PublicKeyOrCertificate) -> Option<Failure> {
        let file = self.target.revoked_host_keys.as_ref()?;
        let host = format!("{} ({})", self.target.name, self.target.endpoint());
        let revoked = match revoked_keys::read(file) {
            Ok(revoked) => revoked,
            Err(reason) => {
                return Some(Failure::new(
                    FailureKind::HostKeyRevoked,
                    format!(
                        "the host key of {host} cannot be trusted: RevokedHostKeys names {}, and {reason}",
                        file.display()
                    ),
                    "mend the file, or take RevokedHostKeys out of the configuration of ssh",
                ));
            }
        };
        let authority = shown
            .certificate()
            .map(|certificate| PublicKey::new(certificate.signature_key().clone(), ""));
        let shown = [Some(shown.public_key()), authority];
        let mut shown = shown.iter().flatten();
        let is_revoked = shown.any(|key| revoked.iter().any(|one| one.key_data() == key.key_data()));
        is_revoked.then(|| {
            Failure::new(
                FailureKind::HostKeyRevoked,
                format!("{host} shows a host key that is revoked in {}", file.display()),
                REVOKED_CURE,
            )
        })
    }

    fn judge(&self, shown: &PublicKeyOrCertificate) -> Option<Failure> {
        let known = &self.known;
        let (key, verdict) = match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => (key.clone(), known.judge(key)),
            PublicKeyOrCertificate::Certificate(certificate) => {
                (plain_key(certificate), known.judge_certificate(certificate))
            }
        };
        match verdict {
            Verdict::Known => None,
            Verdict::Unknown => match self.target.host_key_checking {
                Checking::Strict => Some(self.unknown(&key)),
                Checking::AcceptNew => self.learn(&key),
                Checking::Off => None,
            },
            Verdict::Changed(file, line, before) => {
                let place = format!("{}:{line}", file.display());
                Some(self.changed(&key, &place, &before, &file.display().to_string()))
            }
            Verdict::Revoked(file, line) => Some(Failure::new(
                FailureKind::HostKeyRevoked,
                format!(
                    "{} ({}) shows a host key that is marked as revoked in {}:{line}",
                    self.target.name,
                    self.target.endpoint(),
                    file.display()
                ),
                REVOKED_CURE,
            )),
        }
    }

    fn name(&self) -> String {
        let host = self
            .target
            .host_key_alias
            .as_deref()
            .unwrap_or(&self.target.address);
        known_hosts::name(host, known_port(&self.target))
    }

    fn learn(&self, key: &PublicKey) -> Option<Failure> {
        let file = self.target.known_hosts.first()?;
        let host = self
            .target
            .host_key_alias
            .as_deref()
            .unwrap_or(&self.target.address);
        let written = known_hosts::learn(file, host, known_port(&self.target), key);
        written.err().map(|error| {
            let what = format!("the new host key cannot be written into {}", file.display());
            Failure::here(&what, &error)
        })
    }

    fn unknown(&self, key: &PublicKey) -> Failure {
        let Target {
            name,
            address,
            port,
            user,
            ..
        } = &self.target;
        Failure::new(
            FailureKind::HostKeyUnknown,
            format!(
                "the host key of {name} ({}) is not known: it shows {} {}",
                self.target.endpoint(),
                key.algorithm(),
                known_hosts::fingerprint(key)
            ),
            format!(
                "compare the fingerprint and accept it with `ssh -p {port} {user}@{address}`, or let Vent write down keys of new hosts: `ansible_ssh_common_args: -o StrictHostKeyChecking=accept-new`"
            ),
        )
    }

    fn changed(&self, key: &PublicKey, place: &str, before: &str, file: &str) -> Failure {
        Failure::new(
            FailureKind::HostKeyChanged,
            format!(
                "the host key of {} ({}) has changed: it shows {} {}, but {place} says {before}",
                self.target.name,
                self.target.endpoint(),
                key.algorithm(),
                known_hosts::fingerprint(key)
            ),
            format!(
                "somebody may be listening in, or the host was installed anew; only if you know that it was, type `ssh-keygen -R {} -f {file}` and run again",
                crate::words::quote(&self.name())
            ),
        )
    }
}

fn plain_key(certificate: &Certificate) -> PublicKey {
    PublicKey::new(certificate.public_key().clone(), "")
}
