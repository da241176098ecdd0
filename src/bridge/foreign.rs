//! A module that Vent does not have and Ansible finds: where it lies, and what is around it.

use super::style::{Style, interpreter};
use std::path::PathBuf;

/// A module that Vent does not have.
#[derive(Clone, Debug, PartialEq)]
pub struct Foreign {
    /// Its full name, behind all redirections: `community.general.ini_file`, `ansible.legacy.mine`.
    pub name: String,
    /// All names that lead to it, as written and along the redirections.
    pub names: Vec<String>,
    /// Its file.
    pub path: PathBuf,
    /// How it is run.
    pub style: Style,
    /// The words of its first line behind `#!`.
    pub interpreter: Vec<String>,
    /// Folders with module_utils of the project, the strongest first.
    pub module_utils: Vec<PathBuf>,
    /// Folders with collections, the strongest first.
    pub collections: Vec<PathBuf>,
}

impl Foreign {
    /// Reads the module's file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(name: String, path: PathBuf) -> std::io::Result<Foreign> {
        let text = std::fs::read(&path)?;
        Ok(Foreign {
            names: vec![name.clone()],
            name,
            style: Style::of(&text),
            interpreter: interpreter(&text),
            path,
            module_utils: vec![],
            collections: vec![],
        })
    }

    /// True if ansible-core is needed to run it.
    pub fn needs_core(&self) -> bool {
        self.style == Style::Python
    }
}
