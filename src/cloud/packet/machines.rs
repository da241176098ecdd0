//! Packet: devices, the keys of those who may log in, a global address, BGP. The service has no firewall:
//! `management_cidrs` reach the firewall of the machines themselves.

mod options;
mod planning;

pub use options::{Own, Set};

use crate::cloud::machines::given::Given;
use crate::cloud::machines::options::ClusterOptions;
use crate::cloud::machines::plan::{Machine, Plan};
use crate::cloud::machines::provider::{About, Cluster, Machines, ProviderMachines, refuse_namesakes};
use crate::cloud::packet::client::types::{Device, Reservation, SshKey};
use crate::cloud::packet::client::{Packet as Client, SERVICE};
use crate::error::{Collector, Error, Errors, Result};
use async_trait::async_trait;
use futures::future::try_join_all;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// The states of a device that is on its way out.
const GONE: &[&str] = &["deprovisioning", "deleted"];

/// The machines of one cluster in one project.
pub struct Packet {
    client: Client,
    options: ClusterOptions<Own, Set>,
    about: About,
    /// The project's name or identifier as the file says it.
    project: String,
    project_id: OnceCell<String>,
}

/// What there is of the cluster.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    devices: Vec<Device>,
    keys: Vec<SshKey>,
    addresses: Vec<Reservation>,
    bgp: bool,
    /// Devices with a BGP session.
    sessions: HashSet<String>,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Adds a public key to the project.
    AddKey { label: String, key: String },
    /// Takes a public key away.
    RemoveKey { id: String },
    /// Reserves a global address.
    ReserveAddress,
    /// Gives an address back.
    RemoveAddress { id: String },
    /// Enables BGP in the project.
    EnableBgp,
    /// Orders a device: the set, and which of its devices.
    Create { set: usize, at: usize },
    /// Sets a device's tags.
    Tag { id: String, tags: Vec<String> },
    /// Opens a BGP session.
    Session { id: String },
    /// Removes a device.
    Remove { id: String },
}

/// Reads what stands behind `machines:` in the file at `path`; `projects` are those of the inventory.
///
/// # Errors
/// Everything that is wrong, with its places.
pub fn read(
    client: Client,
    given: Given<'_>,
    cluster: Option<&str>,
    projects: &[String],
    path: &Path,
) -> Result<Arc<dyn Machines>, Errors> {
    let options = ClusterOptions::<Own, Set>::read(given, cluster, path)?;
    let mut errors = Collector::default();
    let project = options.own.project.clone().or_else(|| match projects {
        [one] if one != "all" => Some(one.clone()),
        _ => None,
    });
    if project.is_none() {
        errors.push(
            Error::new("`machines` does not say in which project machines are made")
                .at(&options.place)
                .help("write `project: NAME` below `machines`"),
        );
    }
    for wanted in &options.sets {
        options::check(wanted, &mut errors);
    }
    let about = About {
        provider: SERVICE.name,
        cluster: options.cluster.clone(),
        folder: options.folder.clone(),
        common: options.common.clone(),
        clock: client.client().clock().clone(),
    };
    let packet = Packet {
        client,
        options,
        about,
        project: project.unwrap_or_default(),
        project_id: OnceCell::new(),
    };
    errors.finish(Arc::new(Cluster(packet)) as Arc<dyn Machines>)
}

impl Packet {
    async fn project_id(&self) -> Result<String> {
        let find = async || {
            let projects = self.client.projects().await?;
            let found = projects
                .iter()
                .find(|project| project.id == self.project || project.name == self.project);
            found.map(|project| project.id.clone()).ok_or_else(|| {
                let names: Vec<&str> = projects.iter().map(|project| project.name.as_str()).collect();
                Error::new(format!("Packet has no project `{}`", self.project))
                    .at(&self.options.place)
                    .help(format!("the token can see: {}", names.join(", ")))
            })
        };
        self.project_id.get_or_try_init(find).await.cloned()
    }
}

/// True if two lines hold the same public key, whatever its comment.
fn same_key(left: &str, right: &str) -> bool {
    left.split_whitespace()
        .take(2)
        .eq(right.split_whitespace().take(2))
}

fn machine(device: &Device, role: &str) -> Machine {
    let known = &device.known;
    let address = device
        .public_ipv4()
        .or(device.public_ipv6())
        .or(device.private_ipv4());
    Machine {
        name: known.hostname.clone(),
        role: role.to_string(),
        id: known.id.clone(),
        address: address.map(|address| address.address.clone()),
        running: known.state == "active",
        failed: known.state == "failed",
        state: known.state.clone(),
        host_key: None,
        trusts_first: false,
    }
}

#[async_trait]
impl ProviderMachines for Packet {
    type Resources = Resources;
    type Action = Action;

    fn about(&self) -> &About {
        &self.about
    }

    async fn look(&self) -> Result<Resources> {
        let project = self.project_id().await?;
        let tag = Some(self.about.cluster.as_str());
        let bgp = self.options.sets.iter().any(|wanted| wanted.set.bgp);
        let enabled = async {
            match bgp {
                true => self
                    .client
                    .bgp_config(&project)
                    .await
                    .map(|config| config.is_some()),
                false => Ok(false),
            }
        };
        let (mut devices, keys, mut addresses, enabled) = futures::try_join!(
            self.client.devices(&project, tag),
            self.client.ssh_keys(&project),
            self.client.reservations(&project, &["global_ipv4"]),
            enabled
        )?;
        devices.retain(|device| {
            let known = &device.known;
            known.tags.contains(&self.about.cluster) && !GONE.contains(&known.state.as_str())
        });
        addresses
            .retain(|address| address.kind == "global_ipv4" && address.tags.contains(&self.about.cluster));
        let ids: Vec<&String> = devices.iter().map(|device| &device.known.id).collect();
        let asked = ids.iter().filter(|_| bgp).map(|id| self.client.bgp_sessions(id));
        let sessions = try_join_all(asked).await?;
        let with = ids.iter().zip(&sessions).filter(|(_, list)| !list.is_empty());
        let sessions = with.map(|(id, _)| id.to_string()).collect();
        Ok(Resources {
            devices,
            keys,
            addresses,
            bgp: enabled,
            sessions,
        })
    }

    fn plan(&self, found: &Resources) -> Result<Plan<Action>> {
        let mut plan = Plan::default();
        self.plan_shared(found, &mut plan);
        refuse_namesakes(
            &format!("devices with the tag {}", self.about.cluster),
            found.devices.iter().map(|device| {
                let known = &device.known;
                (&known.hostname, format!("is {}", known.id))
            }),
        )?;
        for (set, wanted) in self.options.sets.iter().enumerate() {
            for (at, name) in wanted.names.iter().enumerate() {
                let found_one = found.devices.iter().find(|device| device.known.hostname == *name);
                match found_one {
                    Some(device) => {
                        self.plan_device(device, wanted, found, &mut plan);
                        plan.machines.push(machine(device, &wanted.each.role));
                    }
                    None => {
                        plan.make(1, self.line(wanted, name), Action::Create { set, at });
                        plan.machines.push(Machine {
                            name: name.clone(),
                            role: wanted.each.role.clone(),
                            ..Machine::default()
                        });
                    }
                }
            }
        }
        let names: Vec<&String> = self
            .options
            .sets
            .iter()
            .flat_map(|wanted| &wanted.names)
            .collect();
        for device in &found.devices {
            let name = &device.known.hostname;
            if !names.contains(&name) {
                plan.surplus.push(name.clone());
                plan.keep(format!(
                    "{name} ({}), which nobody asks for",
                    device.known.plan.slug
                ));
            }
        }
        Ok(plan)
    }

    fn removal(&self, found: &Resources, only: &[String]) -> Plan<Action> {
        let mut plan = Plan::default();
        for device in &found.devices {
            let known = &device.known;
            let line = format!(
                "{} ({}, {})",
                known.hostname,
                known.plan.slug,
                machine(device, "").address.unwrap_or_else(|| "no address".into())
            );
            if only.is_empty() || only.contains(&known.hostname) {
                plan.remove(0, line, Action::Remove { id: known.id.clone() });
                plan.machines.push(machine(device, ""));
            } else {
                plan.keep(line);
            }
        }
        if !only.is_empty() {
            return plan;
        }
        for address in &found.addresses {
            let id = address.id.clone();
            plan.remove(
                1,
                format!("the global address {}", address.address),
                Action::RemoveAddress { id },
            );
        }
        let start = format!("{}-", self.about.cluster);
        let ours = |key: &&SshKey| {
            let number = key.label.strip_prefix(&start);
            number.is_some_and(|number| number.parse::<u32>().is_ok())
        };
        for key in found.keys.iter().filter(ours) {
            let id = key.id.clone();
            plan.remove(
                1,
                format!("the public key {}", key.label),
                Action::RemoveKey { id },
            );
        }
        plan
    }

    async fn perform(&self, found: &Resources, action: &Action) -> Result<()> {
        let client = &self.client;
        let project = self.project_id().await?;
        match action {
            Action::AddKey { label, key } => drop(client.create_ssh_key(&project, label, key).await?),
            Action::RemoveKey { id } => client.delete_ssh_key(id).await?,
            Action::ReserveAddress => {
                let tags = [self.about.cluster.clone()];
                let details = format!("the cluster {}", self.about.cluster);
                drop(client.reserve_global_ip(&project, &tags, &details).await?);
            }
            Action::RemoveAddress { id } => client.delete_address(id).await?,
            Action::EnableBgp => {
                let own = &self.options.own;
                client
                    .enable_bgp(&project, own.bgp_asn, own.bgp_md5.as_deref())
                    .await?;
            }
            Action::Create { set, at } => {
                let device = self.new_device(found, *set, *at)?;
                drop(client.create_device(&project, &device).await?);
            }
            Action::Tag { id, tags } => {
                let fields = [("tags".to_string(), serde_json::json!(tags))];
                drop(client.update_device(id, fields.into_iter().collect()).await?);
            }
            Action::Session { id } => drop(client.create_bgp_session(id).await?),
            Action::Remove { id } => client.delete_device(id).await?,
        }
        Ok(())
    }
}
