//! `validate_argument_spec`: arguments of a role, or any others, against the options that describe them.

mod choices;
mod convert;
mod level;
mod option;
mod relations;

use super::returns::Returns;
use super::{Module, Nature, Outcome, Step, Stop, View};
use crate::value::{Map, Value};
use level::Findings;
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// Fails unless arguments are as their options say.
pub(super) struct ValidateArgumentSpec;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// The options by name, as `options` of an entry point in `meta/argument_specs.yml`.
    argument_spec: Value,
    /// The arguments by name; they are stronger than variables of the same names.
    provided_arguments: Option<Value>,
    /// What the arguments belong to, for the result.
    validate_args_context: Option<Value>,
}

impl Module for ValidateArgumentSpec {
    const NAMES: &'static [&'static str] =
        &["ansible.builtin.validate_argument_spec", "validate_argument_spec"];
    type Arguments = Arguments;
    // As in Ansible, which looks at those it knows.
    const OPEN: bool = true;
    const RETURNS: &'static [Returns] = &[&[
        ("validate_args_context", "What the arguments belong to."),
        ("argument_errors", "What is wrong with them."),
        ("argument_spec_data", "The options, if something is wrong."),
    ]];
    const NATURE: Nature = Nature::WITHOUT_HOST;

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let options = mapping("argument_spec", &arguments.argument_spec)?;
        let mut given = Map::new();
        for name in options.keys() {
            if let Some(value) = view.control_node().variable(name)? {
                given.insert(name.clone(), value);
            }
        }
        if let Some(provided) = &arguments.provided_arguments {
            given.extend(mapping("provided_arguments", provided)?.clone());
        }
        let findings = Findings::of(options, &given);
        let context = arguments.validate_args_context.clone();
        let outcome = Outcome::new().changed(false).with(
            "validate_args_context",
            context.unwrap_or_else(|| Value::Map(Arc::default())),
        );
        if !findings.errors.is_empty() {
            let message = format!("Validation of arguments failed:\n{}", findings.errors.join("\n"));
            let outcome = outcome
                .with("msg", message.as_str())
                .with(
                    "argument_errors",
                    Value::list(findings.errors.iter().map(Value::string)),
                )
                .with("argument_spec_data", arguments.argument_spec.clone());
            return Err(Stop::FailedWith(Box::new(outcome.failed(message))));
        }
        match findings.unknown {
            Some(unknown) => Err(Stop::Undecided(unknown)),
            None => Ok(Step::done(outcome.with("msg", "The arg spec validation passed"))),
        }
    }
}

/// The entries of an argument that is a mapping.
fn mapping<'v>(name: &str, value: &'v Value) -> Result<&'v Map, Stop> {
    match value {
        Value::Map(map) => Ok(map),
        Value::Unknown(unknown) => Err(Stop::Undecided(unknown.clone())),
        other => Err(Stop::failed(format!(
            "Incorrect type for {name}, expected dict and got <class '{}'>",
            other.kind()
        ))),
    }
}
