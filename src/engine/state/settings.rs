//! What the user chose for a run.

use crate::connection::Secret;
use crate::model::configuration::{Gathering, Rules};
use crate::value::Map;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// The choices of a run.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The command that was typed, without secrets, as other runs are told it that wait for this one.
    pub title: String,
    /// The name of the run that this one is a part of, if a command of a playbook started it: its locks are
    /// this run's as well.
    pub within: Option<String>,
    /// Plan, touch nothing.
    pub check: bool,
    /// Show what changes in files.
    pub diff: bool,
    /// Tell what a person would type.
    pub explain: bool,
    /// How many `-v`.
    pub verbosity: u8,
    /// How many hosts at the same time.
    pub forks: usize,
    /// How long other runs that use a host are waited for.
    pub lock_timeout: Duration,
    /// Hosts to be left out unless they match this pattern.
    pub limit: Option<String>,
    /// Only tasks with one of these tags.
    pub tags: Vec<String>,
    /// No tasks with one of these tags.
    pub skip_tags: Vec<String>,
    /// Skip all tasks before the one with this name.
    pub start_at_task: Option<String>,
    /// `-e`.
    pub extra: Arc<Map>,
    /// `-b`.
    pub r#become: bool,
    /// `--become-user`.
    pub become_user: Option<String>,
    /// `--become-method`.
    pub become_method: Option<String>,
    /// The answers to `vars_prompt`, by the place of the play.
    pub prompted: Arc<HashMap<String, Arc<Map>>>,
    /// The password of `-K`.
    pub become_password: Option<Secret>,
    /// `remote_tmp` of the configuration: the folder of an account on a host for files on their way.
    pub remote_tmp: Option<String>,
    /// `interpreter_python` of the configuration: the Python of hosts.
    pub interpreter_python: Option<String>,
    /// When plays gather facts.
    pub gathering: Gathering,
    /// How runs go where a playbook says nothing of it.
    pub rules: Rules,
    /// Programs of this computer find `vent` on their search path; under Ansible's names that is the user's own.
    pub offers_itself: bool,
    /// `--force-handlers`.
    pub force_handlers: bool,
}
