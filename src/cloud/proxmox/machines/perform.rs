//! Single steps at Proxmox.

use super::{Action, MachineSet, Proxmox, Resources, Set};
use crate::cloud::proxmox::client::guests::escaped_keys;
use crate::cloud::proxmox::client::types::Guest;
use crate::error::{Error, Result, nearest};

impl Proxmox {
    /// Does one thing.
    ///
    /// # Errors
    /// What the service refuses, and a template that is not there.
    pub(super) async fn do_one(&self, found: &Resources, action: &Action) -> Result<()> {
        let client = &self.client;
        match action {
            Action::Clone { set, at, vmid } => {
                let wanted = &self.options.sets[*set];
                let template = template(found, wanted)?;
                let _turn = self.cloning.acquire().await;
                client
                    .clone_guest(
                        template,
                        *vmid,
                        &wanted.names[*at],
                        self.clone_options(wanted, template),
                    )
                    .await?;
            }
            Action::Configure { set, at, guest } => {
                let options = self.settings_of(&self.options.sets[*set], *at);
                client.configure(guest, options).await?;
            }
            Action::Resize { guest, disk, size } => client.resize(guest, disk, &format!("{size}G")).await?,
            Action::Open { guest, rule } => {
                client
                    .open(guest, rule.protocol, &rule.ports, &rule.source)
                    .await?;
            }
            Action::Guard { guest } => client.guard(guest).await?,
            Action::Start { guest } => client.power(guest, "start").await?,
            Action::Stop { guest } => client.power(guest, "stop").await?,
            Action::Remove { guest } => client.delete_guest(guest).await?,
        }
        Ok(())
    }

    fn clone_options(&self, wanted: &MachineSet<Set>, template: &Guest) -> Vec<(String, String)> {
        let set = &wanted.set;
        let mut options = vec![
            ("full".to_string(), u8::from(set.full).to_string()),
            ("description".to_string(), self.mark()),
        ];
        let node = set.node.as_ref().filter(|node| **node != template.node);
        let storage = set.storage.as_ref().filter(|_| set.full);
        for (name, value) in [
            ("target", node),
            ("storage", storage),
            ("pool", set.pool.as_ref()),
        ] {
            options.extend(value.map(|value| (name.to_string(), value.clone())));
        }
        options
    }

    /// Tags, hardware and cloud-init, in one call: a machine with its tags is set up.
    fn settings_of(&self, wanted: &MachineSet<Set>, at: usize) -> Vec<(String, String)> {
        let set = &wanted.set;
        let address = match (set.addresses.get(at), &set.gateway) {
            (Some(address), Some(gateway)) => format!("ip={address},gw={gateway}"),
            (Some(address), None) => format!("ip={address}"),
            (None, _) => "ip=dhcp".to_string(),
        };
        let card = set.bridge.as_ref().map(|bridge| {
            let vlan = set.vlan.map(|vlan| format!(",tag={vlan}")).unwrap_or_default();
            let firewall = u8::from(self.options.own.firewall);
            format!("virtio,bridge={bridge},firewall={firewall}{vlan}")
        });
        let mut options: Vec<(String, String)> = [
            ("cores", set.cores.to_string()),
            ("memory", set.memory.to_string()),
            ("ipconfig0", address),
            ("sshkeys", escaped_keys(&wanted.each.ssh_keys)),
            ("agent", "enabled=1".into()),
            ("onboot", "1".into()),
            ("tags", self.tags(wanted).join(";")),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect();
        for (name, value) in [
            ("net0", card.as_ref()),
            ("ciuser", set.user.as_ref()),
            ("nameserver", set.nameserver.as_ref()),
            ("searchdomain", set.searchdomain.as_ref()),
            ("cicustom", set.cicustom.as_ref()),
        ] {
            options.extend(value.map(|value| (name.to_string(), value.clone())));
        }
        options
    }
}

/// The template of a set, by name or number.
pub(super) fn template<'a>(found: &'a Resources, wanted: &MachineSet<Set>) -> Result<&'a Guest> {
    let name = &wanted.set.image;
    let fits = |guest: &&Guest| guest.name == *name || guest.vmid.to_string() == *name;
    found.templates.iter().find(fits).ok_or_else(|| {
        let error = Error::new(format!("Proxmox has no template `{name}`")).at(&wanted.place);
        error
            .help("make one from a cloud image: docs/providers.md says how")
            .did_you_mean(nearest(
                name,
                found.templates.iter().map(|guest| guest.name.as_str()),
            ))
    })
}
