//! What a module answers.

use crate::connection::Failure;
use crate::error::Error;
use crate::event::Diff;
use crate::host::Action;
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
    /// Set when the module itself skipped: why.
    pub skipped: Option<String>,
    /// The fields of the registered result, beside those that every result has.
    pub fields: Map,
    /// Variables that `set_fact` makes.
    pub facts: Map,
    /// Facts of the host that this task gathered (`ansible_facts` of the result).
    pub host_facts: Map,
    /// Variables that `include_vars` read.
    pub included: Map,
    /// What is to become of the inventory. Whether that changes anything is told by whoever does it.
    pub inventory: Option<InventoryChange>,
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

    /// Says whether something changed.
    pub fn changed(mut self, changed: bool) -> Outcome {
        self.changed = Some(changed);
        self
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
            ArgumentErrorKind::Missing | ArgumentErrorKind::Wrong => Stop::Failed(error.to_string()),
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
