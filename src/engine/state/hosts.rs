//! The inventory and the hosts of a run.

use super::host::Host;
use super::run::RunState;
use crate::error::{Error, Result};
use crate::inventory::{Inventory, pattern};
use crate::model::{Placed, Variables};
use crate::module::InventoryChange;
use crate::source::Place;
use crate::value::{Unknown, Value};
use indexmap::IndexMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// The inventory of a run, and those hosts of it that were used.
pub struct Hosts {
    inventory: RwLock<Arc<Inventory>>,
    /// The magic variable `groups`, until the inventory changes.
    groups: Mutex<Option<Value>>,
    used: Mutex<IndexMap<Arc<str>, Arc<Host>>>,
    /// What tasks have changed (`add_host`, `group_by`), which stays when the inventory is read anew.
    changes: Mutex<Vec<Change>>,
}

/// What a task has changed: its host, the change, and the place of the task.
type Change = (Arc<str>, InventoryChange, Place);

impl Hosts {
    /// The hosts of an inventory, none of them used.
    pub fn new(inventory: Inventory) -> Hosts {
        Hosts {
            inventory: RwLock::new(Arc::new(inventory)),
            groups: Mutex::default(),
            used: Mutex::default(),
            changes: Mutex::default(),
        }
    }

    /// The inventory as it is now.
    pub fn inventory(&self) -> Arc<Inventory> {
        self.inventory
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn change<T>(&self, change: impl FnOnce(&mut Inventory) -> T) -> T {
        let mut inventory = self.inventory.write().unwrap_or_else(PoisonError::into_inner);
        let done = change(Arc::make_mut(&mut inventory));
        *self.groups.lock().unwrap_or_else(PoisonError::into_inner) = None;
        done
    }

    fn used(&self) -> MutexGuard<'_, IndexMap<Arc<str>, Arc<Host>>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The host of a name, made at its first use.
    pub fn host(&self, name: &str) -> Arc<Host> {
        let mut used = self.used();
        if let Some(host) = used.get(name) {
            return host.clone();
        }
        let host = Arc::new(Host::new(name));
        used.insert(host.name.clone(), host.clone());
        host
    }

    /// The hosts that were used in this run.
    pub fn all_used(&self) -> Vec<Arc<Host>> {
        self.used().values().cloned().collect()
    }

    /// True if the host was used in this run.
    pub fn is_used(&self, name: &str) -> bool {
        self.used().contains_key(name)
    }

    /// The magic variable `groups`.
    pub fn groups(&self) -> Value {
        let mut kept = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(groups) = &*kept {
            return groups.clone();
        }
        let inventory = self.inventory();
        let groups = Value::map(inventory.groups.keys().map(|name| {
            let hosts = inventory.hosts_of(name).unwrap_or_default();
            (
                name.to_string(),
                Value::list(hosts.into_iter().map(|host| Value::String(host.name.clone()))),
            )
        }));
        *kept = Some(groups.clone());
        groups
    }

    /// What would decide everything about a host that is not there yet; `None` for all others.
    pub fn expected(&self, name: &str) -> Option<Arc<Unknown>> {
        let inventory = self.inventory();
        let address = inventory.hosts.get(name)?.own.get("ansible_host")?;
        match &address.value {
            Value::Unknown(origin) => Some(origin.clone()),
            _ => None,
        }
    }
}

impl RunState {
    /// Adds a host, or groups and variables to one that is there; true if that changes anything.
    ///
    /// # Errors
    /// What is wrong in the files of variables of its groups.
    pub fn add_host(&self, name: &str, groups: &[String], variables: Variables) -> Result<bool> {
        let changed = self
            .hosts
            .change(|inventory| inventory.add(name, groups, variables, &self.loader))?;
        self.learn_secrets_of(name);
        Ok(changed)
    }

    /// Puts a host into a group, and the group below others; true if that changes anything.
    ///
    /// # Errors
    /// A group that would be one below itself; what is wrong in the files of variables of the groups.
    pub fn put_into_group(&self, host: &str, group: &str, parents: &[String]) -> Result<bool> {
        let changed = self.hosts.change(|inventory| {
            let mut changed = false;
            for parent in parents {
                changed |= inventory.hang(group, parent)?;
            }
            let groups = [group.to_string()];
            let joined = inventory.add(host, &groups, Variables::default(), &self.loader)?;
            Ok::<_, Error>(changed | joined)
        })?;
        self.learn_secrets_of(host);
        Ok(changed)
    }

    /// Changes the inventory as a task of a host, at `place`, wants it, for the rest of the run; true if that changes anything.
    ///
    /// # Errors
    /// What is wrong in the files of variables of the groups; a group that would be one below itself.
    pub fn change_inventory(&self, host: &Arc<str>, change: InventoryChange, place: &Place) -> Result<bool> {
        let change = (host.clone(), change, place.clone());
        // Held meanwhile, so that an inventory which is read anew has either all of it or is given it.
        let mut changes = self.hosts.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = self.apply(&change)?;
        if changed {
            changes.push(change);
        }
        Ok(changed)
    }

    fn apply(&self, (host, change, place): &Change) -> Result<bool> {
        match change {
            InventoryChange::Host {
                name,
                groups,
                variables,
            } => {
                let placed = variables
                    .iter()
                    .map(|(name, value)| (name.clone(), Placed::new(value.clone(), place)));
                self.add_host(name, groups, placed.collect())
            }
            InventoryChange::Group { name, parents } => self.put_into_group(host, name, parents),
        }
    }

    /// Puts an inventory in the place of the old one, and makes the changes of tasks once more, but for groups of hosts that are gone.
    fn exchange_inventory(&self, inventory: Inventory) -> Result<()> {
        let changes = self.hosts.changes.lock().unwrap_or_else(PoisonError::into_inner);
        self.hosts.change(|old| *old = inventory);
        for change in &*changes {
            let is_there = || self.hosts.inventory().hosts.contains_key(&change.0);
            if matches!(change.1, InventoryChange::Host { .. }) || is_there() {
                self.apply(change)?;
            }
        }
        Ok(())
    }

    /// Reads the inventory anew (`meta: refresh_inventory`); what tasks have added stays.
    ///
    /// # Errors
    /// What is wrong in it now.
    pub async fn refresh(&self) -> Result<()> {
        let reload = self.reload.clone();
        let read = tokio::task::spawn_blocking(move || reload())
            .await
            .map_err(|error| Error::new("reading the inventory broke").cause(error))?;
        let inventory = read.map_err(|errors| {
            let mut errors = errors.0.into_iter();
            let first = errors
                .next()
                .unwrap_or_else(|| Error::new("the inventory cannot be read"));
            errors.fold(first, |first, other| first.cause(other.line()))
        })?;
        self.exchange_inventory(inventory)?;
        self.learn_secrets();
        Ok(())
    }

    /// The hosts of a pattern, those of `--limit` only.
    ///
    /// # Errors
    /// A pattern that makes no sense, with its place; one that matches nothing, where that is an error.
    pub fn resolve(&self, pattern: &Value, place: &Place) -> Result<Vec<Arc<str>>> {
        let inventory = self.hosts.inventory();
        let mut hosts = pattern::hosts(&inventory, pattern, place)?;
        let unmatched = pattern::unmatched(&inventory, pattern, place)?;
        self.warn(&self.settings.rules.mismatch.judged(unmatched)?);
        if let Some(limited) = &self.limited {
            hosts.retain(|name| limited.hosts.contains(name));
        }
        Ok(hosts)
    }
}
