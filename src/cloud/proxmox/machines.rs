//! Proxmox: virtual machines cloned from a template and set up by cloud-init, with the firewall of Proxmox.
//!
//! Its API takes no user data, so a machine cannot be given a host key: the one it makes is read through the
//! guest agent, which the same trusted API reaches.

mod look;
mod options;
mod perform;
mod planning;

pub use options::{Own, Set};

use crate::cloud::machines::given::Given;
use crate::cloud::machines::options::{ClusterOptions, MachineSet};
use crate::cloud::machines::plan::{Machine, Plan, Step};
use crate::cloud::machines::provider::{About, Cluster, Machines, ProviderMachines, Tell, refuse_namesakes};
use crate::cloud::proxmox::client::types::Guest;
use crate::cloud::proxmox::client::{Proxmox as Client, SERVICE};
use crate::error::{Errors, Result};
use async_trait::async_trait;
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// How many clones are made at the same time: more of them meet each other's locks.
const CLONES: usize = 2;

/// The machines of one cluster in one Proxmox.
pub struct Proxmox {
    client: Client,
    options: ClusterOptions<Own, Set>,
    about: About,
    cloning: Semaphore,
}

/// One machine as it is.
#[derive(Clone, Debug, Default)]
pub struct ExistingMachine {
    guest: Guest,
    config: Map<String, Value>,
    /// Where it is reached.
    address: Option<String>,
    /// What the guest agent tells.
    host_key: Option<String>,
    /// What its firewall lets in, one line each.
    rules: Vec<String>,
    /// Whether its firewall is on.
    guarded: bool,
}

/// What there is of the cluster.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    machines: Vec<ExistingMachine>,
    templates: Vec<Guest>,
    /// Numbers that are taken.
    taken: HashSet<u64>,
    /// The lowest number that may be free.
    next: u64,
    /// Whether the firewall of the datacenter is on; `None` where that is not asked or may not be known.
    firewall: Option<bool>,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Clones the template of a set.
    Clone { set: usize, at: usize, vmid: u64 },
    /// Sets a clone up: tags, cloud-init, hardware.
    Configure { set: usize, at: usize, guest: Guest },
    /// Makes the disk larger.
    Resize { guest: Guest, disk: String, size: u64 },
    /// Lets somebody in.
    Open { guest: Guest, rule: options::Opening },
    /// Turns the firewall of a machine on.
    Guard { guest: Guest },
    /// Starts a machine.
    Start { guest: Guest },
    /// Stops a machine.
    Stop { guest: Guest },
    /// Removes a stopped machine.
    Remove { guest: Guest },
}

/// Reads what stands behind `machines:` in the file at `path`.
///
/// # Errors
/// Everything that is wrong, with its places.
pub fn read(
    client: Client,
    given: Given<'_>,
    cluster: Option<&str>,
    path: &Path,
) -> Result<Arc<dyn Machines>, Errors> {
    let options = ClusterOptions::<Own, Set>::read(given, cluster, path)?;
    options::check(&options, &given)?;
    let about = About {
        provider: SERVICE.name,
        cluster: options.cluster.clone(),
        folder: options.folder.clone(),
        common: options.common.clone(),
        clock: client.client().clock().clone(),
    };
    Ok(Arc::new(Cluster(Proxmox {
        client,
        options,
        about,
        cloning: Semaphore::new(CLONES),
    })))
}

impl Proxmox {
    /// The tags of the machines of a set.
    fn tags(&self, wanted: &MachineSet<Set>) -> Vec<String> {
        let mut tags = vec![self.about.cluster.clone()];
        tags.extend(wanted.roles().into_iter().map(str::to_string));
        tags.extend(wanted.each.tags.iter().cloned());
        tags
    }

    /// What a clone bears until it has its tags.
    fn mark(&self) -> String {
        format!("made by vent for the cluster {}", self.about.cluster)
    }
}

#[async_trait]
impl ProviderMachines for Proxmox {
    type Resources = Resources;
    type Action = Action;

    fn about(&self) -> &About {
        &self.about
    }

    async fn settle(&self, tell: Tell<'_>) -> Result<()> {
        self.wait_for_clones(tell).await
    }

    async fn look(&self) -> Result<Resources> {
        self.read_all().await
    }

    fn plan(&self, found: &Resources) -> Result<Plan<Action>> {
        refuse_namesakes(
            &format!("machines of the cluster {}", self.about.cluster),
            found.machines.iter().map(|known| {
                let guest = &known.guest;
                (&guest.name, format!("has the number {}", guest.vmid))
            }),
        )?;
        let mut plan = Plan::default();
        if found.firewall == Some(false) {
            plan.notes.push(
                "the firewall of the datacenter is off, so that those of the machines keep nobody out: turn it on (Datacenter, \
                 Firewall, Options), after a rule there that lets you in"
                    .into(),
            );
        }
        let mut taken = found.taken.clone();
        for (set, wanted) in self.options.sets.iter().enumerate() {
            for (at, name) in wanted.names.iter().enumerate() {
                match found.machines.iter().find(|known| known.guest.name == *name) {
                    Some(known) => self.plan_known(set, at, known, &mut plan),
                    None => {
                        perform::template(found, wanted)?;
                        self.plan_new(found, set, at, &mut taken, &mut plan);
                    }
                }
            }
        }
        let wanted: HashSet<&String> = self
            .options
            .sets
            .iter()
            .flat_map(|wanted| &wanted.names)
            .collect();
        for known in &found.machines {
            let name = &known.guest.name;
            if !wanted.contains(name) {
                plan.surplus.push(name.clone());
                plan.keep(format!("{name} ({}), which nobody asks for", known.guest.vmid));
            }
        }
        Ok(plan)
    }

    fn removal(&self, found: &Resources, only: &[String]) -> Plan<Action> {
        let mut plan = Plan::default();
        for known in &found.machines {
            let guest = known.guest.clone();
            let line = format!("{} ({} on {})", guest.name, guest.vmid, guest.node);
            if !only.is_empty() && !only.contains(&guest.name) {
                plan.keep(line);
                continue;
            }
            if guest.status != "stopped" {
                let text = format!("stop {}", guest.name);
                let guest = guest.clone();
                plan.steps.push(Step::new(0, text, Action::Stop { guest }));
            }
            plan.machines.push(Machine {
                name: guest.name.clone(),
                ..Machine::default()
            });
            plan.remove(1, line, Action::Remove { guest });
        }
        plan
    }

    async fn perform(&self, found: &Resources, action: &Action) -> Result<()> {
        self.do_one(found, action).await
    }
}
