//! A module that Vent does not have and Ansible finds: where it lies, and what is around it.

use super::style::{Style, interpreter};
use std::path::PathBuf;

/// What the full names of a project's modules begin with.
const OF_PROJECT: &str = "ansible.legacy.";

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

    /// True if it is a module of the project, and none of a package that Python imports.
    pub(super) fn is_of_project(&self) -> bool {
        self.name.starts_with(OF_PROJECT)
    }

    /// The name that ansible-core builds it by: it puts what stands before the short name of a module of the project there itself.
    pub(super) fn built_name(&self) -> &str {
        self.name.strip_prefix(OF_PROJECT).unwrap_or(&self.name)
    }

    /// True if ansible-core is needed to run it.
    pub fn needs_core(&self) -> bool {
        self.style == Style::Python
    }
}
