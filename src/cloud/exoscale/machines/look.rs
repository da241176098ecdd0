//! What there is of a cluster at Exoscale, read with as many calls at the same time as can be.

use super::{Exoscale, Resources};
use crate::cloud::client::http::failure::Failure;
use crate::cloud::exoscale::client::types::{Instance, InstancePool, PrivateNetwork};
use crate::error::Result;
use futures::future::{join, join_all, try_join_all};
use std::collections::{BTreeMap, HashSet};

impl Exoscale {
    /// Reads everything that bears the cluster's name or label.
    ///
    /// # Errors
    /// What the service refuses.
    pub(super) async fn read_all(&self) -> Result<Resources> {
        let (zone, cluster) = (&self.zone, &self.about.cluster);
        let (groups, networks, anti_affinity, addresses, balancers, keys) = futures::try_join!(
            zone.security_groups(),
            zone.private_networks(),
            zone.anti_affinity_groups(),
            zone.elastic_ips(),
            zone.load_balancers(),
            zone.ssh_keys()
        )?;
        let network = networks.into_iter().find(|network| network.name == *cluster);
        let (machines, catalogue) = join(self.machines_and_leases(network), self.catalogue()).await;
        let (mut instances, pools, network) = machines?;
        let ours: HashSet<&String> = pools.iter().map(|pool| &pool.id).collect();
        instances.retain(|instance| {
            let known = &instance.known;
            let labelled = known.labels.get("cluster") == Some(cluster) || ours.contains(&known.manager.id);
            let gone = ["destroying", "destroyed", "expunging"].contains(&known.state.as_str());
            labelled && !gone
        });
        let address = addresses
            .into_iter()
            .find(|address| address.labels.get("cluster") == Some(cluster));
        let holders = match &address {
            Some(address) => self.holders(&instances, &address.id).await?,
            None => HashSet::new(),
        };
        let keyed = pools
            .iter()
            .filter_map(|pool| Some((pool.name.clone(), self.about.folder.pinned(&pool.name)?)));
        let wanted: HashSet<String> = self
            .options
            .sets
            .iter()
            .map(|wanted| self.anti_affinity(wanted))
            .collect();
        let mark = self.mark();
        Ok(Resources {
            keys: keys.into_iter().map(|key| key.name).collect(),
            group: groups.into_iter().find(|group| group.name == *cluster),
            network,
            anti_affinity: anti_affinity
                .into_iter()
                .filter(|group| group.description == mark || wanted.contains(&group.name))
                .map(|group| (group.name, group.id))
                .collect(),
            address,
            balancer: balancers
                .into_iter()
                .find(|balancer| balancer.labels.get("cluster") == Some(cluster)),
            instances,
            holders,
            pool_keys: keyed.collect(),
            pools,
            catalogue,
        })
    }

    async fn machines_and_leases(
        &self,
        network: Option<PrivateNetwork>,
    ) -> Result<(Vec<Instance>, Vec<InstancePool>, Option<PrivateNetwork>)> {
        let leases = async {
            match &network {
                Some(network) => there(self.zone.private_network(&network.id).await),
                None => Ok(None),
            }
        };
        let (instances, mut pools, network) =
            futures::try_join!(self.zone.instances(), self.zone.pools(), leases)?;
        pools.retain(|pool| {
            pool.labels.get("cluster") == Some(&self.about.cluster) && pool.state != "destroying"
        });
        Ok((instances, pools, network))
    }

    /// The instances that hold the elastic address; only a single read tells it.
    async fn holders(&self, instances: &[Instance], address: &str) -> Result<HashSet<String>> {
        let asked = instances
            .iter()
            .map(async |instance| there(self.zone.instance(&instance.known.id).await));
        let read: Vec<Instance> = try_join_all(asked).await?.into_iter().flatten().collect();
        let holds = |instance: &&Instance| {
            let held = instance.raw.get("elastic-ips").and_then(|list| list.as_array());
            held.is_some_and(|list| list.iter().any(|item| item["id"] == address))
        };
        Ok(read
            .iter()
            .filter(holds)
            .map(|instance| instance.known.id.clone())
            .collect())
    }

    /// The identifiers of all types and templates that are asked for.
    async fn catalogue(&self) -> BTreeMap<String, Result<String, Failure>> {
        let (mut types, mut templates) = (BTreeMap::new(), BTreeMap::new());
        for wanted in &self.options.sets {
            types.insert(&wanted.set.instance_type, ());
            templates.insert(&wanted.set.image, &wanted.set.visibility);
        }
        let types = types.keys().map(async |name| {
            let id = self.zone.find_type(name).await;
            (format!("type {name}"), id)
        });
        let templates = templates.iter().map(async |(name, visibility)| {
            let id = self.zone.find_template(name, visibility).await;
            (format!("template {name}"), id)
        });
        let (types, templates) = join(join_all(types), join_all(templates)).await;
        types.into_iter().chain(templates).collect()
    }
}

/// What was read, unless it has gone since it was listed.
fn there<T>(read: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match read {
        Err(failure) if failure.is_missing() => Ok(None),
        read => read.map(Some),
    }
}
