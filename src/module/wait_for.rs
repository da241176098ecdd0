//! `wait_for`: until a port answers, a file is there, or a text stands in it.

use super::python_regex::{compile, search};
use super::returns::{FILE, Returns};
use super::{Module, Outcome, Step, Stop, View};
use crate::host::{Action, quote};
use crate::value::{Map, Value};
use schemars::JsonSchema;
use serde::Deserialize;

/// Waits for something of the host.
pub(super) struct WaitFor;

/// What is waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Absent,
    Drained,
    Present,
    #[default]
    Started,
    Stopped,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// The machine whose port is tried, seen from the host.
    #[serde(default = "local")]
    host: String,
    /// The port.
    port: Option<u16>,
    /// The file.
    path: Option<String>,
    /// What is waited for.
    #[serde(default)]
    state: State,
    /// An expression (as `grep -P` reads it, or `-E` where that is missing) that must match in the file.
    search_regex: Option<String>,
    /// Seconds until it has failed.
    #[serde(default = "timeout")]
    timeout: u64,
    /// Seconds before the first look.
    #[serde(default)]
    delay: u64,
    /// Seconds between two looks.
    #[serde(default = "one")]
    sleep: u64,
    /// Seconds for one connection.
    #[serde(default = "five")]
    connect_timeout: u64,
    /// The message when it has failed.
    msg: Option<String>,
}

fn local() -> String {
    "127.0.0.1".into()
}

fn timeout() -> u64 {
    300
}

fn one() -> u64 {
    1
}

fn five() -> u64 {
    5
}

impl Arguments {
    /// Shell text that succeeds when the port answers. There is no one program that every machine has for it.
    fn connects(&self, port: u16) -> String {
        let (host, seconds) = (quote(&self.host), self.connect_timeout);
        format!(
            "if command -v nc >/dev/null; then nc -z -w {seconds} -- {host} {port} </dev/null; \
             elif command -v bash >/dev/null; then timeout {seconds} bash -c ': <\"/dev/tcp/$1/$2\"' bash {host} {port}; \
             elif command -v curl >/dev/null; then curl -g -s -m {seconds} telnet://{host}:{port} </dev/null; r=$?; [ $r = 0 ] || [ $r = 28 ] || [ $r = 56 ]; \
             else echo 'wait_for needs nc, bash or curl on the host' >&2; exit 3; fi"
        )
    }

    /// Shell text that succeeds when what is waited for has come.
    fn test(&self) -> Result<String, Stop> {
        let positive = matches!(self.state, State::Started | State::Present);
        Ok(match (self.port, &self.path) {
            (Some(_), Some(_)) => {
                return Err(Stop::failed(
                    "port and path parameter can not both be passed to wait_for",
                ));
            }
            (None, None) => "false".into(),
            (Some(_), None) if self.search_regex.is_some() => {
                return Err(Stop::failed("search_regex is only supported with path"));
            }
            (Some(port), None) => match self.state {
                State::Started | State::Present => self.connects(port),
                // Drained is what no established connection uses any more: state 01 in the kernel's table.
                State::Drained => {
                    format!("! grep -qiE ' [0-9A-F]+:{port:04X} [0-9A-F:]+ 01 ' /proc/net/tcp /proc/net/tcp6")
                }
                State::Absent | State::Stopped => format!("! {{ {}; }}", self.connects(port)),
            },
            (None, Some(path)) => {
                let path = quote(path);
                let found = match &self.search_regex {
                    // Perl's expressions are nearly Python's, but not every grep knows them.
                    Some(pattern) => format!(
                        "grep -q$(printf x | grep -qP x 2>/dev/null && echo P || echo E) -e {} {path}",
                        quote(pattern)
                    ),
                    None => format!("[ -e {path} ]"),
                };
                if positive { found } else { format!("! {found}") }
            }
        })
    }

    fn failure(&self) -> String {
        if let Some(message) = &self.msg {
            return message.clone();
        }
        match (self.port, &self.path) {
            (Some(port), _) => format!("Timeout when waiting for {}:{port}", self.host),
            (None, Some(path)) => match &self.search_regex {
                Some(pattern) => format!("Timeout when waiting for search string {pattern} in {path}"),
                None => format!("Timeout when waiting for file {path}"),
            },
            (None, None) => "Timeout".into(),
        }
    }
}

/// The longest file in which a match is looked up for the result.
const LIMIT: u64 = 16 << 20;

impl Arguments {
    /// What is told when it has come: the file, and the groups of the match in it.
    fn came(&self, outcome: Outcome, view: &View<'_>) -> Result<Outcome, Stop> {
        let (mut groups, mut named) = (vec![], Map::new());
        let outcome = match &self.path {
            Some(path) => outcome.of(path.as_str()),
            None => outcome,
        };
        if let (Some(path), Some(pattern)) = (&self.path, &self.search_regex)
            && let Some(content) = view.content(path, LIMIT)?
        {
            let regex = compile(pattern, "m")?;
            let text = String::from_utf8_lossy(&content).into_owned();
            let text_of =
                |group: Option<fancy_regex::Match>| group.map(|found| Value::string(found.as_str()));
            if let Some(found) = search(&regex, &text)? {
                groups.extend(found.iter().skip(1).map(|group| Value::from(text_of(group))));
                let names = regex.capture_names().flatten();
                named.extend(names.map(|name| (name.into(), Value::from(text_of(found.name(name))))));
            }
        }
        Ok(outcome
            .with("match_groups", Value::list(groups))
            .with("match_groupdict", Value::Map(named.into())))
    }
}

impl Module for WaitFor {
    const NAMES: &'static [&'static str] = &["ansible.builtin.wait_for", "wait_for"];
    type Arguments = Arguments;
    const PATHS: &'static [&'static str] = &["path"];
    const IGNORED: &'static [&'static str] = &["exclude_hosts", "active_connection_states"];
    const RETURNS: &'static [Returns] = &[
        FILE,
        &[
            (
                "path",
                "The file; with `port` there is none, and `state` is what was waited for.",
            ),
            ("port", "The port."),
            ("search_regex", "The expression."),
            ("elapsed", "Seconds it took."),
            ("match_groups", "The groups of the match."),
            ("match_groupdict", "The groups of the match that have names."),
        ],
    ];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let nothing = arguments.port.is_none() && arguments.path.is_none();
        let outcome = Outcome::new()
            .changed(false)
            .with("port", arguments.port.map(i64::from))
            .with("path", arguments.path.as_deref().map(Value::string))
            .with(
                "search_regex",
                arguments.search_regex.as_deref().map(Value::string),
            )
            .with("state", format!("{:?}", arguments.state).to_lowercase());
        if let Some(performed) = view.performed().first() {
            if performed.unknown {
                let names = ["elapsed", "match_groups", "match_groupdict"];
                let unknown = |outcome: Outcome, name: &&str| outcome.with(name, view.unknown());
                return Ok(Step::done(names.iter().fold(outcome, unknown)));
            }
            let outcome = outcome.with("elapsed", Value::Int(performed.seconds as i64));
            let text = performed.output.text();
            return Ok(Step::done(match text.trim() {
                "came" => arguments.came(outcome, view)?,
                "timeout" => outcome.failed(arguments.failure()),
                other => outcome.failed(other),
            }));
        }
        let (delay, sleep, timeout) = (arguments.delay, arguments.sleep, arguments.timeout);
        let script = if nothing {
            format!("sleep {}; echo came", delay.saturating_add(timeout))
        } else {
            format!(
                "sleep {delay}; end=$(($(date +%s) + {timeout})); while :; do \
                 m=$( ( {} ) 2>&1 ); r=$?; [ $r = 0 ] && {{ echo came; exit 0; }}; [ $r = 3 ] && {{ echo \"$m\"; exit 0; }}; \
                 [ $(date +%s) -ge $end ] && {{ echo timeout; exit 0; }}; sleep {sleep}; done",
                arguments.test()?
            )
        };
        let what = match (arguments.port, &arguments.path) {
            (Some(port), _) => format!("{}:{port}", arguments.host),
            (None, Some(path)) => path.clone(),
            (None, None) => format!("{timeout} seconds"),
        };
        Ok(Step::Act(vec![Action::Script {
            script,
            explain: format!("# wait for {what}"),
            effects: vec![],
        }]))
    }
}
