//! `vent clean`: removes from hosts what modules that are not Vent's left there.

use super::{project, run};
use crate::bridge::REMOTE_TMP;
use crate::engine::Settings;
use crate::error::{Error, Errors};
use crate::graph::Graph;
use crate::report::Plain;
use clap::Args;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// The playbook that does it.
const PLAYBOOK: &str = include_str!("clean.yml");

/// What `vent clean` takes.
#[derive(Args, Debug)]
pub struct CleanCommand {
    /// The hosts, as patterns.
    #[arg(required = true)]
    hosts: Vec<String>,
    #[command(flatten)]
    project: project::Options,
    /// Become root, to do it for all accounts of the hosts.
    #[arg(short = 'b', long = "become")]
    r#become: bool,
    /// How to become root: sudo, su, doas.
    #[arg(long)]
    become_method: Option<String>,
    /// More words.
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
}

/// The playbook, in a folder of its own while it is read.
fn written(hosts: &str) -> Result<TempDir, Error> {
    let text = PLAYBOOK.replacen("HOSTS", &serde_json::Value::from(hosts).to_string(), 1);
    let made = tempfile::tempdir().and_then(|folder| {
        std::fs::write(folder.path().join("clean.yml"), text)?;
        Ok(folder)
    });
    made.map_err(|error| {
        Error::new(format!("cannot write into {}", std::env::temp_dir().display())).cause(error)
    })
}

/// Runs the command; gives the exit code.
///
/// # Errors
/// Everything that is wrong in the inventory and the options.
pub async fn clean(command: &CleanCommand) -> Result<i32, Errors> {
    let project = project::Project::open_for(
        &command.project,
        Some(Path::new("playbooks/clean.yml")),
        project::Purpose::Reaching,
    )?;
    let written = written(&command.hosts.join(","))?;
    let playbooks = run::load(&project.loader, &[written.path().join("clean.yml")])?;
    drop(written);
    let graph = Graph::of(&playbooks)?;
    let inventory = project.inventory()?;
    let mut extra = (*project.extra).clone();
    let remote_tmp = project.remote_tmp.as_deref().unwrap_or(REMOTE_TMP);
    extra.insert("remote_tmp".into(), remote_tmp.into());
    let settings = Settings {
        title: "vent clean".into(),
        verbosity: command.verbose,
        lock_timeout: Duration::from_secs(600),
        extra: extra.into(),
        r#become: command.r#become,
        become_method: command.become_method.clone(),
        // What is configured for runs is not meant for this playbook of Vent's own.
        tags: vec![],
        skip_tags: vec![],
        ..project.settings()
    };
    project.wake(&graph, &inventory, None).await?;
    let reporter = Box::new(Plain::new(std::io::stdout(), settings.verbosity, false));
    Ok(run::watch(&project, graph, inventory, settings, vec![reporter]).await?)
}
