//! Whether a check may run a module of others.

use super::{Attempt, Stopped};
use crate::bridge::{Foreign, Spec};

impl Attempt<'_> {
    /// A check runs a module of others only if it says that it changes nothing then, and if nothing is planned on the host: what it
    /// looks at is not known, so that it would have to be shown all of it.
    ///
    /// # Errors
    /// What decides the task.
    pub(super) fn may_run(&self, module: &Foreign, spec: Option<&Spec>) -> Result<(), Stopped> {
        if !self.check {
            return Ok(());
        }
        let undecided = |why: &str| {
            let origin = format!("{}: the module {} {why}", self.origin.origin, module.name);
            Err(Stopped::Undecided(origin))
        };
        match spec {
            None => return undecided("does not say whether it supports check mode"),
            Some(spec) if !spec.supports_check_mode => return undecided("does not support check mode"),
            Some(_) => {}
        }
        match self.known.state().pending() {
            Some(pending) => undecided(&format!("would have to see {pending}")),
            None => Ok(()),
        }
    }
}
