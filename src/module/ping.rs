//! `ping` and `wait_for_connection`: the host answers and its shell works.

use super::{Module, Outcome, Step, Stop, View};
use schemars::JsonSchema;
use serde::Deserialize;

/// Asks the host for nothing but an answer.
pub(super) struct Ping;

/// Goes on when the host answers.
pub(super) struct WaitForConnection;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// What is answered; `crash` fails.
    #[serde(default = "pong")]
    data: String,
}

fn pong() -> String {
    "pong".into()
}

impl Module for Ping {
    const NAMES: &'static [&'static str] = &["ansible.builtin.ping", "ping"];
    type Arguments = Arguments;

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        if arguments.data == "crash" {
            return Err(Stop::failed("boom"));
        }
        view.probe("printf pong", &[])?;
        Ok(Step::done(
            Outcome::new()
                .changed(false)
                .with("ping", arguments.data.as_str()),
        ))
    }
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct ConnectionArguments {}

impl Module for WaitForConnection {
    const NAMES: &'static [&'static str] = &["ansible.builtin.wait_for_connection", "wait_for_connection"];
    type Arguments = ConnectionArguments;
    const IGNORED: &'static [&'static str] = &["timeout", "delay", "sleep", "connect_timeout"];

    fn step(_: &ConnectionArguments, view: &View<'_>) -> Result<Step, Stop> {
        // The connection itself is the engine's; that it carries an answer is all there is to see here.
        view.probe("printf pong", &[])?;
        Ok(Step::done(
            Outcome::new()
                .changed(false)
                .with("elapsed", crate::value::Value::Int(0)),
        ))
    }
}
