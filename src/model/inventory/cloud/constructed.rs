//! `filters`, `compose`, `groups` and `keyed_groups`, as Ansible's constructed inventories have them.

use super::options::{Common, KeyedGroup};
use super::{Found, group_name};
use crate::error::{Error, Result};
use crate::template::{Scope, Surroundings, Variables, render};
use crate::value::{Value, repr};
use serde_json::Value as Json;
use std::sync::Arc;

/// Applies the expressions of `common` to all hosts.
///
/// # Errors
/// With `strict`, an expression that cannot be evaluated; a key that names no groups.
pub fn apply(found: &mut Found, common: &Common) -> Result<()> {
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
            let test = format!("{{% if {expression} %}}True{{% else %}}False{{% endif %}}");
            let value = evaluate(&test, &scope, common.strict, &name)?;
            if value.is_some_and(|value| repr(&value).trim_matches('\'') == "True") {
                found.put(&name, &group_name(group));
            }
        }
        for keyed in &common.keyed_groups {
            keyed_group(found, &name, keyed, common, &scope)?;
        }
    }
    Ok(())
}

/// Whether all filters hold.
fn wanted(found: &Found, name: &str, common: &Common) -> Result<bool> {
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

fn compose(found: &mut Found, name: &str, common: &Common) -> Result<()> {
    for (variable, expression) in &common.compose {
        let scope = scope_of(found, name);
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
    found: &mut Found,
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
    let separator = keyed.separator.as_deref().unwrap_or("_");
    let lead = if keyed.prefix.is_empty() && !common.leading_separator {
        ""
    } else {
        separator
    };
    for bare in bare_names(&value, keyed, separator)? {
        let group = group_name(&format!("{}{lead}{bare}", keyed.prefix));
        found.put(host, &group);
        if let Some(parent) = keyed.parent_group.as_deref().filter(|name| !name.is_empty()) {
            found.nest(&group_name(parent), &group);
        }
    }
    Ok(())
}

/// The names that a value gives, without prefix.
fn bare_names(value: &Value, keyed: &KeyedGroup, separator: &str) -> Result<Vec<String>> {
    let text = |value: &Value| match value.as_str() {
        Some(text) => text.to_string(),
        None => repr(value),
    };
    let or_default = |name: String| -> Option<String> {
        if name.is_empty() {
            keyed.default_value.clone()
        } else {
            Some(name)
        }
    };
    match value {
        Value::Null => Ok(vec![]),
        Value::List(items) => Ok(items.iter().filter_map(|item| or_default(text(item))).collect()),
        Value::Map(map) => Ok(map
            .iter()
            .map(|(name, value)| {
                let value = text(value);
                match (value.is_empty(), &keyed.default_value, keyed.trailing_separator) {
                    (true, Some(default), _) => format!("{name}{separator}{default}"),
                    (true, None, Some(false)) => name.to_string(),
                    _ => format!("{name}{separator}{value}"),
                }
            })
            .collect()),
        Value::String(_) | Value::Bool(_) | Value::Int(_) => {
            Ok(or_default(text(value)).into_iter().collect())
        }
        other => Err(Error::new(format!(
            "the key `{}` of a keyed group gave a {}",
            keyed.key,
            other.kind()
        ))
        .help("a key gives a text, a list or a mapping")),
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

fn scope_of(found: &Found, name: &str) -> Scope {
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

    fn found() -> Found {
        let mut found = Found::default();
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
