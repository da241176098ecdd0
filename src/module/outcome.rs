//! What a module answers.

use crate::error::Error;
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

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Error(error)
    }
}
