//! `vent validate`: the strict reading of playbooks. What a run would only meet in the middle is refused.

use super::{missing_needs, project, run, survey};
use crate::error::{Collector, ErrorKind, Errors};
use crate::graph::Graph;
use clap::Args;
use std::path::PathBuf;

/// What `vent validate` takes.
#[derive(Args, Debug)]
pub struct ValidateCommand {
    /// The playbooks.
    #[arg(required = true)]
    playbooks: Vec<PathBuf>,
    #[command(flatten)]
    project: project::Options,
}

/// Runs the command.
///
/// # Errors
/// Everything that is wrong in the files, and every module, argument, filter, test, lookup, handler or file that they name and that is
/// not there.
pub fn run(command: &ValidateCommand) -> Result<(), Errors> {
    let project = project::Project::open(&command.project, command.playbooks.first().map(PathBuf::as_path))?;
    let graph = Graph::of(&run::load(&project.loader, &command.playbooks)?)?;
    missing_needs::check(&graph)?;
    for warning in project.loader.take_warnings() {
        super::say(&format!("warning: {}\n", warning.drawn()));
    }
    let mut errors = Collector::default();
    for error in survey::of(&graph, &project.loader).errors() {
        errors.push(error);
    }
    errors
        .finish(())
        .map_err(|errors| errors.of_kind(ErrorKind::Unreadable))
}
