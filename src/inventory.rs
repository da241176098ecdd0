//! Inventories: hosts, groups and their variables; and the patterns that choose among them.

mod added;
mod builder;
#[cfg(test)]
mod example;
mod export;
mod ini;
pub mod pattern;
pub mod plugin;
mod range;
mod script;
mod source;
mod variables;
mod vars_plugins;
mod view;
mod yaml_file;

use crate::cloud::inventory::Asked;
use crate::lab::Lab;
use crate::model::{Placed, Variables};
use crate::source::{Place, Source};
use crate::value::Map;
use indexmap::{IndexMap, IndexSet};
use std::path::PathBuf;
use std::sync::Arc;

pub use builder::Builder;
pub use variables::Stated;
pub use view::View;

/// All hosts and groups of all sources.
#[derive(Clone, Debug)]
pub struct Inventory {
    /// The hosts by name, in the order they were first named.
    pub hosts: IndexMap<Arc<str>, Host>,
    /// This computer, for when no source names `localhost`: it is no member of any group, but has the variables
    /// of `all`.
    pub localhost: Host,
    /// What the group `all` says, wherever it is said: the variables that every host has unless something nearer
    /// says otherwise.
    pub shared: Arc<Variables>,
    /// The groups by name; `all` and `ungrouped` always exist.
    pub groups: IndexMap<Arc<str>, Group>,
    /// The files and folders it was read from, absolute.
    pub sources: Vec<PathBuf>,
    /// The folder of the playbook, which may have variables of hosts and groups too.
    pub playbook_folder: Option<PathBuf>,
    /// The labs its files describe.
    pub labs: Vec<Lab>,
    /// The machines that its files ask for.
    pub machines: Vec<Asked>,
}

impl Default for Inventory {
    /// An inventory with nobody in it but this computer.
    fn default() -> Inventory {
        Builder::default().finish()
    }
}

/// A host.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// Its name in the inventory (`inventory_hostname`).
    pub name: Arc<str>,
    /// Its variables: what the sources, `group_vars`, `host_vars` and groups say, by Ansible's precedence,
    /// not yet rendered. The magic variables are not among them.
    pub variables: Arc<Variables>,
    /// What the inventory sources alone say of the host itself.
    pub own: Variables,
    /// The groups it belongs to, parents included, without `all`, sorted by name (`group_names`).
    pub groups: Vec<Arc<str>>,
    /// Where it was first named.
    pub place: Option<Place>,
}

/// A group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Its name.
    pub name: Arc<str>,
    /// What the inventory sources say of it.
    pub variables: Variables,
    /// Its child groups.
    pub children: IndexSet<Arc<str>>,
    /// Its own hosts, without those of child groups.
    pub hosts: IndexSet<Arc<str>>,
    /// The groups it is a child of.
    pub parents: IndexSet<Arc<str>>,
    /// Steps from `all`, along the longest way.
    pub depth: usize,
    /// `ansible_group_priority`.
    pub priority: i64,
}

impl Inventory {
    /// The hosts of a group and of all groups below it, in Ansible's order: its own, then level by level those
    /// of its children; `None`: no such group.
    pub fn hosts_of(&self, group: &str) -> Option<Vec<&Host>> {
        let mut ordered: IndexSet<&Arc<str>> = IndexSet::new();
        ordered.insert(&self.groups.get(group)?.name);
        let mut at = 0;
        while let Some(name) = ordered.get_index(at) {
            if let Some(group) = self.groups.get(*name) {
                ordered.extend(&group.children);
            }
            at += 1;
        }
        let groups = ordered.iter().filter_map(|name| self.groups.get(*name));
        let names: IndexSet<&Arc<str>> = groups.flat_map(|group| &group.hosts).collect();
        Some(
            names
                .into_iter()
                .filter_map(|name| self.hosts.get(name))
                .collect(),
        )
    }

    /// A host by its name; `localhost`, `127.0.0.1` and `::1` are this computer even if no source names them.
    pub fn host(&self, name: &str) -> Option<&Host> {
        let local = LOCALHOST.contains(&name).then_some(&self.localhost);
        self.hosts.get(name).or(local)
    }
}

/// Variables as a mapping.
fn mapping(variables: &Variables) -> Map {
    let entries = variables.iter();
    entries
        .map(|(name, placed)| (name.clone(), placed.value.clone()))
        .collect()
}

/// Names of this computer that need no inventory.
pub const LOCALHOST: &[&str] = &["localhost", "127.0.0.1", "::1"];

/// This computer, reached without a connection.
fn implicit_localhost() -> Host {
    let source = Source::named("built in", String::new());
    let place = Place::new(&source, 0..0);
    let own = [("ansible_connection", "local")];
    Host {
        name: Arc::from("localhost"),
        variables: Arc::default(),
        own: own
            .into_iter()
            .map(|(name, value)| (name.into(), Placed::new(value, &place)))
            .collect(),
        groups: vec![],
        place: None,
    }
}
