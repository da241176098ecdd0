//! The journal: the events of every run as lines of JSON, the last twenty runs are kept.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

const KEPT: usize = 20;

/// The folder of the journals: `$XDG_STATE_HOME/vent/runs`.
pub fn folder() -> Option<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let state = state.or_else(|| Some(std::env::home_dir()?.join(".local/state")))?;
    Some(state.join("vent/runs"))
}

/// A new journal; `None` where none can be written: a run does not fail for it.
pub fn open() -> Option<File> {
    let folder = folder()?;
    std::fs::create_dir_all(&folder).ok()?;
    let mut old: Vec<PathBuf> = std::fs::read_dir(&folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    old.sort();
    for path in old.iter().take(old.len().saturating_sub(KEPT - 1)) {
        let _ = std::fs::remove_file(path);
    }
    let name = format!(
        "{}-{}.jsonl",
        jiff::Zoned::now().strftime("%Y%m%dT%H%M%S"),
        std::process::id()
    );
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(folder.join(name))
        .ok()
}
