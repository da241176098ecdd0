//! Which variables a host has: what its sources, `group_vars` and `host_vars` say, by Ansible's precedence.

use super::vars_plugins::PluginVariables;
use super::{Group, Host, Inventory};
use crate::error::{Collector, Errors};
use crate::model::load::variable_files;
use crate::model::{Loader, Variables};
use crate::value::merged;
use crate::words::component;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Gives every host its variables.
pub(super) fn settle(inventory: &mut Inventory, loader: &Loader, errors: &mut Collector) {
    let all = inventory.hosts.keys().chain([&inventory.localhost.name]);
    let mut files = Files::new(inventory, all, loader, errors);
    let groups = layers(inventory.groups.values(), &mut files);
    let mut shared = Variables::new();
    for group in groups.iter().filter(|group| &*group.name == "all") {
        for layer in [&group.inventory, &group.beside, &group.playbook] {
            files.put(&mut shared, layer);
        }
    }
    inventory.shared = Arc::new(shared);
    for host in inventory.hosts.values_mut().chain([&mut inventory.localhost]) {
        host.variables = Arc::new(of_host(host, &groups, &mut files));
    }
    // The Python of hosts is none of this computer's, whatever `all` says.
    let own = files.of_host(&inventory.localhost.name);
    if !own.contains_key(INTERPRETER) {
        Arc::make_mut(&mut inventory.localhost.variables).shift_remove(INTERPRETER);
    }
}

/// The variable that names the Python of a host.
const INTERPRETER: &str = "ansible_python_interpreter";

/// Gives one host its variables anew, after a run has added to it or to its groups.
pub(super) fn settle_host(inventory: &mut Inventory, name: &str, loader: &Loader, errors: &mut Collector) {
    let Some(host) = inventory.hosts.get(name) else {
        return;
    };
    let mut files = Files::new(inventory, [&host.name].into_iter(), loader, errors);
    let own = |group: &&Group| &*group.name == "all" || host.groups.contains(&group.name);
    let groups = layers(inventory.groups.values().filter(own), &mut files);
    let variables = Arc::new(of_host(host, &groups, &mut files));
    if let Some(host) = inventory.hosts.get_mut(name) {
        host.variables = variables;
    }
}

/// What sources and files say of each group and of each host itself.
#[derive(Clone, Debug, Default)]
pub struct Stated {
    /// Of groups, by name.
    pub groups: HashMap<Arc<str>, Variables>,
    /// Of hosts, by name, without what their groups say.
    pub hosts: HashMap<Arc<str>, Variables>,
}

impl Inventory {
    /// What sources and files say of each group and of each host itself.
    ///
    /// # Errors
    /// What is wrong in the files.
    pub fn stated(&self, loader: &Loader) -> Result<Stated, Errors> {
        let mut errors = Collector::default();
        let mut files = Files::new(self, self.hosts.keys(), loader, &mut errors);
        let layers = layers(self.groups.values(), &mut files);
        let groups = layers.into_iter().map(|layers| {
            let mut variables = layers.inventory;
            files.put(&mut variables, &layers.beside);
            files.put(&mut variables, &layers.playbook);
            (layers.name, variables)
        });
        let groups = groups.collect();
        let hosts = self.hosts.values().map(|host| {
            let mut variables = host.own.clone();
            put_files_of(host, &mut variables, &mut files);
            (host.name.clone(), variables)
        });
        let hosts = hosts.collect();
        errors.finish(Stated { groups, hosts })
    }
}

/// What is said of groups, the weakest first.
fn layers<'a>(groups: impl Iterator<Item = &'a Group>, files: &mut Files<'_>) -> Vec<Layers> {
    let mut layers: Vec<Layers> = groups
        .map(|group| Layers {
            name: group.name.clone(),
            rank: (group.depth, group.priority, group.name.clone()),
            inventory: group.variables.clone(),
            beside: files.beside("group_vars", &group.name),
            playbook: files.playbook("group_vars", &group.name),
        })
        .collect();
    layers.sort_by(|left, right| left.rank.cmp(&right.rank));
    layers
}

/// The variables of a host, out of those of its groups and its own.
fn of_host(host: &Host, groups: &[Layers], files: &mut Files<'_>) -> Variables {
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
            files.put(&mut variables, pick(group));
        }
    }
    files.put(&mut variables, &host.own);
    put_files_of(host, &mut variables, files);
    variables
}

/// Puts upon variables what the files of a host say.
fn put_files_of(host: &Host, variables: &mut Variables, files: &mut Files<'_>) {
    let own = files.of_host(&host.name);
    files.put(variables, &own);
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
    /// What vars plugins say.
    plugins: PluginVariables,
    /// The folders of the sources, and that of the playbook.
    around: [Vec<PathBuf>; 2],
    read: HashMap<PathBuf, Variables>,
}

impl<'a> Files<'a> {
    /// Puts variables upon weaker ones.
    fn put(&self, variables: &mut Variables, more: &Variables) {
        for (name, placed) in more {
            let mut placed = placed.clone();
            if let Some(weaker) = variables.get(name).filter(|_| self.loader.merges_hashes) {
                placed.value = merged(&weaker.value, &placed.value);
            }
            variables.insert(name.clone(), placed);
        }
    }

    fn new<'b>(
        inventory: &Inventory,
        hosts: impl Iterator<Item = &'b Arc<str>>,
        loader: &'a Loader,
        errors: &'a mut Collector,
    ) -> Files<'a> {
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
        let playbook = inventory.playbook_folder.iter();
        let playbook: Vec<PathBuf> = playbook
            .map(|folder| std::path::absolute(folder.join(".")).unwrap_or_else(|_| folder.clone()))
            .filter(|folder| !beside.contains(folder))
            .collect();
        let around = [&beside[..], &playbook];
        let hosts = hosts.map(|name| &**name);
        let plugins = PluginVariables::ask(inventory, hosts, &around, loader, errors);
        Files {
            loader,
            errors,
            plugins,
            around: [beside, playbook],
            read: HashMap::new(),
        }
    }

    fn beside(&mut self, kind: &str, name: &str) -> Variables {
        self.of(kind, name, 0)
    }

    fn playbook(&mut self, kind: &str, name: &str) -> Variables {
        self.of(kind, name, 1)
    }

    /// What the files of a host say.
    fn of_host(&mut self, name: &str) -> Variables {
        let mut variables = self.beside("host_vars", name);
        let playbook = self.playbook("host_vars", name);
        self.put(&mut variables, &playbook);
        variables
    }

    fn of(&mut self, kind: &str, name: &str, at: usize) -> Variables {
        let said = self.plugins.of(at, kind, name);
        let mut variables = said.weaker;
        let in_files = self.in_files(kind, name, &self.around[at].clone());
        self.put(&mut variables, &in_files);
        self.put(&mut variables, &said.stronger);
        variables
    }

    fn in_files(&mut self, kind: &str, name: &str, folders: &[PathBuf]) -> Variables {
        let mut variables = Variables::new();
        // The name of a host may hold what no file name can, and `..` is another folder.
        if component(name) != name {
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
                let more = self.file(file);
                self.put(&mut variables, &more);
            }
        }
        variables
    }

    fn file(&mut self, path: PathBuf) -> Variables {
        if let Some(known) = self.read.get(&path) {
            return known.clone();
        }
        let variables = self.errors.take(self.loader.variables(&path)).unwrap_or_default();
        let variables = Arc::unwrap_or_clone(variables);
        self.read.insert(path, variables.clone());
        variables
    }
}
