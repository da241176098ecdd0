//! `group_by`: groups out of what is known of the hosts.

use super::returns::Returns;
use super::{InventoryChange, Module, Nature, Outcome, Step, Stop, View};
use crate::value::Value;
use schemars::JsonSchema;
use serde::Deserialize;

/// Puts the host into a group that a value names.
pub(super) struct GroupBy;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// The name of the group, made if it is not there; spaces become dashes.
    key: String,
    /// Groups that the group belongs to, made if they are not there.
    #[serde(default = "all")]
    parents: Vec<String>,
}

fn all() -> Vec<String> {
    vec!["all".into()]
}

impl Module for GroupBy {
    const NAMES: &'static [&'static str] = &["ansible.builtin.group_by", "group_by"];
    type Arguments = Arguments;
    const NATURE: Nature = Nature {
        one_by_one: true,
        ..Nature::WITHOUT_HOST
    };
    const RETURNS: &'static [Returns] =
        &[&[("add_group", "The group."), ("parent_groups", "Groups above it.")]];

    fn step(arguments: &Arguments, _: &View<'_>) -> Result<Step, Stop> {
        let dashed = |name: &String| name.replace(' ', "-");
        let name = dashed(&arguments.key);
        if name.is_empty() {
            return Err(Stop::failed("the `key` is empty: a group needs a name"));
        }
        let parents: Vec<String> = arguments.parents.iter().map(dashed).collect();
        let mut outcome = Outcome::new()
            .with("add_group", name.as_str())
            .with("parent_groups", Value::list(parents.iter().map(Value::string)));
        outcome.inventory = Some(Box::new(InventoryChange::Group { name, parents }));
        Ok(Step::done(outcome))
    }
}
