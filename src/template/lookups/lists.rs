//! Lookups that make lists of lists, for loops.

use super::sequence::sequence;
use super::{Lookup, keeping, lookup};
use crate::template::call::{Answer, Call, truthy};
use crate::template::convert::print;
use crate::template::filters::lists::subelements;
use crate::template::filters::random::chance;
use crate::template::ledger::spend_items;
use crate::value::{Value, repr};

pub(super) const LOOKUPS: &[Lookup] = &[
    keeping("items", |call| {
        Ok(Value::list(call.positional().iter().flat_map(one_level)))
    }),
    keeping("list", |call| Ok(Value::list(call.positional().iter().cloned()))),
    keeping("dict", dict),
    keeping("indexed_items", |call| {
        let items = call.positional().iter().flat_map(one_level).enumerate();
        Ok(Value::list(items.map(|(at, item)| {
            Value::list([Value::Int(i64::try_from(at).unwrap_or(i64::MAX)), item])
        })))
    }),
    keeping("together", |call| {
        let lists = call.positional().iter().map(one_level).collect::<Vec<_>>();
        if lists.is_empty() {
            return Err("with_together requires at least one element in each list".into());
        }
        let length = lists.iter().map(Vec::len).max().unwrap_or(0);
        let row = |at: usize| Value::list(lists.iter().map(|list| list.get(at).cloned().unwrap_or_default()));
        Ok(Value::list((0..length).map(row)))
    }),
    keeping("nested", combinations),
    keeping("community.general:cartesian", combinations),
    keeping("community.general:flattened", |call| {
        let mut flat = vec![];
        call.positional().iter().for_each(|term| flatten(term, &mut flat));
        Ok(Value::list(flat))
    }),
    keeping("subelements", |call| {
        let terms = call.positional();
        let path = terms
            .get(1)
            .ok_or("subelements lookup expects a list of two or three items")?;
        let skip = terms
            .get(2)
            .and_then(|flags| flags.get("skip_missing"))
            .is_some_and(truthy);
        let pairs = subelements(terms.first().unwrap_or(&Value::Null), path, skip)?;
        let key = print(path);
        let bare = |pair: &Value| match pair.as_list() {
            Some([Value::Map(element), item]) => {
                let rest = element.iter().filter(|entry| **entry.0 != *key);
                let rest = Value::map(rest.map(|(key, value)| (key, value.clone())));
                Value::list([rest, item.clone()])
            }
            _ => pair.clone(),
        };
        Ok(Value::list(pairs.as_list().unwrap_or_default().iter().map(bare)))
    }),
    lookup("sequence", sequence),
    lookup("random_choice", |call| {
        let terms = call.positional();
        let at = usize::try_from(chance(None).below(terms.len() as u64)).unwrap_or(0);
        Ok(Value::list(terms.get(at).cloned()))
    }),
];

/// A list as its items, all else as itself.
fn one_level(term: &Value) -> Vec<Value> {
    match term {
        Value::List(items) => items.to_vec(),
        other => vec![other.clone()],
    }
}

fn flatten(term: &Value, flat: &mut Vec<Value>) {
    match term {
        Value::List(items) => items.iter().for_each(|item| flatten(item, flat)),
        Value::Null => {}
        other => flat.push(other.clone()),
    }
}

fn dict(call: &Call) -> Answer {
    let mut pairs = vec![];
    for term in call.positional() {
        let Value::Map(map) = term else {
            return Err(format!(
                "the 'dict' lookup expects a dictionary, got {}",
                repr(term)
            ));
        };
        pairs.extend(
            map.iter().map(|(key, value)| {
                Value::map([("key", Value::String(key.clone())), ("value", value.clone())])
            }),
        );
    }
    Ok(Value::list(pairs))
}

fn combinations(call: &Call) -> Answer {
    let lists: Vec<Vec<Value>> = call.positional().iter().map(one_level).collect();
    if lists.is_empty() {
        return Err("with_nested requires at least one element in the nested list".into());
    }
    let mut rows: Vec<Vec<Value>> = vec![vec![]];
    for (width, list) in lists.iter().enumerate() {
        spend_items(rows.len().saturating_mul(list.len()).saturating_mul(width + 2))?;
        let longer = |row: &Vec<Value>| {
            let row = row.clone();
            list.iter()
                .map(move |item| {
                    let mut longer = row.clone();
                    longer.extend(match item {
                        Value::List(items) => items.to_vec(),
                        other => vec![other.clone()],
                    });
                    longer
                })
                .collect::<Vec<_>>()
        };
        rows = rows.iter().flat_map(longer).collect();
    }
    Ok(Value::list(rows.into_iter().map(Value::list)))
}
