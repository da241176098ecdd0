//! The filters that may be given something undefined, and those that the patcher writes around values.

use crate::template::call::{Given, Plugin, failure, given};
use crate::template::containers::{ListObject, MapObject};
use crate::template::convert::split_arguments;
use crate::template::objects::{Undefined, UnknownObject, hand_out_undefined, hand_out_unknown};
use crate::template::{foreign, ledger};
use minijinja::value::{Value as Jinja, ValueKind};
use minijinja::{Environment, Error as JinjaError, ErrorKind, State};

/// Their names.
pub(super) const NAMES: [&str; 9] = [
    "map",
    "ansible.builtin.map",
    "default",
    "d",
    "mandatory",
    "ansible.builtin.default",
    "ansible.builtin.mandatory",
    "ternary",
    "ansible.builtin.ternary",
];

/// Adds them to an environment.
pub(super) fn add(environment: &mut Environment<'static>) {
    for name in ["default", "d", "ansible.builtin.default"] {
        environment.add_filter(name, |arguments: Given| default(&given(arguments)));
    }
    for name in ["mandatory", "ansible.builtin.mandatory"] {
        environment.add_filter(name, |arguments: Given| mandatory(&given(arguments)));
    }
    for name in ["ternary", "ansible.builtin.ternary"] {
        environment.add_filter(name, |arguments: Given| ternary(&given(arguments)));
    }
    environment.add_filter("__chain", |value: Jinja, name: &str| {
        if value.is_undefined() {
            hand_out_undefined(missing_key(name))
        } else {
            value
        }
    });
    environment.add_filter("__own", own);
    environment.add_filter("__map", minijinja::filters::map);
    for name in ["map", "ansible.builtin.map"] {
        environment.add_filter(name, |state: &mut State, arguments: Given| {
            map(state, &given(arguments))
        });
    }
}

/// `map(attribute=..., default=...)`; with a filter's name as the engine does it.
fn map(state: &mut State, arguments: &[Jinja]) -> Result<Jinja, JinjaError> {
    let (positional, keywords) = split_arguments(arguments);
    let keyword = |name: &str| {
        keywords
            .as_ref()
            .and_then(|all| all.peek::<Option<Jinja>>(name).ok().flatten())
    };
    let (Some(path), Some(items)) = (keyword("attribute"), positional.first()) else {
        if let Some(mapped) = foreign::mapped(arguments) {
            return mapped;
        }
        return state.apply_filter("__map", arguments);
    };
    let path: Vec<String> = match path.as_str() {
        Some(path) => path.split('.').map(str::to_string).collect(),
        None => vec![path.to_string()],
    };
    let default = keyword("default");
    let each = |item: Jinja| -> Result<Jinja, JinjaError> {
        let mut found = item;
        for key in &path {
            found = match key.parse::<usize>() {
                Ok(index) => found.get_item_by_index(index)?,
                Err(_) => found.get_attr(key)?,
            };
        }
        match (&default, undefined(&found)) {
            (Some(default), true) => {
                forgiven(&found);
                Ok(default.clone())
            }
            (None, true) if found.is_undefined() => {
                Ok(hand_out_undefined(missing_key(&format!("[{}]", path.join(".")))))
            }
            _ => Ok(found),
        }
    };
    items
        .try_iter()?
        .map(each)
        .collect::<Result<Vec<_>, _>>()
        .map(Jinja::from)
}

fn undefined(value: &Jinja) -> bool {
    value.is_undefined() || value.downcast_object_ref::<Undefined>().is_some()
}

/// What Ansible says about a missing key, from the text of the link: `name['key']`.
fn missing_key(link: &str) -> String {
    match link.rsplit_once('[') {
        Some((_, key)) => {
            let key = key.trim_end_matches(']').trim().trim_matches(['\'', '"']);
            format!("object of type 'dict' has no attribute '{key}'")
        }
        None => format!("'{link}' is undefined"),
    }
}

/// True if the value is undefined; the note about it is removed.
pub(in crate::template) fn forgiven(value: &Jinja) -> bool {
    if let Some(undefined) = value.downcast_object_ref::<Undefined>() {
        ledger::forgive(undefined.note);
        return true;
    }
    value.is_undefined()
}

/// `default(value, boolean)`: also for what is false if `boolean` is true.
fn default(arguments: &[Jinja]) -> Result<Jinja, JinjaError> {
    let (positional, keywords) = split_arguments(arguments);
    let keyword = |name: &str| {
        keywords
            .as_ref()
            .and_then(|all| all.peek::<Option<Jinja>>(name).ok().flatten())
    };
    let value = positional.first().cloned().unwrap_or_default();
    let otherwise = positional.get(1).cloned().or_else(|| keyword("default_value"));
    let boolean = positional.get(2).cloned().or_else(|| keyword("boolean"));
    let replace = forgiven(&value) || (boolean.is_some_and(|flag| flag.is_true()) && !value.is_true());
    Ok(if replace {
        otherwise.unwrap_or_else(|| Jinja::from(""))
    } else {
        value
    })
}

/// `mandatory(msg)`: an error of its own if the value is undefined.
fn mandatory(arguments: &[Jinja]) -> Result<Jinja, JinjaError> {
    let (positional, keywords) = split_arguments(arguments);
    let value = positional.first().cloned().unwrap_or_default();
    let keyword = keywords.and_then(|all| all.peek::<Option<String>>("msg").ok().flatten());
    let message = positional
        .get(1)
        .and_then(|text| text.as_str().map(str::to_string))
        .or(keyword);
    let name = match value.downcast_object_ref::<Undefined>() {
        Some(undefined) => ledger::undefined_text(undefined.note),
        None if value.is_undefined() => Some("the value is undefined".into()),
        None => return Ok(value),
    };
    forgiven(&value);
    let name = name.unwrap_or_default().replace(" is undefined", "");
    let sentence = message.unwrap_or_else(|| format!("Mandatory variable {name} not defined."));
    Err(JinjaError::new(ErrorKind::InvalidOperation, sentence))
}

/// `ternary(true_val, false_val, none_val)`: the value that is chosen as it is, `omit` as well; the others are not looked at.
fn ternary(arguments: &[Jinja]) -> Result<Jinja, JinjaError> {
    let (positional, keywords) = split_arguments(arguments);
    let argument = |at: usize, name: &str| {
        let named = || keywords.as_ref()?.peek::<Option<Jinja>>(name).ok().flatten();
        positional.get(at).cloned().or_else(named)
    };
    let input = positional.first().cloned().unwrap_or_default();
    if undefined(&input) {
        return Ok(input);
    }
    if let Some(unknown) = input.downcast_object_ref::<UnknownObject>() {
        return Ok(hand_out_unknown(&unknown.unknown, true));
    }
    let chosen = match argument(3, "none_val").filter(|value| !value.is_none()) {
        Some(_) if input.is_none() => (3, "none_val"),
        _ if input.is_true() => (1, "true_val"),
        _ => (2, "false_val"),
    };
    for other in [(1, "true_val"), (2, "false_val"), (3, "none_val")] {
        if other != chosen
            && let Some(value) = argument(other.0, other.1)
        {
            forgiven(&value);
        }
    }
    argument(chosen.0, chosen.1).ok_or_else(|| {
        let sentence = format!("the argument `{}` is missing", chosen.1);
        failure(Plugin::Filter("ansible.builtin.ternary"), &sentence)
    })
}

/// A list or mapping that can be changed by the template.
fn own(value: Jinja) -> Result<Jinja, JinjaError> {
    let Some(scope) = ledger::scope() else {
        return Ok(value);
    };
    Ok(match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            Jinja::from_object(ListObject::own(value.try_iter()?.collect(), &scope))
        }
        ValueKind::Map => {
            let keys: Vec<Jinja> = value.try_iter()?.collect();
            let entries = keys.into_iter().map(|key| {
                let item = value.get_item(&key)?;
                Ok((key, item))
            });
            Jinja::from_object(MapObject::own(
                entries.collect::<Result<_, JinjaError>>()?,
                &scope,
            ))
        }
        _ => value,
    })
}
