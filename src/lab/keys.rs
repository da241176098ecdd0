//! The lab's key for logging in, the nodes' host keys, and the file that pins them.

use super::command;
use super::files::{make_file, text_or_empty};
use crate::error::{Error, Result};
use std::path::Path;

/// Makes an Ed25519 key pair (`path` and `path.pub`), unless it is there.
///
/// # Errors
/// What `ssh-keygen` says.
pub fn provide(path: &Path, comment: &str) -> Result<()> {
    if path.exists() && path.with_extension("pub").exists() {
        return Ok(());
    }
    // Half a pair is left of a killed run: ssh-keygen would ask whether to overwrite it.
    if path.exists() {
        std::fs::remove_file(path)
            .map_err(|cause| Error::new(format!("{} cannot be removed", path.display())).cause(cause))?;
    }
    let file = path.to_string_lossy();
    command::run(&[
        "ssh-keygen",
        "-q",
        "-t",
        "ed25519",
        "-N",
        "",
        "-C",
        comment,
        "-f",
        &file,
    ])
    .map(drop)
}

/// The public half of a pair, as one line.
///
/// # Errors
/// It is missing.
pub fn public(path: &Path) -> Result<String> {
    let text = text_or_empty(&path.with_extension("pub"));
    match text.trim() {
        "" => Err(Error::new(format!("{}.pub is missing", path.display()))
            .help("`vent lab down` and `vent lab up` make the lab and its keys anew")),
        line => Ok(line.to_string()),
    }
}

/// Writes `known_hosts`: each node's key under its name and its addresses.
///
/// # Errors
/// The file cannot be written.
pub fn pin(path: &Path, hosts: &[(Vec<String>, String)]) -> Result<()> {
    let lines: Vec<String> = hosts
        .iter()
        .map(|(names, key)| {
            let key: Vec<&str> = key.split_whitespace().take(2).collect();
            format!("{} {}\n", names.join(","), key.join(" "))
        })
        .collect();
    make_file(path, lines.concat(), 0o600)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_made_once_and_half_a_pair_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        provide(&path, "test").unwrap();
        let first = public(&path).unwrap();
        provide(&path, "test").unwrap();
        assert_eq!(public(&path).unwrap(), first);
        std::fs::remove_file(folder.path().join("key.pub")).unwrap();
        assert!(public(&path).is_err());
        provide(&path, "test").unwrap();
        assert_ne!(public(&path).unwrap(), first);
        let pins = folder.path().join("known_hosts");
        pin(
            &pins,
            &[(
                vec!["a".into(), "10.0.0.1".into()],
                "ssh-ed25519 AAAA words".into(),
            )],
        )
        .unwrap();
        assert_eq!(text_or_empty(&pins), "a,10.0.0.1 ssh-ed25519 AAAA\n");
    }
}
