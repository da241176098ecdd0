//! `debug`: shows a message or a variable.

use super::returns::Returns;
use super::{Module, Nature, Outcome, Step, Stop, View};
use crate::value::{Template, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use std::sync::Arc;

/// Shows a message or a variable.
pub(super) struct Debug;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// What to show.
    #[serde(default, deserialize_with = "given")]
    msg: Option<Value>,
    /// The variable or expression to show.
    var: Option<Value>,
    /// Show only with that many `-v`.
    #[serde(default)]
    verbosity: u8,
}

/// A message that is null is given all the same.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Module for Debug {
    const NAMES: &'static [&'static str] = &["ansible.builtin.debug", "debug"];
    type Arguments = Arguments;
    const NATURE: Nature = Nature {
        shows_result: true,
        ..Nature::WITHOUT_HOST
    };
    const RAW: &'static [&'static str] = &["var"];
    const RETURNS: &'static [Returns] = &[&[
        ("<var>", "What `var` is, under its own name."),
        ("skipped_reason", "Why nothing was shown."),
    ]];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        if arguments.verbosity > view.verbosity() {
            const REASON: &str = "Verbosity threshold not met.";
            let outcome = Outcome {
                skipped: Some(REASON.into()),
                ..Outcome::default()
            };
            return Ok(Step::done(outcome.with("skipped_reason", REASON)));
        }
        let outcome = Outcome::new().changed(false);
        let Some(variable) = &arguments.var else {
            let message = arguments.msg.clone().unwrap_or_else(|| "Hello world!".into());
            return Ok(Step::done(outcome.with("msg", message)));
        };
        if arguments.msg.is_some() {
            return Err(Stop::failed("'msg' and 'var' are incompatible options"));
        }
        let Some(name) = variable.as_str() else {
            return Ok(Step::done(outcome.with("var", variable.clone())));
        };
        let name = name.trim();
        let text = if name.contains("{{") {
            name.to_string()
        } else {
            format!("{{{{ {name} }}}}")
        };
        let shown = view.control_node().render(&Value::Template(Arc::new(Template {
            text: text.into(),
            place: None,
        })));
        let shown = match shown {
            Ok(shown) => shown,
            // What is not defined is shown as such, all else is an error.
            Err(error) if error.undefined().is_some() => format!("<< error 1 - {} >>", error.line()).into(),
            Err(error) => {
                return Err(Stop::failed(format!(
                    "Task failed: Error while resolving `var` expression: {}",
                    error.line()
                )));
            }
        };
        Ok(Step::done(outcome.with(name, shown)))
    }
}
