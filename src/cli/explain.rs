//! `vent explain`: what a person would type to bring about what a playbook does.

use super::choices::Selection;
use super::{project, run};
use crate::engine::Settings;
use crate::error::Errors;
use crate::graph::Graph;
use crate::report::Explain;
use clap::Args;
use std::path::PathBuf;
use std::sync::Arc;

/// What `vent explain` takes.
#[derive(Args, Debug)]
pub struct ExplainCommand {
    /// The playbooks.
    #[arg(required = true)]
    pub playbooks: Vec<PathBuf>,
    #[command(flatten)]
    pub project: project::Options,
    #[command(flatten)]
    pub selection: Selection,
    /// Become root.
    #[arg(short = 'b', long = "become")]
    pub r#become: bool,
}

/// Plans the playbooks and prints the shell lines of every task; gives the exit code.
///
/// # Errors
/// Everything that is wrong in the files and options.
pub async fn explain(command: &ExplainCommand) -> Result<i32, Errors> {
    let first = command.playbooks.first().map(PathBuf::as_path);
    let project = project::Project::open_for(&command.project, first, project::Purpose::Reaching)?;
    let playbooks = run::load(&project.loader, &command.playbooks)?;
    let graph = Graph::of(&playbooks)?;
    super::missing_needs::check(&graph)?;
    let inventory = project.inventory()?;
    let settings = Settings {
        check: true,
        explain: true,
        // What playbooks tell by `ansible_diff_mode` to be shown is shown.
        diff: true,
        prompted: Arc::new(super::prompts::ask(&graph, &project.extra)?),
        r#become: command.r#become,
        ..command.selection.settings(project.settings())
    };
    project
        .wake(&graph, &inventory, settings.limit.as_deref())
        .await?;
    let reporter = Box::new(Explain::new(std::io::stdout()));
    Ok(run::watch(&project, graph, inventory, settings, vec![reporter]).await?)
}
