//! Sets of records in the shape that results of the module have.

use crate::host::RecordSet;
use crate::value::{Map, Value};
use std::sync::Arc;

fn text(text: &Option<String>) -> Value {
    text.as_ref().map_or(Value::Null, Value::string)
}

/// A list.
pub(super) fn list<T: Into<Value>>(items: impl IntoIterator<Item = T>) -> Value {
    Value::List(Arc::new(items.into_iter().map(Into::into).collect()))
}

fn number(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn map(entries: Vec<(&str, Value)>) -> Value {
    let entries: Map = entries
        .into_iter()
        .filter(|(_, value)| *value != Value::Null)
        .map(|(name, value)| (name.into(), value))
        .collect();
    Value::Map(Arc::new(entries))
}

/// A set of records as results have it.
pub(super) fn snake(set: &RecordSet) -> Value {
    let records = || {
        list(
            set.values
                .iter()
                .map(|value| map(vec![("value", Value::string(value))])),
        )
    };
    let alias = set.alias.as_ref().map_or(Value::Null, |alias| {
        map(vec![
            ("hosted_zone_id", Value::string(&alias.zone_id)),
            ("dns_name", Value::string(&alias.name)),
            ("evaluate_target_health", Value::Bool(alias.evaluate_health)),
        ])
    });
    map(vec![
        ("name", Value::string(&set.name)),
        ("type", Value::string(&set.kind)),
        ("set_identifier", text(&set.identifier)),
        ("weight", set.weight.map_or(Value::Null, number)),
        ("region", text(&set.region)),
        ("failover", text(&set.failover)),
        ("ttl", set.ttl.map_or(Value::Null, number)),
        (
            "resource_records",
            if set.alias.is_none() {
                records()
            } else {
                Value::Null
            },
        ),
        ("alias_target", alias),
        ("health_check_id", text(&set.health_check)),
    ])
}

/// A set of records as `state: get` tells it.
pub(super) fn told(set: &RecordSet, zone: &str, zone_id: &str) -> Value {
    let alias = set.alias.as_ref();
    let mut values: Vec<String> = match alias {
        Some(alias) => vec![alias.name.clone()],
        None => set.values.clone(),
    };
    values.sort();
    let mut entries = vec![
        ("zone", Value::string(zone)),
        ("hosted_zone_id", Value::string(zone_id)),
        ("type", Value::string(&set.kind)),
        ("record", Value::string(&set.name)),
        ("alias", Value::Bool(alias.is_some())),
        ("value", Value::string(values.join(","))),
        ("values", list(values.iter().map(Value::string))),
    ];
    if let Some(alias) = alias {
        entries.push(("alias_hosted_zone_id", Value::string(&alias.zone_id)));
        entries.push(("alias_evaluate_target_health", Value::Bool(alias.evaluate_health)));
    }
    let Value::Map(found) = map(entries) else {
        return Value::Null;
    };
    let mut found = (*found).clone();
    let digits = |number: Option<u64>| number.map_or(Value::Null, |number| Value::string(number.to_string()));
    for (name, value) in [
        ("ttl", digits(set.ttl)),
        ("identifier", text(&set.identifier)),
        ("weight", digits(set.weight)),
        ("region", text(&set.region)),
        ("failover", text(&set.failover)),
        ("health_check", text(&set.health_check)),
    ] {
        found.insert(name.into(), value);
    }
    Value::Map(Arc::new(found))
}
