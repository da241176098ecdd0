//! What is wanted at Proxmox, against what there is.

use super::{Action, ExistingMachine, Proxmox, Resources, Set};
use crate::cloud::machines::options::MachineSet;
use crate::cloud::machines::plan::{Machine, Plan, Step};
use serde_json::Value;
use std::collections::HashSet;

impl Proxmox {
    pub(super) fn line(&self, wanted: &MachineSet<Set>, name: &str) -> String {
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

    pub(super) fn plan_new(
        &self,
        found: &Resources,
        set: usize,
        at: usize,
        taken: &mut HashSet<u64>,
        plan: &mut Plan<Action>,
    ) {
        let wanted = &self.options.sets[set];
        let mut vmid = found.next.max(wanted.set.vmid);
        while taken.contains(&vmid) {
            vmid += 1;
        }
        taken.insert(vmid);
        let name = &wanted.names[at];
        plan.make(0, self.line(wanted, name), Action::Clone { set, at, vmid });
        if self.options.own.firewall {
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

    pub(super) fn plan_known(&self, set: usize, at: usize, known: &ExistingMachine, plan: &mut Plan<Action>) {
        let wanted = &self.options.sets[set];
        let (guest, name) = (&known.guest, &known.guest.name);
        let tags = self.tags(wanted);
        let has: Vec<&str> = guest.tag_list();
        let line = self.line(wanted, name);
        note_hardware(known, &wanted.set, plan);
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
        if self.options.own.firewall {
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

    fn machine(&self, known: &ExistingMachine, wanted: &MachineSet<Set>) -> Machine {
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

/// Tells what of the hardware differs and is not changed under a machine that runs.
fn note_hardware(known: &ExistingMachine, wanted: &Set, plan: &mut Plan<Action>) {
    let guest = &known.guest;
    // A clone that is not set up yet has what its template has.
    if guest.tags.is_empty() {
        return;
    }
    for (what, option, wished) in [
        ("cores", "cores", u64::from(wanted.cores)),
        ("MiB of memory", "memory", wanted.memory),
    ] {
        let is = known.config.get(option).and_then(|value| match value {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64(),
        });
        if let Some(is) = is.filter(|is| *is != wished) {
            plan.notes.push(format!(
                "{0} has {is} {what} where {wished} are asked for: change it in Proxmox and start the machine anew, or remove it \
                 with -e only={0} to have it made anew",
                guest.name
            ));
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
