//! Puts an inventory together out of what its sources say.

use super::{Group, Host, Inventory, range};
use crate::budget::RANGES;
use crate::cloud::inventory::Asked;
use crate::error::{Error, Result};
use crate::lab::Lab;
use crate::model::{GroupNames, Placed, Variables};
use crate::source::Place;
use crate::value::{merged, to_integer};
use indexmap::{IndexMap, IndexSet};
use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

/// An inventory that is being read.
pub struct Builder {
    pub(super) hosts: IndexMap<Arc<str>, BuiltHost>,
    pub(super) groups: IndexMap<Arc<str>, Group>,
    /// The files and folders it was read from.
    pub(super) sources: Vec<PathBuf>,
    /// What was read so far: files, and lists of hosts.
    pub(super) read: Vec<ReadSource>,
    /// The labs among its plugins' files.
    pub labs: Vec<Lab>,
    /// The machines that its plugins' files ask for.
    pub machines: Vec<Asked>,
    /// A mapping adds to one that a source before has set (`hash_behaviour=merge`).
    pub(super) merges_hashes: bool,
    /// What is done about names of groups with characters that no variable may have.
    pub(super) group_names: GroupNames,
    /// What is warned of, each once.
    pub(super) warnings: IndexSet<Cow<'static, str>>,
    /// What the names with ranges stand for so far.
    by_ranges: u64,
}

/// A source that was read.
pub(super) struct ReadSource {
    /// Its path, or the list of hosts.
    pub text: String,
    /// It asks nobody: neither a program nor a plugin.
    pub asks_nobody: bool,
}

/// A host as its sources describe it.
pub(super) struct BuiltHost {
    pub own: Variables,
    pub place: Option<Place>,
}

impl Default for Builder {
    fn default() -> Builder {
        let mut builder = Builder {
            hosts: IndexMap::new(),
            groups: IndexMap::new(),
            sources: vec![],
            read: vec![],
            labs: vec![],
            machines: vec![],
            merges_hashes: false,
            group_names: GroupNames::default(),
            warnings: IndexSet::new(),
            by_ranges: 0,
        };
        builder.add_group("all");
        builder.add_group("ungrouped");
        builder
    }
}

impl Builder {
    /// A group, made if it is not there.
    pub fn add_group(&mut self, name: &str) -> &mut Group {
        self.warnings
            .extend(self.group_names.warning(name).map(Cow::Borrowed));
        let name: Arc<str> = Arc::from(&*self.group_names.name(name));
        self.groups.entry(name.clone()).or_insert_with(|| Group {
            name,
            priority: 1,
            ..Group::default()
        })
    }

    /// Notes what the user is warned of, once.
    pub(super) fn note(&mut self, warning: String) {
        self.warnings.insert(Cow::Owned(warning));
    }

    /// The hosts that a name stands for, and the port behind it.
    ///
    /// # Errors
    /// A sentence that says what is wrong with a range; none is read out any more when they have stood for too many.
    pub(super) fn expand(&self, name: &str) -> Result<(Vec<String>, Option<u16>), String> {
        if name.contains('[') {
            RANGES.check(self.by_ranges)?;
        }
        range::expand(name)
    }

    /// Counts the hosts that one name stands for, each of which gets some variables.
    ///
    /// # Errors
    /// The sentence that names the budget, when the names of the inventory stand for too many.
    pub(super) fn count(&mut self, names: &[String], variables: usize) -> Result<(), String> {
        if names.len() > 1 {
            self.by_ranges += names.len() as u64 * (variables as u64 + 1);
        }
        RANGES.check(self.by_ranges)
    }

    /// A host, made if it is not there, in a group.
    pub fn add_host(&mut self, name: &str, group: &str, place: Option<&Place>) {
        let name: Arc<str> = Arc::from(name);
        self.hosts.entry(name.clone()).or_insert_with(|| BuiltHost {
            own: Variables::new(),
            place: place.cloned(),
        });
        self.add_group(group).hosts.insert(name);
    }

    /// Makes one group the child of another.
    ///
    /// # Errors
    /// When the parent is below the child already.
    pub fn add_child(&mut self, parent: &str, child: &str, place: Option<&Place>) -> Result<()> {
        let (parent, child) = (
            self.add_group(parent).name.clone(),
            self.add_group(child).name.clone(),
        );
        if parent == child || self.is_below(&parent, &child) {
            let error = Error::new(format!(
                "the group `{parent}` would become a group below itself, by `{child}`"
            ));
            return Err(error.at_some(place));
        }
        self.add_group(&parent).children.insert(child.clone());
        self.add_group(&child).parents.insert(parent);
        Ok(())
    }

    /// True if `group` is somewhere below `above`.
    fn is_below(&self, group: &str, above: &str) -> bool {
        let mut open = vec![Arc::from(above)];
        let mut seen: IndexSet<Arc<str>> = IndexSet::new();
        while let Some(name) = open.pop() {
            let Some(found) = self.groups.get(&name).filter(|_| seen.insert(name.clone())) else {
                continue;
            };
            if found.children.contains(group) {
                return true;
            }
            open.extend(found.children.iter().cloned());
        }
        false
    }

    /// Sets a variable of a host that was added before.
    pub fn set_host_variable(&mut self, host: &str, name: &str, value: Placed) {
        if let Some(host) = self.hosts.get_mut(host) {
            set(&mut host.own, name, value, self.merges_hashes);
        }
    }

    /// Sets a variable of a group; `ansible_group_priority` is its priority.
    ///
    /// # Errors
    /// When the priority is not a number.
    pub fn set_group_variable(&mut self, group: &str, name: &str, value: Placed) -> Result<()> {
        if name != "ansible_group_priority" {
            let merges = self.merges_hashes;
            set(&mut self.add_group(group).variables, name, value, merges);
            return Ok(());
        }
        let priority = to_integer(&value.value);
        let error = || Error::new("`ansible_group_priority` takes a whole number").at(&value.place);
        self.add_group(group).priority = priority.ok_or_else(error)?;
        Ok(())
    }

    /// Hangs what stands alone below `all`, sorts out `ungrouped`, and counts depths.
    pub fn finish(mut self) -> Inventory {
        let loose: Vec<Arc<str>> = self
            .groups
            .values()
            .filter(|group| &*group.name != "all" && group.parents.is_empty())
            .map(|group| group.name.clone())
            .collect();
        for name in loose {
            self.add_group(&name).parents.insert(Arc::from("all"));
            self.add_group("all").children.insert(name);
        }
        // `ungrouped` comes first, as Ansible makes it first.
        let all = self.add_group("all");
        if let Some(at) = all.children.get_index_of("ungrouped") {
            all.children.move_index(at, 0);
        }
        let names: Vec<Arc<str>> = self.hosts.keys().cloned().collect();
        for name in names {
            let special = |group: &&Group| &*group.name == "all" || &*group.name == "ungrouped";
            let grouped = self
                .groups
                .values()
                .filter(|group| !special(group))
                .any(|group| group.hosts.contains(&name));
            let ungrouped = self.add_group("ungrouped");
            if grouped {
                ungrouped.hosts.shift_remove(&name);
            } else {
                ungrouped.hosts.insert(name);
            }
        }
        count_depths(&mut self.groups);
        let names = |groups: &IndexMap<Arc<str>, Group>, host: &str| groups_of(groups, host);
        let hosts = self.hosts.into_iter().map(|(name, built)| {
            let host = Host {
                name: name.clone(),
                variables: Arc::default(),
                own: built.own,
                groups: names(&self.groups, &name),
                place: built.place,
            };
            (name, host)
        });
        Inventory {
            hosts: hosts.collect(),
            localhost: super::implicit_localhost(),
            shared: Arc::default(),
            groups: self.groups,
            sources: self.sources,
            playbook_folder: None,
            labs: self.labs,
            machines: self.machines,
        }
    }
}

/// Counts the steps from `all` to every group.
pub(super) fn count_depths(groups: &mut IndexMap<Arc<str>, Group>) {
    // There are no cycles, so this ends after as many rounds as there are levels.
    let mut changed = true;
    while changed {
        changed = false;
        let below = |group: &Group| {
            let depth = group.depth + 1;
            let children = group.children.iter().cloned();
            children.map(|child| (depth, child)).collect::<Vec<_>>()
        };
        let edges: Vec<(usize, Arc<str>)> = groups.values().flat_map(below).collect();
        for (depth, child) in edges {
            if let Some(group) = groups.get_mut(&child).filter(|group| group.depth < depth) {
                group.depth = depth;
                changed = true;
            }
        }
    }
}

/// The groups of a host, parents included, without `all`, sorted.
pub(super) fn groups_of(groups: &IndexMap<Arc<str>, Group>, host: &str) -> Vec<Arc<str>> {
    let direct = groups.values().filter(|group| group.hosts.contains(host));
    let mut open: Vec<&Arc<str>> = direct.map(|group| &group.name).collect();
    let mut found: IndexSet<Arc<str>> = IndexSet::new();
    while let Some(name) = open.pop() {
        if found.insert(name.clone()) {
            open.extend(groups.get(name).into_iter().flat_map(|group| &group.parents));
        }
    }
    let mut found: Vec<_> = found.into_iter().filter(|name| &**name != "all").collect();
    found.sort();
    found
}

/// Sets a variable; if `merges` says so, a mapping upon a mapping adds to it.
fn set(variables: &mut Variables, name: &str, mut new: Placed, merges: bool) {
    if let Some(old) = variables.get(name).filter(|_| merges) {
        new.value = merged(&old.value, &new.value);
    }
    variables.insert(name.into(), new);
}
