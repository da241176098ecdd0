//! Waits until a machine answers over SSH with the host key it is known by.

use crate::error::{Error, Result};
use russh::client;
use russh::keys::{Algorithm, PublicKeyOrCertificate};
use russh::{Preferred, client::Config};
use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The pause between two tries.
const PAUSE: Duration = Duration::from_secs(2);
/// How long one try may take.
const TRY: Duration = Duration::from_secs(10);

/// Notes the key that a server shows.
struct Noting(Arc<Mutex<Option<String>>>);

impl client::Handler for Noting {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        shown: &PublicKeyOrCertificate,
    ) -> std::result::Result<bool, russh::Error> {
        if let PublicKeyOrCertificate::PublicKey { key, .. } = shown {
            let text = key.to_openssh().unwrap_or_default();
            let words: Vec<&str> = text.split_whitespace().take(2).collect();
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(words.join(" "));
        }
        // The handshake goes on to its end, which proves that the server holds the key.
        Ok(true)
    }
}

/// Waits until the machine `name` proves at `address` that it holds `key` (kind and blob), or any key where none
/// is known; the key it holds.
///
/// # Errors
/// When it does not answer so within `limit`.
pub async fn wait(
    name: &str,
    address: &str,
    port: u16,
    key: Option<&str>,
    limit: Duration,
) -> Result<String> {
    let start = Instant::now();
    loop {
        let problem = match tokio::time::timeout(TRY, shown(address, port, key)).await {
            Ok(Ok(shown)) if key.is_none_or(|key| shown == key) => return Ok(shown),
            Ok(Ok(_)) => "it shows another host key than the one it was given".to_string(),
            Ok(Err(problem)) => problem,
            Err(_) => "it does not answer".to_string(),
        };
        if start.elapsed() + PAUSE > limit {
            return Err(Error::new(format!(
                "{name} ({address}:{port}) did not answer over SSH within {} seconds",
                limit.as_secs()
            ))
            .cause(problem)
            .help(
                "look at its console: whether it runs, whether cloud-init has ended, whether `management_cidrs` lets \
                 this computer in; then run again, which goes on waiting, or remove it and have it made anew",
            ));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The key that a server proves to hold.
async fn shown(address: &str, port: u16, key: Option<&str>) -> std::result::Result<String, String> {
    let noted = Arc::new(Mutex::new(None));
    let kind = key.and_then(|key| key.split_whitespace().next());
    let mut preferred = Preferred::DEFAULT;
    if let Ok(algorithm) = kind.unwrap_or("ssh-ed25519").parse::<Algorithm>() {
        preferred.key = Cow::Owned(vec![algorithm]);
    }
    let config = Config {
        preferred,
        ..Config::default()
    };
    let handler = Noting(noted.clone());
    let session = client::connect(Arc::new(config), (address, port), handler)
        .await
        .map_err(|error| error.to_string())?;
    let _ = session
        .disconnect(russh::Disconnect::ByApplication, "", "en")
        .await;
    let shown = noted.lock().unwrap_or_else(PoisonError::into_inner).take();
    shown.ok_or_else(|| "it shows no host key".to_string())
}
