//! Names, labels and lines of what is wanted at Exoscale.

use super::{Exoscale, MachineSet, Resources, Set};
use crate::cloud::exoscale::client::resources::NewInstance;
use crate::cloud::machines::user_data::user_data;
use crate::content::digest_of;
use crate::error::Result;
use std::collections::BTreeMap;

/// Brings up the interface of the private network with DHCP, which images do not do by themselves.
const PRIVATE_INTERFACE: &str = "#!/bin/sh
# The interface of the private network comes after the first start.
if [ -d /etc/netplan ]; then
  printf 'network:\\n  version: 2\\n  ethernets:\\n    eth1:\\n      dhcp4: true\\n      optional: true\\n      dhcp4-overrides: {use-routes: false, use-dns: false}\\n' > /etc/netplan/60-private.yaml
  chmod 600 /etc/netplan/60-private.yaml
  netplan apply
elif [ -d /etc/network/interfaces.d ]; then
  printf 'allow-hotplug eth1\\niface eth1 inet dhcp\\n' > /etc/network/interfaces.d/60-private
  [ ! -d /sys/class/net/eth1 ] || ifup eth1
fi
";

impl Resources {
    /// The identifier of a type or a template.
    ///
    /// # Errors
    /// When the zone has none of that name.
    pub(super) fn identifier(&self, kind: &str, name: &str) -> Result<String> {
        let id = self.catalogue.get(&format!("{kind} {name}")).cloned();
        Ok(id.transpose()?.unwrap_or_default())
    }
}

impl Exoscale {
    /// The public keys of all sets by name; the name tells two keys apart, because lists do not show keys.
    pub(super) fn keys(&self) -> Vec<(String, String)> {
        let mut keys = BTreeMap::new();
        for key in self.options.sets.iter().flat_map(|wanted| &wanted.each.ssh_keys) {
            keys.insert(self.key_name(key), key.clone());
        }
        keys.into_iter().collect()
    }

    fn key_name(&self, key: &str) -> String {
        let words: Vec<&str> = key.split_whitespace().take(2).collect();
        let digest = digest_of(words.join(" ").as_bytes());
        format!("{}-{}", self.about.cluster, &digest[..8])
    }

    /// True for the name of a key that was added for this cluster.
    pub(super) fn is_key_name(&self, name: &str) -> bool {
        let digest = name.strip_prefix(&format!("{}-", self.about.cluster));
        digest.is_some_and(|text| text.len() == 8 && text.chars().all(|letter| letter.is_ascii_hexdigit()))
    }

    /// What comes before the number in the names of a set.
    fn prefix(wanted: &MachineSet<Set>) -> String {
        let first = wanted.roles().first().map(|role| role.to_string());
        wanted.each.name.clone().or(first).unwrap_or_default()
    }

    /// What stands in the description of what has no labels.
    pub(super) fn mark(&self) -> String {
        format!("the machines of {}", self.about.cluster)
    }

    /// The name of the anti-affinity group of a set.
    pub(super) fn anti_affinity(&self, wanted: &MachineSet<Set>) -> String {
        format!("{}-{}", self.about.cluster, Exoscale::prefix(wanted))
    }

    /// The name of the pool of a set.
    pub(super) fn pool(&self, wanted: &MachineSet<Set>) -> String {
        format!("{}-{}", self.about.cluster, Exoscale::prefix(wanted))
    }

    /// The labels of the instances of a set; tags may be `key=value`.
    fn labels(&self, wanted: &MachineSet<Set>) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::new();
        for tag in &wanted.each.tags {
            let (key, value) = tag.split_once('=').unwrap_or((tag, "true"));
            labels.insert(key.to_string(), value.to_string());
        }
        labels.insert("cluster".into(), self.about.cluster.clone());
        labels.insert("role".into(), wanted.roles().join(","));
        labels
    }

    /// An instance in words.
    pub(super) fn line(&self, wanted: &MachineSet<Set>, name: &str) -> String {
        let set = &wanted.set;
        let labels = self.labels(wanted);
        let labels: Vec<String> = labels
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        format!(
            "{name} ({} in {}, {}, {} GiB, {})",
            set.instance_type,
            self.zone.name,
            set.image,
            set.disk,
            labels.join(" ")
        )
    }

    /// What to order for one name; `name` is also that of its host key.
    ///
    /// # Errors
    /// When its host key cannot be kept.
    pub(super) fn new_instance(
        &self,
        found: &Resources,
        wanted: &MachineSet<Set>,
        name: &str,
    ) -> Result<NewInstance> {
        let host_key = self.about.folder.key(name)?;
        let own = wanted.each.user_data.as_deref().unwrap_or_default();
        let private = match &self.options.own.network {
            Some(_) => PRIVATE_INTERFACE,
            None => "",
        };
        let groups = wanted
            .set
            .anti_affinity
            .then(|| found.anti_affinity.get(&self.anti_affinity(wanted)));
        Ok(NewInstance {
            name: name.to_string(),
            instance_type: found.identifier("type", &wanted.set.instance_type)?,
            template: found.identifier("template", &wanted.set.image)?,
            disk_size: wanted.set.disk,
            labels: self.labels(wanted),
            ssh_keys: wanted
                .each
                .ssh_keys
                .iter()
                .map(|key| self.key_name(key))
                .collect(),
            security_groups: found.group.iter().map(|group| group.id.clone()).collect(),
            anti_affinity_groups: groups.flatten().into_iter().cloned().collect(),
            user_data: Some(user_data(
                match wanted.set.pool {
                    true => "",
                    false => name,
                },
                &host_key,
                &wanted.each.ssh_keys,
                &[private, own],
            )),
        })
    }
}
