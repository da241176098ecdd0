//! Roles.

use super::{Item, Variables};
use std::path::PathBuf;
use std::sync::Arc;

/// A role as it lies in its folder. Its tasks and handlers stand where it is used.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// Its name as it was asked for.
    pub name: String,
    /// Its folder, as it was found.
    pub folder: PathBuf,
    /// The same from the root of this computer (`role_path`).
    pub path: String,
    /// `defaults/main.yml`.
    pub defaults: Arc<Variables>,
    /// `vars/main.yml`.
    pub vars: Arc<Variables>,
    /// The names of the roles it depends on.
    pub dependencies: Vec<String>,
    /// `allow_duplicates` of `meta/main.yml`.
    pub allow_duplicates: bool,
}

/// What an `include_role` or `include_tasks` brings while running.
#[derive(Clone, Debug, PartialEq)]
pub struct IncludedItems {
    /// The tasks; of a role the blocks of its dependencies, then its own.
    pub items: Vec<Item>,
    /// Handlers of the role, or of roles that the file imports.
    pub handlers: Vec<Item>,
    /// The roles that were read, dependencies first.
    pub roles: Vec<Arc<Role>>,
}
