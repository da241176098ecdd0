//! `ping`: the host answers and its shell works.

use super::{Module, Outcome, Step, Stop, View};
use schemars::JsonSchema;
use serde::Deserialize;

/// Asks the host for nothing but an answer.
pub(super) struct Ping;

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
