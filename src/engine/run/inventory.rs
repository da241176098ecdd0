//! The inventory and the hosts of a run.

use super::super::host::Host;
use super::Run;
use crate::error::Result;
use crate::inventory::{Inventory, pattern};
use crate::model::Variables;
use crate::source::Place;
use crate::value::Value;
use indexmap::IndexMap;
use std::sync::{Arc, MutexGuard, PoisonError};

impl Run {
    /// The inventory as it is now.
    pub(in crate::engine) fn inventory(&self) -> Arc<Inventory> {
        self.inventory
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Changes the inventory (`add_host`, `group_by`).
    pub(in crate::engine) fn change_inventory<T>(&self, change: impl FnOnce(&mut Inventory) -> T) -> T {
        let mut inventory = self.inventory.write().unwrap_or_else(PoisonError::into_inner);
        let done = change(Arc::make_mut(&mut inventory));
        *self.groups.lock().unwrap_or_else(PoisonError::into_inner) = None;
        done
    }

    /// Adds a host, or groups and variables to one that is there; true if that changes anything.
    ///
    /// # Errors
    /// What is wrong in the files of variables of its groups.
    pub(in crate::engine) fn add_host(
        &self,
        name: &str,
        groups: &[String],
        variables: Variables,
    ) -> Result<bool> {
        let changed =
            self.change_inventory(|inventory| inventory.add(name, groups, variables, &self.loader))?;
        self.learn_secrets();
        Ok(changed)
    }

    fn hosts(&self) -> MutexGuard<'_, IndexMap<Arc<str>, Arc<Host>>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The host of a name, made at its first use.
    pub(in crate::engine) fn host(&self, name: &str) -> Arc<Host> {
        self.hosts()
            .entry(name.into())
            .or_insert_with(|| Arc::new(Host::new(name)))
            .clone()
    }

    /// The hosts that were used in this run.
    pub(in crate::engine) fn known_hosts(&self) -> Vec<Arc<Host>> {
        self.hosts().values().cloned().collect()
    }

    /// True if the host was used in this run.
    pub(in crate::engine) fn is_known(&self, name: &str) -> bool {
        self.hosts().contains_key(name)
    }

    /// The magic variable `groups`.
    pub(in crate::engine) fn groups(&self) -> Value {
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

    /// The hosts of a pattern, those of `--limit` only.
    pub(in crate::engine) fn resolve(&self, pattern: &Value, place: &Place) -> Result<Vec<Arc<str>>> {
        let inventory = self.inventory();
        let mut hosts = pattern::hosts(&inventory, pattern, place)?;
        self.warn(&pattern::unmatched(&inventory, pattern, place)?);
        if let Some(limited) = &self.limited {
            hosts.retain(|name| limited.hosts.contains(name));
        }
        Ok(hosts)
    }
}
