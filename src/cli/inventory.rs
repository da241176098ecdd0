//! `vent inventory`: shows the hosts, groups and variables there are, as ansible-inventory does.

use super::project::{Options, Project};
use crate::error::cures::HOSTS_ARE_SHOWN;
use crate::error::{Error, Errors, nearest};
use crate::inventory::{Inventory, pattern};
use crate::value::{Value, json};
use clap::Args;
use std::path::PathBuf;

/// What `vent inventory` takes.
#[derive(Args, Debug)]
pub struct InventoryCommand {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    form: Form,
    /// The playbook beside which `group_vars` and `host_vars` are searched too.
    #[arg(long)]
    playbook: Option<PathBuf>,
    /// The group the graph begins with.
    #[arg(default_value = "all")]
    group: String,
}

/// One of these.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Form {
    /// Everything as JSON.
    #[arg(long)]
    list: bool,
    /// The variables of a host as JSON.
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// Groups and hosts as a tree.
    #[arg(long)]
    graph: bool,
    /// A YAML inventory that ansible-playbook reads. Vaulted values are in clear in it.
    #[arg(long)]
    export: bool,
}

/// Runs the command.
///
/// # Errors
/// Everything that is wrong in the inventory; a host or group that does not exist.
pub fn run(command: &InventoryCommand) -> Result<(), Errors> {
    let project = Project::open(&command.options, command.playbook.as_deref())?;
    let inventory = project.inventory()?;
    for warning in project.loader.take_warnings() {
        super::say(&warning.to_string());
    }
    let text = if let Some(name) = &command.form.host {
        let variables = inventory.view().host_variables(name);
        shown(&variables.ok_or_else(|| pattern::nobody(&inventory, name))?)
    } else if command.form.graph {
        let graph = inventory.view().graph(&command.group, false);
        graph.ok_or_else(|| no_group(&inventory, &command.group))?
    } else if command.form.export {
        inventory.export()
    } else {
        shown(&inventory.view().list())
    };
    super::print(&text);
    Ok(())
}

/// JSON with masked secrets, sorted as ansible-inventory sorts it.
fn shown(value: &Value) -> String {
    let masked: Value = serde_json::Value::from(value).into();
    format!("{}\n", json(&masked, Some(4), true))
}

fn no_group(inventory: &Inventory, name: &str) -> Error {
    let error = Error::new(format!("there is no group `{name}`"));
    error
        .help(HOSTS_ARE_SHOWN)
        .did_you_mean(nearest(name, inventory.groups.keys().map(|group| &**group)))
}
