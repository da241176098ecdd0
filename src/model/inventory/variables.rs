//! Which variables a host has: what its sources, `group_vars` and `host_vars` say, by Ansible's precedence.

use super::{Inventory, variable_files};
use crate::error::Collector;
use crate::model::{Loader, Variables};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Gives every host its variables.
pub(super) fn settle(
    inventory: &mut Inventory,
    loader: &Loader,
    playbook: Option<&Path>,
    errors: &mut Collector,
) {
    let mut beside: Vec<PathBuf> = vec![];
    for source in &inventory.sources {
        let folder = if source.is_dir() {
            source.clone()
        } else {
            folder_of(source)
        };
        if !beside.contains(&folder) {
            beside.push(folder);
        }
    }
    // A folder that is both counts for the playbook too, but its files say the same again.
    let playbook: Vec<PathBuf> = playbook
        .map(|folder| std::path::absolute(folder.join(".")).unwrap_or_else(|_| folder.to_path_buf()))
        .into_iter()
        .filter(|folder| !beside.contains(folder))
        .collect();
    let mut files = Files {
        loader,
        errors,
        read: HashMap::new(),
    };
    let mut groups: Vec<Layers> = vec![];
    for group in inventory.groups.values() {
        groups.push(Layers {
            name: group.name.clone(),
            rank: (group.depth, group.priority, group.name.clone()),
            inventory: group.variables.clone(),
            beside: files.of("group_vars", &group.name, &beside),
            playbook: files.of("group_vars", &group.name, &playbook),
        });
    }
    groups.sort_by(|left, right| left.rank.cmp(&right.rank));
    let mut shared = Variables::new();
    for group in groups.iter().filter(|group| &*group.name == "all") {
        for layer in [&group.inventory, &group.beside, &group.playbook] {
            put(&mut shared, layer);
        }
    }
    inventory.shared = Arc::new(shared);
    for host in inventory.hosts.values_mut().chain([&mut inventory.localhost]) {
        let own = |group: &&Layers| host.groups.contains(&group.name);
        let mine: Vec<&Layers> = groups.iter().filter(own).collect();
        let all: Vec<&Layers> = groups.iter().filter(|group| &*group.name == "all").collect();
        let mut variables = Variables::new();
        // The order of VARIABLE_PRECEDENCE's default: all_inventory, groups_inventory, all_plugins_inventory,
        // all_plugins_play, groups_plugins_inventory, groups_plugins_play, then the host's.
        for (groups, pick) in [
            (&all, Layers::inventory as fn(&Layers) -> &Variables),
            (&mine, Layers::inventory),
            (&all, Layers::beside),
            (&all, Layers::playbook),
            (&mine, Layers::beside),
            (&mine, Layers::playbook),
        ] {
            for group in groups {
                put(&mut variables, pick(group));
            }
        }
        put(&mut variables, &host.own);
        put(&mut variables, &files.of("host_vars", &host.name, &beside));
        put(&mut variables, &files.of("host_vars", &host.name, &playbook));
        host.variables = Arc::new(variables);
    }
}

/// What is said of a group, by where it is said.
struct Layers {
    name: Arc<str>,
    rank: (usize, i64, Arc<str>),
    inventory: Variables,
    beside: Variables,
    playbook: Variables,
}

impl Layers {
    fn inventory(&self) -> &Variables {
        &self.inventory
    }

    fn beside(&self) -> &Variables {
        &self.beside
    }

    fn playbook(&self) -> &Variables {
        &self.playbook
    }
}

fn put(variables: &mut Variables, more: &Variables) {
    for (name, placed) in more {
        variables.insert(name.clone(), placed.clone());
    }
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// Files of `group_vars` and `host_vars`, each read once.
struct Files<'a> {
    loader: &'a Loader,
    errors: &'a mut Collector,
    read: HashMap<PathBuf, Variables>,
}

impl Files<'_> {
    fn of(&mut self, kind: &str, name: &str, folders: &[PathBuf]) -> Variables {
        let mut variables = Variables::new();
        // The name of a host may hold what no file name can.
        if name.contains('/') {
            return variables;
        }
        for folder in folders {
            let base = folder.join(kind);
            let candidates =
                ["", ".yml", ".yaml", ".json"].map(|ending| base.join(format!("{name}{ending}")));
            let Some(found) = candidates.iter().find(|path| path.exists()) else {
                continue;
            };
            let files = if found.is_dir() {
                variable_files(found)
            } else {
                vec![found.clone()]
            };
            for file in files {
                put(&mut variables, &self.file(file));
            }
        }
        variables
    }

    fn file(&mut self, path: PathBuf) -> Variables {
        if let Some(known) = self.read.get(&path) {
            return known.clone();
        }
        let variables = self.errors.take(self.loader.variables(&path)).unwrap_or_default();
        self.read.insert(path, variables.clone());
        variables
    }
}
