//! `vent modules`: lists the modules, or tells the arguments of one and what it returns.

use crate::error::cures::MODULES_ARE_LISTED;
use crate::error::{Error, Errors, nearest};
use crate::model::load::CONTROL_WORDS;
use crate::model::task::short;
use crate::module::{self, EVERY, Entry, MODULES};
use clap::Args;
use std::fmt::Write;

/// What `vent modules` takes.
#[derive(Args, Debug)]
pub struct ModulesCommand {
    /// Tell the arguments of this module, and what it returns.
    name: Option<String>,
    /// The arguments as JSON schema.
    #[arg(long)]
    schema: bool,
}

/// Runs the command.
///
/// # Errors
/// A module that does not exist.
pub fn run(command: &ModulesCommand) -> Result<(), Errors> {
    let Some(name) = &command.name else {
        let lines: Vec<String> = MODULES
            .iter()
            .map(|entry| format!("{}\n", entry.names[0]))
            .collect();
        super::print(&lines.concat());
        return Ok(());
    };
    let Some(entry) = module::find(name) else {
        if CONTROL_WORDS.contains(&short(name)) {
            let error = Error::new(format!(
                "`{name}` is no module, but a word that plays and tasks are read with"
            ));
            return Err(error.help("it is used as in Ansible").into());
        }
        let error = Error::new(format!("unknown module `{name}`"));
        let known = MODULES.iter().flat_map(|entry| entry.names.iter().copied());
        return Err(error
            .help(MODULES_ARE_LISTED)
            .did_you_mean(nearest(name, known))
            .into());
    };
    let schema = (entry.schema)();
    if command.schema {
        super::print(&format!(
            "{}\n",
            serde_json::to_string_pretty(&schema).unwrap_or_default()
        ));
        return Ok(());
    }
    let mut out = format!("{}\n", entry.names.join(", "));
    for sentence in sentences(entry) {
        let _ = writeln!(out, "  {sentence}");
    }
    let required: Vec<&str> = schema
        .get("required")
        .and_then(|names| names.as_array())
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str())
        .collect();
    for (name, property) in schema
        .get("properties")
        .and_then(|found| found.as_object())
        .into_iter()
        .flatten()
    {
        let text = property
            .get("description")
            .and_then(|text| text.as_str())
            .unwrap_or_default();
        let mark = if required.contains(&name.as_str()) {
            " (required)"
        } else {
            ""
        };
        let _ = writeln!(out, "  {name}{mark}: {}", text.replace('\n', " "));
    }
    let _ = writeln!(out, "returns");
    for (name, meaning) in entry.returns.iter().chain([&EVERY]).copied().flatten() {
        let _ = writeln!(out, "  {name}: {meaning}");
    }
    super::print(&out);
    Ok(())
}

/// What is to be known of a module beside its arguments.
fn sentences(entry: &Entry) -> Vec<String> {
    let nature = entry.nature;
    let free = entry.free_form.filter(|name| !name.starts_with('_'));
    let texts = [
        (!nature.needs_host).then(|| "Works without the host of the task.".to_string()),
        nature
            .once
            .then(|| "Is done once for all hosts of the play.".to_string()),
        free.map(|name| format!("Text behind its name is `{name}`.")),
    ];
    texts.into_iter().flatten().collect()
}
