//! `--version` under Ansible's names: the form that callers look for, filled with what is true.

use crate::bridge::VERSION;
use crate::error::Errors;
use crate::model::configuration::Configuration;
use crate::value::{Value, repr};
use std::path::{Path, PathBuf};

/// The text for a command.
///
/// # Errors
/// An `ansible.cfg` that cannot be read.
pub fn text(name: &str) -> Result<String, Errors> {
    let configuration = Configuration::read()?;
    let file = configuration.file.as_deref().map_or("None".into(), shown);
    let library = Value::list(
        configuration
            .library
            .iter()
            .map(|path| Value::string(shown(path))),
    );
    let collections: Vec<String> = configuration
        .collections_path
        .iter()
        .map(|path| shown(path))
        .collect();
    let program: PathBuf = std::env::current_exe().unwrap_or_else(|_| name.into());
    Ok(format!(
        "{name} [core {VERSION}] (Vent {})\n  \
         config file = {file}\n  \
         configured module search path = {}\n  \
         ansible collection location = {}\n  \
         executable location = {}\n",
        env!("CARGO_PKG_VERSION"),
        repr(&library),
        collections.join(":"),
        shown(&program),
    ))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
