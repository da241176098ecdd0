//! The hosts that a pattern of the command line chooses.

use crate::cli::say;
use crate::error::{Error, Result};
use crate::inventory::{Inventory, LOCALHOST, pattern};
use crate::model::configuration::Mismatch;
use crate::source::{Place, Source};
use crate::value::Value;
use std::sync::Arc;

/// The hosts of a pattern; what names nobody is warned of.
///
/// # Errors
/// A pattern that cannot be read.
pub fn chosen(inventory: &Inventory, text: &str, mismatch: Mismatch) -> Result<Vec<Arc<str>>> {
    let place = Place::new(&Source::named("<pattern>", text.to_string()), 0..text.len());
    let value = Value::string(text);
    for error in mismatch.judged(pattern::unmatched(inventory, &value, &place)?)? {
        say(&format!("[WARNING]: {}", error.message()));
    }
    pattern::hosts(inventory, &value, &place)
}

/// What comes of hosts that are not there.
#[derive(Clone, Copy, Debug)]
pub struct MissingHosts {
    /// An inventory without any is warned of (`localhost_warning`).
    pub warns_of_empty: bool,
    /// What comes of patterns that match none.
    pub mismatch: Mismatch,
}

/// The hosts of a pattern that `--limit` leaves; that nobody is left is warned of.
///
/// # Errors
/// A pattern that cannot be read, a limit that leaves nobody.
pub fn limited(
    inventory: &Inventory,
    text: &str,
    limit: Option<&str>,
    missing: MissingHosts,
) -> Result<Vec<Arc<str>>> {
    if inventory.hosts.is_empty() {
        if missing.warns_of_empty && !LOCALHOST.contains(&text) {
            say(
                "[WARNING]: provided hosts list is empty, only localhost is available. Note that the implicit localhost does not match 'all'",
            );
        }
        return chosen(inventory, text, missing.mismatch);
    }
    let hosts = chosen(inventory, text, missing.mismatch)?;
    let Some(limit) = limit else {
        if hosts.is_empty() {
            say("[WARNING]: No hosts matched, nothing to do");
        }
        return Ok(hosts);
    };
    let nobody =
        || Error::new("Specified inventory, host pattern and/or --limit leaves us with no hosts to target.");
    let limited = pattern::limit(inventory, limit).map_err(|error| nobody().cause(error.message()))?;
    for error in missing.mismatch.judged(limited.unmatched.clone())? {
        say(&format!("[WARNING]: {}", error.message()));
    }
    let left: Vec<_> = hosts
        .into_iter()
        .filter(|host| limited.hosts.contains(host))
        .collect();
    match left.is_empty() {
        true => Err(nobody()),
        false => Ok(left),
    }
}
