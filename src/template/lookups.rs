//! All lookups, by topic. A lookup is one function and one line in the list of its file.

mod files;
mod lists;
mod others;
mod sequence;
mod tables;
mod url;

use super::call::{self, Answer, Call, Given, Plugin, given};
use super::convert::{print, split_arguments};
use super::filters::both_names;
use super::sizes::{count, held};
use super::{containers, foreign, ledger, objects};
use crate::value::Value;
use minijinja::value::{Rest, Value as Jinja, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error as JinjaError, ErrorKind};

/// One lookup. It gives a list.
pub(super) struct Lookup {
    /// Its short name and, behind a colon, the collection it belongs to if that is not `ansible.builtin`.
    name: &'static str,
    /// True if it passes on leaves that it does not look at.
    keeps: bool,
    run: fn(&Call) -> Answer,
}

const fn lookup(name: &'static str, run: fn(&Call) -> Answer) -> Lookup {
    Lookup {
        name,
        keeps: false,
        run,
    }
}

const fn keeping(name: &'static str, run: fn(&Call) -> Answer) -> Lookup {
    Lookup {
        name,
        keeps: true,
        run,
    }
}

/// The lists of all topics.
const TOPICS: [&[Lookup]; 5] = [
    files::LOOKUPS,
    lists::LOOKUPS,
    others::LOOKUPS,
    tables::LOOKUPS,
    url::LOOKUPS,
];

/// The names of all lookups, short and full.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    static NAMES: std::sync::OnceLock<Vec<String>> = std::sync::OnceLock::new();
    let names = NAMES.get_or_init(|| {
        TOPICS
            .into_iter()
            .flatten()
            .flat_map(|lookup| both_names(lookup.name))
            .collect()
    });
    names.iter().map(String::as_str)
}

/// Adds `lookup`, `query`, `q` and the other functions to an environment.
pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_function("lookup", |arguments: Given| run(&given(arguments), false));
    environment.add_function("query", |arguments: Given| run(&given(arguments), true));
    environment.add_function("q", |arguments: Given| run(&given(arguments), true));
    environment.add_function("now", |arguments: Given| others::now(&given(arguments)));
    environment.add_function("cycler", |items: Rest<Jinja>| {
        minijinja_contrib::globals::cycler(items.0)
    });
    environment.add_function("joiner", minijinja_contrib::globals::joiner);
    environment.add_function("dict", |arguments: Given| {
        let arguments = given(arguments);
        count(arguments.iter().map(held).sum())?;
        dict(&arguments)
    });
    environment.add_function("namespace", |values: Option<ValueOrKwargs>| {
        let values = values.map(ValueOrKwargs::into_value);
        count(values.as_ref().map_or(0, held))?;
        minijinja::functions::namespace(values.map(ValueOrKwargs::from))
    });
    environment.add_function("undef", |arguments: Given| {
        let hint = arguments
            .first()
            .and_then(|hint| hint.as_str())
            .unwrap_or("the value is undefined")
            .to_string();
        objects::hand_out_undefined(hint)
    });
}

/// `dict(...)`: of a mapping, of pairs, and of named arguments.
fn dict(arguments: &[Jinja]) -> Result<Jinja, JinjaError> {
    let (positional, keywords) = split_arguments(arguments);
    let mut entries: Vec<(Jinja, Jinja)> = vec![];
    for argument in positional {
        for item in argument.try_iter()? {
            entries.push(match argument.kind() {
                ValueKind::Map => (item.clone(), argument.get_item(&item)?),
                _ => (item.get_item_by_index(0)?, item.get_item_by_index(1)?),
            });
        }
    }
    if let Some(keywords) = &keywords {
        for name in keywords.args() {
            entries.push((Jinja::from(name), keywords.peek(name)?));
        }
    }
    let scope = ledger::scope()
        .ok_or_else(|| call::failure(Plugin::Function("dict"), "no variables are in sight"))?;
    let map = containers::MapObject::own(vec![], &scope);
    for (key, value) in entries {
        map.insert(key, value);
    }
    Ok(Jinja::from_object(map))
}

fn run(arguments: &[Jinja], wants_list: bool) -> Result<Jinja, JinjaError> {
    let wrong = |sentence: String| JinjaError::new(ErrorKind::InvalidOperation, sentence);
    let (name, rest) = match arguments.split_first() {
        Some((name, rest)) => (name.as_str().unwrap_or_default().to_string(), rest),
        None => return Err(wrong("lookup: the name of the lookup is missing".into())),
    };
    let found = TOPICS
        .into_iter()
        .flatten()
        .find(|lookup| both_names(lookup.name).contains(&name));
    if let Some(result) = foreign::looked_up(&name, rest, wants_list) {
        return result;
    }
    let Some(lookup) = found else {
        let near = crate::error::nearest(&name, names());
        let hint = near
            .map(|near| format!(" Did you mean '{near}'?"))
            .unwrap_or_default();
        return Err(wrong(format!("The lookup plugin '{name}' was not found.{hint}")));
    };
    let forgiving = std::cell::Cell::new(false);
    let result = call::run(Plugin::Lookup(&name), rest, lookup.keeps, |call| {
        forgiving.set(
            call.named()
                .get("errors")
                .is_some_and(|errors| ["ignore", "warn"].contains(&print(errors).as_str())),
        );
        let wants_list = call.named().get("wantlist").map_or(wants_list, call::truthy);
        let found = (lookup.run)(call)?;
        Ok(if wants_list { found } else { single(found) })
    });
    match result {
        Err(_) if forgiving.get() && wants_list => Ok(Jinja::from(Vec::<Jinja>::new())),
        Err(_) if forgiving.get() => Ok(Jinja::from(())),
        other => other,
    }
}

/// What `lookup` makes of the list: its only item, or texts joined by commas.
fn single(found: Value) -> Value {
    match found.as_list() {
        Some([one]) => one.clone(),
        Some(items) if items.iter().all(|item| matches!(item, Value::String(_))) => {
            items.iter().map(print).collect::<Vec<_>>().join(",").into()
        }
        _ => found,
    }
}

/// Something that only applying can tell, when running in check mode.
fn unknown_in_check(call: &Call, what: &str) -> Option<Value> {
    call.scope.surroundings().check.then(|| unknown(what))
}

/// Something that is not known yet, noted for whoever evaluates.
fn unknown(what: &str) -> Value {
    let unknown = Value::unknown(what);
    if let Value::Unknown(unknown) = &unknown {
        ledger::note_unknown(unknown);
    }
    unknown
}
