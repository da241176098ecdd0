//! `ping` and `wait_for_connection`: the host answers and its shell works.

use super::returns::Returns;
use super::{Module, Nature, Outcome, Step, Stop, View, arguments};
use crate::value::Value;
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
    const RETURNS: &'static [Returns] = &[&[("ping", "The `data`.")]];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        if arguments.data == "crash" {
            // What Ansible says of a module that ends by an exception.
            return Err(Stop::failed("Task failed: Module failed: boom"));
        }
        view.probe("printf pong", &[])?;
        Ok(Step::done(
            Outcome::new()
                .changed(false)
                .with("ping", arguments.data.as_str()),
        ))
    }
}

/// How long `wait_for_connection` waits. The waiting is the engine's, since a module has its host already.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Patience {
    /// Seconds until it has failed.
    #[serde(default = "ten_minutes")]
    pub timeout: u64,
    /// Seconds before the first try.
    #[serde(default)]
    pub delay: u64,
    /// Seconds between two tries.
    #[serde(default = "one")]
    pub sleep: u64,
    /// Seconds for one try.
    #[serde(default = "five")]
    pub connect_timeout: u64,
}

fn ten_minutes() -> u64 {
    600
}

fn one() -> u64 {
    1
}

fn five() -> u64 {
    5
}

impl Module for WaitForConnection {
    const NAMES: &'static [&'static str] = &["ansible.builtin.wait_for_connection", "wait_for_connection"];
    type Arguments = Patience;
    const RETURNS: &'static [Returns] = &[&[("elapsed", "Seconds until the host answered.")]];
    const NATURE: Nature = Nature {
        patience: Some(|value| arguments::read::<WaitForConnection>(value).ok()),
        ..Nature::OF_A_HOST
    };

    fn step(_: &Patience, view: &View<'_>) -> Result<Step, Stop> {
        view.probe("printf pong", &[])?;
        // The engine, which waits, puts its seconds in place of this.
        Ok(Step::done(
            Outcome::new().changed(false).with("elapsed", Value::Int(0)),
        ))
    }
}
