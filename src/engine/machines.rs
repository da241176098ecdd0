//! The machines that the inventory asks for, as a step of a playbook: made, waited for, removed; in check
//! mode planned, and then hosts of which nothing can be told yet.

use super::attempt::Done;
use super::host::Host;
use super::play::Context;
use super::result::TaskResult;
use super::run::Run;
use super::special;
use crate::content::unified;
use crate::error::{Error, Result};
use crate::event::{Diff, Kind, Status, TaskEnded, TaskName};
use crate::machines::{Common, Machine, Overview};
use crate::model::inventory::cloud::Asked;
use crate::model::{Placed, Play, Task};
use crate::module::Outcome;
use crate::source::Place;
use crate::value::{Unknown, Value};
use std::sync::Arc;

/// The arguments of `vent_machines`.
pub(super) const ARGUMENTS: &[&str] = &["state", "cluster", "only", "inventory"];
/// What cannot be told of a machine before it is made.
const UNKNOWN: &[&str] = &["ansible_host", "public_ipv4", "private_ipv4", "provider_id"];

/// What a task asks for.
struct Wish {
    /// Remove, instead of make.
    absent: bool,
    /// Whose machines.
    cluster: Option<String>,
    /// Only these machines.
    only: Vec<String>,
}

impl Wish {
    fn read(arguments: &Value) -> Result<Wish> {
        for name in arguments.as_map().into_iter().flat_map(|map| map.keys()) {
            if !ARGUMENTS.contains(&&**name) {
                return Err(Error::new(format!("`vent_machines` has no argument `{name}`"))
                    .help(format!("the arguments are: {}", ARGUMENTS.join(", "))));
            }
        }
        let text = |name: &str| arguments.get(name).and_then(Value::as_str);
        let absent = match text("state") {
            None | Some("present") => false,
            Some("absent") => true,
            Some(other) => {
                return Err(
                    Error::new(format!("`state: {other}` is neither present nor absent")).help("correct it"),
                );
            }
        };
        let cluster = text("cluster")
            .filter(|name| !name.is_empty())
            .map(str::to_string);
        if absent && cluster.is_none() {
            return Err(Error::new("`state: absent` needs the name of the cluster")
                .help("say whose machines are to be removed: cluster: NAME"));
        }
        let only = special::words(arguments.get("only").filter(|value| !value.is_null()));
        Ok(Wish {
            absent,
            cluster,
            only: only.into_iter().filter(|name| !name.is_empty()).collect(),
        })
    }
}

impl Context {
    /// `vent_machines`.
    ///
    /// # Errors
    /// What the provider refuses, with what was done before.
    pub(super) async fn machines(self: &Arc<Context>, task: &Task, arguments: &Value) -> Result<TaskResult> {
        let wish = Wish::read(arguments)?;
        let inventory = self.run.inventory();
        let chosen: Vec<Asked> = inventory
            .machines
            .iter()
            .filter(|asked| {
                wish.cluster
                    .as_ref()
                    .is_none_or(|name| name == asked.machines.cluster())
            })
            .cloned()
            .collect();
        if chosen.is_empty() && wish.absent {
            let known: Vec<&str> = inventory
                .machines
                .iter()
                .map(|asked| asked.machines.cluster())
                .collect();
            return Err(Error::new(format!(
                "the inventory asks for no machines of a cluster `{}`",
                wish.cluster.unwrap_or_default()
            ))
            .help(match known[..] {
                [] => "name its file with -i; it has `cluster` and `machines`".to_string(),
                _ => format!("its clusters are: {}", known.join(", ")),
            }));
        }
        let mut all = Overview::default();
        for asked in &chosen {
            let overview = self.one_cluster(asked, &wish).await?;
            if self.run.settings.check && !wish.absent {
                self.run
                    .expect_machines(&overview.machines, asked.machines.common(), task)?;
            }
            all.steps.extend(overview.steps);
            all.machines.extend(overview.machines);
            all.surplus.extend(overview.surplus);
            all.before.extend(overview.before);
            all.after.extend(overview.after);
        }
        if !self.run.settings.check {
            self.run.refresh_after(&chosen, &all, wish.absent).await?;
        }
        Ok(self.told(all))
    }

    async fn one_cluster(self: &Arc<Context>, asked: &Asked, wish: &Wish) -> Result<Overview> {
        let say = |text: String| super::items::notice(self, None, self.run.mask(&text));
        let machines = &asked.machines;
        let planned = match wish.absent {
            true => machines.removal(&wish.only).await?,
            false => machines.plan().await?,
        };
        let check = self.run.settings.check;
        if check || wish.absent {
            let word = if check { "would " } else { "is to " };
            planned.steps.iter().for_each(|step| say(format!("{word}{step}")));
        }
        for name in planned.surplus.iter().filter(|_| !wish.absent) {
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
        match wish.absent {
            true => machines.remove(&wish.only, &say).await,
            false => machines.apply(&say).await,
        }
    }

    fn told(&self, all: Overview) -> TaskResult {
        let texts = |items: &[String]| Value::list(items.iter().map(Value::string));
        let machines = all.machines.iter().map(|machine| {
            Value::map([
                ("name", machine.name.as_str().into()),
                ("role", machine.role.as_str().into()),
                ("address", machine.address.clone().into()),
            ])
        });
        let outcome = Outcome::new()
            .changed(!all.steps.is_empty())
            .with("steps", texts(&all.steps))
            .with("machines", Value::list(machines))
            .with("surplus", texts(&all.surplus));
        let mut done = Done::default();
        if self.run.settings.diff && all.before != all.after {
            let lines = |items: &[String]| items.iter().map(|line| format!("{line}\n")).collect::<String>();
            let (before, after) = (lines(&all.before), lines(&all.after));
            let text = unified(&before, &after, ("found", "wanted"));
            done.diffs.push(Diff {
                path: "machines".into(),
                text,
            });
        }
        TaskResult::done(outcome, done)
    }
}

impl Run {
    /// Reads the inventory anew if machines came, went, or are not in it yet.
    async fn refresh_after(self: &Arc<Run>, asked: &[Asked], all: &Overview, absent: bool) -> Result<()> {
        let inventory = self.inventory();
        let missing = |machine: &Machine| !absent && !inventory.hosts.contains_key(machine.name.as_str());
        if all.steps.is_empty() && !all.machines.iter().any(missing) {
            return Ok(());
        }
        asked.iter().for_each(Asked::forget_answers);
        self.refresh().await
    }

    /// Reads the inventory anew (`meta: refresh_inventory`).
    ///
    /// # Errors
    /// What is wrong in it now.
    pub(super) async fn refresh(self: &Arc<Run>) -> Result<()> {
        let reload = self.reload.clone();
        let read = tokio::task::spawn_blocking(move || reload())
            .await
            .map_err(|error| Error::new("reading the inventory broke").cause(error))?;
        let inventory = read.map_err(|errors| {
            let mut errors = errors.0.into_iter();
            let first = errors
                .next()
                .unwrap_or_else(|| Error::new("the inventory cannot be read"));
            errors.fold(first, |first, other| first.cause(other.line()))
        })?;
        self.change_inventory(|old| *old = inventory);
        self.learn_secrets();
        Ok(())
    }

    /// In check mode: machines that would be made are hosts of which nothing can be told but what the file says.
    fn expect_machines(&self, machines: &[Machine], common: &Common, task: &Task) -> Result<()> {
        for machine in machines.iter().filter(|machine| machine.id.is_empty()) {
            let origin = format!("making the machine {} ({})", machine.name, task.place.short());
            let unknown = Value::unknown(origin);
            let place: &Place = &task.place;
            let known = common
                .variables()
                .map(|(name, value)| (Arc::from(name), Placed::new(Value::from(value), place)));
            let variables = UNKNOWN
                .iter()
                .map(|name| (Arc::from(*name), Placed::new(unknown.clone(), place)))
                .chain(known)
                .collect();
            let roles = machine.role.split(',').map(str::trim);
            let mut groups: Vec<String> = roles
                .map(|role| match role {
                    "etcd" => "etcd".to_string(),
                    other => format!("{other}s"),
                })
                .collect();
            let etcd_is_apart = machines.iter().any(|other| other.role.contains("etcd"));
            if groups.iter().any(|group| group == "controllers") && !etcd_is_apart {
                groups.push("etcd".into());
            }
            self.add_host(&machine.name, &groups, variables)?;
        }
        Ok(())
    }

    /// What would decide everything about a host that is not there yet; `None` for all others.
    pub(super) fn expected(&self, name: &str) -> Option<Arc<Unknown>> {
        let inventory = self.inventory();
        let address = inventory.hosts.get(name)?.own.get("ansible_host")?;
        match &address.value {
            Value::Unknown(origin) => Some(origin.clone()),
            _ => None,
        }
    }

    /// Tells in one line that nothing of a play can be decided for a host that is not there yet.
    pub(super) fn tell_expected(&self, playbook: &str, play: &Play, host: &str, origin: &Unknown) {
        let name = TaskName {
            playbook: playbook.into(),
            play: play.title().into(),
            host: host.into(),
            task: format!("every task of {}", play.title()),
            place: play.place.short(),
            ..TaskName::default()
        };
        self.events.tell(Kind::TaskStarted(name.clone()));
        self.events.tell(Kind::TaskEnded(Box::new(TaskEnded {
            name,
            item: None,
            looped: false,
            status: Status::Undecided,
            message: None,
            result: serde_json::Value::Null,
            diffs: vec![],
            digests: vec![],
            commands: vec![],
            report: None,
            origin: Some(origin.origin.clone()),
            seconds: 0.0,
        })));
    }

    /// Leaves out the hosts that are not there yet, each with one line; true if there were some.
    pub(super) fn leave_out_expected(&self, playbook: &str, play: &Play, hosts: &mut Vec<Arc<str>>) -> bool {
        let before = hosts.len();
        hosts.retain(|name| {
            let origin = self.expected(name);
            if let Some(origin) = &origin {
                self.tell_expected(playbook, play, name, origin);
            }
            origin.is_none()
        });
        hosts.len() < before
    }
}

/// The undecided result of a task that a host would do which is not there yet.
pub(super) fn undecided(run: &Run, host: &Host) -> Option<TaskResult> {
    run.expected(&host.name).map(TaskResult::undecided)
}
