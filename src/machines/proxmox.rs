//! Proxmox: virtual machines cloned from a template and set up by cloud-init, with the firewall of Proxmox.
//!
//! Its API takes no user data, so a machine cannot be given a host key: the one it makes is read through the
//! guest agent, which the same trusted API reaches.

mod look;
mod options;
mod perform;

pub use options::{Own, Set};

use super::cloud::{About, Cloud, Cluster, Machines, refuse_namesakes};
use super::given::Given;
use super::plan::{Machine, Plan, Step};
use super::settings::{Settings, Wanted};
use crate::error::{Errors, Result};
use crate::provider::proxmox::types::Guest;
use crate::provider::proxmox::{Proxmox as Client, SERVICE};
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
    settings: Settings<Own, Set>,
    about: About,
    cloning: Semaphore,
}

/// One machine as it is.
#[derive(Clone, Debug, Default)]
pub struct Known {
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
pub struct Found {
    machines: Vec<Known>,
    templates: Vec<Guest>,
    /// Numbers that are taken.
    taken: HashSet<u64>,
    /// The lowest number that may be free.
    next: u64,
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
    let settings = Settings::<Own, Set>::read(given, cluster, path)?;
    options::check(&settings, &given)?;
    let about = About {
        provider: SERVICE.name,
        cluster: settings.cluster.clone(),
        folder: settings.folder.clone(),
        common: settings.common.clone(),
        clock: client.client().clock().clone(),
    };
    Ok(Arc::new(Cluster(Proxmox {
        client,
        settings,
        about,
        cloning: Semaphore::new(CLONES),
    })))
}

impl Proxmox {
    /// The tags of the machines of a set.
    fn tags(&self, wanted: &Wanted<Set>) -> Vec<String> {
        let mut tags = vec![self.about.cluster.clone()];
        tags.extend(wanted.roles().into_iter().map(str::to_string));
        tags.extend(wanted.each.tags.iter().cloned());
        tags
    }

    /// What a clone bears until it has its tags.
    fn mark(&self) -> String {
        format!("made by vent for the cluster {}", self.about.cluster)
    }

    fn line(&self, wanted: &Wanted<Set>, name: &str) -> String {
        let set = &wanted.set;
        format!(
            "{name} ({}, {} cores, {} MiB, {} GiB, tags {})",
            set.image,
            set.cores,
            set.memory,
            set.disk,
            self.tags(wanted).join(" ")
        )
    }

    fn plan_new(
        &self,
        found: &Found,
        set: usize,
        at: usize,
        taken: &mut HashSet<u64>,
        plan: &mut Plan<Action>,
    ) {
        let wanted = &self.settings.sets[set];
        let mut vmid = found.next.max(wanted.set.vmid);
        while taken.contains(&vmid) {
            vmid += 1;
        }
        taken.insert(vmid);
        let name = &wanted.names[at];
        plan.make(0, self.line(wanted, name), Action::Clone { set, at, vmid });
        if self.settings.own.firewall {
            for rule in self.openings() {
                plan.after.push(format!("{name}: {}", rule.line()));
            }
        }
        plan.machines.push(Machine {
            name: name.clone(),
            role: wanted.each.role.clone(),
            trusts_first: wanted.set.trust_first_host_key,
            ..Machine::default()
        });
    }

    fn plan_known(&self, set: usize, at: usize, known: &Known, plan: &mut Plan<Action>) {
        let wanted = &self.settings.sets[set];
        let (guest, name) = (&known.guest, &known.guest.name);
        let tags = self.tags(wanted);
        let has: Vec<&str> = guest.tag_list();
        let line = self.line(wanted, name);
        let mut step = |stage: u8, text: String, action: Action| {
            plan.steps.push(Step::new(stage, text, action));
        };
        if tags.iter().all(|tag| has.contains(&tag.as_str())) {
            plan.before.push(line.clone());
        } else {
            let guest = guest.clone();
            step(1, format!("set {line} up"), Action::Configure { set, at, guest });
        }
        plan.after.push(line);
        let disk = &wanted.set.disk_device;
        let size = known.config.get(disk).and_then(Value::as_str).and_then(gibibytes);
        if size.is_some_and(|size| size < wanted.set.disk) {
            let action = Action::Resize {
                guest: guest.clone(),
                disk: disk.clone(),
                size: wanted.set.disk,
            };
            step(
                2,
                format!("make {disk} of {name} {} GiB large", wanted.set.disk),
                action,
            );
        }
        if self.settings.own.firewall {
            for rule in self.openings() {
                let line = rule.line();
                plan.after.push(format!("{name}: {line}"));
                if known.rules.contains(&line) {
                    plan.before.push(format!("{name}: {line}"));
                    continue;
                }
                let guest = guest.clone();
                plan.steps.push(Step::new(
                    2,
                    format!("open {line} on {name}"),
                    Action::Open { guest, rule },
                ));
            }
            if !known.guarded {
                let guest = guest.clone();
                let text = format!("turn the firewall of {name} on");
                plan.steps.push(Step::new(3, text, Action::Guard { guest }));
            }
        }
        if guest.status == "stopped" {
            let guest = guest.clone();
            plan.steps
                .push(Step::new(4, format!("start {name}"), Action::Start { guest }));
        }
        plan.machines.push(self.machine(known, wanted));
    }

    fn machine(&self, known: &Known, wanted: &Wanted<Set>) -> Machine {
        let guest = &known.guest;
        let told = wanted.set.trust_first_host_key
            || known.host_key.is_some()
            || self.about.folder.pinned(&guest.name).is_some();
        Machine {
            name: guest.name.clone(),
            role: wanted.each.role.clone(),
            id: guest.vmid.to_string(),
            address: known.address.clone(),
            running: guest.status == "running" && told,
            failed: false,
            state: match (guest.status.as_str(), told) {
                ("running", false) => "running, but its guest agent does not tell its host key yet".into(),
                (state, _) => state.to_string(),
            },
            host_key: known.host_key.clone(),
            trusts_first: wanted.set.trust_first_host_key,
        }
    }
}

/// The size of a disk in GiB, as its settings tell it: `local-lvm:vm-100-disk-0,size=20G`.
fn gibibytes(text: &str) -> Option<u64> {
    let size = text.split(',').find_map(|part| part.strip_prefix("size="))?;
    let number = |text: &str| text.parse::<u64>().ok();
    match size.chars().last()? {
        'T' => number(&size[..size.len() - 1]).map(|number| number * 1024),
        'G' => number(&size[..size.len() - 1]),
        'M' => number(&size[..size.len() - 1]).map(|number| number / 1024),
        _ => None,
    }
}

#[async_trait]
impl Cloud for Proxmox {
    type Found = Found;
    type Action = Action;

    fn about(&self) -> &About {
        &self.about
    }

    async fn look(&self) -> Result<Found> {
        self.read_all().await
    }

    fn plan(&self, found: &Found) -> Result<Plan<Action>> {
        refuse_namesakes(
            &format!("machines of the cluster {}", self.about.cluster),
            found.machines.iter().map(|known| {
                let guest = &known.guest;
                (&guest.name, format!("has the number {}", guest.vmid))
            }),
        )?;
        let mut plan = Plan::default();
        let mut taken = found.taken.clone();
        for (set, wanted) in self.settings.sets.iter().enumerate() {
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
            .settings
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

    fn removal(&self, found: &Found, only: &[String]) -> Plan<Action> {
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

    async fn perform(&self, found: &Found, action: &Action) -> Result<()> {
        self.do_one(found, action).await
    }
}

#[cfg(test)]
mod tests {
    use super::gibibytes;

    #[test]
    fn the_size_of_a_disk_is_read_from_its_settings() {
        assert_eq!(gibibytes("local-lvm:vm-100-disk-0,size=20G"), Some(20));
        assert_eq!(gibibytes("x,size=2252M,ssd=1"), Some(2));
        assert_eq!(gibibytes("x,size=1T"), Some(1024));
        assert_eq!(gibibytes("none,media=cdrom"), None);
    }
}
