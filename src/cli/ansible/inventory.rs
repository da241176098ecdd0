//! `ansible-inventory`: shows the hosts, groups and variables there are.

use super::document::Document;
use super::{Command, hosts};
use crate::cli::project::{self, Purpose};
use crate::cli::{print, run};
use crate::error::{Error, ErrorKind, Errors, Result};
use crate::inventory::{Inventory, LOCALHOST, Stated, View, pattern};
use crate::model::configuration::Mismatch;
use crate::report::ansible::file_used;
use crate::value::Value;
use clap::Parser;
use std::path::PathBuf;

/// Shows the inventory that Ansible sees, by Vent.
#[derive(Parser, Debug)]
#[command(name = "ansible-inventory", infer_long_args = true)]
pub struct InventoryCommand {
    /// The group that the graph begins with.
    #[arg(default_value = "all")]
    group: String,
    #[command(flatten)]
    project: project::Options,
    /// Everything.
    #[arg(long)]
    list: bool,
    /// The variables of a host.
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Groups and hosts as a tree.
    #[arg(long)]
    graph: bool,
    /// As YAML, not as JSON.
    #[arg(short, long)]
    yaml: bool,
    /// As TOML, not as JSON.
    #[arg(long)]
    toml: bool,
    /// With variables in the graph.
    #[arg(long)]
    vars: bool,
    /// Variables where they are stated, not with each host that has them.
    #[arg(long)]
    export: bool,
    /// Into this file.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Leave out hosts that do not match this pattern.
    #[arg(short, long)]
    limit: Option<String>,
    /// The folder whose `group_vars` and `host_vars` are read too.
    #[arg(long, value_name = "FOLDER")]
    playbook_dir: Option<PathBuf>,
    /// More words.
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Forget the facts that a cache holds. Vent keeps none.
    #[arg(long)]
    flush_cache: bool,
}

impl Command for InventoryCommand {
    async fn run(mut self) -> Result<i32, Errors> {
        self.check()?;
        self.project.named_as_ansible = true;
        let folder = self.playbook_dir.take();
        let project = project::Project::open_in(&self.project, folder, Purpose::Reading)?;
        let inventory = project.inventory();
        run::tell_warnings(run::Output::Ansible, &project);
        let inventory = inventory?;
        if self.verbose > 0 {
            print(&(file_used(project.config_file.as_deref()) + "\n"));
        }
        let limited = self.limit.as_deref();
        let limited = limited
            .map(|limit| pattern::limit(&inventory, limit))
            .transpose()?;
        let export = self.export || project.option_defaults.inventory_export;
        let stated = match export || self.vars {
            true => inventory.stated(&project.loader)?,
            false => Stated::default(),
        };
        let view = inventory.view().with_extra(&project.extra);
        let view = view.limited_to(limited.as_ref().map(|limited| &limited.hosts));
        let view = view.with_stated(&stated, export);
        let text = self.shown(&inventory, view, project.settings().rules.mismatch)?;
        match &self.output {
            None => print(&text),
            Some(path) => std::fs::write(path, text.trim_end_matches('\n')).map_err(|error| {
                Error::new(format!(
                    "Unable to write to destination file ({})",
                    path.display()
                ))
                .cause(error)
            })?,
        }
        Ok(0)
    }
}

impl InventoryCommand {
    /// Refuses what Ansible refuses.
    fn check(&self) -> Result<()> {
        let wanted = [self.list, self.graph, self.host.is_some()];
        let message = match wanted.iter().filter(|wanted| **wanted).count() {
            0 => "No action selected, at least one of --host, --graph or --list needs to be specified.",
            1 if self.toml && !self.graph => "Vent does not write TOML: `--yaml` and JSON are there",
            1 => return Ok(()),
            _ => {
                "Conflicting options used, only one of --host, --graph or --list can be used at the same time."
            }
        };
        Err(Error::new(message).of_kind(ErrorKind::Options))
    }

    fn shown(&self, inventory: &Inventory, view: View<'_>, mismatch: Mismatch) -> Result<String> {
        let wrong = |message: &str| Error::new(message).of_kind(ErrorKind::Options);
        if let Some(name) = &self.host {
            let found = match LOCALHOST.contains(&name.as_str()) {
                true => vec![name.as_str().into()],
                false => hosts::chosen(inventory, name, mismatch)?,
            };
            let variables = match &found[..] {
                [host] => view.host_variables(host),
                _ => None,
            };
            let variables =
                variables.ok_or_else(|| wrong("You must pass a single valid host to --host parameter"))?;
            return Ok(self.written(&variables));
        }
        if self.graph {
            let graph = view.graph(&self.group, self.vars);
            return graph.ok_or_else(|| wrong("Pattern must be valid group name when using --graph"));
        }
        Ok(match self.yaml {
            true => self.written(&view.tree()),
            false => self.written(&view.list()),
        })
    }

    /// JSON or YAML with masked secrets, sorted.
    fn written(&self, value: &Value) -> String {
        let masked: Value = serde_json::Value::from(value).into();
        let form = match self.yaml {
            true => Document::Yaml,
            false => Document::Json,
        };
        form.written(&masked)
    }
}
