//! Writing the digests of publishers' files into the lock file, so that these files may be used.

use super::digest;
use super::download::{Failure, Tried};
use super::key::{Architecture, Key};
use super::lock::wrong_digest;
use super::manifest::Artifact;
use super::store::{OFFICIAL, Store, source_of};
use crate::error::{Error, Result};
use futures::StreamExt;

/// What became of locking publishers' files.
#[derive(Debug, Default)]
pub struct OfficialDigests {
    /// The files whose digests are new in the lock file, and their addresses.
    pub written: Vec<(Key, String)>,
    /// The files that could not be had: which, from where, and why.
    pub unavailable: Vec<(Key, String, String)>,
}

/// Downloads the publishers' files of artifacts, compares each with its publisher's checksum, and writes their
/// digests into the lock file. What no publisher offers is passed over.
///
/// # Errors
/// A file that is not what its publisher or the lock file says; then the lock file stays as it was.
pub async fn lock_official(
    store: &mut Store,
    artifacts: &[(Artifact, Architecture)],
) -> Result<OfficialDigests> {
    let asked = artifacts.iter().filter_map(|(artifact, arch)| {
        let offer = artifact.official.as_ref()?;
        let key = artifact.key(*arch);
        let from = source_of(artifact, offer, &key);
        let store = &*store;
        Some(async move {
            let digest = digest_of(store, artifact, &key).await;
            (key, from, digest)
        })
    });
    let asked: Vec<_> = futures::stream::iter(asked).buffered(4).collect().await;
    let mut done = OfficialDigests::default();
    for (key, from, digest) in asked {
        match digest {
            Ok(digest) => match store.lock.digest(&key, OFFICIAL) {
                Some(locked) if locked == digest => {}
                Some(locked) => return Err(wrong_digest(&key, locked, &digest, &from)),
                None => {
                    store.lock.set(&key, OFFICIAL, &digest);
                    done.written.push((key, from));
                }
            },
            Err(Failure::Unavailable(why)) => done.unavailable.push((key, from, why)),
            Err(Failure::Fatal(error)) => return Err(error),
        }
    }
    store.lock.save()?;
    Ok(done)
}

/// The digest of a publisher's file.
async fn digest_of(store: &Store, artifact: &Artifact, key: &Key) -> Tried<String> {
    let Some(offer) = &artifact.official else {
        return Err(Failure::Unavailable("no publisher offers it".to_string()));
    };
    let name = format!("{}-{}-{}.official", key.name, key.version, key.platform());
    let part = store.cache.workshop()?.join(name);
    let digest = match store.ask_publisher(artifact, offer, key, &part).await {
        Ok(()) => digest::sha256(&part).map_err(Failure::from),
        Err(failure) => Err(failure),
    };
    // Absent where the download failed.
    let _ = std::fs::remove_file(&part);
    digest
}

impl OfficialDigests {
    /// The error that names what could not be had; `None` if all could.
    pub fn missing(&self) -> Option<Error> {
        let (first, others) = self.unavailable.split_first()?;
        let cause = |(key, from, why): &(Key, String, String)| format!("{key}: {from}: {why}");
        let error = Error::new(format!(
            "{} official files could not be had, so their digests are not locked",
            self.unavailable.len()
        ));
        let error = others
            .iter()
            .map(cause)
            .fold(error.cause(cause(first)), Error::cause);
        Some(error.help(
            "run this where the publishers' addresses are reached; programs without a locked official file are built from their pinned sources",
        ))
    }
}
