//! Filters that take lists as sets. The order of the lists is kept.

use super::{Filter, filter};
use crate::template::call::{Answer, Call, equal};
use crate::value::Value;

pub(super) const FILTERS: &[Filter] = &[
    filter("union", |call| {
        let mut all = call.input_list()?;
        all.extend(other(call)?);
        Ok(distinct(all))
    }),
    filter("intersect", |call| {
        set(call, |left, right, item| left && right && item)
    }),
    filter("difference", |call| {
        set(call, |left, right, item| left && !right && item)
    }),
    filter("symmetric_difference", |call| {
        let (left, right) = (call.input_list()?, other(call)?);
        let only = |a: &[Value], b: &[Value]| {
            a.iter()
                .filter(|item| !holds(b, item))
                .cloned()
                .collect::<Vec<_>>()
        };
        let mut all = only(&left, &right);
        all.extend(only(&right, &left));
        Ok(distinct(all))
    }),
    filter("community.general:lists_union", |call| {
        lists(call, |held, count| held && count > 0)
    }),
    filter("community.general:lists_intersect", |call| {
        let wanted = call.positional().len();
        lists(call, move |_, count| count == wanted)
    }),
];

fn other(call: &Call) -> Result<Vec<Value>, String> {
    call.list_of(call.need(1, "b")?)
}

/// True if the list holds an equal item.
pub(in crate::template) fn holds(list: &[Value], item: &Value) -> bool {
    list.iter().any(|held| equal(held, item))
}

fn distinct(items: Vec<Value>) -> Value {
    let mut seen: Vec<Value> = vec![];
    for item in items {
        if !holds(&seen, &item) {
            seen.push(item);
        }
    }
    Value::list(seen)
}

fn set(call: &Call, keep: impl Fn(bool, bool, bool) -> bool) -> Answer {
    let (left, right) = (call.input_list()?, other(call)?);
    Ok(distinct(
        left.into_iter()
            .filter(|item| keep(true, holds(&right, item), true))
            .collect(),
    ))
}

fn lists(call: &Call, keep: impl Fn(bool, usize) -> bool) -> Answer {
    let all = call
        .positional()
        .iter()
        .map(|list| call.list_of(list))
        .collect::<Result<Vec<_>, _>>()?;
    let count = |item: &Value| all.iter().filter(|list| holds(list, item)).count();
    let flat: Vec<Value> = all.iter().flatten().cloned().collect();
    Ok(distinct(
        flat.into_iter().filter(|item| keep(true, count(item))).collect(),
    ))
}
