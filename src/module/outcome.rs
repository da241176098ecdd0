//! What a module answers.

use crate::connection::Failure;
use crate::content::byte_text;
use crate::error::Error;
use crate::event::Diff;
use crate::host::{Action, FileKind, Performed, Stat};
use crate::value::{ArgumentError, ArgumentErrorKind, Map, Unknown, Value};
use std::sync::Arc;

/// What is to be done next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Perform these, then call again: the module wants to see what they gave.
    Act(Vec<Action>),
    /// Perform these, then the outcome stands. Without actions nothing changes.
    Finish(Vec<Action>, Outcome),
}

impl Step {
    /// Nothing is left to be done.
    pub fn done(outcome: Outcome) -> Step {
        Step::Finish(vec![], outcome)
    }
}

/// How a task of one host ended.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Outcome {
    /// Whether something changed; `None`: yes, if anything was done.
    pub changed: Option<bool>,
    /// Set when the task failed: why.
    pub failed: Option<String>,
    /// The task failed since its command was stopped at its time-out.
    pub timed_out: bool,
    /// Set when the module itself skipped: why.
    pub skipped: Option<String>,
    /// The fields of the registered result, beside those that every result has.
    pub fields: Map,
    /// Variables that `set_fact` makes.
    pub facts: Map,
    /// Facts of the host that this task gathered (`ansible_facts` of the result).
    pub host_facts: Map,
    /// Facts of the host by the names that a module which is a program gave them: with `ansible_` before them, or of its own.
    pub returned_facts: Map,
    /// The path of the host that the result describes as it is after the actions ([`Outcome::described`]).
    pub file: Option<String>,
    /// The result tells what the actions printed ([`Outcome::printed`]).
    pub prints: bool,
    /// The result is shown whatever the verbosity (Ansible's `_ansible_verbose_always`).
    pub shown: bool,
    /// Variables that `include_vars` read.
    pub included: Map,
    /// Nothing of the result is to be shown, as with `no_log`.
    pub hidden: bool,
    /// What is to become of the inventory. Whether that changes anything is told by whoever does it.
    pub inventory: Option<Box<InventoryChange>>,
    /// What changed, for `--diff`, where no action tells it.
    pub diffs: Vec<Diff>,
    /// Of a module of the run in check mode: what would be done to this computer, so that later tasks see it.
    pub planned: Vec<Action>,
}

/// A change of the inventory while a run goes on.
#[derive(Clone, Debug, PartialEq)]
pub enum InventoryChange {
    /// Adds a host, or groups and variables to one that is there (`add_host`).
    Host {
        /// Its name.
        name: String,
        /// Groups it belongs to from now on.
        groups: Vec<String>,
        /// Its variables.
        variables: Map,
    },
    /// Puts the task's own host into a group (`group_by`).
    Group {
        /// The group, made if it is not there.
        name: String,
        /// Groups above it, made if they are not there.
        parents: Vec<String>,
    },
}

impl Outcome {
    /// An outcome with nothing to tell.
    pub fn new() -> Outcome {
        Outcome::default()
    }

    /// Adds a field of the result.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Outcome {
        self.fields.insert(name.into(), value.into());
        self
    }

    /// Says which facts of the host were gathered; in the result their names begin with `prefix`.
    pub fn gathered(mut self, prefix: &str, facts: Map) -> Outcome {
        let shown = facts
            .iter()
            .map(|(name, value)| (format!("{prefix}{name}"), value.clone()));
        let shown = Value::map(shown);
        self.host_facts = facts;
        self.with("ansible_facts", shown)
    }

    /// Says which path of the host the result describes.
    pub fn of(mut self, path: impl Into<String>) -> Outcome {
        self.file = Some(path.into());
        self
    }

    /// Adds what there is to tell of the described path: `stat` is what stands there, links not followed. An owner that
    /// only the host knows is `unknown`.
    pub fn described(self, stat: Option<&Stat>, unknown: &Arc<Unknown>) -> Outcome {
        let Some(stat) = stat else {
            return self;
        };
        let state = match stat.kind {
            FileKind::Link => "link",
            FileKind::Folder => "directory",
            _ if stat.links > 1 => "hard",
            _ => "file",
        };
        // In check mode a name may be known and its number not.
        let number = |number: u32| match number {
            u32::MAX => Value::Unknown(unknown.clone()),
            number => Value::Int(number.into()),
        };
        self.with("owner", stat.owner.as_str())
            .with("group", stat.group.as_str())
            .with("uid", number(stat.uid))
            .with("gid", number(stat.gid))
            .with("mode", format!("0{:03o}", stat.mode))
            .with("size", i64::try_from(stat.size).unwrap_or(i64::MAX))
            .with("state", state)
    }

    /// As [`Outcome::described`], where only applying can tell what will stand there.
    pub fn undescribed(self, unknown: &Arc<Unknown>) -> Outcome {
        super::returns::FILE.iter().fold(self, |outcome, (name, _)| {
            outcome.with(name, Value::Unknown(unknown.clone()))
        })
    }

    /// Says that the result tells what the actions printed.
    pub fn with_output(mut self) -> Outcome {
        self.prints = true;
        self
    }

    /// Adds what the actions printed, if there were any.
    pub fn printed(self, performed: &[Performed], unknown: &Arc<Unknown>) -> Outcome {
        let streams = [("stdout", "stdout_lines"), ("stderr", "stderr_lines")];
        if performed.is_empty() {
            return self;
        }
        if performed.iter().any(|performed| performed.unknown) {
            let names = streams.iter().flat_map(|(text, lines)| [text, lines]);
            return names.fold(self, |outcome, name| {
                outcome.with(name, Value::Unknown(unknown.clone()))
            });
        }
        let outputs = || performed.iter().map(|performed| &performed.output);
        let bytes: [Vec<u8>; 2] = [
            outputs().flat_map(|output| output.stdout.clone()).collect(),
            outputs().flat_map(|output| output.stderr.clone()).collect(),
        ];
        streams
            .iter()
            .zip(bytes)
            .fold(self, |outcome, ((name, lines), bytes)| {
                let text = byte_text::text_of(&bytes);
                let all = Value::list(text.lines().map(Value::string));
                outcome.with(lines, all).with(name, text)
            })
    }

    /// Adds where the old file was kept: as `backup` where the module has that field, else as `backup_file`.
    pub fn kept(self, backup: &str) -> Outcome {
        let name = match self.fields.contains_key("backup") {
            true => "backup",
            false => "backup_file",
        };
        self.with(name, backup)
    }

    /// Says whether something changed.
    pub fn changed(mut self, changed: bool) -> Outcome {
        self.changed = Some(changed);
        self
    }

    /// Says whether the result is shown whatever the verbosity.
    pub fn shown(mut self, shown: bool) -> Outcome {
        self.shown = shown;
        self
    }

    /// Says that the module had nothing to do.
    pub fn skipped(mut self, reason: impl Into<String>) -> Outcome {
        let reason = reason.into();
        self.skipped = Some(reason.clone());
        self.with("msg", reason)
    }

    /// Says that the task failed.
    pub fn failed(mut self, message: impl Into<String>) -> Outcome {
        self.failed = Some(message.into());
        self
    }
}

/// Why a module cannot say what to do.
#[derive(Clone, Debug)]
pub enum Stop {
    /// Questions are open; the view has noted them.
    Pending,
    /// The task fails with this message.
    Failed(String),
    /// The task fails with this message and these fields of the result.
    FailedWith(Box<Outcome>),
    /// The arguments cannot be read.
    Arguments(ArgumentError),
    /// Only applying can tell.
    Undecided(Arc<Unknown>),
    /// Wrong input, such as an error in a template.
    Error(Error),
    /// The host did not answer a module of the run.
    Connection(Failure),
}

impl Stop {
    /// The task fails.
    pub fn failed(message: impl Into<String>) -> Stop {
        Stop::Failed(message.into())
    }
}

impl From<ArgumentError> for Stop {
    fn from(error: ArgumentError) -> Stop {
        match error.kind {
            ArgumentErrorKind::Unknown(unknown) => Stop::Undecided(unknown),
            _ => Stop::Arguments(error),
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Connection(failure)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Error(error)
    }
}
