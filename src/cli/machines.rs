//! `vent machines`: the machines that an inventory asks a provider for, without a playbook.

use super::project::{Options, Project};
use crate::cloud::PROVIDERS;
use crate::cloud::inventory::Asked;
use crate::cloud::machines::Overview;
use crate::error::{Error, Errors, nearest};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

/// What `vent machines` takes.
#[derive(Subcommand, Debug)]
pub enum MachinesCommand {
    /// Tells what would be made, and makes nothing.
    Plan(MachinesOptions),
    /// Makes what is missing and waits until all machines answer.
    Apply(MachinesOptions),
    /// Removes what carries the tag of a cluster.
    Remove(RemoveOptions),
    /// Tells the options below `machines:` for a provider, as JSON schema.
    Options {
        /// The provider.
        provider: String,
    },
}

/// Which machines, and how they are told.
#[derive(Args, Debug)]
pub struct MachinesOptions {
    #[command(flatten)]
    project: Options,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What is to be removed.
#[derive(Args, Debug)]
pub struct RemoveOptions {
    #[command(flatten)]
    options: MachinesOptions,
    /// The name of the cluster.
    #[arg(long)]
    cluster: String,
    /// Only machines of these names.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only list what would be removed.
    #[arg(long)]
    check: bool,
}

/// Runs the command.
///
/// # Errors
/// Everything that is wrong in the inventory; what the provider refuses.
pub async fn run(command: &MachinesCommand) -> Result<(), Errors> {
    let tell = |text: String| super::say(&text);
    match command {
        MachinesCommand::Plan(options) => {
            for asked in asked(options, None)? {
                show(options, Work::Planned, &asked.machines.plan().await?);
            }
        }
        MachinesCommand::Apply(options) => {
            for asked in asked(options, None)? {
                let done = asked.machines.apply(&tell).await?;
                asked.forget_answers();
                show(options, Work::Done, &done);
            }
        }
        MachinesCommand::Remove(remove) => {
            for asked in asked(&remove.options, Some(&remove.cluster))? {
                let planned = asked.machines.removal(&remove.only).await?;
                if remove.check {
                    show(&remove.options, Work::Planned, &planned);
                    continue;
                }
                planned
                    .steps
                    .iter()
                    .for_each(|step| tell(format!("is to {step}")));
                let done = asked.machines.remove(&remove.only, &tell).await?;
                asked.forget_answers();
                show(&remove.options, Work::Done, &done);
            }
        }
        MachinesCommand::Options { provider } => options(provider)?,
    }
    Ok(())
}

/// What the inventory asks for.
fn asked(options: &MachinesOptions, cluster: Option<&str>) -> Result<Vec<Asked>, Errors> {
    let project = Project::open(&options.project, None)?;
    let inventory = project.inventory()?;
    let known: Vec<&str> = inventory
        .machines
        .iter()
        .map(|asked| asked.machines.cluster())
        .collect();
    let fits = |asked: &&Asked| cluster.is_none_or(|name| name == asked.machines.cluster());
    let found: Vec<Asked> = inventory.machines.iter().filter(fits).cloned().collect();
    if !found.is_empty() {
        return Ok(found);
    }
    Err(match (cluster, &known[..]) {
        (Some(cluster), [_, ..]) => Error::new(format!("the inventory has no cluster `{cluster}`"))
            .help(format!("its clusters are: {}", known.join(", "))),
        _ => Error::new("the inventory asks for no machines")
            .help("name a provider's file that has `machines`: -i inventory/exoscale.yml"),
    }
    .into())
}

/// What is told: a plan, or what was done by one.
#[derive(Clone, Copy, PartialEq)]
enum Work {
    Planned,
    Done,
}

fn show(options: &MachinesOptions, work: Work, overview: &Overview) {
    if options.json {
        super::print(&format!("{}\n", as_json(overview)));
        return;
    }
    let word = match work {
        Work::Planned => "would",
        Work::Done => "did",
    };
    for step in &overview.steps {
        super::print(&format!("{word} {step}\n"));
    }
    // What is done has told them at its beginning.
    for note in overview.notes.iter().filter(|_| work == Work::Planned) {
        super::print(&format!("{note}\n"));
    }
    for name in &overview.surplus {
        super::print(&format!("nobody asks for {name}\n"));
    }
    if overview.steps.is_empty() {
        super::print("nothing is to be done\n");
    }
}

fn as_json(overview: &Overview) -> Value {
    let machines = overview.machines.iter().map(|machine| {
        json!({"name": machine.name, "role": machine.role, "id": machine.id, "address": machine.address,
            "state": machine.state})
    });
    json!({
        "steps": overview.steps,
        "machines": machines.collect::<Vec<_>>(),
        "surplus": overview.surplus,
        "notes": overview.notes,
        "before": overview.before,
        "after": overview.after,
    })
}

fn options(provider: &str) -> Result<(), Errors> {
    let Some(known) = PROVIDERS.iter().find(|known| known.name == provider) else {
        let names: Vec<&str> = PROVIDERS.iter().map(|known| known.name).collect();
        let error = Error::new(format!("there is no provider `{provider}`"));
        return Err(error
            .help(format!("the providers are: {}", names.join(", ")))
            .did_you_mean(nearest(provider, names.iter().copied()))
            .into());
    };
    let schemas = (known.options)();
    let properties = |parts: &[schemars::Schema]| -> Value {
        let parts = parts
            .iter()
            .filter_map(|schema| schema.get("properties")?.as_object());
        Value::Object(
            parts
                .flatten()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        )
    };
    let mut whole = properties(&schemas.whole);
    whole["sets"] = json!({
        "type": "array",
        "description": "The sets of equal machines. What stands beside `sets` holds for each of them.",
        "items": {"type": "object", "properties": properties(&schemas.set)},
    });
    let shown = json!({"type": "object", "properties": whole});
    super::print(&format!("{shown:#}\n"));
    Ok(())
}
