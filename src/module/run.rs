//! Modules of the run: they work on this computer, on an API, or on a host's connection itself, and say for
//! themselves what a check is to do.

use super::{ControlNode, Nature, Outcome, Stop};
use crate::cloud::machines::Machines;
use crate::connection::{Failure, Output};
use crate::error::Result as Checked;
use crate::value::Map;
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A module of the run: its names, its arguments, and the one function that is all of it.
pub trait RunModule: Send + Sync + 'static {
    /// The full name first, then the short ones.
    const NAMES: &'static [&'static str];
    /// The arguments; doc comments become the documentation.
    type Arguments: super::arguments::Arguments + Send + Sync;
    /// The argument that takes the free text after the module's name.
    const FREE_FORM: Option<&'static str> = None;
    /// Arguments of Ansible's that are taken and have no effect here.
    const IGNORED: &'static [&'static str] = &[];
    /// What it is.
    const NATURE: Nature = Nature::OF_THE_RUN;
    /// What the result holds beside what every result holds.
    const RETURNS: &'static [super::Returns] = &[];

    /// Does the work; in check mode ([`World::is_check`]) it only tells what it would do.
    ///
    /// # Errors
    /// `Stop`: the task has failed, it cannot be decided in check mode, or its host does not answer; never
    /// `Stop::Pending`.
    fn run(
        arguments: &Self::Arguments,
        world: &dyn World,
    ) -> impl Future<Output = Result<Outcome, Stop>> + Send;
}

/// The run, as its modules see it.
pub trait World: Send + Sync {
    /// True if the task is only planned (`--check`, or the task's own `check_mode: true`).
    fn is_check(&self) -> bool;
    /// True if differences are wanted (`--diff`, or the task's own `diff: true`).
    fn wants_diff(&self) -> bool;
    /// Cancelled when the user wants nothing new to begin.
    fn stop(&self) -> &CancellationToken;
    /// Tells a sentence; secrets in it are masked.
    fn say(&self, text: String);
    /// Tells how far long work is: `done` of `total` parts, and what is being done.
    fn progress(&self, done: usize, total: usize, text: String);
    /// Tells a line that a program has said; nothing is told with `no_log`.
    fn output(&self, line: &str);
    /// What the run knows of hosts and machines.
    fn inventory(&self) -> &dyn Inventory;
    /// The task's host; only for modules whose nature needs one.
    ///
    /// # Errors
    /// `Stop` if there is none.
    fn host(&self) -> Result<&dyn Connection, Stop>;
    /// Variables and files as a pure module sees them.
    fn control_node(&self) -> &(dyn ControlNode + Sync);
    /// The environment of the task (`environment:`), the later of two values of a name being the stronger.
    fn environment(&self) -> &[(String, String)];
    /// `file:line` of the task, for the origin of what is unknown.
    fn place(&self) -> String;
}

/// The inventory, as a module of the run sees it.
#[async_trait]
pub trait Inventory: Send + Sync {
    /// The machines that inventory files ask for (`machines:`), a value for each file.
    fn machines(&self) -> Vec<Arc<dyn Machines>>;
    /// True if there is a host of this name.
    fn has_host(&self, name: &str) -> bool;
    /// Adds a host, or groups and variables to one that is there; true if that changes anything.
    ///
    /// # Errors
    /// What is wrong in the files of variables of its groups.
    fn add_host(&self, name: &str, groups: &[String], variables: Map) -> Checked<bool>;
    /// Reads the inventory anew, after forgetting what was kept of the answers of APIs.
    ///
    /// # Errors
    /// What is wrong in its files, what a service refuses.
    async fn refresh(&self) -> Checked<()>;
}

/// The task's host itself.
#[async_trait]
pub trait Connection: Send + Sync {
    /// True for this computer.
    fn is_local(&self) -> bool;
    /// How long the host may take to answer, as the inventory or the options say.
    fn connect_timeout(&self) -> Duration;
    /// Runs a script of ours in the task's account, connecting first if need be.
    ///
    /// # Errors
    /// All that keeps a shell from starting, and a connection that is lost.
    async fn ask(&self, script: &str) -> Result<Output, Failure>;
    /// Ends the connection; the next question connects anew.
    async fn close(&self);
}
