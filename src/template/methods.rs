//! Python's methods of texts, lists and mappings.

use super::containers::{ListObject, MapObject};
use super::ledger;
use super::sizes::{affordable, bytes, count, held};
use minijinja::value::Value as Jinja;
use minijinja::{Error as JinjaError, ErrorKind, State};

/// Calls a method that the engine does not know. What it makes is counted.
pub(super) fn call(
    state: &mut State<'_, '_>,
    value: &Jinja,
    method: &str,
    arguments: &[Jinja],
) -> Result<Jinja, JinjaError> {
    if let (Some(text), "replace", Some(old), Some(new)) = (
        value.as_str(),
        method,
        arguments.first().and_then(Jinja::as_str),
        arguments.get(1).and_then(Jinja::as_str),
    ) {
        affordable(text.matches(old).count().saturating_mul(new.len()))?;
    }
    let made = answer(state, value, method, arguments)?;
    count(bytes(&made))?;
    Ok(made)
}

fn answer(
    state: &mut State<'_, '_>,
    value: &Jinja,
    method: &str,
    arguments: &[Jinja],
) -> Result<Jinja, JinjaError> {
    if value.as_object().is_some() {
        // A list or mapping may keep them.
        count(arguments.iter().map(held).sum())?;
    }
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
    if let Some(text) = value.as_str()
        && let Some(result) = text_method(text, method, arguments)
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

/// The methods of texts that the engine's own collection lacks.
fn text_method(text: &str, method: &str, arguments: &[Jinja]) -> Option<Result<Jinja, JinjaError>> {
    let (positional, _) = super::convert::split_arguments(arguments);
    let word = |at: usize| positional.get(at).and_then(Jinja::as_str).map(str::to_string);
    let first = || word(0).unwrap_or_default();
    let width = || positional.first().and_then(Jinja::as_usize).unwrap_or(0);
    let fill = || word(1).and_then(|text| text.chars().next()).unwrap_or(' ');
    let missing = || width().saturating_sub(text.chars().count());
    let filler = |count: usize| fill().to_string().repeat(count);
    if ["zfill", "ljust", "rjust", "center"].contains(&method)
        && let Err(error) = affordable(width().saturating_mul(fill().len_utf8()))
    {
        return Some(Err(error));
    }
    let triple = |found: Option<(&str, &str)>, otherwise: [&str; 3]| {
        let parts = found.map_or(otherwise.map(str::to_string), |(head, tail)| {
            [head.into(), first(), tail.into()]
        });
        Jinja::from(parts.into_iter().map(Jinja::from).collect::<Vec<_>>())
    };
    Some(Ok(match method {
        "partition" => triple(text.split_once(&first()), [text, "", ""]),
        "rpartition" => triple(text.rsplit_once(&first()), ["", "", text]),
        "rsplit" => {
            let limit = positional.get(1).and_then(Jinja::as_usize).unwrap_or(usize::MAX);
            let mut parts: Vec<&str> = match word(0) {
                Some(between) => split_from_end(text, &between, limit),
                None => text.split_whitespace().rev().collect(),
            };
            parts.reverse();
            Jinja::from(parts.into_iter().map(Jinja::from).collect::<Vec<_>>())
        }
        "zfill" => {
            let (sign, digits) = text.split_at(usize::from(text.starts_with(['+', '-'])));
            Jinja::from(format!("{sign}{}{digits}", "0".repeat(missing())))
        }
        "ljust" => Jinja::from(format!("{text}{}", filler(missing()))),
        "rjust" => Jinja::from(format!("{}{text}", filler(missing()))),
        "center" => Jinja::from(center(text, width(), fill())),
        "casefold" => Jinja::from(text.to_lowercase()),
        "swapcase" => {
            let swap = |c: char| -> String {
                if c.is_uppercase() {
                    c.to_lowercase().collect()
                } else {
                    c.to_uppercase().collect()
                }
            };
            Jinja::from(text.chars().map(swap).collect::<String>())
        }
        "removeprefix" => Jinja::from(text.strip_prefix(&first()).unwrap_or(text)),
        "removesuffix" => Jinja::from(text.strip_suffix(&first()).unwrap_or(text)),
        "index" => match text.find(&first()) {
            Some(at) => Jinja::from(text[..at].chars().count()),
            None => return Some(Err(wrong("substring not found"))),
        },
        "rindex" => match text.rfind(&first()) {
            Some(at) => Jinja::from(text[..at].chars().count()),
            None => return Some(Err(wrong("substring not found"))),
        },
        "encode" | "decode" => Jinja::from(text),
        "expandtabs" => Jinja::from(text.replace('\t', "        ")),
        "isdecimal" => Jinja::from(!text.is_empty() && text.chars().all(|c| c.is_ascii_digit())),
        "isidentifier" => {
            let letters = text.chars().all(|c| c.is_alphanumeric() || c == '_');
            Jinja::from(letters && !text.is_empty() && !text.starts_with(|c: char| c.is_ascii_digit()))
        }
        "istitle" => {
            let mut inside = false;
            let well = text.chars().all(|c| {
                let fits = if c.is_uppercase() {
                    !inside
                } else if c.is_lowercase() {
                    inside
                } else {
                    true
                };
                inside = c.is_alphabetic();
                fits
            });
            Jinja::from(well && text.chars().any(char::is_alphabetic))
        }
        _ => return None,
    }))
}

fn split_from_end<'a>(text: &'a str, between: &str, limit: usize) -> Vec<&'a str> {
    text.rsplitn(limit.saturating_add(1), between).collect()
}

/// Python's `str.center`: an odd blank goes to the left if the width is odd.
pub(super) fn center(text: &str, width: usize, fill: char) -> String {
    let missing = width.saturating_sub(text.chars().count());
    let left = missing / 2 + (missing & width & 1);
    let side = |count: usize| fill.to_string().repeat(count);
    format!("{}{text}{}", side(left), side(missing - left))
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
            map.insert(key, value);
        }
    }
    Ok(())
}
