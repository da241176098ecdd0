//! What there is of a cluster at Proxmox.

use super::{ExistingMachine, Proxmox, Resources};
use crate::cloud::machines::provider::Tell;
use crate::cloud::proxmox::client::types::{FirewallRule, Guest, Interface};
use crate::error::Result;
use futures::future::try_join_all;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

impl Proxmox {
    /// Reads everything that bears the cluster's tag, and clones of its names that have none yet.
    ///
    /// # Errors
    /// What the service refuses.
    pub(super) async fn read_all(&self) -> Result<Resources> {
        let firewall = async {
            match self.options.own.firewall {
                true => self.client.is_firewall_on().await,
                false => Ok(None),
            }
        };
        let (guests, next, firewall) =
            futures::try_join!(self.client.guests(), self.client.next_id(), firewall)?;
        let cluster = self.about.cluster.as_str();
        let wanted: Vec<&String> = self
            .options
            .sets
            .iter()
            .flat_map(|wanted| &wanted.names)
            .collect();
        let mut found = Resources {
            taken: guests.iter().map(|guest| guest.vmid).collect(),
            next,
            firewall,
            ..Resources::default()
        };
        let mut read = vec![];
        for guest in guests {
            if guest.template == 1 {
                found.templates.push(guest);
            } else if guest.kind == "qemu"
                && (guest.tag_list().contains(&cluster) || wanted.contains(&&guest.name))
            {
                read.push(self.known(guest));
            }
        }
        let machines = try_join_all(read).await?;
        found.machines = machines.into_iter().flatten().collect();
        Ok(found)
    }

    /// Waits until the clones have ended that a killed run left behind: until then they have neither name nor mark.
    ///
    /// # Errors
    /// What the service refuses.
    pub(super) async fn wait_for_clones(&self, tell: Tell<'_>) -> Result<()> {
        let guests = self.client.guests().await?;
        let nodes: BTreeSet<&String> = guests.iter().map(|guest| &guest.node).collect();
        let asked = nodes.into_iter().map(|node| self.client.clones(node));
        let clones: Vec<String> = try_join_all(asked).await?.into_iter().flatten().collect();
        if !clones.is_empty() {
            tell(format!(
                "waiting for {} clones that an earlier run began",
                clones.len()
            ));
        }
        let ends = clones.iter().map(|upid| {
            self.client
                .end_of(upid, "wait for a clone that an earlier run began")
        });
        try_join_all(ends).await?;
        Ok(())
    }

    /// Everything about one machine; `None` if it only has a name that is asked for, or has gone.
    async fn known(&self, guest: Guest) -> Result<Option<ExistingMachine>> {
        let config = match self.client.config(&guest).await {
            Err(failure) if failure.is_missing() => return Ok(None),
            config => config?,
        };
        let described = config.get("description").and_then(Value::as_str);
        let ours = guest.tag_list().contains(&self.about.cluster.as_str())
            || described.is_some_and(|text| text.trim() == self.mark());
        if !ours {
            return Ok(None);
        }
        let mut known = ExistingMachine {
            address: fixed_address(&config),
            ..ExistingMachine::default()
        };
        if guest.status == "running" {
            if let Some(interfaces) = self.client.interfaces(&guest).await? {
                known.address = told_address(&config, &interfaces).or(known.address);
            }
            if self.about.folder.pinned(&guest.name).is_none() {
                known.host_key = self.client.host_key(&guest).await?;
            }
        }
        if self.options.own.firewall {
            let (rules, guarded) =
                futures::try_join!(self.client.firewall_rules(&guest), self.client.is_guarded(&guest))?;
            known.rules = rules.iter().map(line).collect();
            known.guarded = guarded;
        }
        Ok(Some(ExistingMachine {
            guest,
            config,
            ..known
        }))
    }
}

/// A rule in the words of what is wanted.
fn line(rule: &FirewallRule) -> String {
    match rule.proto.is_empty() {
        true => format!("everything from {}", rule.source),
        false => format!(
            "{} {} from {}",
            rule.proto.to_uppercase(),
            rule.dport,
            rule.source
        ),
    }
}

/// The address that cloud-init was told.
fn fixed_address(config: &Map<String, Value>) -> Option<String> {
    let text = config.get("ipconfig0")?.as_str()?;
    let address = text.split(',').find_map(|part| part.strip_prefix("ip="))?;
    let address = address.split('/').next()?;
    address
        .parse::<Ipv4Addr>()
        .ok()
        .map(|address| address.to_string())
}

/// The address of the machine's own network card, as the guest agent tells it.
fn told_address(config: &Map<String, Value>, interfaces: &[Interface]) -> Option<String> {
    let card = config.get("net0")?.as_str()?;
    let mac = card.split(',').next()?.split_once('=')?.1;
    let own = interfaces
        .iter()
        .find(|interface| interface.hardware_address.eq_ignore_ascii_case(mac))?;
    let address = own.ip_addresses.iter().find(|address| {
        let parsed = address.ip_address.parse::<Ipv4Addr>();
        parsed.is_ok_and(|address| !address.is_link_local())
    })?;
    Some(address.ip_address.clone())
}
