//! What the API tells, as far as it is used. Numbers may come as texts, and states are texts.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A virtual machine or a container, as the list of the cluster's resources tells it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct Guest {
    /// Its number.
    #[serde(deserialize_with = "number")]
    pub vmid: u64,
    /// Its name.
    pub name: String,
    /// The node it is on.
    pub node: String,
    /// `running`, `stopped`, ... or something new.
    pub status: String,
    /// `qemu` or `lxc`.
    #[serde(rename = "type")]
    pub kind: String,
    /// 1 for what is only cloned.
    #[serde(deserialize_with = "number")]
    pub template: u64,
    /// Its tags, separated by `;`.
    pub tags: String,
    /// Its pool.
    pub pool: String,
}

impl Guest {
    /// Its tags.
    pub fn tag_list(&self) -> Vec<&str> {
        self.tags
            .split([';', ',', ' '])
            .filter(|tag| !tag.is_empty())
            .collect()
    }
}

/// A node.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct Node {
    /// Its name.
    #[serde(alias = "name")]
    pub node: String,
    /// `online` or `offline`.
    pub status: String,
    /// `node` or `cluster` in the cluster's status.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its address in the cluster's status.
    pub ip: String,
}

/// A rule of a guest's firewall.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct FirewallRule {
    /// `in`, `out` or `group`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `ACCEPT`, `DROP` or `REJECT`.
    pub action: String,
    /// 1 if it counts.
    #[serde(deserialize_with = "number")]
    pub enable: u64,
    /// The protocol; empty: all.
    pub proto: String,
    /// The port or range it is about.
    pub dport: String,
    /// From where.
    pub source: String,
}

/// An interface, as the agent inside the guest tells it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, rename_all = "kebab-case")]
pub struct Interface {
    /// Its name inside the guest.
    pub name: String,
    /// Its address on the wire.
    #[serde(alias = "hwaddr")]
    pub hardware_address: String,
    /// The IPv4 address of a container's interface, with its prefix.
    pub inet: String,
    /// The IPv6 address of a container's interface, with its prefix.
    pub inet6: String,
    /// Its addresses.
    pub ip_addresses: Vec<InterfaceAddress>,
}

/// An address of an interface.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, rename_all = "kebab-case")]
pub struct InterfaceAddress {
    /// The address.
    pub ip_address: String,
    /// `ipv4` or `ipv6`.
    pub ip_address_type: String,
    /// The length of the prefix.
    #[serde(deserialize_with = "number")]
    pub prefix: u64,
}

/// A number, or a text that is one.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Number(number) => Ok(number.as_u64().unwrap_or_default()),
        Value::String(text) => text.parse().map_err(serde::de::Error::custom),
        Value::Bool(flag) => Ok(flag.into()),
        _ => Ok(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_may_be_texts_and_tags_are_split() {
        let guest: Guest =
            serde_json::from_value(json!({"vmid": "100", "template": 1, "tags": "a;b", "maxmem": 1}))
                .unwrap();
        assert_eq!((guest.vmid, guest.template), (100, 1));
        assert_eq!(guest.tag_list(), ["a", "b"]);
    }
}
