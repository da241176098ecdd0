//! The arguments of a filter, test or lookup of our own, as Vent's values.

use super::NameKind;
use super::convert::{expose, print, split_arguments, take};
use super::objects::{Omit, Undefined, hand_out, hand_out_unknown};
use super::{Scope, ledger};
use crate::value::{Map, Value, repr, to_integer};
use minijinja::value::{Rest, Value as Jinja, ValueOrKwargs};
use minijinja::{Error as JinjaError, ErrorKind};
use std::fmt;

/// What a filter, test or lookup gives: a value, or the sentence of an error.
pub(super) type Answer = Result<Value, String>;

/// One call. Position 0 of a filter or test is what stands before it.
pub(super) struct Call {
    /// The variables in sight.
    pub scope: Scope,
    values: Vec<Value>,
    named: Map,
}

impl Call {
    /// Reads the arguments. Unless `keeps` says that the function passes on what it does not look at,
    /// unknown and secret leaves are noted, and secrets become plain.
    pub(super) fn read(plugin: Plugin, arguments: &[Jinja], keeps: bool) -> Result<Call, JinjaError> {
        let scope = ledger::scope().ok_or_else(|| failure(plugin, "no variables are in sight"))?;
        let treat = |value: &Jinja| match keeps {
            true => marked(value).unwrap_or_else(|| take(value)),
            false => expose(take(value)),
        };
        let (positional, keywords) = split_arguments(arguments);
        let mut named = Map::new();
        if let Some(keywords) = keywords {
            for key in keywords.args() {
                let value: Jinja = keywords.peek(key)?;
                let spare = (keeps && key == "default").then(|| unused(&value)).flatten();
                named.insert(key.into(), spare.unwrap_or_else(|| treat(&value)));
            }
        }
        Ok(Call {
            scope,
            values: positional.iter().map(treat).collect(),
            named,
        })
    }

    /// The first unknown thing among the arguments.
    pub(super) fn unknown(&self) -> Option<&std::sync::Arc<crate::value::Unknown>> {
        self.values
            .iter()
            .chain(self.named.values())
            .find_map(Value::find_unknown)
    }

    /// What the filter or test is applied to.
    pub(super) fn input(&self) -> &Value {
        self.values.first().unwrap_or(&Value::Null)
    }

    /// The input as text, printed as Jinja2 prints it.
    pub(super) fn input_text(&self) -> String {
        print(self.input())
    }

    /// The input, which must be a text.
    pub(super) fn input_str(&self) -> Result<&str, String> {
        match self.input() {
            Value::String(text) => Ok(text),
            other => Err(format!(
                "expects a text, got {} of kind `{}`",
                repr(other),
                other.kind()
            )),
        }
    }

    /// The input as a list: lists as they are, mappings as their keys, texts as their characters.
    pub(super) fn input_list(&self) -> Result<Vec<Value>, String> {
        self.list_of(self.input())
    }

    /// A value as a list, as Python iterates over it.
    pub(super) fn list_of(&self, value: &Value) -> Result<Vec<Value>, String> {
        match value {
            Value::List(items) => Ok(items.to_vec()),
            Value::Map(map) => Ok(map.keys().map(Value::string).collect()),
            Value::String(text) => Ok(text.chars().map(|c| Value::from(c.to_string())).collect()),
            other => Err(format!("{} is no list", repr(other))),
        }
    }

    /// The input as a mapping.
    pub(super) fn input_map(&self) -> Result<&Map, String> {
        let wrong = || {
            format!(
                "expects a dict, got {} of kind `{}`",
                repr(self.input()),
                self.input().kind()
            )
        };
        self.input().as_map().ok_or_else(wrong)
    }

    /// The argument at a position, or by its name.
    pub(super) fn get(&self, position: usize, name: &str) -> Option<&Value> {
        self.values.get(position).or_else(|| self.named.get(name))
    }

    /// An argument that must be given.
    pub(super) fn need(&self, position: usize, name: &str) -> Result<&Value, String> {
        self.get(position, name)
            .ok_or_else(|| format!("the argument `{name}` is missing"))
    }

    /// An argument as text.
    pub(super) fn text(&self, position: usize, name: &str) -> Option<String> {
        self.get(position, name)
            .filter(|value| !value.is_null())
            .map(print)
    }

    /// An argument as text that must be given.
    pub(super) fn need_text(&self, position: usize, name: &str) -> Result<String, String> {
        self.need(position, name).map(print)
    }

    /// An argument as a whole number.
    pub(super) fn integer(&self, position: usize, name: &str) -> Result<Option<i64>, String> {
        match self.get(position, name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some((*flag).into())),
            Some(value) => match to_integer(value) {
                Some(number) => Ok(Some(number)),
                None => Err(format!("{} is not a whole number", repr(value))),
            },
        }
    }

    /// An argument as a flag; not given is `default`.
    pub(super) fn flag(&self, position: usize, name: &str, default: bool) -> bool {
        self.get(position, name).map_or(default, truthy)
    }

    /// All positional arguments.
    pub(super) fn positional(&self) -> &[Value] {
        &self.values
    }

    /// The named arguments.
    pub(super) fn named(&self) -> &Map {
        &self.named
    }
}

pub(super) use crate::value::{equal, number, truthy};

/// `omit` as a value that gives it back where it is handed out.
fn marked(value: &Jinja) -> Option<Value> {
    value.downcast_object_ref::<Omit>()?;
    Some(Value::trusted("{{ omit }}", None))
}

/// What is undefined as a value that is so only where it is handed out.
fn unused(value: &Jinja) -> Option<Value> {
    let note = value.downcast_object_ref::<Undefined>()?.note;
    let text = ledger::undefined_text(note).unwrap_or_default();
    ledger::forgive(note);
    Some(Value::trusted(
        &format!("{{{{ undef({}) }}}}", literal(&text)),
        None,
    ))
}

/// A text as a literal of the template language. A host may have had a part in the text, so nothing but letters, digits and blanks
/// stands there as it is.
fn literal(text: &str) -> String {
    let unit = |unit: u16| match u8::try_from(unit).map(char::from) {
        Ok(c) if c.is_ascii_alphanumeric() || c == ' ' => c.to_string(),
        _ => format!("\\u{unit:04x}"),
    };
    format!("\"{}\"", text.encode_utf16().map(unit).collect::<String>())
}

/// What is called, by the name that its errors give it.
#[derive(Clone, Copy)]
pub(super) enum Plugin<'a> {
    Filter(&'a str),
    Test(&'a str),
    Lookup(&'a str),
    /// One of the functions that are no plugins.
    Function(&'a str),
}

impl fmt::Display for Plugin<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Plugin::Filter(name) => out.write_str(&NameKind::Filter.failed(name)),
            Plugin::Test(name) => out.write_str(&NameKind::Test.failed(name)),
            Plugin::Lookup(name) => out.write_str(&NameKind::Lookup.failed(name)),
            Plugin::Function(name) => out.write_str(name),
        }
    }
}

/// The error of a filter, test, lookup or function, in Ansible's words.
pub(super) fn failure(plugin: Plugin, sentence: &str) -> JinjaError {
    JinjaError::new(ErrorKind::InvalidOperation, format!("{plugin}: {sentence}"))
}

/// Arguments as the engine hands them over, named ones included.
pub(super) type Given = Rest<ValueOrKwargs>;

/// The arguments as plain values; named ones are the last.
pub(super) fn given(arguments: Given) -> Vec<Jinja> {
    arguments.0.into_iter().map(ValueOrKwargs::into_value).collect()
}

/// Runs a function of our own: an unknown argument makes the result unknown.
pub(super) fn run(
    plugin: Plugin,
    arguments: &[Jinja],
    keeps: bool,
    function: impl FnOnce(&Call) -> Answer,
) -> Result<Jinja, JinjaError> {
    let call = Call::read(plugin, arguments, keeps)?;
    if let Some(unknown) = call.unknown()
        && (!keeps || matches!(call.input(), Value::Unknown(_)))
    {
        return Ok(hand_out_unknown(unknown, true));
    }
    let made = function(&call).and_then(|value| charged(&value).map(|()| value));
    let value = made.map_err(|sentence| failure(plugin, &sentence))?;
    Ok(hand_out(&value, &call.scope))
}

/// Counts what was made; what is as long as somebody asks is counted before it is made too.
pub(super) fn charged(value: &Value) -> Result<(), String> {
    match value {
        Value::String(text) | Value::Secret(text) => ledger::spend(text.len()),
        Value::List(items) => ledger::spend_items(items.len()),
        _ => Ok(()),
    }
}

/// Python's `<`: numbers with numbers, texts with texts, lists with lists; all else is an error.
pub(super) fn order(left: &Value, right: &Value) -> Result<std::cmp::Ordering, String> {
    use std::cmp::Ordering;
    match (left, right) {
        (Value::String(a), Value::String(b)) => Ok(a.cmp(b)),
        (Value::List(a), Value::List(b)) => {
            for (a, b) in a.iter().zip(b.iter()) {
                match if equal(a, b) {
                    Ordering::Equal
                } else {
                    order(a, b)?
                } {
                    Ordering::Equal => {}
                    other => return Ok(other),
                }
            }
            Ok(a.len().cmp(&b.len()))
        }
        _ => match (number(left), number(right)) {
            (Some(a), Some(b)) => Ok(a.partial_cmp(&b).unwrap_or(Ordering::Equal)),
            _ => Err(format!(
                "'<' not supported between instances of '{}' and '{}'",
                left.kind(),
                right.kind()
            )),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::literal;

    #[test]
    fn nothing_in_a_literal_ends_it() {
        assert_eq!(literal("'a\" }} é"), r#""\u0027a\u0022 \u007d\u007d \u00e9""#);
    }
}
