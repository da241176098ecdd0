//! The arguments for ssh that inventories give (`ansible_ssh_common_args`).

use super::ssh_config::{self, SshConfig};
use crate::error::{Error, Result, nearest};
use std::path::PathBuf;

/// Settings that Vent understands.
const KNOWN: &[&str] = &[
    "challengeresponseauthentication",
    "connecttimeout",
    "globalknownhostsfile",
    "hostkeyalgorithms",
    "hostkeyalias",
    "hostname",
    "identitiesonly",
    "identityagent",
    "identityfile",
    "kbdinteractiveauthentication",
    "passwordauthentication",
    "port",
    "preferredauthentications",
    "proxycommand",
    "proxyjump",
    "pubkeyacceptedalgorithms",
    "pubkeyacceptedkeytypes",
    "pubkeyauthentication",
    "revokedhostkeys",
    "serveralivecountmax",
    "serveraliveinterval",
    "stricthostkeychecking",
    "user",
    "userknownhostsfile",
];

/// Settings that change nothing here: Vent keeps its own connections (Control…), never asks questions that
/// way, and never uses a terminal or forwarding.
const WITHOUT_EFFECT: &[&str] = &[
    "addkeystoagent",
    "batchmode",
    "checkhostip",
    "compression",
    "connectionattempts",
    "controlmaster",
    "controlpath",
    "controlpersist",
    "forwardagent",
    "forwardx11",
    "gssapiauthentication",
    "hashknownhosts",
    "ipqos",
    "loglevel",
    "numberofpasswordprompts",
    "requesttty",
    "sendenv",
    "tcpkeepalive",
    "updatehostkeys",
    "visualhostkey",
];

/// Reads arguments into settings; returns the configuration file if they name one.
///
/// # Errors
/// An argument or option that Vent does not know, or that lacks its value.
pub fn read(text: &str, settings: &mut SshConfig) -> Result<Option<PathBuf>> {
    let words = shlex::split(text).ok_or_else(|| {
        Error::new(format!("the arguments for ssh have an open quote: {text}")).help("close the quote")
    })?;
    let mut config = None;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let letters = word.strip_prefix('-').unwrap_or("");
        let Some(letter) = letters.chars().next() else {
            return Err(foreign(word));
        };
        if "46CTknqvxa".contains(letter) && letters.chars().all(|letter| "46CTknqvxa".contains(letter)) {
            continue;
        }
        let joined = &letters[letter.len_utf8()..];
        let mut value = || match joined {
            "" => words.next().cloned().ok_or_else(|| {
                Error::new(format!("the argument `{word}` for ssh lacks its value")).help("add the value")
            }),
            joined => Ok(joined.to_string()),
        };
        match letter {
            'o' => option(&value()?, settings)?,
            'i' => settings.push("identityfile", &value()?),
            'p' => settings.push("port", &value()?),
            'l' => settings.push("user", &value()?),
            'J' => settings.push("proxyjump", &value()?),
            'F' => config = Some(PathBuf::from(value()?)),
            _ => return Err(foreign(word)),
        }
    }
    Ok(config)
}

fn foreign(word: &str) -> Error {
    Error::new(format!("the argument `{word}` for ssh is not supported"))
        .help("Vent speaks SSH itself and knows -o, -i, -p, -l, -J and -F")
}

fn option(text: &str, settings: &mut SshConfig) -> Result<()> {
    let Some((name, value)) = ssh_config::split(text) else {
        return Err(
            Error::new(format!("the option `-o {text}` for ssh lacks its value")).help("write -o Name=value"),
        );
    };
    if KNOWN.contains(&name.as_str()) {
        settings.push(&name, value.trim_matches('"'));
        return Ok(());
    }
    if WITHOUT_EFFECT.contains(&name.as_str()) {
        return Ok(());
    }
    let shown = text.split(['=', ' ']).next().unwrap_or(text);
    let error = Error::new(format!("the option `-o {shown}` for ssh is not supported"));
    Err(error
        .help("Vent speaks SSH itself: take the option out, or set it for the host in another way")
        .did_you_mean(nearest(&name, KNOWN.iter().copied())))
}
