//! One attempt of one module on one host: ask, act, until it is done.

pub mod bridged;
mod control_node;
mod destination;
mod difference;
mod looking;
pub mod perform;
mod possibilities;
mod scripts;
mod services;

pub use control_node::TaskControlNode;
pub use looking::Looking;

use super::state::host::Knowledge;
use crate::connection::{Failure, Shell};
use crate::error::Error;
use crate::event::Diff;
use crate::host::{Action, Answer, Performed, Question, State, explain};
use crate::module::{ControlNode, Entry, Outcome, Step, Stop, View, description};
use crate::value::{ArgumentError, Unknown, Value};
use perform::{Asked, Broken, Companions, Watch};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// More rounds than any module needs.
const ROUNDS: usize = 12;

/// What an attempt works with.
pub struct Attempt<'a> {
    pub module: &'static Entry,
    pub arguments: &'a Value,
    /// What is known of the host.
    pub known: &'a Knowledge,
    /// Of the account that does it; none for a module that needs no host.
    pub shell: Option<Arc<Shell>>,
    pub user: Arc<str>,
    pub control_node: &'a (dyn ControlNode + Sync),
    pub check: bool,
    pub diff: bool,
    /// The task itself asks for the difference, so also that of a file that shuts others out is shown.
    pub shows_private: bool,
    /// Note what a person would type.
    pub explain: bool,
    pub verbosity: u8,
    pub origin: Arc<Unknown>,
    /// For commands of the user: environment, time-out, and whether they only read.
    pub command: CommandSettings,
    /// Shell text that notes the debts of handlers, run before anything is changed.
    pub debts: String,
    pub watch: Watch<'a>,
    pub cancel: &'a CancellationToken,
    /// What is asked for the tasks behind this one.
    pub looking: Looking<'a>,
    /// What a module of others needs; none for one of Vent's.
    pub foreign: Option<bridged::ForeignWork<'a>>,
}

/// What keywords of a task say of its commands.
#[derive(Clone, Default)]
pub struct CommandSettings {
    pub environment: Vec<(String, String)>,
    pub timeout: Option<u64>,
    pub reads_only: bool,
    /// Commands go on by themselves under this name.
    pub background: Option<String>,
}

/// How an attempt ended.
pub enum Ended {
    /// The module is done.
    Done(Done),
    /// The task failed; the outcome holds what is known.
    Failed(Box<Outcome>, Done),
    /// The module cannot read its arguments.
    Arguments(ArgumentError),
    /// Only applying can tell.
    Undecided(Arc<Unknown>),
    /// The host cannot be reached, or refuses.
    Connection(Failure),
    /// Wrong input.
    Error(Error),
    /// It was ended at its time-out, after so many seconds.
    TimedOut(u64),
}

/// What was done.
#[derive(Default)]
pub struct Done {
    pub outcome: Outcome,
    /// Something was done (in check mode: would be).
    pub acted: bool,
    /// What was done was more than running commands.
    pub touched: bool,
    pub diffs: Vec<Diff>,
    pub digests: Vec<(String, String)>,
    /// What a person would type, if that was asked for.
    pub commands: Vec<String>,
    /// The debts of handlers were written down.
    pub owes: bool,
}

impl Attempt<'_> {
    /// Runs the module to its end. In check mode an unknown argument of few values is planned with each.
    pub async fn run(&self) -> Ended {
        if let Some(work) = &self.foreign {
            return self.run_foreign(work).await;
        }
        if self.check
            && let Some(all) = possibilities::possibilities(self.module, self.arguments)
        {
            match self.agreed(all).await {
                Ok(Some((arguments, differing))) => {
                    let mut ended = self.carry_out(&arguments).await;
                    if let Ended::Done(done) = &mut ended {
                        for name in differing {
                            done.outcome
                                .fields
                                .insert(name, Value::Unknown(self.origin.clone()));
                        }
                    }
                    return ended;
                }
                Ok(None) => {}
                Err(broken) => return self.broken(broken, Done::default()),
            }
        }
        self.carry_out(self.arguments).await
    }

    async fn carry_out(&self, arguments: &Value) -> Ended {
        let mut done = Done::default();
        let mut performed: Vec<Performed> = vec![];
        let mut glance = self.begin();
        for _ in 0..ROUNDS {
            let state = self.known.state();
            let (step, open) = self.step(arguments, &state, &performed);
            if glance.is_borrowed() && !leaves_as_it_is(&step) {
                self.begin_anew(&mut glance);
                continue;
            }
            match step {
                Err(Stop::Pending) => match self.ask(open, &mut glance).await {
                    Ok(()) => {}
                    Err(broken) => return self.broken(broken, done),
                },
                Err(stop) => return self.stopped(stop, done),
                Ok(Step::Act(actions)) => {
                    if let Err(broken) = self.act(actions, None, &mut performed, &mut done).await {
                        return self.broken(broken, done);
                    }
                }
                Ok(Step::Finish(actions, outcome)) => {
                    let file = outcome.file.as_deref().filter(|_| outcome.failed.is_none());
                    if let Err(broken) = self.act(actions, file, &mut performed, &mut done).await {
                        return self.broken(broken, done);
                    }
                    self.end(&glance, &done);
                    return match self.described(outcome).await {
                        Ok(outcome) => self.finished(outcome, performed, done),
                        Err(broken) => self.broken(broken, done),
                    };
                }
            }
        }
        let name = self.module.names[0];
        Ended::Error(
            Error::new(format!("the module `{name}` does not come to an end"))
                .help("this is a fault of Vent: please report it"),
        )
    }

    /// Asks what is open, and nothing for the coming tasks.
    async fn ask_only(&self, open: Vec<Question>) -> Result<(), Broken> {
        perform::ask(
            self.shell.as_deref(),
            self.known,
            &self.user,
            open,
            &self.command.environment,
        )
        .await
    }

    fn step(
        &self,
        arguments: &Value,
        state: &State,
        performed: &[Performed],
    ) -> (Result<Step, Stop>, Vec<Question>) {
        let view = View::new(
            state,
            &self.user,
            self.control_node,
            performed,
            &self.origin,
            self.verbosity,
        )
        .within(&self.command.environment);
        let step = self.module.work.step(arguments, &view);
        (step, view.into_open())
    }

    /// The outcome with what there is to tell of the path that it describes.
    async fn described(&self, outcome: Outcome) -> Result<Outcome, Broken> {
        let Some(path) = outcome.file.as_ref().filter(|_| outcome.failed.is_none()) else {
            return Ok(outcome);
        };
        let answer = self.known(description(path)).await?;
        Ok(match answer {
            Some(Answer::Stat(stat)) => outcome.described(stat.as_ref(), &self.origin),
            _ => outcome.undescribed(&self.origin),
        })
    }

    fn finished(&self, mut outcome: Outcome, performed: Vec<Performed>, mut done: Done) -> Ended {
        if outcome.prints {
            outcome = outcome.printed(&performed, &self.origin);
        }
        if let Some(backup) = performed.into_iter().find_map(|performed| performed.backup) {
            outcome = outcome.kept(&backup);
        }
        if outcome.failed.is_some() {
            return Ended::Failed(Box::new(outcome), done);
        }
        done.outcome = outcome;
        Ended::Done(done)
    }

    fn stopped(&self, stop: Stop, done: Done) -> Ended {
        match stop {
            Stop::Failed(message) => Ended::Failed(Box::new(Outcome::new().failed(message)), done),
            Stop::FailedWith(outcome) => Ended::Failed(outcome, done),
            Stop::Arguments(error) => Ended::Arguments(error),
            Stop::Undecided(unknown) => Ended::Undecided(unknown),
            Stop::Error(error) => Ended::Error(error),
            Stop::Connection(failure) => Ended::Connection(failure),
            Stop::Pending => Ended::Error(Error::new("a module waits for a question that it did not ask")),
        }
    }

    fn broken(&self, broken: Broken, done: Done) -> Ended {
        match broken {
            Broken::Connection(failure) => Ended::Connection(failure),
            // As in Ansible, whose modules tell of a failure and of no change.
            Broken::Action(message) => {
                Ended::Failed(Box::new(Outcome::new().changed(false).failed(message)), done)
            }
        }
    }

    /// Performs actions, or in check mode applies them to the overlay. What is to be told of `file` is asked with the
    /// last of them.
    async fn act(
        &self,
        actions: Vec<Action>,
        file: Option<&str>,
        performed: &mut Vec<Performed>,
        done: &mut Done,
    ) -> Result<(), Broken> {
        let last = actions.len().saturating_sub(1);
        let aims = self.aims(&actions).await?;
        let mut earlier = destination::Earlier::default();
        for (at, (mut action, mut aim)) in actions.into_iter().zip(aims).enumerate() {
            if earlier.moved(&action) {
                let anew = self.aims(std::slice::from_ref(&action)).await?.pop();
                aim = anew.unwrap_or_default();
            }
            if let Action::Run(command) = &mut action {
                command.environment.clone_from(&self.command.environment);
                command.timeout = self.command.timeout;
                command.reads_only = self.command.reads_only;
                command.background.clone_from(&self.command.background);
            }
            self.note(&action, done).await?;
            done.acted = true;
            done.touched |= !matches!(action, Action::Run(_));
            if self.check {
                self.known.change(|state| state.apply(&action, &self.origin));
                performed.push(Performed {
                    unknown: true,
                    ..Performed::default()
                });
                continue;
            }
            let debts = match performed.is_empty() {
                true => self.debts.as_str(),
                false => "",
            };
            done.owes |= !debts.is_empty();
            let file = file.filter(|_| at == last && perform::is_silent(&action));
            performed.push(self.perform(&action, &aim, debts, file).await?);
        }
        Ok(())
    }

    /// Performs an action, behind the text that notes debts; what is to be told of `file` is asked with it.
    async fn perform(
        &self,
        action: &Action,
        aim: &destination::Aim,
        debts: &str,
        file: Option<&str>,
    ) -> Result<Performed, Broken> {
        let asked = file
            .map(|path| Asked::new(self.known.state().wanted(&description(path))))
            .transpose()?;
        let companions = Companions {
            aim,
            before: debts,
            asked: asked.as_ref(),
        };
        self.looking.moves.doing(action);
        let result = perform::perform(
            self.shell.as_deref(),
            action,
            &companions,
            &self.command.environment,
            self.watch,
            self.cancel,
        )
        .await;
        self.looking.moves.doing(action);
        // Also after a failure: part of it may have been done.
        self.known.change(|state| state.performed(action));
        let mut result = result?;
        if let Some(asked) = asked {
            let printed = std::mem::take(&mut result.output);
            if let Some((question, answer)) = asked.answered(&printed.stdout) {
                self.known
                    .change(|state| state.learn(&self.user, question, answer));
            }
        }
        Ok(result)
    }

    /// Notes digest and diff of what the action would change.
    async fn note(&self, action: &Action, done: &mut Done) -> Result<(), Broken> {
        if let Action::WriteFile { path, content, .. } = action
            && let Some(digest) = content.digest()
        {
            done.digests.push((path.clone(), digest.to_string()));
        }
        if self.explain {
            let hidden = self.control_node.opened_vault() || self.is_private(action).await?;
            done.commands.push(explain(action, hidden));
        }
        if self.diff
            && !self.control_node.opened_vault()
            && let Some(diff) = self.difference(action).await?
        {
            done.diffs.push(diff);
        }
        Ok(())
    }
}

/// True if the step does nothing and does not fail: what was looked up ahead is enough for it.
fn leaves_as_it_is(step: &Result<Step, Stop>) -> bool {
    match step {
        Err(Stop::Pending) => true,
        Ok(Step::Finish(actions, outcome)) => actions.is_empty() && outcome.failed.is_none(),
        Ok(Step::Act(_)) | Err(_) => false,
    }
}
