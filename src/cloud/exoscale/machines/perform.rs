//! Single steps at Exoscale.

use super::{Action, Exoscale, Kind, Resources};
use crate::cloud::exoscale::client::types::Rule;
use crate::error::{Error, Result};
use serde_json::json;

impl Exoscale {
    /// Does one thing.
    ///
    /// # Errors
    /// What the service refuses.
    pub(super) async fn do_one(&self, found: &Resources, action: &Action) -> Result<()> {
        let (zone, cluster) = (&self.zone, &self.about.cluster);
        let labels = || json!({"cluster": cluster});
        match action {
            Action::AddKey { name, key } => zone.create_ssh_key(name, key).await?,
            Action::RemoveKey { name } => zone.delete_ssh_key(name).await?,
            Action::MakeGroup => {
                drop(zone.create_security_group(cluster, &self.mark()).await?);
            }
            Action::Open(rule) => self.open(found, rule).await?,
            Action::Close { group, rule } => {
                let _alone = self.one_change.lock().await;
                zone.delete_rule(group, rule).await?;
            }
            Action::MakeNetwork => {
                let network = self.options.own.network.clone().unwrap_or_default();
                let (start, end) = (&network.start, &network.end);
                drop(
                    zone.create_private_network(cluster, start, end, &network.netmask, labels())
                        .await?,
                );
            }
            Action::MakeAntiAffinity { name } => {
                drop(zone.create_anti_affinity_group(name, &self.mark()).await?);
            }
            Action::ReserveAddress => {
                let about = format!("the API server of {cluster}");
                let port = self.options.common.api_port;
                drop(zone.create_managed_elastic_ip(&about, labels(), port).await?);
            }
            Action::Create { .. } | Action::CreatePool { .. } => self.create(found, action).await?,
            Action::Scale { pool, size } => zone.scale_pool(pool, *size).await?,
            Action::GivePool { pool } => {
                let address = found.address.as_ref().map(|address| address.id.clone());
                let address = address.ok_or_else(|| missing("the elastic address"))?;
                zone.give_pool(pool, &[address]).await?;
            }
            Action::Evict { pool, instance } => {
                let _alone = self.one_change.lock().await;
                zone.evict(pool, instance).await?;
            }
            Action::Attach { instance } => {
                let network = found.network.as_ref().map(|network| network.id.as_str());
                let network = network.ok_or_else(|| missing("the private network"))?;
                zone.attach_private_network(network, instance, None).await?;
            }
            Action::Hold { instance } => {
                let address = found.address.as_ref().map(|address| address.id.as_str());
                let address = address.ok_or_else(|| missing("the elastic address"))?;
                zone.attach_elastic_ip(address, instance).await?;
            }
            Action::MakeBalancer => drop(zone.create_load_balancer(cluster, labels()).await?),
            Action::MakeService { pool } => {
                let balancer = found.balancer.as_ref().map(|balancer| balancer.id.as_str());
                let balancer = balancer.ok_or_else(|| missing("the load balancer"))?;
                let port = self.options.common.api_port;
                zone.add_service(balancer, "api", pool, port).await?;
            }
            Action::Remove { kind, id } => self.remove(*kind, id).await?,
        }
        Ok(())
    }

    /// Makes an instance, or the pool of a set.
    async fn create(&self, found: &Resources, action: &Action) -> Result<()> {
        let zone = &self.zone;
        match action {
            Action::Create { set, at } => {
                let wanted = &self.options.sets[*set];
                let instance = self.new_instance(found, wanted, &wanted.names[*at])?;
                drop(zone.create_instance(&instance).await?);
            }
            Action::CreatePool { set } => {
                let wanted = &self.options.sets[*set];
                let instance = self.new_instance(found, wanted, &self.pool(wanted))?;
                let networks: Vec<String> = found.network.iter().map(|network| network.id.clone()).collect();
                let held = wanted.roles().contains(&"controller");
                let addresses = found.address.iter().filter(|_| held);
                let addresses: Vec<String> = addresses.map(|address| address.id.clone()).collect();
                let size = wanted.names.len() as u64;
                drop(zone.create_pool(&instance, size, &networks, &addresses).await?);
            }
            _ => {}
        }
        Ok(())
    }

    async fn open(&self, found: &Resources, rule: &Rule) -> Result<()> {
        let group = found
            .group
            .as_ref()
            .ok_or_else(|| missing("the security group"))?;
        let mut rule = rule.clone();
        if rule.network.is_empty() {
            rule.security_group.id = group.id.clone();
        }
        let _alone = self.one_change.lock().await;
        self.zone.add_rule(&group.id, &rule, &self.mark()).await?;
        Ok(())
    }

    async fn remove(&self, kind: Kind, id: &str) -> Result<()> {
        let zone = &self.zone;
        match kind {
            Kind::Instance => zone.delete_instance(id).await?,
            Kind::Pool => zone.delete_pool(id).await?,
            Kind::Balancer => zone.delete_load_balancer(id).await?,
            Kind::Address => zone.delete_elastic_ip(id).await?,
            Kind::Network => zone.delete_private_network(id).await?,
            Kind::AntiAffinity => zone.delete_anti_affinity_group(id).await?,
            Kind::Group => zone.delete_security_group(id).await?,
        }
        Ok(())
    }
}

/// What an earlier stage made has gone again.
fn missing(what: &str) -> Error {
    Error::new(format!("{what} was there and has gone"))
        .help("somebody else changes this cluster: look at it in the portal, then run again")
}
