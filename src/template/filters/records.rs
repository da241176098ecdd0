//! Lists of records and mappings in other shapes: filters of `community.general`.

use super::sets::holds;
use super::{Filter, filter};
use crate::template::call::{Answer, Call, equal};
use crate::template::convert::print;
use crate::value::{Map, Value, repr};
use std::sync::Arc;

pub(super) const FILTERS: &[Filter] = &[
    filter("community.general:dict_kv", |call| {
        let key = call.need_text(1, "key")?;
        Ok(Value::map([(key, call.input().clone())]))
    }),
    filter("community.general:groupby_as_dict", groupby_as_dict),
    filter("community.general:lists_mergeby", lists_mergeby),
    filter("community.general:replace_keys", replace_keys),
    filter("community.general:version_sort", |call| {
        let mut items = call.input_list()?;
        items.sort_by(|a, b| versions(&print(a), &print(b)));
        if call.flag(1, "reverse", false) {
            items.reverse();
        }
        Ok(Value::list(items))
    }),
    filter("community.general:accumulate", |call| {
        let mut sum: Option<Value> = None;
        let mut sums = vec![];
        for item in call.input_list()? {
            let next = match sum {
                None => item,
                Some(sum) => added(&sum, &item)?,
            };
            sums.push(next.clone());
            sum = Some(next);
        }
        Ok(Value::list(sums))
    }),
];

fn added(left: &Value, right: &Value) -> Answer {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => Ok(Value::Int(a.saturating_add(*b))),
        (Value::String(a), Value::String(b)) => Ok(format!("{a}{b}").into()),
        (Value::List(a), Value::List(b)) => Ok(Value::list(a.iter().chain(b.iter()).cloned())),
        _ => match (
            crate::template::call::number(left),
            crate::template::call::number(right),
        ) {
            (Some(a), Some(b)) => Ok(Value::Float(a + b)),
            _ => Err(format!("{} and {} cannot be added", repr(left), repr(right))),
        },
    }
}

fn groupby_as_dict(call: &Call) -> Answer {
    let attribute = call.need_text(1, "attribute")?;
    let mut all = Map::new();
    for item in call.input_list()? {
        let record = item
            .as_map()
            .ok_or_else(|| format!("{} is no dict", repr(&item)))?;
        let key = record
            .get(attribute.as_str())
            .ok_or_else(|| format!("Attribute not contained in element: {attribute}"))?;
        if all.insert(print(key).into(), item.clone()).is_some() {
            return Err(format!(
                "Multiple sequence entries have attribute value {}",
                repr(key)
            ));
        }
    }
    Ok(Value::Map(Arc::new(all)))
}

/// Records of several lists with the same value at `index` become one; the result is sorted by it.
fn lists_mergeby(call: &Call) -> Answer {
    let mut lists: Vec<Value> = call.positional().to_vec();
    let index = match call.named().get("index") {
        Some(index) => print(index),
        None => lists.pop().map(|index| print(&index)).unwrap_or_default(),
    };
    // One list of lists does as well as many lists.
    if let [one] = lists.as_slice()
        && let Some(inner) = one.as_list()
        && inner.iter().all(|item| item.as_list().is_some())
    {
        lists = inner.to_vec();
    }
    let recursive = call
        .named()
        .get("recursive")
        .is_some_and(crate::template::call::truthy);
    let merge = call
        .named()
        .get("list_merge")
        .map_or_else(|| "replace".to_string(), print);
    let mut merged: Vec<(Value, Map)> = vec![];
    for list in &lists {
        for item in call.list_of(list)? {
            let record = item.as_map().ok_or_else(|| {
                format!(
                    "Elements of list arguments for lists_mergeby must be dictionaries. {} is not",
                    repr(&item)
                )
            })?;
            let Some(key) = record.get(index.as_str()) else {
                continue;
            };
            match merged.iter_mut().find(|held| equal(&held.0, key)) {
                Some(held) => held.1 = super::maps::combined(&held.1, record, recursive, &merge)?,
                None => merged.push((key.clone(), record.clone())),
            }
        }
    }
    merged.sort_by(|a, b| crate::template::call::order(&a.0, &b.0).unwrap_or(std::cmp::Ordering::Equal));
    Ok(Value::list(
        merged.into_iter().map(|held| Value::Map(Arc::new(held.1))),
    ))
}

/// Other names for keys: `target` is a list of `{before, after}`.
fn replace_keys(call: &Call) -> Answer {
    let target = call.list_of(call.need(1, "target")?)?;
    let way = call
        .named()
        .get("matching_parameter")
        .map_or_else(|| "equal".to_string(), print);
    let mut names: Vec<(Value, String)> = vec![];
    for pair in &target {
        let pair = pair
            .as_map()
            .ok_or_else(|| format!("{} is no dict", repr(pair)))?;
        let part = |name: &str| {
            pair.get(name)
                .ok_or_else(|| format!("`{name}` is missing in target"))
        };
        names.push((part("before")?.clone(), print(part("after")?)));
    }
    let matches = |key: &str, before: &Value| -> Result<bool, String> {
        let text = print(before);
        Ok(match way.as_str() {
            "starts_with" => key.starts_with(&text),
            "ends_with" => key.ends_with(&text),
            "regex" => fancy_regex::Regex::new(&format!("^(?:{text})"))
                .and_then(|regex| regex.is_match(key))
                .map_err(|error| error.to_string())?,
            _ => holds(std::slice::from_ref(before), &Value::string(key)),
        })
    };
    let mut all = vec![];
    for record in call.input_list()? {
        let record = record
            .as_map()
            .ok_or_else(|| format!("{} is no dict", repr(&record)))?;
        let mut renamed = Map::new();
        for (key, value) in record {
            let mut name = key.to_string();
            for (before, after) in &names {
                if matches(key, before)? {
                    name = after.clone();
                    break;
                }
            }
            renamed.insert(name.into(), value.clone());
        }
        all.push(Value::Map(Arc::new(renamed)));
    }
    Ok(Value::list(all))
}

/// The order of versions: numbers by their size, all else as text.
fn versions(a: &str, b: &str) -> std::cmp::Ordering {
    let parts = |text: &str| -> Vec<(Option<u64>, String)> {
        let mut parts: Vec<(Option<u64>, String)> = vec![];
        let mut part = String::new();
        for c in text.chars().chain(['.']) {
            let same = part
                .chars()
                .last()
                .is_none_or(|last| last.is_ascii_digit() == c.is_ascii_digit());
            if !part.is_empty() && (!same || c == '.') {
                parts.push((part.parse().ok(), std::mem::take(&mut part)));
            }
            if c != '.' {
                part.push(c);
            }
        }
        parts
    };
    parts(a).cmp(&parts(b))
}
