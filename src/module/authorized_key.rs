//! `authorized_key` and `known_hosts`: keys of SSH.

use super::blockinfile::State;
use super::place::{lines_of, text_of};
use super::returns::{FILE, Returns};
use super::{Module, Outcome, Step, Stop, View};
use crate::content::Content;
use crate::host::{Action, Attributes};
use crate::value::Value;
use schemars::JsonSchema;
use serde::Deserialize;

/// Keeps keys that may log in.
pub(super) struct AuthorizedKey;
/// Keeps keys of other machines.
pub(super) struct KnownHosts;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// The account.
    user: String,
    /// The keys, one a line.
    key: String,
    /// Whether they should be there.
    #[serde(default)]
    state: State,
    /// The file; the default is the account's own.
    path: Option<String>,
    /// Make the folder of the file.
    #[serde(default = "yes")]
    manage_dir: bool,
    /// Options before the keys.
    key_options: Option<String>,
    /// Remove all other keys.
    #[serde(default)]
    exclusive: bool,
    /// Comment behind the keys.
    comment: Option<String>,
    /// Verify certificates; without effect, since keys are not fetched.
    #[serde(default = "yes")]
    validate_certs: bool,
}

fn yes() -> bool {
    true
}

/// A line of the file: options, kind, key, comment.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    options: String,
    kind: String,
    key: String,
    comment: String,
}

impl Key {
    fn read(line: &str) -> Option<Key> {
        let known =
            |word: &str| word.starts_with("ssh-") || word.starts_with("ecdsa-") || word.starts_with("sk-");
        let line = line.trim();
        if line.starts_with('#') {
            return None;
        }
        let mut quoted = false;
        let split = |c: char| {
            quoted ^= c == '"';
            c.is_whitespace() && !quoted
        };
        let words: Vec<&str> = line.split(split).filter(|word| !word.is_empty()).collect();
        let at = words.iter().position(|word| known(word)).filter(|at| *at < 2)?;
        Some(Key {
            options: words[..at].join(" "),
            kind: words[at].into(),
            key: (*words.get(at + 1)?).into(),
            comment: words[at + 2..].join(" "),
        })
    }

    fn line(&self) -> String {
        let words = [&self.options, &self.kind, &self.key, &self.comment];
        let words: Vec<&str> = words
            .iter()
            .map(|word| word.as_str())
            .filter(|word| !word.is_empty())
            .collect();
        words.join(" ")
    }
}

impl Arguments {
    fn edited(&self, text: &str, wanted: &[Key]) -> String {
        let mut lines: Vec<String> = vec![];
        let mut missing: Vec<&Key> = wanted.iter().collect();
        for line in lines_of(text) {
            let Some(key) = Key::read(line) else {
                lines.push(line.into());
                continue;
            };
            let same = wanted.iter().find(|other| other.key == key.key);
            match (same, self.state) {
                (Some(_), State::Absent) => {}
                (None, _) if self.exclusive => {}
                (None, _) => lines.push(line.into()),
                (Some(other), State::Present) => {
                    missing.retain(|key| key.key != other.key);
                    let fits = (self.key_options.is_none() || key.options == other.options)
                        && (self.comment.is_none() || key.comment == other.comment);
                    lines.push(if fits { line.into() } else { other.line() });
                }
            }
        }
        if self.state == State::Present {
            lines.extend(missing.iter().map(|key| key.line()));
        }
        lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

impl Arguments {
    fn told(&self, keyfile: &str) -> Outcome {
        let text = |text: &Option<String>| text.as_deref().map(Value::string);
        let outcome = Outcome::new()
            .with("user", self.user.as_str())
            .with("key", self.key.as_str())
            .with("key_options", text(&self.key_options))
            .with("comment", text(&self.comment))
            .with("keyfile", keyfile)
            .with("path", text(&self.path))
            .with("exclusive", self.exclusive)
            .with("manage_dir", self.manage_dir)
            .with("validate_certs", self.validate_certs)
            .with("state", format!("{:?}", self.state).to_lowercase());
        match &self.path {
            Some(path) => outcome.of(path.as_str()),
            None => outcome,
        }
    }
}

impl Module for AuthorizedKey {
    const NAMES: &'static [&'static str] = &["ansible.posix.authorized_key", "authorized_key"];
    type Arguments = Arguments;
    const PATHS: &'static [&'static str] = &["path"];
    const IGNORED: &'static [&'static str] = &["follow"];
    const RETURNS: &'static [Returns] = &[
        FILE,
        &[
            ("user", "The account."),
            ("key", "The keys."),
            ("key_options", "Options before the keys."),
            ("comment", "Comment behind the keys."),
            ("keyfile", "The file."),
            (
                "path",
                "The file, if it was named; then `owner`, `mode` and so on describe it.",
            ),
            ("exclusive", "Whether all other keys were to go."),
            ("manage_dir", "Whether the folder was to be made."),
            ("validate_certs", "Whether certificates were to be verified."),
        ],
    ];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let account = view.account(&arguments.user)?;
        let path = match (&arguments.path, &account) {
            (Some(path), _) => path.clone(),
            (None, Some(account)) => format!("{}/.ssh/authorized_keys", account.home),
            (None, None) => return Err(Stop::failed(format!("Failed to lookup user {}", arguments.user))),
        };
        let mut wanted = vec![];
        for line in arguments
            .key
            .lines()
            .filter(|line| !line.trim().is_empty() && !line.trim().starts_with('#'))
        {
            let mut key =
                Key::read(line).ok_or_else(|| Stop::failed(format!("invalid key specified: {line}")))?;
            key.options = arguments.key_options.clone().unwrap_or(key.options);
            key.comment = arguments.comment.clone().unwrap_or(key.comment);
            wanted.push(key);
        }
        let folder = path.rsplit_once('/').map_or("/", |split| split.0).to_string();
        let text = text_of(&path, view)?;
        let edited = arguments.edited(text.as_deref().unwrap_or_default(), &wanted);
        let outcome = arguments.told(&path);
        if edited == text.as_deref().unwrap_or_default() {
            return Ok(Step::done(outcome));
        }
        let owned = |mode| Attributes {
            mode: Some(mode),
            owner: Some(arguments.user.clone()),
            group: account.as_ref().map(|account| match account.groups.first() {
                Some(name) => name.clone(),
                None => account.gid.to_string(),
            }),
        };
        let mut actions = vec![];
        if arguments.manage_dir && view.stat(&folder, true)?.is_none() {
            actions.push(Action::MakeFolder {
                path: folder,
                attributes: owned(0o700),
            });
        }
        actions.push(Action::WriteFile {
            path,
            content: Content::text(edited),
            attributes: if text.is_none() {
                owned(0o600)
            } else {
                Attributes::default()
            },
            validate: None,
            backup: false,
            unsafe_writes: false,
        });
        Ok(Step::Finish(actions, outcome))
    }
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct HostArguments {
    /// The machine, as it is called.
    #[serde(alias = "host")]
    name: String,
    /// Its line: name, kind, key.
    key: Option<String>,
    /// The file.
    path: Option<String>,
    /// Whether it should be there.
    #[serde(default)]
    state: State,
    /// Hash the name; not supported.
    #[serde(default)]
    hash_host: bool,
}

impl Module for KnownHosts {
    const NAMES: &'static [&'static str] = &["ansible.builtin.known_hosts", "known_hosts"];
    type Arguments = HostArguments;
    const RETURNS: &'static [Returns] = &[
        FILE,
        &[
            ("name", "The machine."),
            ("key", "Its line."),
            ("path", "The file, which `owner`, `mode` and so on describe."),
            ("hash_host", "False: names are written in clear."),
        ],
    ];

    fn step(arguments: &HostArguments, view: &View<'_>) -> Result<Step, Stop> {
        if arguments.hash_host {
            return Err(Stop::failed(
                "hash_host is not supported: write the name in clear",
            ));
        }
        let path = match &arguments.path {
            Some(path) => match path.strip_prefix("~/") {
                Some(below) => format!("{}/{below}", home(view)?),
                None => path.clone(),
            },
            None => format!("{}/.ssh/known_hosts", home(view)?),
        };
        let text = text_of(&path, view)?;
        let named = |line: &str| {
            let names = line.split_whitespace().next().unwrap_or_default();
            names.split(',').any(|name| name == arguments.name)
        };
        let kind = |line: &str| line.split_whitespace().nth(1).unwrap_or_default().to_string();
        let mut lines: Vec<String> = vec![];
        let mut found = false;
        let wanted = match (&arguments.key, arguments.state) {
            (Some(key), State::Present) if named(key) => Some(key.trim().to_string()),
            (Some(_), State::Present) => {
                return Err(Stop::failed(
                    "Host parameter does not match hashed host field in supplied key",
                ));
            }
            (None, State::Present) => return Err(Stop::failed("No key specified when adding a host")),
            (_, State::Absent) => None,
        };
        for line in lines_of(text.as_deref().unwrap_or_default()) {
            match &wanted {
                _ if !named(line) => lines.push(line.into()),
                None => {}
                Some(key) if kind(line) == kind(key) => {
                    if !found {
                        lines.push(key.clone());
                    }
                    found = true;
                }
                Some(_) => lines.push(line.into()),
            }
        }
        lines.extend(wanted.filter(|_| !found));
        let edited: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let outcome = Outcome::new()
            .of(path.as_str())
            .with("name", arguments.name.as_str())
            .with("key", arguments.key.as_deref().map(Value::string))
            .with("path", path.as_str())
            .with("hash_host", false);
        if edited == text.as_deref().unwrap_or_default() {
            return Ok(Step::done(outcome));
        }
        let mut actions = vec![];
        let folder = path.rsplit_once('/').map_or("/", |split| split.0).to_string();
        if view.stat(&folder, true)?.is_none() {
            let attributes = Attributes {
                mode: Some(0o700),
                ..Attributes::default()
            };
            actions.push(Action::MakeFolder {
                path: folder,
                attributes,
            });
        }
        actions.push(Action::WriteFile {
            path,
            content: Content::text(edited),
            attributes: Attributes::default(),
            validate: None,
            backup: false,
            unsafe_writes: false,
        });
        Ok(Step::Finish(actions, outcome))
    }
}

/// The home folder of the account that asks.
fn home(view: &View<'_>) -> Result<String, Stop> {
    let account = view.account(view.user())?;
    account
        .map(|account| account.home)
        .ok_or_else(|| Stop::failed("the home folder of the account is not known: give `path`"))
}
