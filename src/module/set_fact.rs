//! `set_fact`: variables of a host for the rest of the run.

use super::returns::{FACTS, Returns};
use super::{Module, Nature, Outcome, Step, Stop, View};
use crate::value::{Map, Value, to_bool};

/// Sets variables of a host.
pub(super) struct SetFact;

impl Module for SetFact {
    const NAMES: &'static [&'static str] = &["ansible.builtin.set_fact", "set_fact"];
    type Arguments = Value;
    const NATURE: Nature = Nature::WITHOUT_HOST;
    const FREE_FORM: Option<&'static str> = Some("_raw_params");
    const OPEN: bool = true;
    const RETURNS: &'static [Returns] = &[FACTS];

    fn step(arguments: &Value, _: &View<'_>) -> Result<Step, Stop> {
        let mut variables = arguments.as_map().cloned().unwrap_or_default();
        let cached = variables.shift_remove("cacheable");
        let cached = cached.as_ref().and_then(to_bool).unwrap_or(false);
        if variables.is_empty() {
            return Err(Stop::failed(
                "No key/value pairs provided, at least one is required for this action to succeed",
            ));
        }
        let wrong = variables.keys().find(|name| !is_name(name));
        if let Some(name) = wrong {
            return Err(Stop::failed(format!(
                "Invalid variable name '{name}'. It has letters, digits and underscores, begins with no digit, and is no word of templates"
            )));
        }
        let shown: Map = variables.clone();
        let outcome = Outcome {
            changed: Some(false),
            host_facts: if cached { variables.clone() } else { Map::new() },
            facts: variables,
            ..Outcome::default()
        };
        Ok(Step::done(
            outcome.with("ansible_facts", Value::Map(shown.into())),
        ))
    }
}

/// Words of Jinja that no variable can be named by (Ansible's `JINJA_KEYWORDS`).
const WORDS: [&str; 7] = ["true", "false", "none", "True", "False", "None", "not"];

/// True for a name that a variable may have.
fn is_name(name: &str) -> bool {
    !WORDS.contains(&name)
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
