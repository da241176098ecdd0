//! From the values of an evaluation back to Vent's, and to text as Python prints them.

use super::containers::{ListObject, MapObject};
use super::ledger::{self, ITEM};
use super::objects::{AllVariables, Omit, Undefined, UnknownObject};
use super::{Outcome, Scope};
use crate::budget::EVALUATION;
use crate::error::Error;
use crate::value::{Map, Value, repr};
use minijinja::value::{Kwargs, Value as Jinja, ValueKind};
use std::cell::Cell;
use std::sync::Arc;

/// Takes a value out of an evaluation. Our own containers keep their unknown and secret leaves without
/// a note; what is undefined is noted and comes out as null.
///
/// What stands for more than an evaluation may make, because it holds the same thing again and again, is an error of the evaluation.
pub(super) fn take(value: &Jinja) -> Value {
    let _taking = Taking::begin();
    take_part(value)
}

thread_local! {
    /// The entries of the value that is being taken, so far; none if no value is.
    static ENTRIES: Cell<Option<usize>> = const { Cell::new(None) };
}

/// A value is being taken; the entries of all that is taken within it count together.
struct Taking {
    outermost: bool,
}

impl Taking {
    fn begin() -> Taking {
        let outermost = ENTRIES.get().is_none();
        if outermost {
            ENTRIES.set(Some(0));
        }
        Taking { outermost }
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        if self.outermost {
            ENTRIES.set(None);
        }
    }
}

fn take_part(value: &Jinja) -> Value {
    if let Some(list) = value.downcast_object_ref::<ListObject>() {
        return match list.contents() {
            Ok((items, scope)) => resolve(&Value::List(items), scope).unwrap_or_default(),
            Err(items) => Value::list(items.iter().filter_map(entry)),
        };
    }
    if let Some(map) = value.downcast_object_ref::<MapObject>() {
        return match map.contents() {
            Ok((map, scope)) => resolve(&Value::Map(map), scope).unwrap_or_default(),
            Err(entries) => Value::map(
                entries
                    .iter()
                    .filter_map(|(key, value)| Some((text(key), entry(value)?))),
            ),
        };
    }
    if let Some(unknown) = value.downcast_object_ref::<UnknownObject>() {
        return Value::Unknown(unknown.unknown.clone());
    }
    if let Some(all) = value.downcast_object_ref::<AllVariables>() {
        let scope = all.scope();
        let names = scope.variables().names();
        return Value::map(names.iter().filter_map(|name| {
            let value = resolve(&scope.variables().get(name)?, scope)?;
            Some((name, value))
        }));
    }
    take_plain(value)
}

fn take_plain(value: &Jinja) -> Value {
    match value.kind() {
        ValueKind::None => Value::Null,
        ValueKind::Bool => Value::Bool(value.is_true()),
        ValueKind::Number => match value.as_i64() {
            Some(number) if value.is_integer() => Value::Int(number),
            _ => Value::Float(f64::try_from(value.clone()).unwrap_or(f64::NAN)),
        },
        ValueKind::String => Value::String(value.to_str().unwrap_or_default()),
        ValueKind::Bytes => Value::string(String::from_utf8_lossy(value.as_bytes().unwrap_or_default())),
        ValueKind::Undefined => {
            ledger::note_undefined("the value is undefined".into(), None);
            Value::Null
        }
        ValueKind::Seq | ValueKind::Iterable => match value.try_iter() {
            Ok(items) => Value::list(items.filter_map(|item| entry(&item))),
            Err(_) => Value::Null,
        },
        ValueKind::Map => match value.try_iter() {
            Ok(keys) => Value::map(keys.filter_map(|key| {
                let item = value.get_item(&key).unwrap_or_default();
                Some((text(&key), entry(&item)?))
            })),
            Err(_) => Value::Null,
        },
        ValueKind::Plain if value.downcast_object_ref::<Undefined>().is_some() => Value::Null,
        _ => Value::string(value.to_string()),
    }
}

/// An entry of a container, unless it is `omit` or one too many.
fn entry(value: &Jinja) -> Option<Value> {
    let entries = ENTRIES.get().unwrap_or(0) + 1;
    ENTRIES.set(Some(entries));
    if let Err(sentence) = EVALUATION.check((entries * ITEM) as u64) {
        ledger::note_error(Error::new(sentence));
        return None;
    }
    match value.downcast_object_ref::<Omit>() {
        Some(_) => None,
        None => Some(take_part(value)),
    }
}

/// Renders every template in a value with the notes of the current evaluation; `None` is `omit`.
pub(super) fn resolve(value: &Value, scope: &Scope) -> Option<Value> {
    match value {
        Value::Template(template) => match scope.rendered(template) {
            Outcome::Value { value, .. } => Some(value),
            Outcome::Omit => None,
            Outcome::Undefined { text, place } => {
                ledger::note_undefined(text, place);
                Some(Value::Null)
            }
            Outcome::Failed(error) => {
                ledger::note_error(error);
                Some(Value::Null)
            }
        },
        Value::List(items) if value.holds_template() => {
            Some(Value::list(items.iter().filter_map(|item| resolve(item, scope))))
        }
        Value::Map(map) if value.holds_template() => {
            let entries = map
                .iter()
                .filter_map(|(key, item)| Some((key.clone(), resolve(item, scope)?)));
            Some(Value::Map(Arc::new(entries.collect::<Map>())))
        }
        other => Some(other.clone()),
    }
}

/// The value with its secrets as plain texts, noting that they are there. Unknown leaves are noted too.
pub(super) fn expose(value: Value) -> Value {
    if let Some(unknown) = value.find_unknown() {
        ledger::note_unknown(unknown);
    }
    if value.holds_secret() {
        ledger::note_secret();
        return map_texts(&value, &|leaf| match leaf {
            Value::Secret(text) => Value::String(text.clone()),
            other => other.clone(),
        });
    }
    value
}

/// The value with every text marked as secret.
pub(super) fn hide(value: &Value) -> Value {
    map_texts(value, &|leaf| match leaf {
        Value::String(text) if !text.is_empty() => Value::Secret(text.clone()),
        other => other.clone(),
    })
}

fn map_texts(value: &Value, change: &dyn Fn(&Value) -> Value) -> Value {
    match value {
        Value::List(items) => Value::list(items.iter().map(|item| map_texts(item, change))),
        Value::Map(map) => Value::map(map.iter().map(|(key, item)| (key, map_texts(item, change)))),
        leaf => change(leaf),
    }
}

/// The text of a value as Jinja2 prints it: texts as they are, all else as Python's `repr`.
pub(super) fn print(value: &Value) -> String {
    match value {
        Value::String(text) | Value::Secret(text) => text.to_string(),
        Value::Template(template) => template.text.to_string(),
        other => repr(other),
    }
}

/// The text of an evaluation's value, noting what is in it.
pub(super) fn text(value: &Jinja) -> String {
    match value.as_str() {
        Some(text) => text.to_string(),
        None => print(&expose(take(value))),
    }
}

/// Positional and named arguments of a call.
pub(super) fn split_arguments(values: &[Jinja]) -> (&[Jinja], Option<Kwargs>) {
    match values.split_last() {
        Some((last, rest)) if last.is_kwargs() => (rest, Kwargs::try_from(last.clone()).ok()),
        _ => (values, None),
    }
}
