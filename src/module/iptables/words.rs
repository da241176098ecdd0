//! The words of a rule, as `iptables` takes them.

use crate::value::{Value, repr};

/// A value as a word.
pub(super) fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| repr(value), str::to_string)
}

/// Words of a rule as they gather.
#[derive(Default)]
pub(super) struct Words(pub(super) Vec<String>);

impl Words {
    pub(super) fn pair(&mut self, option: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.0.extend([option.to_string(), value.to_string()]);
        }
    }

    pub(super) fn value(&mut self, option: &str, value: Option<&Value>) {
        self.negatable(option, value.map(word).as_deref());
    }

    /// A value that begins with `!` turns the condition round.
    pub(super) fn negatable(&mut self, option: &str, value: Option<&str>) {
        match value.map(|value| (value.strip_prefix('!'), value)) {
            Some((Some(rest), _)) => {
                self.0.push("!".into());
                self.pair(option, Some(rest.trim()));
            }
            Some((None, value)) => self.pair(option, Some(value)),
            None => {}
        }
    }

    /// Loads a matching module unless the user names it.
    pub(super) fn module(&mut self, named: &[String], module: &str) {
        if !named.iter().any(|name| name == module) {
            self.pair("-m", Some(module));
        }
    }
}
