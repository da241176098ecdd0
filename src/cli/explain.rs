//! `vent explain`: what a person would type to bring about what a playbook does.

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
    /// Leave out hosts that do not match this pattern.
    #[arg(short, long)]
    pub limit: Option<String>,
    /// Only tasks with one of these tags.
    #[arg(short, long, value_delimiter = ',')]
    pub tags: Vec<String>,
    /// No tasks with one of these tags.
    #[arg(long, value_delimiter = ',')]
    pub skip_tags: Vec<String>,
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
    let project = project::Project::open(&command.project, first)?;
    let playbooks = run::load(&project.loader, &command.playbooks)?;
    let graph = Graph::of(&playbooks)?;
    super::missing_needs::check(&graph)?;
    let inventory = project.inventory()?;
    let settings = Settings {
        check: true,
        explain: true,
        // What playbooks tell by `ansible_diff_mode` to be shown is shown.
        diff: true,
        forks: project.forks.unwrap_or(50),
        limit: command.limit.clone(),
        tags: command.tags.clone(),
        skip_tags: command.skip_tags.clone(),
        extra: project.extra.clone(),
        prompted: Arc::new(super::prompts::ask(&graph, &project.extra)?),
        r#become: command.r#become,
        become_password: project.become_password.clone(),
        ..Settings::default()
    };
    project
        .wake(&graph, &inventory, settings.limit.as_deref())
        .await?;
    let reporter = Box::new(Explain::new(std::io::stdout()));
    Ok(run::watch(&project, graph, inventory, settings, vec![reporter]).await?)
}
