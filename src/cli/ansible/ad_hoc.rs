//! `ansible`: one task that is typed on the command line.

use super::{Command, hosts};
use crate::cli::choices::Manner;
use crate::cli::project::{self, Purpose};
use crate::cli::run;
use crate::engine::Settings;
use crate::error::{Error, ErrorKind, Errors, Result};
use crate::graph::Graph;
use crate::model::load::AdHoc;
use crate::report::Reporter;
use crate::report::ansible::{Callback, Tree};
use clap::Parser;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Modules that do nothing without arguments.
const NEED_ARGUMENTS: [&str; 5] = ["command", "raw", "script", "shell", "expect"];

/// Defines and runs a single task against a set of hosts, by Vent.
#[derive(Parser, Debug)]
#[command(name = "ansible", infer_long_args = true)]
pub struct AdHocCommand {
    /// The hosts.
    pattern: String,
    #[command(flatten)]
    project: project::Options,
    #[command(flatten)]
    manner: Manner,
    /// The module.
    #[arg(short, long)]
    module_name: Option<String>,
    /// Its arguments: `name=value ...`, or an object as JSON.
    #[arg(short, long = "args", value_name = "MODULE_ARGS", allow_hyphen_values = true)]
    arguments: Option<String>,
    /// Leave out hosts that do not match this pattern.
    #[arg(short, long)]
    limit: Option<String>,
    /// Only list the hosts.
    #[arg(long)]
    list_hosts: bool,
    /// Run it as a job, which has failed after so many seconds.
    #[arg(short = 'B', long, value_name = "SECONDS", default_value_t = 0)]
    background: u64,
    /// Ask for a job every so many seconds; 0: do not wait for it.
    #[arg(short = 'P', long, value_name = "SECONDS")]
    poll: Option<u64>,
    /// It has failed after so many seconds.
    #[arg(long, value_name = "SECONDS")]
    task_timeout: Option<u64>,
    /// A line for each result.
    #[arg(short, long)]
    one_line: bool,
    /// Write the last result of each host into a file of its name in this folder.
    #[arg(short, long, value_name = "FOLDER")]
    tree: Option<PathBuf>,
    /// The folder whose `group_vars`, `roles` and plugins are used.
    #[arg(long, value_name = "FOLDER")]
    playbook_dir: Option<PathBuf>,
    /// Forget the facts that a cache holds. Vent keeps none.
    #[arg(long)]
    flush_cache: bool,
}

impl Command for AdHocCommand {
    async fn run(mut self) -> Result<i32, Errors> {
        self.project.named_as_ansible = true;
        let purpose = match self.list_hosts {
            true => Purpose::Reading,
            false => Purpose::Reaching,
        };
        let project = project::Project::open_in(&self.project, self.playbook_dir.take(), purpose)?;
        let inventory = project.inventory();
        run::tell_warnings(run::Output::Ansible, &project);
        let inventory = inventory?;
        let rules = project.settings().rules;
        let option_defaults = &project.option_defaults;
        let module = self
            .module_name
            .take()
            .or_else(|| option_defaults.module_name.clone());
        let module = module.unwrap_or_else(|| "command".into());
        let arguments = self
            .arguments
            .take()
            .or_else(|| option_defaults.module_args.clone());
        let arguments = arguments.unwrap_or_default();
        let chosen = hosts::limited(
            &inventory,
            &self.pattern,
            self.limit.as_deref(),
            hosts::MissingHosts {
                warns_of_empty: project.shown.localhost_warning.unwrap_or(true),
                mismatch: rules.mismatch,
            },
        )?;
        if self.list_hosts {
            let lines: String = chosen.iter().map(|host| format!("    {host}\n")).collect();
            crate::cli::print(&format!("  hosts ({}):\n{lines}", chosen.len()));
            return Ok(0);
        }
        check(&self.pattern, &module, &arguments)?;
        if chosen.is_empty() {
            return Ok(0);
        }
        let typed = AdHoc {
            pattern: self.pattern.clone(),
            module,
            arguments,
            timeout: self.task_timeout.unwrap_or(rules.task_timeout),
            background: self.background,
            poll: self.poll.or(rules.poll_interval).unwrap_or(15),
        };
        let playbook = Arc::new(project.loader.ad_hoc(&typed, &project.folder)?);
        let graph = Graph::of(&[playbook])?;
        crate::cli::unheeded::tell(run::Output::Ansible, &project);
        run::tell_warnings(run::Output::Ansible, &project);
        let settings = Settings {
            title: format!("ansible {} -m {}", typed.pattern, typed.module),
            within: std::env::var(crate::engine::WITHIN).ok(),
            lock_timeout: Duration::from_secs(600),
            limit: self.limit.clone(),
            ..self.manner.settings(project.settings())
        };
        project
            .wake(&graph, &inventory, settings.limit.as_deref())
            .await?;
        let reporters = self.reporters(&project, settings.verbosity);
        Ok(run::watch(&project, graph, inventory, settings, reporters).await?)
    }
}

impl AdHocCommand {
    /// Who shows the run.
    fn reporters(&self, project: &project::Project, verbosity: u8) -> Vec<Box<dyn Reporter>> {
        let callback = match (self.one_line, project.shown.bin_ansible_callbacks) {
            (true, _) => Callback::OneLine,
            (false, Some(true)) => super::callback(project),
            (false, _) => Callback::Default,
        };
        // The usual one of `ansible` is another than that of `ansible-playbook`.
        let callback = match callback {
            Callback::Default => Callback::Minimal,
            chosen => chosen,
        };
        let mut reporters = vec![super::reporter(callback, project, verbosity)];
        if let Some(folder) = &self.tree {
            reporters.push(Box::new(Tree::new(folder, crate::cli::say)));
        }
        reporters
    }
}

/// Refuses what is no task.
fn check(pattern: &str, module: &str, arguments: &str) -> Result<()> {
    let short = module.strip_prefix("ansible.builtin.").unwrap_or(module);
    let message = if NEED_ARGUMENTS.contains(&short) && arguments.is_empty() {
        let playbook = match pattern.ends_with(".yml") {
            true => " (did you mean to run ansible-playbook?)",
            false => "",
        };
        format!("No argument passed to {module} module{playbook}")
    } else if short == "import_playbook" {
        format!("'{module}' is not a valid action for ad-hoc commands")
    } else {
        return Ok(());
    };
    Err(Error::new(message).of_kind(ErrorKind::Options))
}
