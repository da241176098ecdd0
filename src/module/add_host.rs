//! `add_host`: a host that appears while a run goes on.

use super::arguments::Arguments;
use super::returns::Returns;
use super::{InventoryChange, Module, Nature, Outcome, Step, Stop, View};
use crate::value::{ArgumentError, ArgumentErrorKind, Map, Value, deserialize};
use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use serde::de::Error;

/// Adds a host to the inventory, or groups and variables to one that is there.
pub(super) struct AddHost;

/// The host that is added.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
struct Named {
    /// The name of the host (also `hostname`, `host`); `:PORT` behind it is the port of SSH. Arguments of any other
    /// name are variables of the host.
    name: String,
    /// The groups that it belongs to (also `groupname`, `group`), made if they are not there.
    #[serde(default)]
    groups: Vec<String>,
}

/// The host, and every other argument as a variable of it.
#[derive(Clone, Debug)]
pub(super) struct NewHost {
    named: Named,
    variables: Map,
}

/// The names of an argument, in the order in which Ansible looks for them.
const SPELLINGS: [(&str, [&str; 3]); 2] = [
    ("name", ["name", "hostname", "host"]),
    ("groups", ["groupname", "groups", "group"]),
];

impl Arguments for NewHost {
    fn schema() -> Schema {
        schema_for!(Named)
    }

    fn names() -> Vec<&'static str> {
        vec![]
    }

    fn read(value: &Value) -> Result<(NewHost, Vec<&'static str>), ArgumentError> {
        let mut variables = spread(value)?;
        let mut own = Map::new();
        for (field, spellings) in SPELLINGS {
            let mut given = spellings.iter().filter_map(|name| variables.shift_remove(*name));
            if let Some(first) = given.next() {
                own.insert(field.into(), first);
            }
            // The other spellings are no variables.
            given.for_each(drop);
        }
        let (named, known) = deserialize(&Value::Map(own.into()))?;
        Ok((NewHost { named, variables }, known.to_vec()))
    }
}

/// The arguments, upon those of a mapping that stands in place of them (`add_host: "{{ host }}"`).
fn spread(value: &Value) -> Result<Map, ArgumentError> {
    let mut all = value.as_map().cloned().unwrap_or_default();
    let whole = match all.shift_remove("_raw_params") {
        None => return Ok(all),
        Some(whole) => whole,
    };
    match whole {
        Value::Map(whole) => Ok(whole
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .chain(all)
            .collect()),
        Value::Unknown(unknown) => Err(ArgumentError {
            kind: ArgumentErrorKind::Unknown(unknown),
            ..ArgumentError::custom("the arguments are not known yet")
        }),
        other => Err(ArgumentError::custom(format!(
            "the arguments are a mapping, not {}",
            other.kind()
        ))),
    }
}

impl Module for AddHost {
    const NAMES: &'static [&'static str] = &["ansible.builtin.add_host", "add_host"];
    type Arguments = NewHost;
    const NATURE: Nature = Nature::OF_THE_RUN;
    const FREE_FORM: Option<&'static str> = Some("_raw_params");
    const OPEN: bool = true;
    const RETURNS: &'static [Returns] = &[&[
        ("add_host", "The host."),
        ("add_host.host_name", "Its name."),
        ("add_host.groups", "Groups it belongs to from now on."),
        ("add_host.host_vars", "Its variables."),
    ]];

    fn step(arguments: &NewHost, _: &View<'_>) -> Result<Step, Stop> {
        let (name, port) = split_port(&arguments.named.name);
        let mut variables = arguments.variables.clone();
        if let Some(port) = port {
            variables.insert("ansible_ssh_port".into(), Value::Int(port.into()));
        }
        let mut groups: Vec<String> = vec![];
        for group in arguments.named.groups.iter().map(|group| group.trim()) {
            if !group.is_empty() && !groups.iter().any(|known| known == group) {
                groups.push(group.to_string());
            }
        }
        let told = Value::map([
            ("host_name", Value::string(name)),
            ("groups", Value::list(groups.iter().map(Value::string))),
            ("host_vars", Value::Map(variables.clone().into())),
        ]);
        let mut outcome = Outcome::new().with("add_host", told);
        outcome.inventory = Some(Box::new(InventoryChange::Host {
            name: name.to_string(),
            groups,
            variables,
        }));
        Ok(Step::done(outcome))
    }
}

/// A name and the port behind it, as in an inventory: of an address with colons the port stands behind brackets.
fn split_port(text: &str) -> (&str, Option<u16>) {
    let split = text.rsplit_once(':').and_then(|(name, port)| {
        let is_name = !name.contains(':') || name.starts_with('[') && name.ends_with(']');
        Some((name, port.parse().ok()?)).filter(|_| is_name)
    });
    match split {
        Some((name, port)) => (name.trim_matches(['[', ']']), Some(port)),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_stands_behind_a_name_or_an_address_in_brackets() {
        assert_eq!(split_port("web"), ("web", None));
        assert_eq!(split_port("web:2222"), ("web", Some(2222)));
        assert_eq!(split_port("[2001:db8::1]:22"), ("2001:db8::1", Some(22)));
        assert_eq!(split_port("2001:db8::1"), ("2001:db8::1", None));
        assert_eq!(split_port("web:ssh"), ("web:ssh", None));
    }
}
