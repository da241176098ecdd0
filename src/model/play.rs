//! Plays.

use super::{Item, Keywords, Placed, Role, Scope};
use crate::source::Place;
use crate::value::Value;
use std::sync::Arc;

/// A play. Keywords shared with blocks and tasks (`become`, `vars`, `tags`, `environment` ...) are in
/// [`Play::keywords`].
#[derive(Clone, Debug, PartialEq)]
pub struct Play {
    /// The step of the chain that all tasks of the play hang on.
    pub scope: Arc<Scope>,
    /// The host pattern: a text or a list, perhaps a template.
    pub hosts: Placed,
    /// Whether facts are gathered before the first task.
    pub gather_facts: Option<Placed>,
    /// Which facts.
    pub gather_subset: Option<Placed>,
    /// Seconds for gathering.
    pub gather_timeout: Option<Placed>,
    /// Files with variables; each a name or a list of names of which the first that exists is taken.
    pub vars_files: Vec<Placed>,
    /// The roles in the order they run, dependencies before those that need them; each is a block whose
    /// scope is a role.
    pub roles: Vec<Item>,
    /// Every role of `roles`, for the variables that all tasks of the play see.
    pub used_roles: Vec<Arc<Role>>,
    /// Run before the roles.
    pub pre_tasks: Vec<Item>,
    /// Run after the roles.
    pub tasks: Vec<Item>,
    /// Run at the end.
    pub post_tasks: Vec<Item>,
    /// The handlers of its roles, then its own.
    pub handlers: Vec<Item>,
    /// Batches of hosts: numbers or percentages, or a list of those.
    pub serial: Option<Placed>,
    /// `linear` or `free`.
    pub strategy: Option<Placed>,
    /// Percentage of hosts that may fail before the play ends.
    pub max_fail_percentage: Option<Placed>,
    /// Order of the hosts: `inventory`, `sorted`, `reverse_inventory`, `reverse_sorted`, `shuffle`.
    pub order: Option<Placed>,
    /// Handlers run even after a failure.
    pub force_handlers: Option<Placed>,
    /// Vent's own: the play takes no permits of its hosts.
    pub shares_hosts: bool,
    /// What is asked before the run (`vars_prompt`).
    pub prompts: Vec<Prompt>,
    /// The place of the whole play.
    pub place: Place,
}

impl Play {
    /// The keywords shared with blocks and tasks.
    pub fn keywords(&self) -> &Keywords {
        &self.scope.keywords
    }

    /// The sections in the order they run, each with its parts; handlers run behind each section: behind `pre_tasks`,
    /// behind roles and tasks together, and behind `post_tasks`.
    pub fn sections(&self) -> [Vec<&[Item]>; 3] {
        [
            vec![&self.pre_tasks],
            vec![&self.roles, &self.tasks],
            vec![&self.post_tasks],
        ]
    }

    /// All items but the handlers, in the order they run.
    pub fn items(&self) -> impl Iterator<Item = &[Item]> {
        self.sections().into_iter().flatten()
    }

    /// The name that was given to the play, else its host pattern.
    pub fn title(&self) -> &str {
        let given = self.keywords().name.as_ref();
        let given = given.and_then(|name| name.value.as_str());
        given.or(self.hosts.value.as_str()).unwrap_or("play")
    }
}

/// How the answer to a question is hashed.
#[derive(Clone, Debug, PartialEq)]
pub struct Encryption {
    /// The scheme, such as `sha512_crypt`.
    pub scheme: String,
    /// The salt; none: by chance.
    pub salt: Option<String>,
    /// The letters of a salt by chance.
    pub salt_size: Option<usize>,
}

/// A variable that a person is asked for before the run.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    /// Its name.
    pub name: String,
    /// The question.
    pub question: String,
    /// What an empty answer means.
    pub default: Option<Value>,
    /// Do not show what is typed.
    pub private: bool,
    /// Ask twice.
    pub confirm: bool,
    /// How the answer is hashed.
    pub encrypt: Option<Encryption>,
}
