//! Doors for `fuzz/`: what a host answers, without a host; what the files say about keys, without a server.

use super::failure::Failure;
use super::frame;
use super::job::{self, Job, JobEnd};
use super::known_hosts::KnownHost;
use super::revoked_keys;
use super::shell::{Output, collect};
use russh::keys::{Certificate, PublicKey};
use std::path::{Path, PathBuf};

pub use super::known_hosts::Verdict;
pub use super::wire::{NoHello, Piece, Pipes, Wire};

/// Asks by a shell that has said hello.
///
/// # Errors
/// As [`super::Shell::ask`].
pub async fn ask(wire: &mut Wire, script: &str) -> Result<Output, Failure> {
    let (nonce, parser) = wire.frame()?;
    wire.send(&frame::ask(&nonce, script)).await?;
    collect(wire, parser).await
}

/// Runs a job by a shell that has said hello.
///
/// # Errors
/// As [`super::Shell::job`].
pub async fn job(wire: &mut Wire, job: &Job) -> Result<JobEnd, Failure> {
    job::run(wire, job).await
}

/// What the files say about the key or certificate that a host shows, in the text of a `.pub` file; nothing if it is neither.
pub fn judge(files: &[PathBuf], host: &str, port: u16, shown: &str) -> Option<Verdict> {
    let known = KnownHost::read(files, host, port);
    known.algorithms();
    known.has_authority();
    match Certificate::from_openssh(shown) {
        Ok(certificate) => Some(known.judge_certificate(&certificate)),
        Err(_) => Some(known.judge(&PublicKey::from_openssh(shown).ok()?)),
    }
}

/// How many keys a file for `RevokedHostKeys` holds.
///
/// # Errors
/// Why the file tells nothing.
pub fn revoked(file: &Path) -> Result<usize, String> {
    revoked_keys::read(file).map(|keys| keys.len())
}
