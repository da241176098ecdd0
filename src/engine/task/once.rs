//! A task tried once: its module on the host that does it.

use super::super::attempt::{Attempt, CommandSettings, Ended, Looking};
use super::super::computer::Here;
use super::super::host::Host;
use super::super::machines;
use super::super::result::TaskResult;
use super::super::scope;
use super::OnHost;
use super::lines::Lines;
use crate::connection::{Kind, Stream};
use crate::error::{Error, Result, nearest};
use crate::event::{Status, TaskName};
use crate::host::State;
use crate::module;
use crate::template::Scope;
use crate::value::{Unknown, Value};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

impl OnHost<'_> {
    pub(super) async fn try_once(&self, scope: &Scope, name: &TaskName) -> Result<TaskResult> {
        let action = &self.task.action;
        let arguments = match self.arguments(scope)? {
            Ok(arguments) => arguments,
            Err(origin) => return Ok(TaskResult::undecided(origin)),
        };
        let known = module::find_in(self.context.run.modules, &action.module);
        if let Some(module) = known
            && let Some(result) = self.of_run(module, &arguments, scope).await?
        {
            return self.judged(result, scope);
        }
        let special = self
            .context
            .special(self.host, self.task, &arguments, scope)
            .await?;
        if let Some(result) = special {
            self.context.run.world.moved();
            return self.judged(result, scope);
        }
        match action.short() {
            "async_status" if module::find("async_status").is_none() => {
                return self.async_status(scope, &arguments).await;
            }
            "reboot" => return self.reboot(scope, &arguments).await,
            _ => {}
        }
        let modules = self.context.run.modules;
        let Some(module) = module::find_in(modules, &action.module) else {
            let known = modules.iter().flat_map(|entry| entry.names.iter().copied());
            let error = Error::new(format!("unknown module `{}`", action.module)).at(&action.place);
            return Err(match nearest(&action.module, known) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error.help("`vent modules` lists what there is"),
            });
        };
        let check = self.is_check(scope);
        let job = self.background(scope)?;
        let performed = if check { &None } else { &job };
        let mut result = self.attempt(module, &arguments, scope, name, performed).await?;
        if let Some(job) = job.filter(|_| !result.is_failure() && result.status == Status::Changed) {
            result = self.started(&job, check);
        }
        self.judged(result, scope)
    }

    async fn attempt(
        &self,
        module: &'static module::Entry,
        arguments: &Value,
        scope: &Scope,
        name: &TaskName,
        job: &Option<String>,
    ) -> Result<TaskResult> {
        let run = &self.context.run;
        let (host, way) = self.context.way(self.host, self.task, scope)?;
        if let Some(result) = machines::undecided(run, &host) {
            return Ok(result);
        }
        // Nobody closes the semaphore.
        let _fork = run.forks.acquire().await.ok();
        let local = way.target.kind == Kind::Local;
        let check = self.is_check(scope);
        let patience = module.nature.patience;
        let patience = patience.and_then(|of| of(arguments)).filter(|_| !check);
        let connected = match self.connect(&host, &way, patience.as_ref()).await {
            Ok(connected) => connected,
            Err(failure) if patience.is_some() => return Ok(self.never_connected(&failure)),
            Err(failure) => return Ok(self.connection_failure(&failure)),
        };
        let here = self.here(scope, check);
        // Each try asks anew: what was true a task ago may not be now, and tasks of others may have the same
        // host at this moment. A check goes on with what it knows, and with what it would have done since.
        let known = match check {
            true => host.clone(),
            false => Arc::new(Host::new(&host.name)),
        };
        // The handler runs on the task's own host, whoever did the task.
        let owner = Some(&host).filter(|host| host.name == self.host.name);
        let debts = owner.map(|host| self.context.debts_of(self.task, scope, host));
        let origin = format!("the result of `{}` ({})", name.task, name.place);
        let lines = Lines::new(!self.hides(scope));
        let watch = |stream: Stream, bytes: &[u8]| {
            lines.take(stream, bytes, &|line| run.watch(name, stream, line));
        };
        let coming = |state: &State, most: usize| self.coming_questions((&host, &way), state, check, most);
        let attempt = Attempt {
            module,
            arguments,
            host: &known,
            shell: connected.shell,
            user: way.user.clone(),
            computer: &here,
            check,
            diff: self
                .flag(scope, |keywords| &keywords.diff)
                .unwrap_or(run.settings.diff),
            explain: run.settings.explain,
            verbosity: run.settings.verbosity,
            origin: Arc::new(Unknown { origin }),
            command: CommandSettings {
                background: job.clone(),
                ..self.command_settings(scope, local)?
            },
            debts: debts.unwrap_or_default(),
            watch: &watch,
            cancel: &run.stop_now,
            looking: Looking {
                ahead: &host.ahead,
                world: &run.world,
                repeated: self.task.is_repeated(),
                coming: &coming,
            },
        };
        let result = self.ended(&attempt, &host, connected.waited).await;
        lines.rest(&|stream, line| run.watch(name, stream, line));
        result
    }

    /// The result of an attempt, within its time. A command is killed at its time-out, and its result tells what it
    /// has printed until then.
    async fn ended(&self, attempt: &Attempt<'_>, host: &Host, waited: Option<u64>) -> Result<TaskResult> {
        let limit = attempt.command.timeout.filter(|_| !self.is_command());
        let ended = match limit.map(Duration::from_secs) {
            Some(limit) => tokio::time::timeout(limit, attempt.run()).await.ok(),
            None => Some(attempt.run().await),
        };
        Ok(match ended {
            Some(Ended::Done(mut done)) => {
                let mut outcome = std::mem::take(&mut done.outcome);
                if let Some(seconds) = waited {
                    outcome = outcome.with("elapsed", Value::Int(seconds as i64));
                }
                TaskResult::done(outcome, done)
            }
            Some(Ended::Failed(outcome, done)) => self.module_failure(*outcome, done, host, attempt.check),
            Some(Ended::Undecided(origin)) => TaskResult::undecided(origin),
            Some(Ended::Connection(failure)) => self.connection_failure(&failure),
            Some(Ended::Error(error)) => return Err(error),
            None => self.timed_out(limit.unwrap_or_default()),
        })
    }

    /// True if the task is only planned.
    pub(super) fn is_check(&self, scope: &Scope) -> bool {
        let own = self.flag(scope, |keywords| &keywords.check_mode);
        own.unwrap_or(self.context.run.settings.check)
    }

    pub(super) fn here(&self, scope: &Scope, check: bool) -> Here {
        let mut random = [0; 32];
        let _ = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty());
        let run = &self.context.run;
        Here {
            scope: scope.clone(),
            loader: run.loader.clone(),
            search: scope::search(self.context, Some(self.task)),
            localhost: check.then(|| run.host("localhost")),
            now: jiff::Timestamp::now().as_second(),
            random,
            user: run.local_user.clone(),
            opened: AtomicBool::new(false),
        }
    }
}
