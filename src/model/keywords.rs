//! The keywords that plays, roles, blocks and tasks share, and that go down from one to the next.

use super::{Placed, Variables};
use crate::source::Place;
use crate::value::Value;
use std::sync::Arc;

/// A condition of `when`, `changed_when`, `failed_when`, `until` or `that`.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// A bool, or the text of an expression (a final text; a template where somebody wrote `{{` into it).
    pub value: Value,
    /// The place of the whole scalar.
    pub place: Place,
}

/// Shared keywords as they were written at one play, role, block or task. None of them is rendered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Keywords {
    /// What it is called in the output.
    pub name: Option<Placed>,
    /// Conditions, all of which must hold. Never set for a play.
    pub when: Vec<Condition>,
    /// Variables below this point.
    pub vars: Arc<Variables>,
    /// Tags, added to those from above.
    pub tags: Vec<Placed>,
    /// Environment variables: mappings, later ones win.
    pub environment: Vec<Placed>,
    /// Default arguments of modules: mappings of module or `group/NAME` to arguments, later ones win.
    pub module_defaults: Vec<Placed>,
    /// Handlers to be notified, added to those from above (blocks and tasks).
    pub notify: Vec<Placed>,
    /// Collections searched for short names.
    pub collections: Vec<String>,
    /// How to reach the host.
    pub connection: Option<Placed>,
    /// Port of the connection.
    pub port: Option<Placed>,
    /// User of the connection.
    pub remote_user: Option<Placed>,
    /// Whether to become another user.
    pub r#become: Option<Placed>,
    /// The user to become.
    pub become_user: Option<Placed>,
    /// How to become: `sudo`, `su`.
    pub become_method: Option<Placed>,
    /// Options of the program that changes the user.
    pub become_flags: Option<Placed>,
    /// The program that changes the user.
    pub become_exe: Option<Placed>,
    /// The host that does it instead (blocks and tasks).
    pub delegate_to: Option<Placed>,
    /// Whether gathered facts belong to the delegate.
    pub delegate_facts: Option<Placed>,
    /// Do it on one host, for all.
    pub run_once: Option<Placed>,
    /// A failure is not one.
    pub ignore_errors: Option<Placed>,
    /// An unreachable host stays in the play.
    pub ignore_unreachable: Option<Placed>,
    /// A failure ends the play for all hosts.
    pub any_errors_fatal: Option<Placed>,
    /// Nothing of arguments and results is shown.
    pub no_log: Option<Placed>,
    /// Forces or forbids check mode.
    pub check_mode: Option<Placed>,
    /// Forces or forbids the diff.
    pub diff: Option<Placed>,
    /// How many hosts at the same time.
    pub throttle: Option<Placed>,
    /// Seconds until it counts as failed.
    pub timeout: Option<Placed>,
}

impl Keywords {
    /// The keywords that are true or false, as far as they are set, by their names.
    pub fn flags(&self) -> impl Iterator<Item = (&'static str, &Placed)> {
        let flags = [
            ("become", &self.r#become),
            ("delegate_facts", &self.delegate_facts),
            ("run_once", &self.run_once),
            ("ignore_errors", &self.ignore_errors),
            ("ignore_unreachable", &self.ignore_unreachable),
            ("any_errors_fatal", &self.any_errors_fatal),
            ("no_log", &self.no_log),
            ("check_mode", &self.check_mode),
            ("diff", &self.diff),
        ];
        let set = flags.into_iter();
        set.filter_map(|(name, placed)| Some((name, placed.as_ref()?)))
    }
}
