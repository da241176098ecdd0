//! An attempt of a module of others: a program that is put on the host and run there.
//!
//! A module of Python's goes through the bridge: ansible-core builds it, a server on the host, one for each account, runs it
//! (`python.rs`). Those in other languages need neither (`program.rs`).

mod check;
mod interpreter;
mod program;
mod python;
mod secrets;
mod server;

use super::perform::{self, Broken};
use super::{Attempt, Done, Ended};
use crate::bridge::{Foreign, Situation, Style};
use crate::connection::Shell;
use crate::engine::state::bridged::{Bridged, Lost};
use crate::error::Error;
use crate::host::{Action, Command};
use crate::module::{ModuleOutput, ModuleResult, Outcome};
use crate::value::{Map, Unknown, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// What a module of others needs beside what every module does.
pub struct ForeignWork<'a> {
    /// The module.
    pub module: &'a Foreign,
    /// Its name in the task.
    pub written: &'a str,
    /// What the run knows.
    pub bridged: &'a Bridged,
    /// The name of the host.
    pub host: &'a Arc<str>,
    /// It is this computer, which no inventory names.
    pub implicit: bool,
    /// The variables `ansible_NAME_interpreter` of the host, by `NAME`.
    pub interpreters: &'a HashMap<String, String>,
    /// The folder of an account for files on their way.
    pub remote_tmp: &'a str,
    /// Nothing is to be logged (`no_log`).
    pub hidden: bool,
    /// Learns a secret.
    pub learn: &'a (dyn Fn(&str) + Sync),
    /// Tells a warning.
    pub warn: &'a (dyn Fn(String) + Sync),
}

/// Why a module of others could not be run.
enum Stopped {
    /// Only applying can tell.
    Undecided(String),
    /// Wrong input, or something that is missing.
    Error(Error),
    /// It was ended at its time-out.
    TimedOut(u64),
    Broken(Broken),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Stopped {
        Stopped::Error(error)
    }
}

impl From<Broken> for Stopped {
    fn from(broken: Broken) -> Stopped {
        Stopped::Broken(broken)
    }
}

impl From<Lost> for Stopped {
    fn from(lost: Lost) -> Stopped {
        Stopped::Broken(match lost {
            Lost::Connection(failure) => Broken::Connection(failure),
            Lost::Ended(said) => Broken::Action(format!("the Python that ran the module has ended: {said}")),
        })
    }
}

/// What a run of a module gave.
enum Ran {
    /// It has ended.
    Ended {
        stdout: Vec<u8>,
        stderr: Vec<u8>,
        code: i64,
    },
    /// It goes on by itself.
    Started,
}

impl Attempt<'_> {
    /// Runs a module of others to its end.
    pub(super) async fn run_foreign(&self, work: &ForeignWork<'_>) -> Ended {
        let mut done = Done::default();
        match self.ran(work, &mut done).await {
            Ok((result, more)) => self.foreign_result(work, result, more, done),
            Err(Stopped::Undecided(origin)) => Ended::Undecided(Arc::new(Unknown { origin })),
            Err(Stopped::Error(error)) => Ended::Error(error),
            Err(Stopped::TimedOut(seconds)) => Ended::TimedOut(seconds),
            Err(Stopped::Broken(broken)) => self.broken(broken, done),
        }
    }

    /// Runs it; the facts that were found out on the way come along.
    async fn ran(&self, work: &ForeignWork<'_>, done: &mut Done) -> Result<(ModuleResult, Map), Stopped> {
        let empty = Map::new();
        let arguments = self.arguments.as_map().unwrap_or(&empty);
        if self.check
            && let Some(unknown) = self.arguments.find_unknown()
        {
            return Err(Stopped::Undecided(unknown.origin.clone()));
        }
        let shell = self.shell.as_ref();
        let shell = shell.ok_or_else(|| Broken::Action("a module of others needs a host".into()))?;
        let mut facts = Map::new();
        let ran = match work.module.style {
            Style::Python => self.python(work, shell, arguments, done, &mut facts).await?,
            _ => self.program(work, shell, arguments, done).await?,
        };
        let result = match ran {
            Ran::Started => ModuleResult {
                outcome: Outcome::new().changed(true),
                warnings: vec![],
            },
            Ran::Ended { stdout, stderr, code } => ModuleOutput {
                stdout: &stdout,
                stderr: &stderr,
                code,
            }
            .result(),
        };
        Ok((result, facts))
    }

    /// Notes the debts of handlers; behind this the module may change anything.
    async fn begin_foreign(&self, shell: &Shell, done: &mut Done) -> Result<Action, Broken> {
        if !self.debts.is_empty() && !self.check {
            perform::long(shell, &self.debts, &|_, _| {}, self.cancel).await?;
            done.owes = true;
        }
        let action = Action::Run(Command {
            reads_only: self.check,
            background: self.command.background.clone(),
            ..Command::default()
        });
        self.looking.moves.doing(&action);
        Ok(action)
    }

    /// What was asked before may be answered otherwise now.
    fn end_foreign(&self, action: &Action) {
        self.looking.moves.doing(action);
        self.known.change(|state| state.performed(action));
        self.looking.ahead.ended(!self.check);
    }

    /// What Ansible's own arguments tell.
    fn situation<'a>(&self, work: &'a ForeignWork<'_>, version: &'a str) -> Situation<'a> {
        Situation {
            check: self.check,
            diff: self.diff,
            no_log: work.hidden,
            verbosity: self.verbosity,
            module: work.written,
            version,
            remote_tmp: work.remote_tmp,
        }
    }

    fn foreign_result(
        &self,
        work: &ForeignWork<'_>,
        result: ModuleResult,
        facts: Map,
        mut done: Done,
    ) -> Ended {
        work.bridged.count(&work.module.name);
        if !work.hidden {
            result.warnings.into_iter().for_each(work.warn);
        }
        let mut outcome = result.outcome;
        if !self.diff {
            outcome.diffs.clear();
        }
        if !facts.is_empty() {
            let returned = match outcome.fields.get("ansible_facts") {
                Some(Value::Map(map)) => (**map).clone(),
                _ => Map::new(),
            };
            let all: Map = returned.into_iter().chain(facts.clone()).collect();
            outcome
                .fields
                .insert("ansible_facts".into(), Value::Map(all.into()));
            outcome.returned_facts.extend(facts);
        }
        done.acted = outcome.changed == Some(true);
        done.touched = done.acted;
        if self.check && done.acted {
            // What it would have done cannot be seen by those behind it.
            let action = Action::Run(Command::default());
            self.known.change(|state| state.apply(&action, &self.origin));
        }
        if outcome.failed.is_some() {
            return Ended::Failed(Box::new(outcome), done);
        }
        done.outcome = outcome;
        Ended::Done(done)
    }
}
