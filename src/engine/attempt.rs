//! One attempt of one module on one host: ask, act, until it is done.

use super::host::Host;
use super::perform::{self, Broken, Watch};
use crate::connection::{Failure, Shell};
use crate::content::Content;
use crate::error::Error;
use crate::event::Diff;
use crate::host::{Action, Answer, FileKind, Performed, Question, State};
use crate::module::{self, Computer, Outcome, Step, Stop, View};
use crate::value::{Unknown, Value};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// More rounds than any module needs.
const ROUNDS: usize = 12;
/// Contents up to this size are shown in a diff.
const SHOWN: u64 = 1 << 20;

/// What an attempt works with.
pub(super) struct Attempt<'a> {
    pub(super) module: &'static module::Entry,
    pub(super) arguments: &'a Value,
    pub(super) host: &'a Host,
    pub(super) shell: Arc<Shell>,
    pub(super) user: Arc<str>,
    pub(super) computer: &'a (dyn Computer + Sync),
    pub(super) check: bool,
    pub(super) diff: bool,
    pub(super) verbosity: u8,
    pub(super) origin: Arc<Unknown>,
    /// For commands of the user: environment, time-out, and whether they only read.
    pub(super) command: CommandSettings,
    /// Shell text that notes the debts of handlers, run before anything is changed.
    pub(super) debts: String,
    pub(super) watch: Watch<'a>,
    pub(super) cancel: &'a CancellationToken,
}

/// What keywords of a task say of its commands.
#[derive(Clone, Default)]
pub(super) struct CommandSettings {
    pub(super) environment: Vec<(String, String)>,
    pub(super) timeout: Option<u64>,
    pub(super) reads_only: bool,
}

/// How an attempt ended.
pub(super) enum Ended {
    /// The module is done.
    Done(Done),
    /// The task failed; the outcome holds what is known.
    Failed(Box<Outcome>, Done),
    /// Only applying can tell.
    Undecided(Arc<Unknown>),
    /// The host cannot be reached, or refuses.
    Connection(Failure),
    /// Wrong input.
    Error(Error),
}

/// What was done.
#[derive(Default)]
pub(super) struct Done {
    pub(super) outcome: Outcome,
    /// Something was done (in check mode: would be).
    pub(super) acted: bool,
    pub(super) diffs: Vec<Diff>,
    pub(super) digests: Vec<(String, String)>,
}

impl Attempt<'_> {
    /// Runs the module to its end.
    pub(super) async fn run(&self) -> Ended {
        let mut done = Done::default();
        let mut performed: Vec<Performed> = vec![];
        for _ in 0..ROUNDS {
            let state = self.host.state();
            let (step, open) = self.step(&state, &performed);
            match step {
                Err(Stop::Pending) => match perform::ask(&self.shell, self.host, &self.user, open).await {
                    Ok(()) => {}
                    Err(broken) => return self.broken(broken, done),
                },
                Err(stop) => return self.stopped(stop, done),
                Ok(Step::Act(actions)) => {
                    if let Err(broken) = self.act(actions, &mut performed, &mut done).await {
                        return self.broken(broken, done);
                    }
                }
                Ok(Step::Finish(actions, outcome)) => {
                    if let Err(broken) = self.act(actions, &mut performed, &mut done).await {
                        return self.broken(broken, done);
                    }
                    return finished(outcome, performed, done);
                }
            }
        }
        let name = self.module.names[0];
        Ended::Error(
            Error::new(format!("the module `{name}` does not come to an end"))
                .help("this is a fault of Vent: please report it"),
        )
    }

    fn step(&self, state: &State, performed: &[Performed]) -> (Result<Step, Stop>, Vec<Question>) {
        let view = View::new(
            state,
            &self.user,
            self.computer,
            performed,
            &self.origin,
            self.verbosity,
        );
        let step = (self.module.step)(self.arguments, &view);
        (step, view.into_open())
    }

    fn stopped(&self, stop: Stop, done: Done) -> Ended {
        match stop {
            Stop::Failed(message) => Ended::Failed(Box::new(Outcome::new().failed(message)), done),
            Stop::FailedWith(outcome) => Ended::Failed(outcome, done),
            Stop::Undecided(unknown) => Ended::Undecided(unknown),
            Stop::Error(error) => Ended::Error(error),
            Stop::Pending => Ended::Error(Error::new("a module waits for a question that it did not ask")),
        }
    }

    fn broken(&self, broken: Broken, done: Done) -> Ended {
        match broken {
            Broken::Connection(failure) => Ended::Connection(failure),
            Broken::Action(message) => Ended::Failed(Box::new(Outcome::new().failed(message)), done),
        }
    }

    /// Performs actions, or in check mode applies them to the overlay.
    async fn act(
        &self,
        actions: Vec<Action>,
        performed: &mut Vec<Performed>,
        done: &mut Done,
    ) -> Result<(), Broken> {
        for mut action in actions {
            if let Action::Run(command) = &mut action {
                command.environment.clone_from(&self.command.environment);
                command.timeout = self.command.timeout;
                command.reads_only = self.command.reads_only;
            }
            self.note(&action, done).await?;
            done.acted = true;
            if self.check {
                self.host.change(|state| state.apply(&action, &self.origin));
                performed.push(Performed {
                    unknown: true,
                    ..Performed::default()
                });
                continue;
            }
            let debts = if performed.is_empty() {
                self.debts.as_str()
            } else {
                ""
            };
            let result = perform::perform(&self.shell, &action, debts, self.watch, self.cancel).await;
            // Also after a failure: part of it may have been done.
            self.host.change(|state| state.performed(&action));
            performed.push(result?);
        }
        Ok(())
    }

    /// Notes digest and diff of what the action would change.
    async fn note(&self, action: &Action, done: &mut Done) -> Result<(), Broken> {
        if let Action::WriteFile { path, content, .. } = action
            && let Some(digest) = content.digest()
        {
            done.digests.push((path.clone(), digest.to_string()));
        }
        if self.diff
            && let Some(diff) = self.difference(action).await?
        {
            done.diffs.push(diff);
        }
        Ok(())
    }

    async fn difference(&self, action: &Action) -> Result<Option<Diff>, Broken> {
        let sentence = |path: &str, text: String| {
            Some(Diff {
                path: path.to_string(),
                text,
            })
        };
        Ok(match action {
            Action::WriteFile {
                path,
                content,
                attributes,
                ..
            } => {
                let stat = self
                    .known(Question::Stat {
                        path: path.clone(),
                        follow: true,
                    })
                    .await?;
                let (size, mode) = match stat {
                    Some(Answer::Stat(Some(stat))) => (Some(stat.size), Some(stat.mode)),
                    _ => (None, None),
                };
                let hidden = attributes.mode.or(mode).is_some_and(|mode| mode & 0o077 == 0);
                let before = match size {
                    Some(size) if size <= SHOWN && !hidden => {
                        match self
                            .known(Question::Content {
                                path: path.clone(),
                                limit: SHOWN,
                            })
                            .await?
                        {
                            Some(Answer::Content(content)) => content,
                            _ => None,
                        }
                    }
                    _ => None,
                };
                let known = size.is_none() || before.is_some();
                Some(Diff {
                    path: path.clone(),
                    text: content_diff(path, before.as_deref(), content, hidden, known),
                })
            }
            Action::MakeFolder { path, .. } => sentence(path, format!("+ folder {path}\n")),
            Action::Remove { path } => {
                let what = match self
                    .known(Question::Stat {
                        path: path.clone(),
                        follow: false,
                    })
                    .await?
                {
                    Some(Answer::Stat(Some(stat))) if stat.kind == FileKind::Folder => "folder",
                    _ => "file",
                };
                sentence(path, format!("- {what} {path}\n"))
            }
            Action::Link { path, target, .. } => sentence(path, format!("+ link {path} -> {target}\n")),
            Action::SetAttributes { path, attributes, .. } => {
                let before = self
                    .known(Question::Stat {
                        path: path.clone(),
                        follow: true,
                    })
                    .await?;
                sentence(path, attribute_diff(attributes, before))
            }
            Action::Script { explain, .. } => sentence("", format!("$ {explain}\n")),
            Action::Run(_) | Action::Fetch { .. } => None,
        })
    }

    /// An answer, asked for if it is not known yet.
    async fn known(&self, question: Question) -> Result<Option<Answer>, Broken> {
        let state = self.host.state();
        if let Some(answer) = state.answer(&self.user, &question) {
            return Ok(Some(answer));
        }
        perform::ask(&self.shell, self.host, &self.user, vec![state.wanted(&question)]).await?;
        Ok(self.host.state().answer(&self.user, &question))
    }
}

fn finished(mut outcome: Outcome, performed: Vec<Performed>, mut done: Done) -> Ended {
    if let Some(backup) = performed.into_iter().find_map(|performed| performed.backup) {
        outcome.fields.insert("backup_file".into(), backup.into());
    }
    if outcome.failed.is_some() {
        return Ended::Failed(Box::new(outcome), done);
    }
    done.outcome = outcome;
    Ended::Done(done)
}

fn attribute_diff(wanted: &crate::host::Attributes, before: Option<Answer>) -> String {
    let Some(Answer::Stat(Some(before))) = before else {
        return String::new();
    };
    let mut text = String::new();
    let mut line = |name: &str, old: String, new: String| {
        if old != new {
            text.push_str(&format!("-{name}: {old}\n+{name}: {new}\n"));
        }
    };
    if let Some(mode) = wanted.mode {
        line(
            "mode",
            crate::host::mode_text(before.mode),
            crate::host::mode_text(mode),
        );
    }
    if let Some(owner) = &wanted.owner {
        line("owner", before.owner, owner.clone());
    }
    if let Some(group) = &wanted.group {
        line("group", before.group, group.clone());
    }
    text
}

fn content_diff(path: &str, before: Option<&[u8]>, content: &Content, hidden: bool, known: bool) -> String {
    let after: Option<Vec<u8>> = match content {
        Content::Bytes(bytes) => Some(bytes.to_vec()),
        Content::LocalFile { path, length, .. } if *length <= SHOWN => std::fs::read(path).ok(),
        _ => None,
    };
    let texts = (
        std::str::from_utf8(before.unwrap_or_default()),
        after.as_deref().map(std::str::from_utf8),
    );
    match texts {
        (Ok(before), Some(Ok(after))) if !hidden && known && !after.contains('\0') => {
            let diff = similar::TextDiff::from_lines(before, after);
            diff.unified_diff()
                .header(&format!("{path} (before)"), &format!("{path} (after)"))
                .to_string()
        }
        _ => {
            let lines =
                after.map(|after| format!("{} lines, ", after.split(|byte| *byte == b'\n').count() - 1));
            let digest = content.digest().map_or("content not known yet".into(), |digest| {
                format!("sha256 {digest}")
            });
            format!("~ {path}: changed, {}{digest}\n", lines.unwrap_or_default())
        }
    }
}
