//! `assert`: fails unless all conditions hold.

use super::returns::Returns;
use super::{Module, Nature, Outcome, Step, Stop, View};
use crate::value::{Template, Value};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// Fails unless all conditions hold.
pub(super) struct Assert;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// The conditions.
    that: Value,
    /// What to say when one does not hold.
    #[serde(alias = "msg")]
    fail_msg: Option<Value>,
    /// What to say when all hold.
    success_msg: Option<Value>,
    /// Say nothing unless asked (`-v`).
    #[serde(default)]
    quiet: bool,
}

impl Module for Assert {
    const NAMES: &'static [&'static str] = &["ansible.builtin.assert", "assert"];
    type Arguments = Arguments;
    const NATURE: Nature = Nature::WITHOUT_HOST;
    const RAW: &'static [&'static str] = &["that", "fail_msg", "msg", "success_msg"];
    const RETURNS: &'static [Returns] = &[&[
        ("assertion", "The condition that does not hold."),
        ("evaluated_to", "What it is, false."),
    ]];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let conditions = match &arguments.that {
            Value::List(items) => items.to_vec(),
            single => view.control_node().conditions(single),
        };
        let mut unknown = None;
        for condition in &conditions {
            match view.control_node().condition(condition)? {
                Value::Bool(true) => {}
                Value::Unknown(origin) => unknown = unknown.or(Some(origin)),
                _ => return Err(failed(arguments, condition, view)?),
            }
        }
        if let Some(unknown) = unknown {
            return Err(Stop::Undecided(unknown));
        }
        let message = match &arguments.success_msg {
            Some(message) => view.control_node().render(&template(message))?,
            None => "All assertions passed".into(),
        };
        let outcome = Outcome::new().changed(false).with("msg", message);
        Ok(Step::done(outcome.shown(!arguments.quiet)))
    }
}

/// A message as it was written: it is rendered only when it is said.
fn template(message: &Value) -> Value {
    match message {
        Value::String(text) => Value::Template(Arc::new(Template {
            text: text.clone(),
            place: None,
        })),
        Value::List(lines) => Value::list(lines.iter().map(template)),
        other => other.clone(),
    }
}

fn failed(arguments: &Arguments, condition: &Value, view: &View<'_>) -> Result<Stop, Stop> {
    let message = match &arguments.fail_msg {
        Some(message) => view.control_node().render(&template(message))?,
        None => "Assertion failed".into(),
    };
    let text = match &message {
        Value::List(lines) => lines
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join("\n"),
        other => other
            .as_str()
            .map_or_else(|| crate::value::repr(other), str::to_string),
    };
    let condition = condition.untrusted();
    let mut outcome = Outcome::new()
        .changed(false)
        .shown(!arguments.quiet)
        .with("assertion", condition)
        .with("evaluated_to", false);
    outcome.fields.insert("msg".into(), message);
    Ok(Stop::FailedWith(Box::new(outcome.failed(text))))
}
