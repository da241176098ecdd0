//! What the configuration says of how runs go.

use super::becoming::Becoming;
use super::setting_reader::SettingReader;
use crate::error::{Error, Result};

/// Rules of each run; where a playbook has a keyword for the same, it is stronger.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// A failure is one of all hosts.
    pub any_errors_fatal: bool,
    /// Handlers run after a failure as well.
    pub force_handlers: bool,
    /// No result is shown.
    pub no_log: bool,
    /// Tasks have failed after so many seconds, if not 0.
    pub task_timeout: u64,
    /// A job is asked every so many seconds, unless nobody says it.
    pub poll_interval: Option<u64>,
    /// The hosts of a play do not wait for each other (`strategy`).
    pub free: bool,
    /// A handler that is notified and not there is warned of, and no error.
    pub ignores_missing_handlers: bool,
    /// What comes of patterns that match no host.
    pub mismatch: Mismatch,
    /// How tasks become other accounts.
    pub becoming: Becoming,
}

/// What comes of patterns that match no host (`host_pattern_mismatch`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mismatch {
    /// They are warned of.
    #[default]
    Warned,
    /// They are an error.
    Refused,
    /// Nothing.
    Ignored,
}

impl Mismatch {
    /// What is to be warned of.
    ///
    /// # Errors
    /// The first pattern that matches nothing, where that is an error.
    pub fn judged(self, unmatched: Vec<Error>) -> Result<Vec<Error>> {
        match self {
            Mismatch::Warned => Ok(unmatched),
            Mismatch::Ignored => Ok(vec![]),
            Mismatch::Refused => match unmatched.into_iter().next() {
                Some(error) => Err(error),
                None => Ok(vec![]),
            },
        }
    }
}

impl Rules {
    pub(super) fn read(reader: &mut SettingReader) -> Rules {
        Rules {
            any_errors_fatal: reader.flag("ANY_ERRORS_FATAL").unwrap_or(false),
            force_handlers: reader.flag("DEFAULT_FORCE_HANDLERS").unwrap_or(false),
            no_log: reader.flag("DEFAULT_NO_LOG").unwrap_or(false),
            task_timeout: reader.number("TASK_TIMEOUT").unwrap_or(0),
            poll_interval: reader.number("DEFAULT_POLL_INTERVAL"),
            free: reader.text("DEFAULT_STRATEGY").and_then(|name| is_free(&name)) == Some(true),
            ignores_missing_handlers: reader.flag("ERROR_ON_MISSING_HANDLER") == Some(false),
            mismatch: match reader.word("HOST_PATTERN_MISMATCH").as_deref() {
                Some("error") => Mismatch::Refused,
                Some("ignore") => Mismatch::Ignored,
                _ => Mismatch::Warned,
            },
            becoming: Becoming::read(reader),
        }
    }
}

/// The strategies, and whether hosts wait for nobody in them.
const STRATEGIES: [(&str, bool); 3] = [("linear", false), ("free", true), ("host_pinned", true)];

/// Whether hosts wait for nobody in a strategy; none for one that Vent does not have.
pub(super) fn is_free(strategy: &str) -> Option<bool> {
    let short = strategy.strip_prefix("ansible.builtin.").unwrap_or(strategy);
    let found = STRATEGIES.iter().find(|(name, _)| *name == short);
    found.map(|(_, free)| *free)
}
