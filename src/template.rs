//! The template language: Jinja as Ansible 2.19 has it, with values that may be unknown or secret.
//!
//! Only [`Value::Template`] is ever rendered. Every result tells whether something unknown or secret went
//! into it; an evaluation that was handed something unknown is unknown as a whole, unless its `and`, `or`
//! and `not` decide without it.

mod call;
mod compiled;
mod conditional;
mod containers;
mod convert;
mod environment;
mod evaluate;
mod file_variables;
mod filters;
mod foreign;
mod ledger;
mod lookups;
mod methods;
mod names;
mod objects;
mod overridden;
mod parsed;
mod patcher;
mod place;
mod plugins;
mod render;
mod scope;
mod sizes;
mod splitter;
mod syntax;
mod tests;

use crate::source::Place;
use crate::value::{Unknown, Value};
use std::sync::Arc;

pub use conditional::{condition, condition_at, conditions, listed_conditions};
pub use environment::FileOptions;
pub use file_variables::{TemplateFile, of_template_file};
pub use filters::password::hashed;
pub use names::{NameKind, UnknownName, unknown_names};
pub use overridden::{is_own, may_name, note_overridden, note_overridden_name};
pub use plugins::{Asked, Known, PluginCall, PluginFailure, PluginSource, Plugins};
pub use render::{RenderedFile, render, render_file};
pub use scope::{Opener, Planned, Planner, Scope, Surroundings, Variables};
pub use syntax::{
    check_condition, check_file, check_syntax, free_variables, known_filters, known_lookups, known_tests,
};

/// A rendered value.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluated {
    /// The value; it holds no templates, but may hold unknown and secret leaves.
    pub value: Value,
    /// True if a secret went into it.
    pub secret: bool,
}

/// What a condition came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// Only applying can tell; the origin says what would decide it.
    Unknown(Arc<Unknown>),
}

/// What one evaluation came to.
#[derive(Clone, Debug)]
enum Outcome {
    Value { value: Value, secret: bool },
    Omit,
    Undefined { text: String, place: Option<Place> },
    Failed(crate::error::Error),
}

impl Outcome {
    /// The same outcome as a secret.
    fn hidden(self) -> Outcome {
        match self {
            Outcome::Value { value, .. } => Outcome::Value {
                value: convert::hide(&value),
                secret: true,
            },
            other => other,
        }
    }
}
