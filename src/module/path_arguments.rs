//! Paths among arguments: `~`, `~NAME` and `$NAME` in them are the host's, as in Ansible, whose modules read them there.

use super::command::argument;
use super::{Stop, View};
use crate::host::{Resource, quote};
use crate::value::{Map, Value};
use std::borrow::Cow;

/// The arguments with the paths among them (`names`) as the host expands them. A text without `~` at its beginning and
/// without `$` asks nothing.
///
/// # Errors
/// As [`View::ask`].
pub(super) fn expanded<'a>(
    value: &'a Value,
    names: &[&str],
    view: &View<'_>,
) -> Result<Cow<'a, Value>, Stop> {
    let Some(map) = value.as_map() else {
        return Ok(Cow::Borrowed(value));
    };
    let paths = || map.iter().filter(|(name, _)| names.contains(&&***name));
    if !paths().any(|(_, value)| texts(value).any(is_expanded)) {
        return Ok(Cow::Borrowed(value));
    }
    let mut all: Map = map.clone();
    for (name, value) in paths() {
        let path = |value: &Value| -> Result<Value, Stop> {
            Ok(match value.as_str() {
                Some(text) => Value::from(path(text, view)?),
                None => value.clone(),
            })
        };
        let whole = match value {
            Value::List(items) => Value::list(items.iter().map(path).collect::<Result<Vec<_>, _>>()?),
            one => path(one)?,
        };
        all.insert(name.clone(), whole);
    }
    Ok(Cow::Owned(Value::Map(all.into())))
}

/// A path as the host expands it.
///
/// # Errors
/// As [`View::ask`].
pub(super) fn path(text: &str, view: &View<'_>) -> Result<String, Stop> {
    if !is_expanded(text) {
        return Ok(text.to_string());
    }
    let account = text.strip_prefix('~').and_then(|rest| rest.split('/').next());
    let about: Vec<Resource> = account
        .filter(|name| !name.is_empty())
        .map(|name| Resource::User(name.into()))
        .into_iter()
        .collect();
    // The task's own variables are not those of the shell that is asked.
    let own = view.environment().iter().filter(|(name, _)| {
        text.contains(&format!("${name}"))
            || text.contains(&format!("${{{name}}}"))
            || (name == "HOME" && text.starts_with('~'))
    });
    let own: String = own
        .map(|(name, value)| format!("{name}={}; ", quote(value)))
        .collect();
    let script = format!("{own}printf '%s\\n' {}", argument(text, true));
    let printed = view.probe(&script, &about)?.text();
    Ok(printed.strip_suffix('\n').unwrap_or(&printed).to_string())
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let items = match value {
        Value::List(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    items.iter().filter_map(Value::as_str)
}

fn is_expanded(text: &str) -> bool {
    text.starts_with('~') || text.contains('$')
}
