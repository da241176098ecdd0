//! The one dynamic value of variables, arguments, facts and results, with its marks: a text that is
//! still to be rendered, a secret, something unknown until it is applied.

mod convert;
mod deserialize;
mod from;
mod literal;
mod merge;
mod python;
mod python_json;
mod size;
mod untyped;

use crate::source::Place;
use indexmap::IndexMap;
use std::sync::Arc;

pub use convert::{to_bool, to_integer};
pub use deserialize::{ArgumentError, ArgumentErrorKind, deserialize, fields};
pub use literal::{literal, literal_or_text};
pub use merge::merged;
pub use python::{equal, json, number, repr, truthy};
pub use python_json::{JsonProblem, parse_json};
pub use size::human_to_bytes;

/// A mapping; keys keep their order. Keys that YAML reads as numbers or booleans are kept as their text.
pub type Map = IndexMap<Arc<str>, Value>;

/// A dynamic value.
///
/// Only [`Value::Template`] is ever rendered: it can come only from files and options that the user wrote.
/// Texts that come from hosts are [`Value::String`] and stay as they are (Ansible's "unsafe").
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Value {
    /// YAML's null, Python's None.
    #[default]
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a point.
    Float(f64),
    /// A text that is final.
    String(Arc<str>),
    /// A text out of a trusted file that holds `{{`, `{%` or `{#` and is rendered when it is used.
    Template(Arc<Template>),
    /// A text that is never shown (a vaulted value).
    Secret(Arc<str>),
    /// Something only applying can tell.
    Unknown(Arc<Unknown>),
    /// A list.
    List(Arc<Vec<Value>>),
    /// A mapping.
    Map(Arc<Map>),
}

/// A text that waits to be rendered.
#[derive(Debug, PartialEq)]
pub struct Template {
    /// The text with its marks.
    pub text: Arc<str>,
    /// Where the scalar stands; for block and quoted scalars the place of the whole scalar.
    pub place: Option<Place>,
}

/// Why a value is not known in check mode.
#[derive(Debug, PartialEq)]
pub struct Unknown {
    /// What would decide it, such as ``the result of `Read the version` (site.yml:7)``.
    pub origin: String,
}

/// The text shown instead of a secret (Ansible's own).
pub const MASK: &str = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER";

impl Value {
    /// A final text.
    pub fn string(text: impl AsRef<str>) -> Value {
        Value::String(Arc::from(text.as_ref()))
    }

    /// A text of a trusted file: a template if it holds Jinja marks, else final.
    pub fn trusted(text: &str, place: Option<Place>) -> Value {
        Value::of_trusted(&Arc::from(text), place)
    }

    /// As [`Value::trusted`], of a text that others have too.
    pub fn of_trusted(text: &Arc<str>, place: Option<Place>) -> Value {
        if text.contains("{{") || text.contains("{%") || text.contains("{#") {
            let text = text.clone();
            Value::Template(Arc::new(Template { text, place }))
        } else {
            Value::String(text.clone())
        }
    }

    /// Something unknown; `origin` says what would decide it.
    pub fn unknown(origin: impl Into<String>) -> Value {
        Value::Unknown(Arc::new(Unknown {
            origin: origin.into(),
        }))
    }

    /// A list.
    pub fn list(items: impl IntoIterator<Item = Value>) -> Value {
        Value::List(Arc::new(items.into_iter().collect()))
    }

    /// A mapping.
    pub fn map<K: AsRef<str>>(entries: impl IntoIterator<Item = (K, Value)>) -> Value {
        Value::Map(Arc::new(
            entries
                .into_iter()
                .map(|(key, value)| (Arc::from(key.as_ref()), value))
                .collect(),
        ))
    }

    /// The text of a string, secret or not yet rendered text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) | Value::Secret(text) => Some(text),
            Value::Template(template) => Some(&template.text),
            _ => None,
        }
    }

    /// The items of a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a mapping.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The entry `key` of a mapping.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map()?.get(key)
    }

    /// True for YAML's null.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The first Unknown in this value or below it.
    pub fn find_unknown(&self) -> Option<&Arc<Unknown>> {
        match self {
            Value::Unknown(unknown) => Some(unknown),
            Value::List(items) => items.iter().find_map(Value::find_unknown),
            Value::Map(map) => map.values().find_map(Value::find_unknown),
            _ => None,
        }
    }

    /// The bytes of its texts, and `entry` bytes for each thing in a list or mapping: what stands in several places counts in each. It is
    /// not counted beyond `limit`.
    pub fn size(&self, entry: u64, limit: u64) -> u64 {
        let within = |items: &mut dyn Iterator<Item = &Value>| {
            let mut size = 0;
            for item in items {
                if size > limit {
                    break;
                }
                size += entry + item.size(entry, limit - size);
            }
            size
        };
        match self {
            Value::String(text) | Value::Secret(text) => text.len() as u64,
            Value::List(items) => within(&mut items.iter()),
            Value::Map(map) => within(&mut map.values()),
            _ => 0,
        }
    }

    /// True if a secret is in this value or below it.
    pub fn holds_secret(&self) -> bool {
        match self {
            Value::Secret(_) => true,
            Value::List(items) => items.iter().any(Value::holds_secret),
            Value::Map(map) => map.values().any(Value::holds_secret),
            _ => false,
        }
    }

    /// True if something in this value is still to be rendered.
    pub fn holds_template(&self) -> bool {
        match self {
            Value::Template(_) => true,
            Value::List(items) => items.iter().any(Value::holds_template),
            Value::Map(map) => map.values().any(Value::holds_template),
            _ => false,
        }
    }

    /// The same value with every text final: what hosts say is never rendered.
    pub fn untrusted(&self) -> Value {
        match self {
            Value::Template(template) => Value::string(&template.text),
            Value::List(items) => Value::list(items.iter().map(Value::untrusted)),
            Value::Map(map) => Value::map(map.iter().map(|(key, value)| (key, value.untrusted()))),
            other => other.clone(),
        }
    }

    /// What Ansible calls the kind in messages: `dict`, `list`, `str`, `int`, `float`, `bool`, `NoneType`.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "NoneType",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float",
            Value::String(_) | Value::Template(_) | Value::Secret(_) => "str",
            Value::Unknown(_) => "unknown",
            Value::List(_) => "list",
            Value::Map(_) => "dict",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trusted_text_is_a_template_only_with_marks() {
        assert_eq!(Value::trusted("plain", None), Value::string("plain"));
        assert!(Value::trusted("{{ a }}", None).holds_template());
        assert_eq!(
            Value::trusted("{{ a }}", None).untrusted(),
            Value::string("{{ a }}")
        );
    }

    #[test]
    fn marks_are_found_at_any_depth() {
        let value = Value::map([(
            "a",
            Value::list([Value::unknown("the task"), Value::Secret("s".into())]),
        )]);
        assert_eq!(
            value.find_unknown().map(|unknown| unknown.origin.as_str()),
            Some("the task")
        );
        assert!(value.holds_secret());
    }
}
