//! Lookups that make lists of lists, for loops.

use super::{Lookup, keeping, lookup};
use crate::template::call::{Answer, Call, truthy};
use crate::template::convert::print;
use crate::template::filters::lists::subelements;
use crate::template::filters::random::chance;
use crate::template::ledger::{spend, spend_items};
use crate::value::{Value, repr, to_integer};

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

/// `start-end/stride:format` or the same as arguments.
fn sequence(call: &Call) -> Answer {
    let mut all = vec![];
    let terms: Vec<String> = match call.positional() {
        [] => vec![String::new()],
        terms => terms.iter().map(print).collect(),
    };
    for term in terms {
        let mut given: std::collections::HashMap<String, String> = call
            .named()
            .iter()
            .map(|(name, value)| (name.to_string(), print(value)))
            .collect();
        if term.contains('=') {
            for (name, value) in term.split_whitespace().filter_map(|word| word.split_once('=')) {
                if !["start", "end", "stride", "count", "format"].contains(&name) {
                    return Err(format!("unrecognized arguments to with_sequence: ['{name}']"));
                }
                given.insert(name.to_string(), value.to_string());
            }
        } else if !term.is_empty() {
            let (range, format) = term
                .split_once(':')
                .map_or((term.as_str(), None), |(range, format)| (range, Some(format)));
            let (range, stride) = range
                .split_once('/')
                .map_or((range, None), |(range, stride)| (range, Some(stride)));
            let (start, end) = range
                .split_once('-')
                .map_or((None, range), |(start, end)| (Some(start), end));
            let parts = [
                ("format", format),
                ("stride", stride),
                ("start", start),
                ("end", Some(end)),
            ];
            given.extend(
                parts
                    .into_iter()
                    .filter_map(|(name, value)| Some((name.to_string(), value?.to_string()))),
            );
        }
        // Twice as wide as any number that is given: nothing below overflows.
        let number = |name: &str| -> Result<Option<i128>, String> {
            given
                .get(name)
                .map(|text| parse(text).ok_or(format!("can't parse {name}={text} as integer")))
                .map(|number| number.map(i128::from))
                .transpose()
        };
        let start = number("start")?.unwrap_or(1);
        let stride = number("stride")?.unwrap_or(1);
        let end = match (number("count")?, number("end")?) {
            (Some(0), None) => continue,
            (Some(count), None) => start + count * stride - 1,
            (None, Some(end)) => end,
            (None, None) => return Err("must specify count or end in with_sequence".into()),
            (Some(_), Some(_)) => return Err("can't specify both count and end in with_sequence".into()),
        };
        if stride > 0 && end < start {
            return Err("to count backwards make stride negative".into());
        }
        if stride < 0 && end > start {
            return Err("to count forward don't make stride negative".into());
        }
        let format = given.get("format").map_or("%d", String::as_str);
        let mut at = start;
        while stride != 0 && (at - end) * stride.signum() <= 0 {
            spend_items(1)?;
            all.push(formatted(format, at)?);
            at += stride;
        }
    }
    Ok(Value::list(all))
}

fn parse(text: &str) -> Option<i64> {
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => to_integer(&text.into()),
    }
}

/// One number in a printf format such as `host%02x`.
fn formatted(format: &str, number: i128) -> Answer {
    let wrong = || format!("bad formatting string: {format}");
    let at = format.find('%').ok_or_else(wrong)?;
    let rest = &format[at + 1..];
    let end = rest.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?;
    let (spec, tail) = rest.split_at(end);
    let zero = spec.starts_with('0');
    let width: usize = spec.trim_start_matches(['0', '-', '+']).parse().unwrap_or(0);
    let digits = match tail.chars().next() {
        Some('d' | 'i' | 's') => number.to_string(),
        Some('x') => format!("{number:x}"),
        Some('X') => format!("{number:X}"),
        Some('o') => format!("{number:o}"),
        _ => return Err(wrong()),
    };
    spend(width)?;
    let filler = if zero { "0" } else { " " };
    let padded = filler.repeat(width.saturating_sub(digits.len())) + &digits;
    Ok(format!("{}{padded}{}", &format[..at], &tail[1..]).into())
}
