//! Python's methods of texts, lists and mappings.

use super::ledger;
use super::objects::{ListObject, MapObject};
use minijinja::value::Value as Jinja;
use minijinja::{Error as JinjaError, ErrorKind, State};

/// Calls a method that the engine does not know.
pub(super) fn call(
    state: &mut State<'_, '_>,
    value: &Jinja,
    method: &str,
    arguments: &[Jinja],
) -> Result<Jinja, JinjaError> {
    if let Some(list) = value.downcast_object_ref::<ListObject>()
        && let Some(result) = list_method(list, method, arguments)
    {
        return result;
    }
    if let Some(map) = value.downcast_object_ref::<MapObject>()
        && let Some(result) = map_method(map, method, arguments)
    {
        return result;
    }
    minijinja_contrib::pycompat::unknown_method_callback(state, value, method, arguments)
}

fn wrong(sentence: impl Into<String>) -> JinjaError {
    JinjaError::new(ErrorKind::InvalidOperation, sentence.into())
}

/// The methods that change a list, and those that look for an item.
fn list_method(list: &ListObject, method: &str, arguments: &[Jinja]) -> Option<Result<Jinja, JinjaError>> {
    let none = Jinja::from(());
    let first = || arguments.first().cloned().unwrap_or_default();
    Some(match method {
        "append" => {
            list.change(|items| items.push(first()));
            Ok(none)
        }
        "extend" => first().try_iter().map(|more| {
            let more: Vec<Jinja> = more.collect();
            list.change(|items| items.extend(more));
            none
        }),
        "insert" => {
            let at = first().as_i64().unwrap_or(0);
            let item = arguments.get(1).cloned().unwrap_or_default();
            list.change(|items| {
                let at = position(at, items.len()).min(items.len());
                items.insert(at, item);
            });
            Ok(none)
        }
        "pop" => list.change(|items| {
            let at = position(first().as_i64().unwrap_or(-1), items.len());
            if at < items.len() {
                Ok(items.remove(at))
            } else {
                Err(wrong("pop index out of range"))
            }
        }),
        "remove" => list.change(|items| match items.iter().position(|item| *item == first()) {
            Some(at) => {
                items.remove(at);
                Ok(none)
            }
            None => Err(wrong("list.remove(x): x not in list")),
        }),
        "clear" => {
            list.change(Vec::clear);
            Ok(none)
        }
        "reverse" => {
            list.change(|items| items.reverse());
            Ok(none)
        }
        "sort" => {
            list.change(|items| items.sort());
            Ok(none)
        }
        "copy" => list.change(|items| {
            let scope = ledger::scope().ok_or_else(|| wrong("no variables are in sight"))?;
            Ok(Jinja::from_object(ListObject::own(items.clone(), &scope)))
        }),
        "index" => list.change(|items| match items.iter().position(|item| *item == first()) {
            Some(at) => Ok(Jinja::from(at)),
            None => Err(wrong(format!(
                "{} is not in list",
                super::convert::text(&first())
            ))),
        }),
        _ => return None,
    })
}

/// Python's reading of an index that may count from the end.
fn position(at: i64, length: usize) -> usize {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    usize::try_from(if at < 0 { (length + at).max(0) } else { at }).unwrap_or(usize::MAX)
}

/// The methods that change a mapping.
fn map_method(map: &MapObject, method: &str, arguments: &[Jinja]) -> Option<Result<Jinja, JinjaError>> {
    let none = Jinja::from(());
    let first = || arguments.first().cloned().unwrap_or_default();
    let second = || arguments.get(1).cloned();
    Some(match method {
        "update" => update(map, arguments).map(|()| none),
        "setdefault" => map.change(|entries| match entries.iter().find(|entry| entry.0 == first()) {
            Some(entry) => Ok(entry.1.clone()),
            None => {
                let value = second().unwrap_or(none);
                entries.push((first(), value.clone()));
                Ok(value)
            }
        }),
        "pop" => map.change(
            |entries| match entries.iter().position(|entry| entry.0 == first()) {
                Some(at) => Ok(entries.remove(at).1),
                None => second().ok_or_else(|| wrong(format!("no key {}", super::convert::text(&first())))),
            },
        ),
        "clear" => {
            map.change(Vec::clear);
            Ok(none)
        }
        "copy" => map.change(|entries| {
            let scope = ledger::scope().ok_or_else(|| wrong("no variables are in sight"))?;
            Ok(Jinja::from_object(MapObject::own(entries.clone(), &scope)))
        }),
        _ => return None,
    })
}

fn update(map: &MapObject, arguments: &[Jinja]) -> Result<(), JinjaError> {
    for argument in arguments {
        let keys: Vec<Jinja> = argument.try_iter()?.collect();
        for key in keys {
            let value = argument.get_item(&key)?;
            map.change(|entries| match entries.iter_mut().find(|entry| entry.0 == key) {
                Some(entry) => entry.1 = value,
                None => entries.push((key, value)),
            });
        }
    }
    Ok(())
}
