//! Sets of records in the shape that results of the module have.

use super::super::returns::Returns;
use crate::host::RecordSet;
use crate::value::{Map, Value};
use std::sync::Arc;

/// What is told of records.
pub(super) const RETURNS: Returns = &[
    ("nameservers", "Servers of the zone, with `state: get`."),
    (
        "set",
        "The records in the words of the service, with `state: get`.",
    ),
    ("wait_id", "What the change is called at the service."),
    (
        "resource_records_sets",
        "The records, if nothing had to be changed.",
    ),
    ("resource_record_sets", "The records."),
    ("resource_record_sets.name", "Their name."),
    ("resource_record_sets.record", "Their name."),
    ("resource_record_sets.zone", "The zone."),
    ("resource_record_sets.type", "Their type."),
    ("resource_record_sets.ttl", "Seconds for which they may be kept."),
    ("resource_record_sets.value", "Their values, with commas between."),
    ("resource_record_sets.values", "Their values."),
    (
        "resource_record_sets.resource_records",
        "Mappings with `value` each.",
    ),
    (
        "resource_record_sets.alias",
        "Whether they stand for another name of the service.",
    ),
    ("resource_record_sets.alias_target", "The other name."),
    (
        "resource_record_sets.alias_hosted_zone_id",
        "Zone of the other name.",
    ),
    (
        "resource_record_sets.alias_evaluate_target_health",
        "Whether the health of the other name counts.",
    ),
    (
        "resource_record_sets.identifier",
        "What tells them from others of the same name and type.",
    ),
    (
        "resource_record_sets.set_identifier",
        "The same in the words of the service.",
    ),
    ("resource_record_sets.weight", "Their weight."),
    ("resource_record_sets.region", "Their region."),
    (
        "resource_record_sets.geo_location",
        "The place they are for: `continent_code`, `country_code`, `subdivision_code`.",
    ),
    ("resource_record_sets.failover", "`PRIMARY` or `SECONDARY`."),
    ("resource_record_sets.health_check", "The check of their health."),
    (
        "resource_record_sets.health_check_id",
        "The same in the words of the service.",
    ),
];

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
    let location = set.location.as_ref().map_or(Value::Null, |place| {
        map(vec![
            ("continent_code", text(&place.continent)),
            ("country_code", text(&place.country)),
            ("subdivision_code", text(&place.subdivision)),
        ])
    });
    map(vec![
        ("name", Value::string(&set.name)),
        ("type", Value::string(&set.kind)),
        ("set_identifier", text(&set.identifier)),
        ("weight", set.weight.map_or(Value::Null, number)),
        ("region", text(&set.region)),
        ("geo_location", location),
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

/// What older programs read of a set of records: numbers as texts, values sorted.
fn plain(set: &RecordSet, zone: &str) -> Map {
    let alias = set.alias.as_ref();
    let mut values: Vec<String> = match alias {
        Some(alias) => vec![alias.name.clone()],
        None => set.values.clone(),
    };
    values.sort();
    let digits = |number: Option<u64>| number.map_or(Value::Null, |number| Value::string(number.to_string()));
    let mut entries = vec![
        ("zone", Value::string(zone)),
        ("type", Value::string(&set.kind)),
        ("record", Value::string(&set.name)),
        ("alias", Value::Bool(alias.is_some())),
        ("value", Value::string(values.join(","))),
        ("values", list(values.iter().map(Value::string))),
        ("ttl", digits(set.ttl)),
        ("identifier", text(&set.identifier)),
        ("weight", digits(set.weight)),
        ("region", text(&set.region)),
        ("failover", text(&set.failover)),
        ("health_check", text(&set.health_check)),
    ];
    if let Some(alias) = alias {
        entries.push(("alias_hosted_zone_id", Value::string(&alias.zone_id)));
        entries.push(("alias_evaluate_target_health", Value::Bool(alias.evaluate_health)));
    }
    entries
        .into_iter()
        .map(|(name, value)| (name.into(), value))
        .collect()
}

/// A set of records as a change tells it.
pub(super) fn made(set: &RecordSet, zone: &str) -> Value {
    let mut found = match snake(set) {
        Value::Map(found) => (*found).clone(),
        _ => Map::new(),
    };
    found.extend(plain(set, zone));
    Value::Map(Arc::new(found))
}

/// A set of records as `state: get` tells it: in the service's own words too.
pub(super) fn told(set: &RecordSet, zone: &str, zone_id: &str) -> Value {
    let mut found = plain(set, zone);
    found.insert("hosted_zone_id".into(), Value::string(zone_id));
    found.insert("Name".into(), Value::string(&set.name));
    found.insert("Type".into(), Value::string(&set.kind));
    if let Some(ttl) = set.ttl {
        found.insert("TTL".into(), number(ttl));
    }
    if set.alias.is_none() {
        let values = set
            .values
            .iter()
            .map(|value| map(vec![("Value", Value::string(value))]));
        found.insert("ResourceRecords".into(), list(values));
    }
    Value::Map(Arc::new(found))
}
