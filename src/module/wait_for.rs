//! `wait_for`: until a port answers, a file is there, or a text stands in it.

use super::{Module, Outcome, Step, Stop, View};
use crate::host::{Action, quote};
use crate::value::Value;
use schemars::JsonSchema;
use serde::Deserialize;

/// Waits for something of the host.
pub(super) struct WaitFor;

/// What is waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    #[serde(alias = "stopped")]
    Absent,
    Drained,
    #[serde(alias = "present")]
    #[default]
    Started,
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
    /// An expression (as `grep -E` reads it) that must match in the file.
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
            "if command -v nc >/dev/null; then nc -z -w {seconds} {host} {port} </dev/null; \
             elif command -v bash >/dev/null; then timeout {seconds} bash -c ': </dev/tcp/'{host}'/{port}'; \
             elif command -v curl >/dev/null; then curl -s -m {seconds} telnet://{host}:{port} </dev/null; r=$?; [ $r = 0 ] || [ $r = 28 ] || [ $r = 56 ]; \
             else echo 'wait_for needs nc, bash or curl on the host' >&2; exit 3; fi"
        )
    }

    /// Shell text that succeeds when what is waited for has come.
    fn test(&self) -> Result<String, Stop> {
        let positive = self.state == State::Started;
        Ok(match (self.port, &self.path) {
            (Some(_), Some(_)) => {
                return Err(Stop::failed(
                    "port and path parameter can not both be passed to wait_for",
                ));
            }
            (None, None) => "false".into(),
            (Some(port), None) => match self.state {
                State::Started => self.connects(port),
                // Drained is what no established connection uses any more: state 01 in the kernel's table.
                State::Drained => {
                    format!("! grep -qiE ' [0-9A-F]+:{port:04X} [0-9A-F:]+ 01 ' /proc/net/tcp /proc/net/tcp6")
                }
                State::Absent => format!("! {{ {}; }}", self.connects(port)),
            },
            (None, Some(path)) => {
                let path = quote(path);
                let found = match &self.search_regex {
                    Some(pattern) => format!("grep -qE -e {} {path}", quote(pattern)),
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

impl Module for WaitFor {
    const NAMES: &'static [&'static str] = &["ansible.builtin.wait_for", "wait_for"];
    type Arguments = Arguments;
    const IGNORED: &'static [&'static str] = &["exclude_hosts", "active_connection_states"];

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
            .with(
                "state",
                if arguments.state == State::Started {
                    "started"
                } else {
                    "stopped"
                },
            );
        if let Some(performed) = view.performed().first() {
            if performed.unknown {
                return Ok(Step::done(outcome.with("elapsed", view.unknown())));
            }
            let outcome = outcome.with("elapsed", Value::Int(performed.seconds as i64));
            let text = performed.output.text();
            return Ok(Step::done(match text.trim() {
                "came" => outcome,
                "timeout" => outcome.failed(arguments.failure()),
                other => outcome.failed(other),
            }));
        }
        let (delay, sleep, timeout) = (arguments.delay, arguments.sleep, arguments.timeout);
        let script = if nothing {
            format!("sleep {timeout}; echo came")
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
