//! A task tried once: its module, on the host that does it or on this computer.

use super::connect::Doer;
use super::job::Job;
use super::lines::Lines;
use super::world::TaskWorld;
use super::{HostTask, TaskResult, debts};
use crate::connection::Stream;
use crate::engine::attempt::{Attempt, CommandSettings, Done, Ended, Looking, TaskControlNode};
use crate::engine::state::host::Knowledge;
use crate::error::cures::MODULES_ARE_LISTED;
use crate::error::{Error, Result, nearest};
use crate::event::TaskName;
use crate::host::State;
use crate::model::{Action, Task};
use crate::module::{Entry, InventoryChange, Outcome, Stop, Work};
use crate::template::{self, Scope};
use crate::value::{ArgumentError, Unknown, Value};
use futures::future::FutureExt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

impl HostTask {
    /// Tries the task once; what the result counts as is not judged yet.
    pub(super) async fn try_once(&self, scope: &Scope, name: &TaskName) -> Result<TaskResult> {
        match self.named(scope)? {
            Some(named) => named.try_named(scope, name).await,
            None => self.try_named(scope, name).await,
        }
    }

    /// The task with its module's name rendered, if that is a template (`action: "{{ module }}"`), and resolved.
    fn named(&self, scope: &Scope) -> Result<Option<HostTask>> {
        let action = &self.task.action;
        if !action.module.contains("{{") {
            return Ok(None);
        }
        let written = Value::trusted(&action.module, Some(action.place.clone()));
        let rendered = template::render(&written, scope).map_err(|error| error.at(&action.place))?;
        let module = rendered.map(|rendered| rendered.value).unwrap_or_default();
        let module = module.as_str().unwrap_or_default();
        let (loader, folder) = (&self.context.run.loader, &self.context.play.folder);
        let around = (&self.task.keywords, &*self.task.scope);
        let resolution = loader.resolved(module, &action.place, around, folder)?;
        let action = Action {
            module: module.into(),
            ..action.clone()
        };
        let task = Task {
            action: action.resolved(resolution),
            ..(*self.task).clone()
        };
        Ok(Some(HostTask {
            task: Arc::new(task),
            ..self.clone()
        }))
    }

    async fn try_named(&self, scope: &Scope, name: &TaskName) -> Result<TaskResult> {
        let module = self.module()?;
        if module.nature.skips_check && self.is_check(scope) && !self.context.run.settings.check {
            let outcome = Outcome::new().skipped("check mode not (yet) supported for this module");
            return Ok(TaskResult::done(outcome, Done::default()));
        }
        let arguments = match self.arguments(scope)? {
            Ok(arguments) => arguments,
            Err(origin) => return Ok(TaskResult::undecided(origin)),
        };
        let result = match module.work {
            Work::Run(work) => {
                let world = TaskWorld::new(self, module, scope, name)?;
                let ended = work(&arguments, &world).await;
                self.context.run.moves.moved();
                self.of_the_run(module, &arguments, name, ended)?
            }
            Work::Step(_) | Work::Foreign => {
                let job = self.job(module, scope)?;
                let performed = job.as_ref().filter(|_| !self.is_check(scope));
                let result = self.attempt(module, &arguments, scope, name, performed).await?;
                // In a run a later task acts on what this one says, so that it has to be what Ansible says.
                let own_check = self.is_check(scope) && !self.context.run.settings.check;
                let result = match module.nature.runs_command && own_check {
                    true => result.of_a_command_left_out(&arguments),
                    false => result,
                };
                match &job {
                    Some(job) => self.of_job(job, result, scope, name),
                    None => result,
                }
            }
        };
        let shows = module.nature.shows_result || result.shows;
        Ok(TaskResult { shows, ..result })
    }

    /// The module of the task.
    fn module(&self) -> Result<&'static Entry> {
        let action = &self.task.action;
        let run = &self.context.run;
        if let Some(error) = &action.unresolved {
            return Err(error.clone());
        }
        run.module_of(action).ok_or_else(|| {
            Error::new(format!("unknown module `{}`", action.module))
                .at(&action.place)
                .help(MODULES_ARE_LISTED)
                .did_you_mean(nearest(&action.module, run.module_names()))
        })
    }

    /// The result of a module of the run.
    fn of_the_run(
        &self,
        module: &Entry,
        arguments: &Value,
        name: &TaskName,
        ended: std::result::Result<Outcome, Stop>,
    ) -> Result<TaskResult> {
        let failed =
            |outcome: Outcome| self.module_failure(module, outcome, Done::default(), &self.host, false);
        Ok(match ended {
            Ok(outcome) if outcome.failed.is_some() => failed(outcome),
            Ok(outcome) => {
                let origin = origin(name);
                let localhost = self.context.run.hosts.host("localhost");
                for action in &outcome.planned {
                    localhost.known.change(|state| state.apply(action, &origin));
                }
                TaskResult::done(outcome, Done::default())
            }
            Err(Stop::Failed(message)) => failed(Outcome::new().changed(false).failed(message)),
            Err(Stop::FailedWith(outcome)) => failed(*outcome),
            Err(Stop::Arguments(error)) => self.refused(module, arguments, &error),
            Err(Stop::Undecided(origin)) => TaskResult::undecided(origin),
            Err(Stop::Connection(failure)) => self.connection_failure(&failure),
            Err(Stop::Error(error)) => return Err(error),
            Err(Stop::Pending) => return Err(Error::new("a module of the run waits for an answer")),
        })
    }

    /// The result of arguments that the module does not take.
    fn refused(&self, module: &Entry, arguments: &Value, error: &ArgumentError) -> TaskResult {
        let told = self.task.action.argument_error(module, error);
        TaskResult::refused(&told, &module.refusal(arguments, error))
    }

    async fn attempt(
        &self,
        module: &'static Entry,
        arguments: &Value,
        scope: &Scope,
        name: &TaskName,
        job: Option<&Job>,
    ) -> Result<TaskResult> {
        let run = &self.context.run;
        let check = self.is_check(scope);
        let doer = match self.doer(module, arguments, scope, check).await? {
            Ok(doer) => doer,
            Err(result) => return Ok(*result),
        };
        let lines = Lines::new(!self.hides(scope));
        let told = |stream: Stream, line: &str| self.tell_line(name, stream, line);
        let watch = |stream: Stream, bytes: &[u8]| lines.take(stream, bytes, &|line| told(stream, line));
        let coming = |state: &State, most: usize| match &doer.way {
            Some(way) => self.coming_questions((&doer.host, way), state, check, most),
            None => vec![],
        };
        // Each try asks anew: what was true a task ago may not be now, and tasks of others may have the same
        // host at this moment. A check goes on with what it knows, and with what it would have done since.
        let known = match check {
            true => doer.host.known.clone(),
            false => Arc::new(Knowledge::default()),
        };
        let control_node = self.control_node(scope, check);
        let surroundings = self.foreign_surroundings(&doer, scope)?;
        let learn = |text: &str| run.learn_password(text);
        let warn = |text: String| run.warn(&[Error::new(text)]);
        let attempt = Attempt {
            module,
            arguments,
            known: &known,
            shell: doer.shell(),
            user: doer.user().unwrap_or(&run.local_user).clone(),
            control_node: &control_node,
            check,
            diff: self.wants_diff(scope),
            shows_private: self.flag(scope, |keywords| &keywords.diff) == Some(true),
            explain: run.settings.explain,
            verbosity: run.settings.verbosity,
            origin: origin(name),
            command: CommandSettings {
                background: job.and_then(Job::in_background).cloned(),
                ..self.command_settings(scope, doer.is_local())?
            },
            debts: self.debts(&doer, scope),
            watch: &watch,
            cancel: &run.permits.stop_now,
            looking: Looking {
                ahead: &doer.host.ahead,
                moves: &run.moves,
                repeated: self.task.is_repeated(),
                coming: &coming,
            },
            foreign: surroundings
                .as_ref()
                .map(|surroundings| self.foreign_work(surroundings, &learn, &warn)),
        };
        let result = self.ended(&attempt, &doer, (job, name)).await;
        lines.rest(&told);
        result
    }

    /// Shell text that notes the debts of the task's handlers, which run on its own host, whoever does the task.
    fn debts(&self, doer: &Doer, scope: &Scope) -> String {
        match doer.host.name == self.host.name && doer.way.is_some() {
            true => debts::note(&self.context, &self.task, scope, &doer.host),
            false => String::new(),
        }
    }

    /// The result of an attempt, within its time. A command is killed at its time-out, and its result tells what it
    /// has printed until then.
    async fn ended(
        &self,
        attempt: &Attempt<'_>,
        doer: &Doer,
        (job, name): (Option<&Job>, &TaskName),
    ) -> Result<TaskResult> {
        // Programs that the engine runs are ended there.
        let own = self.is_command() || attempt.foreign.is_some();
        let limit = attempt.command.timeout.filter(|_| !own);
        let work = self.polled(job, name, attempt.run().boxed());
        let ended = match limit.map(Duration::from_secs) {
            Some(limit) => tokio::time::timeout(limit, work).await.ok(),
            None => Some(work.await),
        };
        Ok(match ended {
            Some(Ended::Done(mut done)) => {
                let mut outcome = std::mem::take(&mut done.outcome);
                if let Some(seconds) = doer.waited() {
                    outcome = outcome.with("elapsed", Value::Int(seconds as i64));
                }
                if let Some(change) = outcome.inventory.take() {
                    outcome.changed = Some(self.change_inventory(*change)?);
                }
                TaskResult::done(outcome, done)
            }
            Some(Ended::Failed(outcome, done)) => {
                let timed_out = outcome.timed_out;
                let failed = self.module_failure(attempt.module, *outcome, done, &doer.host, attempt.check);
                match attempt.command.timeout.filter(|_| timed_out) {
                    Some(seconds) => self.timed_out(seconds).beside(&failed),
                    None => failed,
                }
            }
            Some(Ended::Arguments(error)) => self.refused(attempt.module, attempt.arguments, &error),
            Some(Ended::Undecided(origin)) => TaskResult::undecided(origin),
            Some(Ended::Connection(failure)) => self.connection_failure(&failure),
            Some(Ended::Error(error)) => return Err(error),
            Some(Ended::TimedOut(seconds)) => self.timed_out(seconds),
            None => self.timed_out(limit.unwrap_or_default()),
        })
    }

    /// Does to the inventory what a module wants; true if that changes it.
    fn change_inventory(&self, change: InventoryChange) -> Result<bool> {
        let run = &self.context.run;
        run.moves.moved();
        run.change_inventory(&self.host.name, change, &self.task.action.place)
    }

    /// True if the task is only planned.
    pub(super) fn is_check(&self, scope: &Scope) -> bool {
        let own = self.flag(scope, |keywords| &keywords.check_mode);
        own.unwrap_or(self.context.run.settings.check)
    }

    /// True if differences are wanted.
    pub(super) fn wants_diff(&self, scope: &Scope) -> bool {
        let own = self.flag(scope, |keywords| &keywords.diff);
        own.unwrap_or(self.context.run.settings.diff)
    }

    /// This computer as the task's module sees it.
    pub(super) fn control_node(&self, scope: &Scope, check: bool) -> TaskControlNode {
        let mut random = [0; 32];
        let _ = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty());
        let run = &self.context.run;
        TaskControlNode {
            scope: scope.clone(),
            digests: run.digests.clone(),
            loader: run.loader.clone(),
            localhost: check.then(|| run.hosts.host("localhost").known.clone()),
            now: jiff::Timestamp::now().as_second(),
            random,
            user: run.local_user.clone(),
            opened: AtomicBool::new(false),
        }
    }
}

/// What is unknown in check mode because the task is not carried out.
fn origin(name: &TaskName) -> Arc<Unknown> {
    let origin = format!("the result of `{}` ({})", name.task, name.place);
    Arc::new(Unknown { origin })
}
