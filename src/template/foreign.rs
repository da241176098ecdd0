//! Filters, tests and lookups that Vent does not have, as the template language calls them. The patcher writes `__filter` and
//! `__test`, with the name as the first argument behind the value, for names that are not here.

use super::call::{self, Given, Plugin, charged, given};
use super::convert::{expose, split_arguments, take};
use super::ledger;
use super::objects::{Undefined, hand_out, hand_out_undefined, hand_out_unknown};
use super::overridden::{is_own, is_surely_own, own_name};
use super::plugins::{Answering, PluginCall, PluginFailure};
use super::{NameKind, Scope};
use crate::value::{Map, Value};
use minijinja::value::Value as Jinja;
use minijinja::{Environment, Error as JinjaError, ErrorKind, State};
use std::sync::Arc;

/// Adds what the patcher writes, and the filters that take the name of a filter or test.
pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_filter("__filter", |state: &mut State, arguments: Given| {
        let (name, rest) = named(&given(arguments));
        match there(NameKind::Filter, &name)? {
            true => one(NameKind::Filter, &name, &rest),
            false => state
                .apply_filter(own(NameKind::Filter, &name), &rest)
                .map_err(bare),
        }
    });
    environment.add_test("__test", |state: &mut State, arguments: Given| {
        let (name, rest) = named(&given(arguments));
        match there(NameKind::Test, &name)? {
            true => one(NameKind::Test, &name, &rest).map(|found| found.is_true()),
            false => state
                .perform_test(own(NameKind::Test, &name), &rest)
                .map_err(bare),
        }
    });
    environment.add_filter("__select", minijinja::filters::select);
    environment.add_filter("__reject", minijinja::filters::reject);
    environment.add_filter("__selectattr", minijinja::filters::selectattr);
    environment.add_filter("__rejectattr", minijinja::filters::rejectattr);
    for (name, own, keeps, attribute) in [
        ("select", "__select", true, false),
        ("reject", "__reject", false, false),
        ("selectattr", "__selectattr", true, true),
        ("rejectattr", "__rejectattr", false, true),
    ] {
        environment.add_filter(name, move |state: &mut State, arguments: Given| {
            let arguments = given(arguments);
            let test = arguments.get(1 + usize::from(attribute)).and_then(Jinja::as_str);
            match test.filter(|test| !is_surely_own(NameKind::Test, test)) {
                Some(test) if there(NameKind::Test, test)? => chosen(test, &arguments, keeps, attribute),
                _ => state.apply_filter(own, &arguments),
            }
        });
    }
}

/// The name behind the value, and the arguments without it.
fn named(arguments: &[Jinja]) -> (String, Vec<Jinja>) {
    let name = arguments.get(1).and_then(Jinja::as_str).unwrap_or_default();
    let rest = arguments.iter().take(1).chain(arguments.iter().skip(2));
    (name.to_string(), rest.cloned().collect())
}

/// The name by which Vent has a filter or test.
fn own(kind: NameKind, name: &str) -> &str {
    own_name(kind, name).unwrap_or(name)
}

/// The result for one value, which stands first among the arguments.
fn one(kind: NameKind, name: &str, arguments: &[Jinja]) -> Result<Jinja, JinjaError> {
    let (first, rest) = arguments.split_at(arguments.len().min(1));
    let results = each(kind, name, first, rest)?;
    Ok(match results {
        Found::Values(found) => found.into_iter().next().unwrap_or_default(),
        Found::Instead(instead) => instead,
    })
}

/// The items of a list of which a test holds, or does not hold.
fn chosen(test: &str, arguments: &[Jinja], keeps: bool, attribute: bool) -> Result<Jinja, JinjaError> {
    let Some(list) = arguments.first() else {
        return Ok(Jinja::default());
    };
    let items: Vec<Jinja> = list.try_iter()?.collect();
    let part = |item: &Jinja| match arguments.get(1).filter(|_| attribute) {
        Some(path) => path_of(item, &path.to_string()),
        None => Ok(item.clone()),
    };
    let parts = items.iter().map(part).collect::<Result<Vec<_>, _>>()?;
    let rest = &arguments[2 + usize::from(attribute)..];
    match each(NameKind::Test, test, &parts, rest)? {
        Found::Instead(instead) => Ok(instead),
        Found::Values(found) => {
            let both = items.into_iter().zip(found);
            let kept = both.filter(|(_, holds)| holds.is_true() == keeps);
            Ok(kept.map(|(item, _)| item).collect::<Vec<_>>().into())
        }
    }
}

fn path_of(item: &Jinja, path: &str) -> Result<Jinja, JinjaError> {
    path.split('.')
        .try_fold(item.clone(), |found, key| match key.parse::<usize>() {
            Ok(index) => found.get_item_by_index(index),
            Err(_) => found.get_attr(key),
        })
}

/// `None` if others do not have it, or Vent's own counts; an error if something keeps it from being called.
fn of_others(kind: NameKind, name: &str) -> Option<Result<(), JinjaError>> {
    if is_surely_own(kind, name) {
        return None;
    }
    match there(kind, name) {
        Ok(true) => Some(Ok(())),
        Ok(false) => None,
        Err(error) => Some(Err(error)),
    }
}

/// `map('name', ...)` with a filter of others: all items by one call; `None` if it is no such.
pub(super) fn mapped(arguments: &[Jinja]) -> Option<Result<Jinja, JinjaError>> {
    let name = arguments.get(1)?.as_str()?;
    if let Err(error) = of_others(NameKind::Filter, name)? {
        return Some(Err(error));
    }
    let map = || {
        let items: Vec<Jinja> = arguments[0].try_iter()?.collect();
        Ok(match each(NameKind::Filter, name, &items, &arguments[2..])? {
            Found::Values(found) => found.into(),
            Found::Instead(instead) => instead,
        })
    };
    Some(map())
}

/// A lookup of others; `None` if it is no such.
pub(super) fn looked_up(
    name: &str,
    arguments: &[Jinja],
    wants_list: bool,
) -> Option<Result<Jinja, JinjaError>> {
    let scope = ledger::scope()?;
    if let Err(error) = of_others(NameKind::Lookup, name)? {
        return Some(Err(error));
    }
    let query =
        |arguments: &[Jinja]| match call_all(&scope, NameKind::Lookup, name, &[], arguments, wants_list)? {
            Found::Values(found) => Ok(found.into_iter().next().unwrap_or_default()),
            Found::Instead(instead) => Ok(instead),
        };
    Some(query(arguments))
}

/// What a call came to.
enum Found {
    /// The results.
    Values(Vec<Jinja>),
    /// What stands for all of them: it is unknown or undefined.
    Instead(Jinja),
}

/// The results for values, if there is such a plugin.
fn each(kind: NameKind, name: &str, values: &[Jinja], rest: &[Jinja]) -> Result<Found, JinjaError> {
    let plugin = match kind {
        NameKind::Filter => Plugin::Filter(name),
        NameKind::Test => Plugin::Test(name),
        NameKind::Lookup => Plugin::Lookup(name),
    };
    let scope = ledger::scope().ok_or_else(|| call::failure(plugin, "no variables are in sight"))?;
    call_all(&scope, kind, name, values, rest, false)
}

/// Whether others have it. What nobody has is told as the engine tells it.
fn there(kind: NameKind, name: &str) -> Result<bool, JinjaError> {
    let scope = ledger::scope();
    let plugins = scope
        .as_ref()
        .and_then(|scope| scope.surroundings().plugins.as_ref());
    match plugins.map_or(Ok(false), |plugins| plugins.has(kind, name)) {
        Ok(false) if kind != NameKind::Lookup && !is_own(kind, name) => Err(missing(kind, name)),
        Ok(there) => Ok(there),
        Err(error) => Err(JinjaError::new(ErrorKind::InvalidOperation, error.line())),
    }
}

fn missing(kind: NameKind, name: &str) -> JinjaError {
    let error = match kind {
        NameKind::Test => ErrorKind::UnknownTest,
        _ => ErrorKind::UnknownFilter,
    };
    JinjaError::new(error, format!("{} {name} is unknown", kind.word()))
}

/// An error without the place that it was given in here, so that it gets that of its use.
fn bare(error: JinjaError) -> JinjaError {
    match error.detail() {
        Some(detail) => JinjaError::new(error.kind(), detail.to_string()),
        None => error,
    }
}

/// Calls a plugin: what is undefined is the result itself, and with something unknown, or before the task's turn, the result is unknown.
fn call_all(
    scope: &Scope,
    kind: NameKind,
    name: &str,
    values: &[Jinja],
    rest: &[Jinja],
    wants_list: bool,
) -> Result<Found, JinjaError> {
    let (positional, keywords) = split_arguments(rest);
    let keywords = keywords.as_ref();
    let names: Vec<&str> = keywords.map(|all| all.args().collect()).unwrap_or_default();
    let mut by_name = vec![];
    for name in names {
        by_name.extend(keywords.map(|all| all.peek::<Jinja>(name).map(|value| (name, value))));
    }
    let by_name = by_name.into_iter().collect::<Result<Vec<_>, _>>()?;
    let all = || {
        values
            .iter()
            .chain(positional)
            .chain(by_name.iter().map(|entry| &entry.1))
    };
    if let Some(value) = all().find(|value| value.is_undefined()) {
        return Ok(Found::Instead(value.clone()));
    }
    if let Some(value) = all().find(|value| value.downcast_object_ref::<Undefined>().is_some()) {
        return Ok(Found::Instead(value.clone()));
    }
    let taken = |value: &Jinja| expose(take(value));
    let given: Vec<Value> = values.iter().map(taken).collect();
    let arguments: Vec<Value> = positional.iter().map(taken).collect();
    let mut named: Map = by_name
        .iter()
        .map(|(name, value)| ((*name).into(), taken(value)))
        .collect();
    if wants_list {
        named.insert("wantlist".into(), true.into());
    }
    let found = given
        .iter()
        .chain(&arguments)
        .chain(named.values())
        .find_map(Value::find_unknown);
    if let Some(unknown) = found {
        return Ok(Found::Instead(hand_out_unknown(unknown, true)));
    }
    if scope.surroundings().ahead
        && let Value::Unknown(unknown) = Value::unknown(format!("what {name} gives"))
    {
        return Ok(Found::Instead(hand_out_unknown(&unknown, true)));
    }
    let call = PluginCall {
        kind,
        name,
        values: &given,
        arguments: &arguments,
        named: &named,
    };
    result(&call, scope)
}

/// Has the plugin called, and judges what it asked for.
fn result(call: &PluginCall<'_>, scope: &Scope) -> Result<Found, JinjaError> {
    let wrong = |sentence: String| JinjaError::new(ErrorKind::InvalidOperation, sentence);
    let Some(plugins) = &scope.surroundings().plugins else {
        return Err(missing(call.kind, call.name));
    };
    let mut asked = Answering::new(scope);
    let answer = plugins.call(call, &mut asked);
    if let Some(unknown) = &asked.unknown {
        return Ok(Found::Instead(hand_out_unknown(unknown, true)));
    }
    let results = match answer {
        Ok(results) => results,
        Err(PluginFailure::Undefined(text)) => return Ok(Found::Instead(hand_out_undefined(text))),
        Err(PluginFailure::Failed(sentence)) => {
            if holds_secret(&sentence, &asked.secrets) {
                ledger::note_secret();
            }
            return Err(wrong(sentence));
        }
    };
    let mut found = Vec::with_capacity(results.len());
    for value in results {
        charged(&value).map_err(wrong)?;
        found.push(hand_out(&hidden(value, &asked.secrets), scope));
    }
    Ok(Found::Values(found))
}

/// A value with those texts marked that hold one of the secrets.
fn hidden(value: Value, secrets: &[Arc<str>]) -> Value {
    if secrets.is_empty() {
        return value;
    }
    match &value {
        Value::String(text) if holds_secret(text, secrets) => Value::Secret(text.clone()),
        Value::List(items) => Value::list(items.iter().map(|item| hidden(item.clone(), secrets))),
        Value::Map(map) => Value::map(map.iter().map(|(key, item)| (key, hidden(item.clone(), secrets)))),
        _ => value,
    }
}

fn holds_secret(text: &str, secrets: &[Arc<str>]) -> bool {
    secrets
        .iter()
        .any(|secret| !secret.is_empty() && text.contains(&**secret))
}
