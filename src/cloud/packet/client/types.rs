//! What the API tells, as far as it is used. Everything may be absent, and states are texts: what the
//! service adds later is no error.

use serde::Deserialize;
use serde_json::Value;

/// A project.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct Project {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// Something with a code, a slug or only a link.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct Named {
    /// Its identifier.
    pub id: String,
    /// A facility's or metro's short name.
    pub code: String,
    /// A plan's or operating system's short name.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// The path of the resource.
    pub href: String,
}

/// A machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Device {
    /// What is known by name.
    pub known: DeviceFields,
    /// Everything that was told.
    pub raw: Value,
}

/// The fields of a device that are used.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct DeviceFields {
    /// Its identifier.
    pub id: String,
    /// Its host name.
    pub hostname: String,
    /// `queued`, `provisioning`, `active`, ... or something new.
    pub state: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its addresses.
    pub ip_addresses: Vec<Address>,
    /// Where it stands, in the older notion.
    pub facility: Named,
    /// Where it stands.
    pub metro: Named,
    /// Its kind.
    pub plan: Named,
    /// What runs on it.
    pub operating_system: Named,
    /// Refuses removal.
    pub locked: bool,
    /// When it will be taken away (a lost spot auction), RFC 3339.
    pub termination_time: String,
}

impl<'de> Deserialize<'de> for Device {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Device, D::Error> {
        let raw = Value::deserialize(deserializer)?;
        let known = DeviceFields::deserialize(&raw).map_err(serde::de::Error::custom)?;
        Ok(Device { known, raw })
    }
}

/// An address of a device.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct Address {
    /// The identifier of the assignment.
    pub id: String,
    /// The address.
    pub address: String,
    /// 4 or 6.
    pub address_family: u8,
    /// Reachable from outside.
    pub public: bool,
    /// One of the addresses that the machine came with.
    pub management: bool,
    /// The length of its prefix.
    pub cidr: u8,
    /// The gateway.
    pub gateway: String,
    /// The network that it was taken from.
    pub parent_block: Block,
}

/// A block of addresses.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct Block {
    /// The first address.
    pub network: String,
    /// The length of the prefix.
    pub cidr: u8,
}

/// Addresses of a project.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct Reservation {
    /// Its identifier.
    pub id: String,
    /// `global_ipv4`, `private_ipv4`, `public_ipv4`, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// The first usable address.
    pub address: String,
    /// The network.
    pub network: String,
    /// The length of the prefix.
    pub cidr: u8,
    /// `pending`, `created`, `denied`, ...
    pub state: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Where it is.
    pub metro: Named,
}

/// A neighbour that a device speaks BGP with.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct Neighbor {
    /// 4 or 6.
    pub address_family: u8,
    /// The device's number.
    pub customer_as: u32,
    /// The device's address.
    pub customer_ip: String,
    /// The neighbour's number.
    pub peer_as: u32,
    /// The neighbour's addresses.
    pub peer_ips: Vec<String>,
    /// Whether the neighbour is more than one hop away.
    pub multihop: bool,
    /// Whether the session has a password.
    pub md5_enabled: bool,
}

/// A public key of a project.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct SshKey {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub label: String,
    /// The key.
    pub key: String,
}

impl Device {
    /// The public IPv4 address that it came with.
    pub fn public_ipv4(&self) -> Option<&Address> {
        self.address(4, true)
    }

    /// The public IPv6 address that it came with.
    pub fn public_ipv6(&self) -> Option<&Address> {
        self.address(6, true)
    }

    /// The private IPv4 address: one of two in a /31 of the project's block.
    pub fn private_ipv4(&self) -> Option<&Address> {
        self.address(4, false)
    }

    fn address(&self, family: u8, public: bool) -> Option<&Address> {
        self.known.ip_addresses.iter().find(|address| {
            address.management && address.public == public && address.address_family == family
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_device_keeps_what_is_not_known_and_accepts_new_states() {
        let raw = json!({
            "id": "d", "hostname": "worker-0", "state": "hibernating", "new_field": {"a": 1},
            "plan": {"href": "/plans/1"},
            "ip_addresses": [
                {"address": "10.1.2.3", "address_family": 4, "public": false, "management": true, "cidr": 31},
                {"address": "192.0.2.9", "address_family": 4, "public": true, "management": false, "cidr": 32},
                {"address": "192.0.2.7", "address_family": 4, "public": true, "management": true, "cidr": 31},
            ],
        });
        let device: Device = serde_json::from_value(raw.clone()).unwrap();
        assert_eq!(device.known.state, "hibernating");
        assert_eq!(device.public_ipv4().unwrap().address, "192.0.2.7");
        assert_eq!(device.private_ipv4().unwrap().cidr, 31);
        assert_eq!(device.public_ipv6(), None);
        assert_eq!(device.raw, raw);
    }
}
