//! Modules of the run: the run, the inventory and the host as they see them.

use super::super::attempt::Done;
use super::super::computer::Here;
use super::super::host::Host;
use super::super::items;
use super::super::machines;
use super::super::play::Way;
use super::super::result::TaskResult;
use super::super::special::SPECIAL;
use super::OnHost;
use crate::connection::{self, Failure, Kind, Output};
use crate::error::{Error, Result};
use crate::host::State;
use crate::machines::Machines;
use crate::model::{Placed, Variables};
use crate::module::{
    Computer, Connection, Entry, Inventory, InventoryChange, Outcome, Step, Stop, View, Work, World,
};
use crate::source::Place;
use crate::template::Scope;
use crate::value::{Map, Unknown, Value};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The run, as a module of it sees it in one task.
struct Seen<'a> {
    on_host: &'a OnHost<'a>,
    check: bool,
    diff: bool,
    here: Here,
    environment: Vec<(String, String)>,
    host: Option<Reached>,
}

/// The task's host, and the way to it.
struct Reached {
    connection: connection::Host,
    way: Way,
}

impl OnHost<'_> {
    /// Does a module of the run, or a pure one that changes the inventory or the variables; `None` for all others.
    pub(super) async fn of_run(
        &self,
        module: &'static Entry,
        arguments: &Value,
        scope: &Scope,
    ) -> Result<Option<TaskResult>> {
        let work = match module.work {
            Work::Run(work) => work,
            Work::Step(step) => return self.without_host(module, step, arguments, scope),
        };
        let run = &self.context.run;
        let (host, way) = self.context.way(self.host, self.task, scope)?;
        if module.nature.needs_host
            && let Some(result) = machines::undecided(run, &host)
        {
            return Ok(Some(result));
        }
        let check = self.is_check(scope);
        let reached = module.nature.needs_host.then(|| Reached {
            connection: host.connection(way.target.clone()),
            way,
        });
        let seen = Seen {
            on_host: self,
            check,
            diff: self
                .flag(scope, |keywords| &keywords.diff)
                .unwrap_or(run.settings.diff),
            here: self.here(scope, check),
            environment: self.command_settings(scope, false)?.environment,
            host: reached,
        };
        let ended = work(arguments, &seen).await;
        run.world.moved();
        Ok(Some(self.of_outcome(ended, check, &host)?))
    }

    fn without_host(
        &self,
        module: &'static Entry,
        step: fn(&Value, &View<'_>) -> std::result::Result<Step, Stop>,
        arguments: &Value,
        scope: &Scope,
    ) -> Result<Option<TaskResult>> {
        let is_special = |(name, _): &(&str, _)| module.names.contains(name);
        if module.nature.needs_host || !SPECIAL.iter().any(is_special) {
            return Ok(None);
        }
        let check = self.is_check(scope);
        let here = self.here(scope, check);
        let origin = Arc::new(Unknown {
            origin: format!("the result of `{}`", self.task.action.module),
        });
        let (state, user) = (State::default(), self.context.run.local_user.clone());
        let view = View::new(&state, &user, &here, &[], &origin, 0);
        let ended = step(arguments, &view).map(|step| match step {
            Step::Finish(_, outcome) => outcome,
            Step::Act(_) => Outcome::new().failed("a module without a host does nothing to one"),
        });
        let ended = match ended {
            Ok(outcome) => Ok(self.brought(outcome)?),
            stopped => stopped,
        };
        self.context.run.world.moved();
        self.of_outcome(ended, check, self.host).map(Some)
    }

    /// Does what an outcome wants of the inventory and the variables.
    fn brought(&self, mut outcome: Outcome) -> Result<Outcome> {
        let run = &self.context.run;
        if !outcome.included.is_empty() {
            let included = Arc::new(std::mem::take(&mut outcome.included));
            self.host.data().included.push((self.context.node, included));
        }
        let changed = match outcome.inventory.take() {
            None => return Ok(outcome),
            Some(InventoryChange::Host {
                name,
                groups,
                variables,
            }) => run.add_host(&name, &groups, placed(variables, &self.task.action.place))?,
            Some(InventoryChange::Group { name, parents }) => {
                let changed = run.change_inventory(|inventory| {
                    let mut changed = false;
                    for parent in &parents {
                        changed |= inventory.hang(&name, parent)?;
                    }
                    let groups = std::slice::from_ref(&name);
                    let joined = inventory.add(&self.host.name, groups, Variables::default(), &run.loader)?;
                    Ok::<_, Error>(changed | joined)
                })?;
                run.learn_secrets();
                changed
            }
        };
        Ok(outcome.changed(changed))
    }

    fn of_outcome(
        &self,
        ended: std::result::Result<Outcome, Stop>,
        check: bool,
        host: &Host,
    ) -> Result<TaskResult> {
        let mut outcome = match ended {
            Ok(outcome) => outcome,
            Err(Stop::Failed(message)) => Outcome::new().failed(message),
            Err(Stop::FailedWith(outcome)) => *outcome,
            Err(Stop::Undecided(origin)) => return Ok(TaskResult::undecided(origin)),
            Err(Stop::Error(error)) => return Err(error),
            Err(Stop::Connection(failure)) => return Ok(self.connection_failure(&failure)),
            Err(Stop::Pending) => return Err(Error::new("a module of the run asks no questions")),
        };
        let origin = Arc::new(Unknown {
            origin: format!("the result of `{}`", self.task.action.module),
        });
        let localhost = self.context.run.host("localhost");
        for action in std::mem::take(&mut outcome.planned) {
            localhost.change(|state| state.apply(&action, &origin));
        }
        let done = Done {
            diffs: std::mem::take(&mut outcome.diffs),
            ..Done::default()
        };
        Ok(match outcome.failed {
            Some(_) => self.module_failure(outcome, done, host, check),
            None => TaskResult::done(outcome, done),
        })
    }
}

fn placed(variables: Map, place: &Place) -> Variables {
    let placed = |(name, value): (Arc<str>, Value)| (name, Placed::new(value, place));
    variables.into_iter().map(placed).collect()
}

impl World for Seen<'_> {
    fn is_check(&self) -> bool {
        self.check
    }

    fn wants_diff(&self) -> bool {
        self.diff
    }

    fn stop(&self) -> &CancellationToken {
        &self.on_host.context.run.stop
    }

    fn say(&self, text: String) {
        let context = self.on_host.context;
        items::notice(context, None, context.run.mask(&text));
    }

    fn progress(&self, done: usize, total: usize, text: String) {
        self.say(format!("{done} of {total}: {text}"));
    }

    fn inventory(&self) -> &dyn Inventory {
        self
    }

    fn host(&self) -> std::result::Result<&dyn Connection, Stop> {
        match &self.host {
            Some(host) => Ok(host),
            None => Err(Stop::failed("this module has no host")),
        }
    }

    fn control_node(&self) -> &(dyn Computer + Sync) {
        &self.here
    }

    fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    fn place(&self) -> String {
        self.on_host.task.place.short()
    }
}

#[async_trait]
impl Inventory for Seen<'_> {
    fn machines(&self) -> Vec<Arc<dyn Machines>> {
        let inventory = self.on_host.context.run.inventory();
        let machines = inventory.machines.iter().map(|asked| asked.machines.clone());
        machines.collect()
    }

    fn has_host(&self, name: &str) -> bool {
        self.on_host.context.run.inventory().hosts.contains_key(name)
    }

    fn add_host(&self, name: &str, groups: &[String], variables: Map) -> Result<bool> {
        let variables = placed(variables, &self.on_host.task.place);
        self.on_host.context.run.add_host(name, groups, variables)
    }

    async fn refresh(&self) -> Result<()> {
        let run = &self.on_host.context.run;
        let inventory = run.inventory();
        inventory.machines.iter().for_each(|asked| asked.forget_answers());
        run.refresh().await
    }
}

#[async_trait]
impl Connection for Reached {
    fn is_local(&self) -> bool {
        self.way.target.kind == Kind::Local
    }

    fn connect_timeout(&self) -> Duration {
        self.way.target.connect_timeout
    }

    async fn ask(&self, script: &str) -> std::result::Result<Output, Failure> {
        let shell = self.connection.shell(self.way.r#become.as_ref()).await?;
        shell.ask(script).await
    }

    async fn close(&self) {
        self.connection.close().await;
    }
}
