//! What the files say, checked: playbooks, plays, blocks, tasks, roles, handlers.
//! Nothing is rendered here; whatever may be a template stays a [`Value`] with its [`Place`].

mod arguments;
pub mod configuration;
mod group_names;
pub mod keywords;
pub mod load;
pub mod play;
pub mod playbook;
mod python;
pub mod role;
pub mod scope;
pub mod task;

use crate::source::Place;
use crate::value::Value;
use indexmap::IndexMap;
use std::sync::Arc;

pub use group_names::GroupNames;
pub use keywords::{Condition, Keywords};
pub use load::{Known, Loader};
pub use play::{Encryption, Play, Prompt};
pub use playbook::{Entry, Import, Need, Playbook};
pub use role::Role;
pub use scope::{Scope, ScopeKind};
pub use task::{Action, Block, Include, Included, Item, Loop, LoopControl, RoleChoice, Task};

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// What was written, not yet rendered.
    pub value: Value,
    /// The place of the value.
    pub place: Place,
}

impl Placed {
    /// A value that stands at `place`.
    pub fn new(value: impl Into<Value>, place: &Place) -> Placed {
        Placed {
            value: value.into(),
            place: place.clone(),
        }
    }
}

/// Named values with their places, in the order of the file.
pub type Variables = IndexMap<Arc<str>, Placed>;
