//! What options of one mapping ask of each other: `mutually_exclusive`, `required_together`, `required_one_of`,
//! `required_if`, `required_by`.

use super::convert::shown;
use crate::value::{Map, Value, equal, truthy};

/// The names of several options that exclude each other.
pub(super) fn exclusive(rules: &Value, arguments: &Map) -> Option<String> {
    let groups: Vec<String> = groups(rules, "mutually_exclusive")
        .into_iter()
        .filter(|group| group.iter().filter(|name| arguments.contains_key(**name)).count() > 1)
        .map(|group| group.join("|"))
        .collect();
    (!groups.is_empty()).then(|| format!("parameters are mutually exclusive: {}", groups.join(", ")))
}

/// What is missing because of other options; of each kind of rule the first that does not hold.
pub(super) fn missing(rules: &Value, arguments: &Map) -> Vec<String> {
    let given = |name: &&str| arguments.contains_key(*name);
    let together = groups(rules, "required_together")
        .into_iter()
        .find(|group| group.iter().any(given) && !group.iter().all(given))
        .map(|group| format!("parameters are required together: {}", group.join(", ")));
    let one = groups(rules, "required_one_of")
        .into_iter()
        .find(|group| !group.iter().any(given))
        .map(|group| format!("one of the following is required: {}", group.join(", ")));
    let conditions = rules.get("required_if").and_then(Value::as_list);
    let conditions = conditions
        .unwrap_or_default()
        .iter()
        .find_map(|rule| condition(rule, arguments));
    let by = rules.get("required_by").and_then(Value::as_map);
    let by = by.into_iter().flatten().find_map(|(name, wanted)| {
        let missing: Vec<&str> = names(wanted)
            .into_iter()
            .filter(|name| arguments.get(*name).is_none_or(Value::is_null))
            .collect();
        let set = arguments.get(name).is_some_and(|value| !value.is_null());
        (set && !missing.is_empty()).then(|| {
            format!(
                "missing parameter(s) required by '{name}': {}",
                missing.join(", ")
            )
        })
    });
    [together, one, conditions, by].into_iter().flatten().collect()
}

/// `[name, value, names]`, and with a fourth member one of the names is enough.
fn condition(rule: &Value, arguments: &Map) -> Option<String> {
    let wrong = || Some("a rule of `required_if` is a list of a name, a value and names".to_string());
    let Some([name, value, wanted, rest @ ..]) = rule.as_list() else {
        return wrong();
    };
    if !equal(arguments.get(name.as_str()?)?, value) {
        return None;
    }
    let one = rest.first().is_some_and(truthy);
    let wanted = names(wanted);
    let missing: Vec<&str> = wanted
        .iter()
        .copied()
        .filter(|name| !arguments.contains_key(*name))
        .collect();
    let enough = if one {
        missing.len() < wanted.len()
    } else {
        missing.is_empty()
    };
    let which = if one { "any" } else { "all" };
    (!enough).then(|| {
        format!(
            "{} is {} but {which} of the following are missing: {}",
            shown(name),
            shown(value),
            missing.join(", ")
        )
    })
}

fn groups<'v>(rules: &'v Value, kind: &str) -> Vec<Vec<&'v str>> {
    let groups = rules.get(kind).and_then(Value::as_list).unwrap_or_default();
    groups.iter().map(names).collect()
}

/// A list of names, or a single one.
fn names(value: &Value) -> Vec<&str> {
    match value {
        Value::List(items) => items.iter().filter_map(Value::as_str).collect(),
        single => single.as_str().into_iter().collect(),
    }
}
