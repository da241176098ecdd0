//! `vent graph`: prints which playbook needs which.

use super::{list, project, run};
use crate::error::Errors;
use crate::graph::Graph;
use clap::Args;
use std::path::PathBuf;

/// What `vent graph` takes.
#[derive(Args, Debug)]
pub struct GraphCommand {
    /// The playbooks.
    #[arg(required = true)]
    playbooks: Vec<PathBuf>,
    #[command(flatten)]
    project: project::Options,
    /// In the language of Graphviz.
    #[arg(long)]
    dot: bool,
}

/// Runs the command.
///
/// # Errors
/// Everything that is wrong in the files.
pub fn run(command: &GraphCommand) -> Result<(), Errors> {
    let project = project::Project::open(&command.project, command.playbooks.first().map(PathBuf::as_path))?;
    let graph = Graph::of(&run::load(&project.loader, &command.playbooks)?)?;
    super::print(&if command.dot {
        list::dot(&graph)
    } else {
        list::drawn(&graph)
    });
    Ok(())
}
