//! `fail`: fails with a message.

use super::{Module, Nature, Step, Stop, View};
use schemars::JsonSchema;
use serde::Deserialize;

/// Fails with a message.
pub(super) struct Fail;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// What to say.
    msg: Option<String>,
}

impl Module for Fail {
    const NAMES: &'static [&'static str] = &["ansible.builtin.fail", "fail"];
    type Arguments = Arguments;
    const NATURE: Nature = Nature::WITHOUT_HOST;

    fn step(arguments: &Arguments, _: &View<'_>) -> Result<Step, Stop> {
        Err(Stop::failed(
            arguments
                .msg
                .as_deref()
                .unwrap_or("Failed as requested from task"),
        ))
    }
}
