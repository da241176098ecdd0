//! The groups and variables that the shipped playbooks rely on, whatever the provider.

use super::CloudInventory;
use super::options::Common;
use indexmap::IndexMap;

/// The groups of the usual role tags.
const ROLES: &[(&str, &str)] = &[
    ("controller", "controllers"),
    ("controllers", "controllers"),
    ("control-plane", "controllers"),
    ("control_plane", "controllers"),
    ("master", "controllers"),
    ("worker", "workers"),
    ("workers", "workers"),
    ("node", "workers"),
    ("etcd", "etcd"),
];

/// How a machine is reached, and who it is to its provider.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Addresses {
    /// Reachable from outside.
    pub public_ipv4: Option<String>,
    /// Reachable from outside.
    pub public_ipv6: Option<String>,
    /// Reachable from the other machines.
    pub private_ipv4: Option<String>,
    /// `PROVIDER://...`, as the provider's own cloud controller writes it.
    pub provider_id: String,
}

impl Addresses {
    /// The address to connect to: IPv4 before IPv6, public before private.
    pub fn best(&self) -> Option<&String> {
        self.public_ipv4
            .as_ref()
            .or(self.public_ipv6.as_ref())
            .or(self.private_ipv4.as_ref())
    }
}

/// Sets the variables of a host and puts it into the groups of its role tags.
pub fn apply(found: &mut CloudInventory, common: &Common, host: &str, addresses: &Addresses, tags: &[&str]) {
    let usual = || {
        let pairs = ROLES
            .iter()
            .map(|(tag, group)| (tag.to_string(), group.to_string()));
        pairs.collect::<IndexMap<String, String>>()
    };
    let roles = common.roles.clone().unwrap_or_else(usual);
    for tag in tags {
        if let Some(group) = roles.get(*tag) {
            found.put(host, group);
        }
    }
    let Some(variables) = found.hosts.get_mut(host) else {
        return;
    };
    let settings = [
        ("ansible_host", addresses.best()),
        (
            "public_ipv4",
            addresses.public_ipv4.as_ref().or(addresses.private_ipv4.as_ref()),
        ),
        ("private_ipv4", addresses.private_ipv4.as_ref()),
        ("provider_id", Some(&addresses.provider_id)),
    ];
    for (name, value) in settings {
        if let Some(value) = value {
            variables.insert(name.to_string(), value.clone().into());
        }
    }
}

/// The controllers keep etcd where no machine is tagged for it.
pub fn default_etcd(found: &mut CloudInventory) {
    let empty = |found: &CloudInventory, name: &str| {
        found.groups.get(name).is_none_or(|group| group.hosts.is_empty())
    };
    if empty(found, "etcd") && !empty(found, "controllers") {
        let controllers = found.group("controllers").hosts.clone();
        found.group("etcd").hosts = controllers;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_tags_become_groups_and_controllers_keep_etcd() {
        let mut found = CloudInventory::default();
        for name in ["c", "w"] {
            found.hosts.insert(name.into(), Default::default());
        }
        let addresses = Addresses {
            public_ipv6: Some("2001:db8::1".into()),
            private_ipv4: Some("10.0.0.1".into()),
            provider_id: "x://1".into(),
            ..Addresses::default()
        };
        apply(
            &mut found,
            &Common::default(),
            "c",
            &addresses,
            &["controller", "blue"],
        );
        apply(&mut found, &Common::default(), "w", &addresses, &["worker"]);
        default_etcd(&mut found);
        let names: Vec<&str> = found.groups.keys().map(String::as_str).collect();
        assert_eq!(names, ["controllers", "workers", "etcd"]);
        assert_eq!(found.hosts["c"]["ansible_host"], "2001:db8::1");
        assert_eq!(found.hosts["c"]["private_ipv4"], "10.0.0.1");
    }

    #[test]
    fn other_roles_may_be_given() {
        let mut found = CloudInventory::default();
        found.hosts.insert("c".into(), Default::default());
        let common = Common {
            roles: Some(
                [("boss".to_string(), "controllers".to_string())]
                    .into_iter()
                    .collect(),
            ),
            ..Common::default()
        };
        apply(
            &mut found,
            &common,
            "c",
            &Addresses::default(),
            &["boss", "worker"],
        );
        assert_eq!(found.groups.len(), 1);
    }
}
