//! Inventories: hosts, groups and their variables.

use super::Variables;
use crate::source::Place;
use indexmap::{IndexMap, IndexSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// All hosts and groups of all sources.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inventory {
    /// The hosts by name, in the order they were first named.
    pub hosts: IndexMap<Arc<str>, Host>,
    /// The groups by name; `all` and `ungrouped` always exist.
    pub groups: IndexMap<Arc<str>, Group>,
    /// The files and folders it was read from.
    pub sources: Vec<PathBuf>,
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
    /// The hosts of a group and of all groups below it, in the order of the inventory; `None`: no such group.
    pub fn hosts_of(&self, group: &str) -> Option<Vec<&Host>> {
        let mut seen = IndexSet::new();
        let mut found = IndexSet::new();
        let mut open = vec![self.groups.get(group)?];
        while let Some(group) = open.pop() {
            if !seen.insert(&group.name) {
                continue;
            }
            found.extend(&group.hosts);
            open.extend(group.children.iter().filter_map(|name| self.groups.get(name)));
        }
        let everything = group == "all";
        let hosts = self.hosts.values();
        Some(
            hosts
                .filter(|host| everything || found.contains(&host.name))
                .collect(),
        )
    }
}

/// The files with variables in a folder (`group_vars/all`, `defaults/main`), sorted, subfolders included:
/// those without an ending and those that end in `.yml`, `.yaml` or `.json`; hidden and backup files not.
pub fn variable_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return vec![];
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let visible = |path: &PathBuf| {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        !name.starts_with('.') && !name.ends_with('~')
    };
    let known = |path: &PathBuf| match path.extension() {
        Some(ending) => ["yml", "yaml", "json"].iter().any(|known| ending == *known),
        None => true,
    };
    let mut files = vec![];
    for path in paths.into_iter().filter(visible) {
        if path.is_dir() {
            files.extend(variable_files(&path));
        } else if known(&path) {
            files.push(path);
        }
    }
    files
}

/// temporary
pub fn load(
    sources: &[String],
    folder: &Path,
    loader: &super::load::Loader,
) -> crate::error::Result<Inventory, crate::error::Errors> {
    let _ = folder;
    let mut inventory = Inventory::default();
    for name in ["all", "ungrouped"] {
        inventory.groups.insert(
            name.into(),
            Group {
                name: name.into(),
                ..Group::default()
            },
        );
    }
    for source in sources {
        let path = Path::new(source);
        inventory
            .sources
            .push(std::path::absolute(path).unwrap_or_default());
        let values = loader.variables(path)?;
        let map = crate::value::Value::map(values.iter().map(|(k, v)| (k, v.value.clone())));
        let lab = crate::lab::Lab::load(&map)?;
        let all = loader.variables(&path.parent().unwrap_or(Path::new(".")).join("group_vars/all.yml"))?;
        for host in lab.inventory()? {
            let name: Arc<str> = host.name.as_str().into();
            let mut variables = all.clone();
            for (key, value) in host.vars.iter() {
                let place = Place::new(&crate::source::Source::named("lab", String::new()), 0..0);
                variables.insert(
                    key.clone(),
                    super::Placed {
                        value: value.clone(),
                        place,
                    },
                );
            }
            for group in host.groups.iter() {
                let group: Arc<str> = group.as_str().into();
                inventory
                    .groups
                    .entry(group.clone())
                    .or_insert_with(|| Group {
                        name: group.clone(),
                        ..Group::default()
                    })
                    .hosts
                    .insert(name.clone());
            }
            let mut groups: Vec<Arc<str>> = host.groups.iter().map(|g| Arc::from(g.as_str())).collect();
            groups.sort();
            inventory.hosts.insert(
                name.clone(),
                Host {
                    name,
                    variables: Arc::new(variables),
                    own: Variables::default(),
                    groups,
                    place: None,
                },
            );
        }
        if let Some(all_group) = inventory.groups.get_mut("all") {
            all_group.variables = all;
        }
    }
    Ok(inventory)
}
