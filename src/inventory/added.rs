//! Hosts and groups that a run adds while it goes on (`add_host`, `group_by`).

use super::builder::{count_depths, groups_of};
use super::{Group, Host, Inventory, variables};
use crate::error::{Collector, Error, Errors};
use crate::model::{Loader, Variables};
use std::sync::Arc;

impl Inventory {
    /// Adds a host, or groups and variables to one that is there; true if that changes anything. What
    /// `group_vars` and `host_vars` say of it and its groups counts from then on.
    ///
    /// # Errors
    /// What is wrong in the files of variables.
    pub fn add(
        &mut self,
        name: &str,
        groups: &[String],
        variables: Variables,
        loader: &Loader,
    ) -> Result<bool, Errors> {
        let name: Arc<str> = name.into();
        let mut changed = !self.hosts.contains_key(&name);
        let host = self.hosts.entry(name.clone()).or_insert_with(|| Host {
            name: name.clone(),
            variables: Arc::default(),
            own: Variables::default(),
            groups: vec![],
            place: None,
        });
        for (key, placed) in variables {
            changed |= host.own.get(&key).map(|known| &known.value) != Some(&placed.value);
            host.own.insert(key, placed);
        }
        for group in groups {
            let group = self.group(group);
            changed |= group.hosts.insert(name.clone());
        }
        let grouped = |group: &Group| !matches!(&*group.name, "all" | "ungrouped");
        let grouped = self
            .groups
            .values()
            .any(|group| grouped(group) && group.hosts.contains(&name));
        if let Some(ungrouped) = self.groups.get_mut("ungrouped") {
            match grouped {
                true => drop(ungrouped.hosts.shift_remove(&name)),
                false => drop(ungrouped.hosts.insert(name.clone())),
            }
        }
        self.settle(&name, loader).map(|()| changed)
    }

    /// Makes one group the child of another, both made if they are not there; true if that changes anything.
    ///
    /// # Errors
    /// A group that would become one below itself.
    pub fn hang(&mut self, child: &str, parent: &str) -> Result<bool, Error> {
        let (child, parent) = (self.group(child).name.clone(), self.group(parent).name.clone());
        let mut above = vec![parent.clone()];
        while let Some(name) = above.pop() {
            if name == child {
                return Err(Error::new(format!(
                    "the group `{parent}` would become a group below itself, by `{child}`"
                )));
            }
            above.extend(
                self.groups
                    .get(&name)
                    .into_iter()
                    .flat_map(|group| group.parents.iter().cloned()),
            );
        }
        let changed = self.group(&parent).children.insert(child.clone());
        self.group(&child).parents.insert(parent);
        count_depths(&mut self.groups);
        Ok(changed)
    }

    /// A group, made below `all` if it is not there.
    fn group(&mut self, name: &str) -> &mut Group {
        let name: Arc<str> = name.into();
        if !self.groups.contains_key(&name)
            && let Some(all) = self.groups.get_mut("all")
        {
            all.children.insert(name.clone());
        }
        self.groups.entry(name.clone()).or_insert_with(|| Group {
            name,
            parents: [Arc::from("all")].into_iter().collect(),
            depth: 1,
            priority: 1,
            ..Group::default()
        })
    }

    /// What follows for a host from its groups.
    fn settle(&mut self, name: &Arc<str>, loader: &Loader) -> Result<(), Errors> {
        let groups = groups_of(&self.groups, name);
        if let Some(host) = self.hosts.get_mut(name) {
            host.groups = groups;
        }
        let mut errors = Collector::default();
        variables::settle_host(self, name, loader, &mut errors);
        errors.finish(())
    }
}
