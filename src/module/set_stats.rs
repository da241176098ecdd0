//! `set_stats`: figures of a run, as the events carry them.

use super::returns::Returns;
use super::{Module, Nature, Outcome, Step, Stop, View};
use crate::value::Value;
use schemars::JsonSchema;
use serde::Deserialize;

/// Notes figures of the run.
pub(super) struct SetStats;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// Names and values.
    data: Value,
    /// They belong to the host, not to the run.
    #[serde(default)]
    per_host: bool,
    /// Add to what is there.
    #[serde(default = "yes")]
    aggregate: bool,
}

fn yes() -> bool {
    true
}

impl Module for SetStats {
    const NAMES: &'static [&'static str] = &["ansible.builtin.set_stats", "set_stats"];
    type Arguments = Arguments;
    const RETURNS: &'static [Returns] = &[&[
        ("ansible_stats", "The figures."),
        ("ansible_stats.data", "Their names and values."),
        ("ansible_stats.per_host", "Whether they belong to the host."),
        (
            "ansible_stats.aggregate",
            "Whether they are added to what is there.",
        ),
    ]];
    const NATURE: Nature = Nature::WITHOUT_HOST;

    fn step(arguments: &Arguments, _: &View<'_>) -> Result<Step, Stop> {
        if arguments.data.as_map().is_none() {
            return Err(Stop::failed("The 'data' option needs to be a dictionary/hash"));
        }
        let stats = Value::map([
            ("data", arguments.data.clone()),
            ("per_host", arguments.per_host.into()),
            ("aggregate", arguments.aggregate.into()),
        ]);
        Ok(Step::done(
            Outcome::new().changed(false).with("ansible_stats", stats),
        ))
    }
}
