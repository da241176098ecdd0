//! What the API tells, as far as it is used. Everything may be absent, and states are texts: the service
//! sends fields that its own specification does not know.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// A resource that is told by identifier, name or both.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct Named {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// Who looks after an instance.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct Manager {
    /// Its identifier.
    pub id: String,
    /// `instance-pool`, `sks-nodepool`, ...
    #[serde(rename = "type")]
    pub kind: String,
}

/// A private network that an instance is attached to.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, rename_all = "kebab-case")]
pub struct Attachment {
    /// The identifier of the network.
    pub id: String,
    /// The address of the interface there.
    pub mac_address: String,
}

/// An instance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Instance {
    /// What is known by name.
    pub known: InstanceFields,
    /// Everything that was told.
    pub raw: Value,
}

/// The fields of an instance that are used.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, rename_all = "kebab-case")]
pub struct InstanceFields {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `starting`, `running`, `stopped`, ... or something new.
    pub state: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its public IPv4 address.
    pub public_ip: String,
    /// Its public IPv6 address.
    pub ipv6_address: String,
    /// The address of its public interface.
    pub mac_address: String,
    /// When it was made.
    pub created_at: String,
    /// The size of its disk in GiB; lists leave it out.
    pub disk_size: u64,
    /// Its type.
    pub instance_type: InstanceType,
    /// What it was made from.
    pub template: Named,
    /// The key that may log in, in the older notion.
    pub ssh_key: Named,
    /// The keys that may log in.
    pub ssh_keys: Vec<Named>,
    /// Its private networks.
    pub private_networks: Vec<Attachment>,
    /// Its security groups.
    pub security_groups: Vec<Named>,
    /// Who looks after it.
    pub manager: Manager,
}

impl<'de> Deserialize<'de> for Instance {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Instance, D::Error> {
        let raw = Value::deserialize(deserializer)?;
        let known = InstanceFields::deserialize(&raw).map_err(serde::de::Error::custom)?;
        Ok(Instance { known, raw })
    }
}

/// A type of instances.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct InstanceType {
    /// Its identifier.
    pub id: String,
    /// `standard`, `memory`, ...
    pub family: String,
    /// `medium`, `large`, ...
    pub size: String,
}

impl InstanceType {
    /// `family.size`, the name that people use.
    pub fn name(&self) -> String {
        format!("{}.{}", self.family, self.size)
    }
}

/// A private network.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, rename_all = "kebab-case")]
pub struct PrivateNetwork {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The first address that is given out; empty: the network gives none out.
    pub start_ip: String,
    /// The last address that is given out.
    pub end_ip: String,
    /// The mask, as `255.255.255.0`.
    pub netmask: String,
    /// Which instance has which address; only a single read tells them.
    pub leases: Vec<Lease>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// An address of a private network.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, rename_all = "kebab-case")]
pub struct Lease {
    /// Who has it.
    pub instance_id: String,
    /// The address.
    pub ip: String,
}

/// A security group.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct SecurityGroup {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its rules.
    pub rules: Vec<Rule>,
}

/// A rule of a security group.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, rename_all = "kebab-case")]
pub struct Rule {
    /// Its identifier.
    pub id: String,
    /// `ingress` or `egress`.
    pub flow_direction: String,
    /// `tcp`, `udp`, `icmp`, ...
    pub protocol: String,
    /// Whom it is about, as a network.
    pub network: String,
    /// Whom it is about, as a group.
    pub security_group: Named,
    /// The first port.
    pub start_port: u16,
    /// The last port.
    pub end_port: u16,
}

/// An image.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, rename_all = "kebab-case")]
pub struct Template {
    /// Its identifier; it changes with every build of the image.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The user that logs in.
    pub default_user: String,
}

/// Instances that do not stand on one host.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct AntiAffinityGroup {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
}

/// A set of equal instances.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, rename_all = "kebab-case")]
pub struct InstancePool {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `creating`, `running`, `scaling-up`, ...
    pub state: String,
    /// How many instances it is to have.
    pub size: u64,
    /// Its instances.
    pub instances: Vec<Named>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The addresses that its instances hold besides their own.
    pub elastic_ips: Vec<Named>,
}

/// An address that instances may hold besides their own.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct ElasticIp {
    /// Its identifier.
    pub id: String,
    /// The address.
    pub ip: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// A load balancer.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct LoadBalancer {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its address.
    pub ip: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// What it passes on.
    pub services: Vec<BalancedService>,
}

/// What a load balancer passes on.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, rename_all = "kebab-case")]
pub struct BalancedService {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whom it is passed on to.
    pub instance_pool: Named,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_instance_keeps_what_is_not_known_and_accepts_new_states() {
        let raw = json!({
            "id": "i", "name": "worker-0", "state": "dreaming", "visibility": "private",
            "labels": {"role": "worker"}, "public-ip": "192.0.2.7",
            "instance-type": {"id": "t", "family": "standard", "size": "medium"},
            "manager": {"id": "p", "type": "instance-pool"},
        });
        let instance: Instance = serde_json::from_value(raw.clone()).unwrap();
        assert_eq!(instance.known.state, "dreaming");
        assert_eq!(instance.known.public_ip, "192.0.2.7");
        assert_eq!(instance.known.instance_type.name(), "standard.medium");
        assert_eq!(instance.known.manager.kind, "instance-pool");
        assert_eq!(instance.raw, raw);
    }
}
