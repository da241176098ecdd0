//! Filters on mappings.

use super::sets::holds;
use super::{Filter, filter, keeping};
use crate::template::call::{Answer, Call};
use crate::template::convert::print;
use crate::value::{Map, Value, repr};
use std::sync::Arc;

pub(super) const FILTERS: &[Filter] = &[
    keeping("combine", combine),
    keeping("dict2items", dict2items),
    keeping("items2dict", items2dict),
    filter("rekey_on_member", rekey_on_member),
    keeping("community.general:dict", |call| {
        let mut map = Map::new();
        for pair in call.input_list()? {
            match pair.as_list() {
                Some([key, value]) => map.insert(print(key).into(), value.clone()),
                _ => return Err(format!("{} is no pair", repr(&pair))),
            };
        }
        Ok(Value::Map(Arc::new(map)))
    }),
    keeping("community.general:remove_keys", |call| {
        let target = call.list_of(call.need(1, "target")?)?;
        Ok(select_keys(call.input(), &|key| {
            !holds(&target, &Value::string(key))
        }))
    }),
    filter("dictsort", dictsort),
    keeping("community.general:keep_keys", |call| {
        let target = call.list_of(call.need(1, "target")?)?;
        Ok(select_keys(call.input(), &|key| {
            holds(&target, &Value::string(key))
        }))
    }),
];

fn select_keys(value: &Value, keep: &dyn Fn(&str) -> bool) -> Value {
    match value {
        Value::List(items) => Value::list(items.iter().map(|item| select_keys(item, keep))),
        Value::Map(map) => {
            let kept = map.iter().filter(|(key, _)| keep(key));
            Value::Map(Arc::new(
                kept.map(|(key, value)| (key.clone(), value.clone())).collect(),
            ))
        }
        other => other.clone(),
    }
}

/// What happens to two lists under the same key.
#[derive(Clone, Copy)]
enum ListMerge {
    Replace,
    Keep,
    Append,
    Prepend,
    AppendNew,
    PrependNew,
}

impl ListMerge {
    fn named(name: &str) -> Result<ListMerge, String> {
        Ok(match name {
            "replace" => ListMerge::Replace,
            "keep" => ListMerge::Keep,
            "append" => ListMerge::Append,
            "prepend" => ListMerge::Prepend,
            "append_rp" => ListMerge::AppendNew,
            "prepend_rp" => ListMerge::PrependNew,
            other => {
                return Err(format!(
                    "'{other}' is no way to merge lists; known are replace, keep, append, prepend, append_rp, prepend_rp"
                ));
            }
        })
    }
}

/// Two mappings as one; what stands in `high` wins.
pub(super) fn combined(low: &Map, high: &Map, recursive: bool, list_merge: &str) -> Result<Map, String> {
    Ok(merged(low, high, recursive, ListMerge::named(list_merge)?))
}

fn combine(call: &Call) -> Answer {
    let recursive = call
        .named()
        .get("recursive")
        .is_some_and(crate::template::call::truthy);
    let merge = ListMerge::named(&call.named().get("list_merge").map_or("replace".into(), print))?;
    let mut dicts = vec![];
    for value in call.positional() {
        collect_dicts(value, &mut dicts)?;
    }
    let mut all = dicts.into_iter();
    let first = all.next().unwrap_or_default();
    Ok(Value::Map(Arc::new(
        all.fold(first, |low, high| merged(&low, &high, recursive, merge)),
    )))
}

fn collect_dicts(value: &Value, dicts: &mut Vec<Map>) -> Result<(), String> {
    match value {
        Value::Map(map) => dicts.push((**map).clone()),
        Value::List(items) => items.iter().try_for_each(|item| collect_dicts(item, dicts))?,
        Value::Null => {}
        other => return Err(format!("|combine expects dictionaries, got {}", repr(other))),
    }
    Ok(())
}

fn merged(low: &Map, high: &Map, recursive: bool, merge: ListMerge) -> Map {
    let mut result = low.clone();
    for (key, value) in high {
        let new = match (low.get(key), value) {
            (Some(Value::Map(a)), Value::Map(b)) if recursive => {
                Value::Map(Arc::new(merged(a, b, recursive, merge)))
            }
            (Some(Value::List(a)), Value::List(b)) => merged_lists(a, b, merge),
            _ => value.clone(),
        };
        result.insert(key.clone(), new);
    }
    result
}

fn merged_lists(low: &[Value], high: &[Value], merge: ListMerge) -> Value {
    let new = |of: &[Value], than: &[Value]| {
        of.iter()
            .filter(|item| !holds(than, item))
            .cloned()
            .collect::<Vec<_>>()
    };
    match merge {
        ListMerge::Replace => Value::list(high.iter().cloned()),
        ListMerge::Keep => Value::list(low.iter().cloned()),
        ListMerge::Append => Value::list(low.iter().chain(high).cloned()),
        ListMerge::Prepend => Value::list(high.iter().chain(low).cloned()),
        ListMerge::AppendNew => Value::list(new(low, high).into_iter().chain(high.iter().cloned())),
        ListMerge::PrependNew => Value::list(high.iter().cloned().chain(new(low, high))),
    }
}

/// The pairs of a mapping, sorted by key or value; texts without regard to capitals unless asked for.
fn dictsort(call: &Call) -> Answer {
    let exact = call.flag(1, "case_sensitive", false);
    let by_value = match call.text(2, "by").as_deref() {
        None | Some("key") => false,
        Some("value") => true,
        Some(_) => return Err("You can only sort by either \"key\" or \"value\"".into()),
    };
    let mut pairs: Vec<(Value, Value)> = vec![];
    for (key, value) in call.input_map()? {
        let part = if by_value {
            value.clone()
        } else {
            Value::String(key.clone())
        };
        let part = match &part {
            Value::String(text) if !exact => text.to_lowercase().into(),
            _ => part,
        };
        pairs.push((part, Value::list([Value::String(key.clone()), value.clone()])));
    }
    let mut refused = None;
    pairs.sort_by(|a, b| {
        crate::template::call::order(&a.0, &b.0).unwrap_or_else(|error| {
            refused = Some(error);
            std::cmp::Ordering::Equal
        })
    });
    if let Some(error) = refused {
        return Err(error);
    }
    if call.flag(3, "reverse", false) {
        pairs.reverse();
    }
    Ok(Value::list(pairs.into_iter().map(|pair| pair.1)))
}

fn dict2items(call: &Call) -> Answer {
    let key_name = call.text(1, "key_name").unwrap_or_else(|| "key".into());
    let value_name = call.text(2, "value_name").unwrap_or_else(|| "value".into());
    let item = |(key, value): (&Arc<str>, &Value)| {
        Value::map([
            (key_name.as_str(), Value::String(key.clone())),
            (value_name.as_str(), value.clone()),
        ])
    };
    Ok(Value::list(call.input_map()?.iter().map(item)))
}

fn items2dict(call: &Call) -> Answer {
    let key_name = call.text(1, "key_name").unwrap_or_else(|| "key".into());
    let value_name = call.text(2, "value_name").unwrap_or_else(|| "value".into());
    let mut map = Map::new();
    for item in call.input_list()? {
        let part = |name: &str| match item.as_list() {
            Some(parts) => name.parse::<usize>().ok().and_then(|at| parts.get(at)),
            None => item.get(name),
        };
        let (Some(key), Some(value)) = (part(&key_name), part(&value_name)) else {
            return Err(format!(
                "items2dict requires each dictionary in the list to contain the keys '{key_name}' and '{value_name}', got {}",
                repr(&item)
            ));
        };
        map.insert(print(key).into(), value.clone());
    }
    Ok(Value::Map(Arc::new(map)))
}

fn rekey_on_member(call: &Call) -> Answer {
    let key = call.need_text(1, "key")?;
    let overwrite = call.text(2, "duplicates").as_deref() == Some("overwrite");
    let items: Vec<Value> = match call.input() {
        Value::Map(map) => map.values().cloned().collect(),
        _ => call.input_list()?,
    };
    let mut map = Map::new();
    for item in items {
        let name = item
            .get(&key)
            .map(print)
            .ok_or_else(|| format!("Key {key} was not found"))?;
        if map.insert(name.as_str().into(), item).is_some() && !overwrite {
            return Err(format!(
                "Key {name} is not unique, cannot correctly turn into dict"
            ));
        }
    }
    Ok(Value::Map(Arc::new(map)))
}
