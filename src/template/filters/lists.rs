//! Filters on lists and sets.

use super::sets::holds;
use super::{Filter, filter, keeping};
use crate::template::call::{Answer, Call, number, order, truthy};
use crate::template::convert::print;
use crate::template::ledger::spend_items;
use crate::value::{Value, repr};
use std::cmp::Ordering;

pub(super) const FILTERS: &[Filter] = &[
    keeping("list", |call| call.input_list().map(Value::list)),
    filter("join", join),
    filter("split", split),
    filter("unique", unique),
    keeping("zip", |call| {
        let lists = columns(call)?;
        let length = lists.iter().map(Vec::len).min().unwrap_or(0);
        Ok(rows(&lists, length, &Value::Null))
    }),
    keeping("zip_longest", |call| {
        let lists = columns(call)?;
        let length = lists.iter().map(Vec::len).max().unwrap_or(0);
        let fill = call.named().get("fillvalue").cloned().unwrap_or_default();
        Ok(rows(&lists, length, &fill))
    }),
    keeping("product", product),
    keeping("flatten", flatten),
    filter("combinations", |call| choose(call, false)),
    filter("permutations", |call| choose(call, true)),
    filter("min", |call| extreme(call, Ordering::Less)),
    filter("max", |call| extreme(call, Ordering::Greater)),
    filter("sort", sort),
    keeping("batch", batch),
    keeping("slice", slice),
    filter("shuffle", super::random::shuffle),
    filter("random", super::random::random),
    filter("community.general:random_mac", super::random::random_mac),
    keeping("subelements", |call| {
        subelements(
            call.input(),
            call.need(1, "subelements")?,
            call.flag(2, "skip_missing", false),
        )
    }),
    filter("sum", sum),
    filter("community.general:counter", |call| {
        let mut counts: Vec<(String, i64)> = vec![];
        for item in call.input_list()? {
            let text = print(&item);
            match counts.iter_mut().find(|entry| entry.0 == text) {
                Some(entry) => entry.1 += 1,
                None => counts.push((text, 1)),
            }
        }
        Ok(Value::map(
            counts.into_iter().map(|(text, count)| (text, Value::Int(count))),
        ))
    }),
];

/// The part of an item that `attribute` names: keys or positions with dots between them.
pub(super) fn attribute(item: &Value, path: &str) -> Option<Value> {
    path.split('.')
        .try_fold(item.clone(), |value, part| match &value {
            Value::List(items) => items.get(part.parse::<usize>().ok()?).cloned(),
            other => other.get(part).cloned(),
        })
}

fn join(call: &Call) -> Answer {
    let between = call.text(1, "d").unwrap_or_default();
    let items = call.input_list()?;
    let items = match call.text(2, "attribute") {
        None => items,
        Some(path) => items
            .iter()
            .map(|item| attribute(item, &path).ok_or_else(|| missing(item, &path)))
            .collect::<Result<_, _>>()?,
    };
    Ok(items.iter().map(print).collect::<Vec<_>>().join(&between).into())
}

fn missing(item: &Value, path: &str) -> String {
    format!("object of type '{}' has no attribute '{path}'", item.kind())
}

fn split(call: &Call) -> Answer {
    let text = call.input_str()?;
    let limit = call
        .integer(2, "maxsplit")?
        .and_then(|limit| usize::try_from(limit).ok());
    Ok(match call.text(1, "sep") {
        Some(sep) if sep.is_empty() => return Err("empty separator".into()),
        Some(sep) => match limit {
            Some(limit) => Value::list(text.splitn(limit + 1, &sep).map(Value::string)),
            None => Value::list(text.split(&sep).map(Value::string)),
        },
        None => match limit {
            Some(limit) => Value::list(split_words(text, limit).into_iter().map(Value::string)),
            None => Value::list(text.split_whitespace().map(Value::string)),
        },
    })
}

/// At most `limit` splits at white space, as Python's `split(None, limit)`.
fn split_words(text: &str, limit: usize) -> Vec<&str> {
    let mut words = vec![];
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        if words.len() == limit {
            words.push(rest);
            break;
        }
        words.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    words
}

/// Texts compare without regard to case unless `case_sensitive` is true.
fn key_of(item: &Value, path: Option<&str>, case_sensitive: bool) -> Result<Value, String> {
    let item = match path {
        Some(path) => attribute(item, path).ok_or_else(|| missing(item, path))?,
        None => item.clone(),
    };
    Ok(match &item {
        Value::String(text) if !case_sensitive => text.to_lowercase().into(),
        _ => item,
    })
}

fn unique(call: &Call) -> Answer {
    let case_sensitive = call.flag(1, "case_sensitive", false);
    let path = call.text(2, "attribute");
    let (mut seen, mut kept) = (vec![], vec![]);
    for item in call.input_list()? {
        let key = key_of(&item, path.as_deref(), case_sensitive)?;
        if !holds(&seen, &key) {
            seen.push(key);
            kept.push(item);
        }
    }
    Ok(Value::list(kept))
}

fn sort(call: &Call) -> Answer {
    let reverse = call.flag(1, "reverse", false);
    let case_sensitive = call.flag(2, "case_sensitive", false);
    let paths: Vec<String> = call
        .text(3, "attribute")
        .map(|all| all.split(',').map(str::to_string).collect())
        .unwrap_or_default();
    let mut keyed = vec![];
    for item in call.input_list()? {
        let keys = match paths.is_empty() {
            true => vec![key_of(&item, None, case_sensitive)?],
            false => paths
                .iter()
                .map(|path| key_of(&item, Some(path), case_sensitive))
                .collect::<Result<Vec<_>, _>>()?,
        };
        keyed.push((Value::list(keys), item));
    }
    let mut wrong = None;
    keyed.sort_by(|a, b| {
        let order = order(&a.0, &b.0).unwrap_or_else(|error| {
            wrong.get_or_insert(error);
            Ordering::Equal
        });
        if reverse { order.reverse() } else { order }
    });
    match wrong {
        Some(error) => Err(error),
        None => Ok(Value::list(keyed.into_iter().map(|entry| entry.1))),
    }
}

fn extreme(call: &Call, wanted: Ordering) -> Answer {
    let path = call.named().get("attribute").map(print);
    let case_sensitive = call.named().get("case_sensitive").is_some_and(truthy);
    let mut best: Option<(Value, Value)> = None;
    for item in call.input_list()? {
        let key = key_of(&item, path.as_deref(), case_sensitive)?;
        let better = match &best {
            Some((held, _)) => order(&key, held)? == wanted,
            None => true,
        };
        if better {
            best = Some((key, item));
        }
    }
    best.map(|best| best.1)
        .ok_or_else(|| "No aggregated item, sequence was empty.".to_string())
}

fn columns(call: &Call) -> Result<Vec<Vec<Value>>, String> {
    call.positional().iter().map(|list| call.list_of(list)).collect()
}

fn rows(lists: &[Vec<Value>], length: usize, fill: &Value) -> Value {
    Value::list(
        (0..length).map(|at| Value::list(lists.iter().map(|list| list.get(at).unwrap_or(fill).clone()))),
    )
}

fn product(call: &Call) -> Answer {
    let mut lists = columns(call)?;
    if let Some(repeat) = call.named().get("repeat").and_then(crate::value::to_integer) {
        let once = lists.clone();
        for _ in 1..repeat.max(1) {
            spend_items(once.iter().map(Vec::len).sum::<usize>() + 1)?;
            lists.extend(once.iter().cloned());
        }
    }
    let mut all: Vec<Vec<Value>> = vec![vec![]];
    for (width, list) in lists.iter().enumerate() {
        spend_items(all.len().saturating_mul(list.len()).saturating_mul(width + 2))?;
        let longer = |row: &Vec<Value>| {
            let row = row.clone();
            list.iter()
                .map(move |item| row.iter().cloned().chain([item.clone()]).collect())
                .collect::<Vec<_>>()
        };
        all = all.iter().flat_map(longer).collect();
    }
    Ok(Value::list(all.into_iter().map(Value::list)))
}

fn flatten(call: &Call) -> Answer {
    let levels = call
        .integer(1, "levels")?
        .map_or(usize::MAX, |levels| usize::try_from(levels).unwrap_or(0));
    let skip_nulls = call.flag(2, "skip_nulls", true);
    let mut flat = vec![];
    flatten_into(&call.input_list()?, levels, skip_nulls, &mut flat);
    Ok(Value::list(flat))
}

fn flatten_into(items: &[Value], levels: usize, skip_nulls: bool, flat: &mut Vec<Value>) {
    for item in items {
        match item {
            Value::Null if skip_nulls => {}
            Value::List(inner) if levels > 0 => flatten_into(inner, levels - 1, skip_nulls, flat),
            other => flat.push(other.clone()),
        }
    }
}

fn choose(call: &Call, ordered: bool) -> Answer {
    let items = call.input_list()?;
    let size = match call.integer(1, "r")? {
        Some(size) => usize::try_from(size).map_err(|_| "the size must not be negative".to_string())?,
        None if ordered => items.len(),
        None => return Err("the argument `r` is missing".into()),
    };
    let mut found = vec![];
    if size <= items.len() {
        choose_into(&items, size, ordered, &mut vec![], &mut found)?;
    }
    Ok(Value::list(found))
}

fn choose_into(
    items: &[Value],
    size: usize,
    ordered: bool,
    taken: &mut Vec<usize>,
    found: &mut Vec<Value>,
) -> Result<(), String> {
    if taken.len() == size {
        spend_items(size + 1)?;
        found.push(Value::list(taken.iter().map(|at| items[*at].clone())));
        return Ok(());
    }
    let start = if ordered {
        0
    } else {
        taken.last().map_or(0, |last| last + 1)
    };
    // Where combinations begin later, too few items are left.
    let end = if ordered {
        items.len()
    } else {
        items.len() - (size - taken.len() - 1)
    };
    for at in start..end {
        if !taken.contains(&at) {
            taken.push(at);
            choose_into(items, size, ordered, taken, found)?;
            taken.pop();
        }
    }
    Ok(())
}

fn batch(call: &Call) -> Answer {
    let items = call.input_list()?;
    let size = call
        .integer(1, "linecount")?
        .and_then(|size| usize::try_from(size).ok())
        .filter(|size| *size > 0);
    let size = size.ok_or("the size must be a positive number")?;
    let fill = call.get(2, "fill_with").filter(|fill| !fill.is_null());
    if fill.is_some() && !items.is_empty() {
        spend_items(items.len().saturating_add(size))?;
    }
    Ok(Value::list(items.chunks(size).map(|chunk| {
        let missing = if fill.is_some() { size - chunk.len() } else { 0 };
        let filler = std::iter::repeat_n(fill.cloned().unwrap_or_default(), missing);
        Value::list(chunk.iter().cloned().chain(filler))
    })))
}

fn slice(call: &Call) -> Answer {
    let items = call.input_list()?;
    let count = call
        .integer(1, "slices")?
        .and_then(|count| usize::try_from(count).ok())
        .filter(|count| *count > 0);
    let count = count.ok_or("the number of slices must be positive")?;
    let fill = call.get(2, "fill_with").filter(|fill| !fill.is_null());
    spend_items(count)?;
    let (each, more) = (items.len() / count, items.len() % count);
    let mut start = 0;
    Ok(Value::list((0..count).map(|at| {
        let length = each + usize::from(at < more);
        let part = items[start..start + length].iter().cloned();
        start += length;
        let filler = fill.filter(|_| at >= more).cloned();
        Value::list(part.chain(filler))
    })))
}

/// Each element with each item of the list at `path` in it.
pub(in crate::template) fn subelements(input: &Value, path: &Value, skip_missing: bool) -> Answer {
    let elements: Vec<Value> = match input {
        Value::Map(map) => map.values().cloned().collect(),
        Value::List(items) => items.to_vec(),
        other => {
            return Err(format!(
                "obj must be a list of dicts or a nested dict, got {}",
                repr(other)
            ));
        }
    };
    let path: Vec<String> = match path {
        Value::List(parts) => parts.iter().map(print).collect(),
        text => print(text).split('.').map(str::to_string).collect(),
    };
    let mut pairs = vec![];
    for element in elements {
        let found = path
            .iter()
            .try_fold(element.clone(), |value, key| value.get(key).cloned());
        match found {
            Some(Value::List(items)) => {
                pairs.extend(
                    items
                        .iter()
                        .map(|item| Value::list([element.clone(), item.clone()])),
                );
            }
            None if skip_missing => {}
            None => {
                return Err(format!(
                    "could not find '{}' key in iterated item '{}'",
                    path.join("."),
                    repr(&element)
                ));
            }
            Some(other) => {
                return Err(format!(
                    "the key {} should point to a list, got '{}'",
                    path.join("."),
                    repr(&other)
                ));
            }
        }
    }
    Ok(Value::list(pairs))
}

fn sum(call: &Call) -> Answer {
    let path = call.text(1, "attribute");
    let start = call.get(2, "start").cloned().unwrap_or(Value::Int(0));
    call.input_list()?.iter().try_fold(start, |total, item| {
        let item = match &path {
            Some(path) => attribute(item, path).ok_or_else(|| missing(item, path))?,
            None => item.clone(),
        };
        match (&total, &item) {
            (Value::Int(a), Value::Int(b)) => Ok(Value::Int(a.saturating_add(*b))),
            (Value::List(a), Value::List(b)) => Ok(Value::list(a.iter().chain(b.iter()).cloned())),
            _ => match (number(&total), number(&item)) {
                (Some(a), Some(b)) => Ok(Value::Float(a + b)),
                _ => Err(format!(
                    "unsupported operand type(s) for +: '{}' and '{}'",
                    total.kind(),
                    item.kind()
                )),
            },
        }
    })
}
