//! What Ansible says of arguments that a module does not take: the `msg` of the result, which playbooks look into.

use super::Entry;
use crate::value::{ArgumentError, ArgumentErrorKind, Value};

/// What Ansible takes for a bool, in one of the orders in which it names them.
const BOOLS: &str = "'y', 'yes', 'on', '1', 'true', 't', 1, 'n', 'no', 'off', '0', 'false', 'f', 0";

impl Entry {
    /// The `msg` of a task whose `arguments` were refused with `error`.
    pub fn refusal(&self, arguments: &Value, error: &ArgumentError) -> String {
        let missing = self.not_given(arguments);
        if let Some(sentence) = self.missing.filter(|_| !missing.is_empty()) {
            return sentence.into();
        }
        if !missing.is_empty() {
            return format!("missing required arguments: {}", missing.join(", "));
        }
        let name = error.argument.as_deref().unwrap_or_default();
        match &error.kind {
            ArgumentErrorKind::Surplus => self.unsupported(arguments),
            ArgumentErrorKind::Choice { given, choices } => {
                format!(
                    "value of {name} must be one of: {}, got: {given}",
                    choices.join(", ")
                )
            }
            ArgumentErrorKind::Type { given, of, wanted } => {
                let why = match *wanted {
                    "bool" => {
                        format!("The value {given} is not a valid boolean. Valid booleans include: {BOOLS}")
                    }
                    "dict" => "dictionary requested, could not parse JSON or key=value".into(),
                    wanted => format!("\"{given}\" cannot be converted to {} {wanted}", article(wanted)),
                };
                format!("argument '{name}' is of type {of} and we were unable to convert to {wanted}: {why}")
            }
            ArgumentErrorKind::Wrong | ArgumentErrorKind::Missing | ArgumentErrorKind::Unknown(_) => {
                error.to_string()
            }
        }
    }

    /// The arguments that must be given and are not, by name.
    fn not_given(&self, arguments: &Value) -> Vec<String> {
        let mut given = arguments.as_map().cloned().unwrap_or_default();
        let mut names: Vec<String> = vec![];
        // The first one is told; with something in its place, the next.
        while let Err(error) = (self.check)(&Value::Map(given.clone().into())) {
            match error.argument.filter(|name| !names.contains(name)) {
                Some(name) if error.kind == ArgumentErrorKind::Missing => {
                    given.insert(name.as_str().into(), Value::Null);
                    names.push(name);
                }
                _ => break,
            }
        }
        names.sort();
        names
    }

    fn unsupported(&self, arguments: &Value) -> String {
        let known = (self.arguments)().unwrap_or_default();
        let given = arguments.as_map().into_iter().flat_map(|map| map.keys());
        let mut surplus: Vec<&str> = given
            .map(|name| &**name)
            .filter(|name| !known.contains(name))
            .collect();
        surplus.sort_unstable();
        let schema = (self.schema)();
        let properties = schema.get("properties").and_then(|found| found.as_object());
        let mut supported: Vec<&str> = properties
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect();
        supported.sort_unstable();
        let short = self.names[0].rsplit('.').next().unwrap_or_default();
        format!(
            "Unsupported parameters for ({short}) module: {}. Supported parameters include: {}.",
            surplus.join(", "),
            supported.join(", ")
        )
    }
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with('i') { "an" } else { "a" }
}
