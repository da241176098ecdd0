//! `filters`, `compose`, `groups` and `keyed_groups`, as Ansible's constructed inventories have them.

use super::options::{Common, KeyedGroup};
use super::{CloudInventory, group_name};
use crate::error::{Error, Result};
use crate::template::{Scope, Surroundings, Variables, render};
use crate::value::{Value, repr};
use serde_json::Value as Json;
use std::sync::Arc;

/// Applies the expressions of `common` to all hosts.
///
/// # Errors
/// With `strict`, an expression that cannot be evaluated; a key that names no groups.
pub fn apply(found: &mut CloudInventory, common: &Common) -> Result<()> {
    let names: Vec<String> = found.hosts.keys().cloned().collect();
    for name in names {
        if !wanted(found, &name, common)? {
            found.hosts.shift_remove(&name);
            for group in found.groups.values_mut() {
                group.hosts.shift_remove(&name);
            }
            continue;
        }
        compose(found, &name, common)?;
        let scope = scope_of(found, &name);
        for (group, expression) in &common.groups {
            match evaluate(&format!("{{{{ {expression} }}}}"), &scope, common.strict, &name)? {
                Some(Value::Bool(true)) => found.put(&name, &group_name(group)),
                // As for every condition, only true and false decide.
                Some(Value::Bool(false)) | None => {}
                Some(other) if common.strict => {
                    return Err(Error::new(format!(
                        "`{expression}` for the group {group} gave a {} for {name}, neither true nor false",
                        other.kind()
                    ))
                    .help("make a condition of it, as `VALUE | bool` or `VALUE | length > 0`"));
                }
                Some(_) => {}
            }
        }
        for keyed in &common.keyed_groups {
            keyed_group(found, &name, keyed, common, &scope)?;
        }
    }
    Ok(())
}

/// Whether all filters hold.
fn wanted(found: &CloudInventory, name: &str, common: &Common) -> Result<bool> {
    let scope = scope_of(found, name);
    for filter in &common.filters {
        let test = format!("{{% if {filter} %}}True{{% else %}}False{{% endif %}}");
        let value = evaluate(&test, &scope, common.strict, name)?;
        // As in Ansible, a filter that cannot be evaluated keeps the host, unless `strict` is set.
        if value.is_some_and(|value| repr(&value).trim_matches('\'') != "True") {
            return Ok(false);
        }
    }
    Ok(true)
}

fn compose(found: &mut CloudInventory, name: &str, common: &Common) -> Result<()> {
    // As in Ansible, no expression sees what another one makes.
    let scope = scope_of(found, name);
    for (variable, expression) in &common.compose {
        let text = format!("{{{{ {expression} }}}}");
        if let (Some(value), Some(variables)) = (
            evaluate(&text, &scope, common.strict, name)?,
            found.hosts.get_mut(name),
        ) {
            variables.insert(variable.clone(), Json::from(&value));
        }
    }
    Ok(())
}

/// Puts a host into the groups that a key names.
fn keyed_group(
    found: &mut CloudInventory,
    host: &str,
    keyed: &KeyedGroup,
    common: &Common,
    scope: &Scope,
) -> Result<()> {
    if keyed.trailing_separator.is_some() && keyed.default_value.is_some() {
        return Err(Error::new(
            "`trailing_separator` and `default_value` of a keyed group exclude each other",
        ));
    }
    let text = format!("{{{{ {} }}}}", keyed.key);
    let Some(value) = evaluate(&text, scope, common.strict, host)? else {
        return Ok(());
    };
    if is_empty(&value) && (value.as_str().is_none() || keyed.default_value.is_none()) {
        return match common.strict && !matches!(value, Value::List(_) | Value::Map(_)) {
            true => Err(
                Error::new(format!("the key `{}` is empty for {host}", keyed.key)).help(
                    "give the keyed group a `default_value`, or leave `strict` out to pass such hosts over",
                ),
            ),
            false => Ok(()),
        };
    }
    let parent = match keyed.parent_group.as_deref().filter(|name| !name.is_empty()) {
        Some(template) => match evaluate(template, scope, common.strict, host)? {
            Some(name) => Some(plain(&name)),
            None => return Ok(()),
        },
        None => None,
    };
    let separator = keyed.separator.as_deref().unwrap_or("_");
    let lead = if keyed.prefix.is_empty() && !common.leading_separator {
        ""
    } else {
        separator
    };
    for bare in bare_names(&value, keyed, separator)? {
        let group = group_name(&format!("{}{lead}{bare}", keyed.prefix));
        found.put(host, &group);
        if let Some(parent) = &parent {
            found.nest(&group_name(parent), &group);
        }
    }
    Ok(())
}

/// The names that a value gives, without prefix.
fn bare_names(value: &Value, keyed: &KeyedGroup, separator: &str) -> Result<Vec<String>> {
    let or_default = |name: String| match &keyed.default_value {
        Some(default) if name.is_empty() => default.clone(),
        _ => name,
    };
    match value {
        Value::List(items) => Ok(items.iter().map(|item| or_default(plain(item))).collect()),
        Value::Map(map) => Ok(map
            .iter()
            .map(|(name, value)| {
                let value = plain(value);
                match (value.is_empty(), &keyed.default_value, keyed.trailing_separator) {
                    (true, Some(default), _) => format!("{name}{separator}{default}"),
                    (true, None, Some(false)) => name.to_string(),
                    _ => format!("{name}{separator}{value}"),
                }
            })
            .collect()),
        Value::String(_) => Ok(vec![or_default(plain(value))]),
        other => Err(Error::new(format!(
            "the key `{}` of a keyed group gave a {}",
            keyed.key,
            other.kind()
        ))
        .help("a key gives a text, a list or a mapping; make a text of it: `KEY | string`")),
    }
}

/// A value as a part of a name.
fn plain(value: &Value) -> String {
    match value.as_str() {
        Some(text) => text.to_string(),
        None => repr(value),
    }
}

/// Whether Python takes a value for false.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) | Value::Int(0) => true,
        Value::List(items) => items.is_empty(),
        Value::Map(map) => map.is_empty(),
        other => other.as_str().is_some_and(str::is_empty),
    }
}

/// The value of a template for a host; `None` when it cannot be evaluated and that is no error.
fn evaluate(text: &str, scope: &Scope, strict: bool, host: &str) -> Result<Option<Value>> {
    match render(&Value::trusted(text, None), scope) {
        Ok(value) => Ok(value.map(|evaluated| evaluated.value)),
        Err(error) if strict => Err(Error::new(format!("`{text}` cannot be evaluated for {host}"))
            .cause(error.line())
            .help("correct the expression, or leave `strict` out to pass such hosts over")),
        Err(_) => Ok(None),
    }
}

fn scope_of(found: &CloudInventory, name: &str) -> Scope {
    let mut variables = found.hosts.get(name).cloned().unwrap_or_default();
    variables.insert("inventory_hostname".into(), name.into());
    Scope::new(
        Arc::new(HostVariables(variables)),
        Arc::new(Surroundings::default()),
    )
}

/// The variables of one host.
struct HostVariables(serde_json::Map<String, Json>);

impl Variables for HostVariables {
    fn get(&self, name: &str) -> Option<Value> {
        self.0.get(name).map(|value| Value::from(value.clone()))
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.0.keys().map(|name| Arc::from(name.as_str())).collect()
    }

    fn host(&self, _name: &str) -> Option<Arc<dyn Variables>> {
        None
    }

    fn hosts(&self) -> Vec<Arc<str>> {
        vec![]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found() -> CloudInventory {
        let mut found = CloudInventory::default();
        for (name, zone, labels) in [
            ("a", "ch-1", json!({"env": "prod", "empty": ""})),
            ("b", "ch-2", json!({})),
        ] {
            let variables = json!({"zone": zone, "labels": labels, "tags": ["x", "y-z"]});
            found
                .hosts
                .insert(name.into(), variables.as_object().unwrap().clone());
            found.put(name, "everything");
        }
        found
    }

    fn keyed(key: &str) -> KeyedGroup {
        KeyedGroup {
            key: key.into(),
            ..KeyedGroup::default()
        }
    }

    #[test]
    fn variables_and_groups_come_out_of_expressions() {
        let mut found = found();
        let common = Common {
            compose: [("place".to_string(), "zone ~ '/' ~ inventory_hostname".to_string())]
                .into_iter()
                .collect(),
            groups: [("first".to_string(), "zone == 'ch-1'".to_string())]
                .into_iter()
                .collect(),
            ..Common::default()
        };
        apply(&mut found, &common).unwrap();
        assert_eq!(found.hosts["b"]["place"], "ch-2/b");
        assert_eq!(found.groups["first"].hosts.iter().collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn keyed_groups_are_named_by_texts_lists_and_mappings() {
        let mut found = found();
        let common = Common {
            keyed_groups: vec![
                KeyedGroup {
                    prefix: "zone".into(),
                    parent_group: Some("zones".into()),
                    ..keyed("zone")
                },
                keyed("tags"),
                KeyedGroup {
                    prefix: "label".into(),
                    trailing_separator: Some(false),
                    ..keyed("labels")
                },
                keyed("missing"),
            ],
            ..Common::default()
        };
        apply(&mut found, &common).unwrap();
        let names: Vec<&str> = found.groups.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "everything",
                "zone_ch_1",
                "zones",
                "_x",
                "_y_z",
                "label_env_prod",
                "label_empty",
                "zone_ch_2"
            ]
        );
        assert_eq!(found.groups["zones"].children.len(), 2);
    }

    /// What Ansible's own plugin `constructed` makes of the same hosts and options: `tests/provider/constructed.json`.
    #[test]
    fn every_option_means_what_it_means_to_ansible() {
        let text = include_str!("../../../tests/provider/constructed.json");
        let golden: Json = serde_json::from_str(text).unwrap();
        let hosts = golden["hosts"].as_object().unwrap();
        let mut wrong = vec![];
        for case in golden["cases"].as_array().unwrap() {
            let mut found = CloudInventory::default();
            for (name, variables) in hosts {
                found
                    .hosts
                    .insert(name.clone(), variables.as_object().unwrap().clone());
            }
            let options = Value::from(case["options"].clone());
            let (common, _) = crate::value::deserialize::<Common>(&options).unwrap();
            let ours = match apply(&mut found, &common) {
                Ok(()) => told(&found, hosts),
                Err(_) => json!({"error": true}),
            };
            let theirs = match case.get("error") {
                Some(_) => json!({"error": true}),
                None => json!({"groups": case["groups"], "variables": case["variables"]}),
            };
            if ours != theirs {
                wrong.push(format!("{}:\n  ours   {ours}\n  theirs {theirs}", case["name"]));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// Groups and new variables in the shape of the golden file.
    fn told(found: &CloudInventory, hosts: &serde_json::Map<String, Json>) -> Json {
        let mut groups = serde_json::Map::new();
        for (name, group) in &found.groups {
            let mut shown = serde_json::Map::new();
            for (kind, members) in [("hosts", &group.hosts), ("children", &group.children)] {
                let mut members: Vec<&String> = members.iter().collect();
                members.sort();
                if !members.is_empty() {
                    shown.insert(kind.into(), json!(members));
                }
            }
            groups.insert(name.clone(), shown.into());
        }
        let mut variables = serde_json::Map::new();
        for (name, all) in &found.hosts {
            let mut new = all.clone();
            new.retain(|key, _| hosts[name].get(key).is_none());
            if !new.is_empty() {
                variables.insert(name.clone(), new.into());
            }
        }
        json!({"groups": groups, "variables": variables})
    }

    #[test]
    fn a_host_is_left_out_by_a_filter_and_strict_makes_errors() {
        let mut found = found();
        let mut common = Common {
            filters: vec!["zone == 'ch-2'".into(), "missing == 1".into()],
            ..Common::default()
        };
        apply(&mut found, &common).unwrap();
        assert_eq!(found.hosts.keys().collect::<Vec<_>>(), ["b"]);
        assert_eq!(found.groups["everything"].hosts.len(), 1);
        common.strict = true;
        let error = apply(&mut found, &common).unwrap_err().to_string();
        assert!(error.contains("cannot be evaluated for b"), "{error}");
    }
}
