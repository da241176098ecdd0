//! `vent_machines`: the machines that the inventory asks for, made, waited for, removed; in check mode planned, and
//! then hosts of which nothing can be told yet.

use super::returns::Returns;
use super::{Outcome, RunModule, Stop, World};
use crate::cloud::machines::{Common, Machine, Machines, Overview};
use crate::content::unified;
use crate::error::Error;
use crate::event::Diff;
use crate::value::{Map, Value};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// Brings about what stands behind `machines` in the inventory file of a provider.
pub(super) struct VentMachines;

/// What cannot be told of a machine before it is made.
const UNKNOWN: &[&str] = &["ansible_host", "public_ipv4", "private_ipv4", "provider_id"];

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// Whether the machines are to be there.
    #[serde(default)]
    state: State,
    /// Whose machines; needed to remove them.
    cluster: Option<String>,
    /// Only machines of these names are removed.
    #[serde(default)]
    only: Vec<String>,
}

/// Whether machines are to be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    /// They are made, and waited for.
    #[default]
    Present,
    /// They are removed.
    Absent,
}

impl RunModule for VentMachines {
    const NAMES: &'static [&'static str] = &["vent_machines"];
    type Arguments = Arguments;
    const IGNORED: &'static [&'static str] = &["inventory"];
    const RETURNS: &'static [Returns] = &[&[
        ("steps", "What was to be done, a line each."),
        ("machines", "The machines."),
        ("machines.name", "Name."),
        ("machines.role", "Roles, separated by commas."),
        ("machines.address", "Address, if it is known."),
        ("surplus", "Machines that are there and not asked for."),
    ]];

    async fn run(arguments: &Arguments, world: &dyn World) -> Result<Outcome, Stop> {
        let wish = Wish::of(arguments)?;
        let chosen = wish.chosen(world)?;
        let mut all = Overview::default();
        for machines in &chosen {
            let overview = wish.one_cluster(&**machines, world).await?;
            if world.is_check() && !wish.absent {
                expect(&overview.machines, machines.common(), world)?;
            }
            all.steps.extend(overview.steps);
            all.machines.extend(overview.machines);
            all.surplus.extend(overview.surplus);
            all.before.extend(overview.before);
            all.after.extend(overview.after);
        }
        let inventory = world.inventory();
        let missing = |machine: &Machine| !wish.absent && !inventory.has_host(&machine.name);
        if !world.is_check() && (!all.steps.is_empty() || all.machines.iter().any(missing)) {
            inventory.refresh().await?;
        }
        Ok(told(&all, world.wants_diff()))
    }
}

/// What a task asks for.
struct Wish<'a> {
    /// Remove, instead of make.
    absent: bool,
    /// Whose machines.
    cluster: Option<&'a str>,
    /// Only these machines.
    only: Vec<String>,
}

impl Wish<'_> {
    fn of(arguments: &Arguments) -> Result<Wish<'_>, Stop> {
        let absent = arguments.state == State::Absent;
        let cluster = arguments.cluster.as_deref().filter(|name| !name.is_empty());
        if absent && cluster.is_none() {
            let error = Error::new("`state: absent` needs the name of the cluster");
            return Err(error
                .help("say whose machines are to be removed: cluster: NAME")
                .into());
        }
        let only = arguments.only.iter().filter(|name| !name.is_empty());
        Ok(Wish {
            absent,
            cluster,
            only: only.cloned().collect(),
        })
    }

    /// The machines that the inventory asks for, those of the cluster if one is named.
    fn chosen(&self, world: &dyn World) -> Result<Vec<Arc<dyn Machines>>, Stop> {
        let all = world.inventory().machines();
        let fits = |machines: &&Arc<dyn Machines>| self.cluster.is_none_or(|name| name == machines.cluster());
        let chosen: Vec<_> = all.iter().filter(fits).cloned().collect();
        if !chosen.is_empty() || !self.absent {
            return Ok(chosen);
        }
        let known: Vec<&str> = all.iter().map(|machines| machines.cluster()).collect();
        let error = Error::new(format!(
            "the inventory asks for no machines of a cluster `{}`",
            self.cluster.unwrap_or_default()
        ));
        Err(error
            .help(match known[..] {
                [] => "name its file with -i; it has `cluster` and `machines`".to_string(),
                _ => format!("its clusters are: {}", known.join(", ")),
            })
            .into())
    }

    async fn one_cluster(&self, machines: &dyn Machines, world: &dyn World) -> Result<Overview, Stop> {
        let say = |text: String| world.say(text);
        let planned = match self.absent {
            true => machines.removal(&self.only).await?,
            false => machines.plan().await?,
        };
        let check = world.is_check();
        if check || self.absent {
            let word = if check { "would " } else { "is to " };
            planned.steps.iter().for_each(|step| say(format!("{word}{step}")));
        }
        for name in planned.surplus.iter().filter(|_| !self.absent) {
            say(format!(
                "{name} has the tag {0}, but `machines` does not ask for it; it stays until \
                 `vent run playbooks/99-remove-machines.yml -e remove={0} -e only={name}`",
                machines.cluster()
            ));
        }
        if check {
            planned.notes.iter().for_each(|note| say(note.clone()));
            return Ok(planned);
        }
        Ok(match self.absent {
            true => machines.remove(&self.only, &say).await?,
            false => machines.apply(&say).await?,
        })
    }
}

/// In check mode: machines that would be made are hosts of which nothing can be told but what the file says.
fn expect(machines: &[Machine], common: &Common, world: &dyn World) -> Result<(), Stop> {
    for machine in machines.iter().filter(|machine| machine.id.is_empty()) {
        let unknown = Value::unknown(format!("making the machine {} ({})", machine.name, world.place()));
        let known = common
            .variables()
            .map(|(name, value)| (Arc::from(name), Value::from(value)));
        let unknown = UNKNOWN.iter().map(|name| (Arc::from(*name), unknown.clone()));
        let variables: Map = unknown.chain(known).collect();
        let groups = groups(machine, machines);
        world.inventory().add_host(&machine.name, &groups, variables)?;
    }
    Ok(())
}

/// The groups that a machine's roles stand for. Where no machine is for etcd alone, it runs on the controllers.
fn groups(machine: &Machine, machines: &[Machine]) -> Vec<String> {
    let mut groups: Vec<String> = machine
        .role
        .split(',')
        .map(|role| match role.trim() {
            "etcd" => "etcd".to_string(),
            other => format!("{other}s"),
        })
        .collect();
    let etcd_is_apart = machines.iter().any(|other| other.role.contains("etcd"));
    if groups.iter().any(|group| group == "controllers") && !etcd_is_apart {
        groups.push("etcd".into());
    }
    groups
}

fn told(all: &Overview, diff: bool) -> Outcome {
    let texts = |items: &[String]| Value::list(items.iter().map(Value::string));
    let machines = all.machines.iter().map(|machine| {
        Value::map([
            ("name", machine.name.as_str().into()),
            ("role", machine.role.as_str().into()),
            ("address", machine.address.clone().into()),
        ])
    });
    let mut outcome = Outcome::new()
        .changed(!all.steps.is_empty())
        .with("steps", texts(&all.steps))
        .with("machines", Value::list(machines))
        .with("surplus", texts(&all.surplus));
    if diff && all.before != all.after {
        let lines = |items: &[String]| items.iter().map(|line| format!("{line}\n")).collect::<String>();
        outcome.diffs.push(Diff {
            path: "machines".into(),
            text: unified(&lines(&all.before), &lines(&all.after), ("found", "wanted")),
        });
    }
    outcome
}
