//! What the inventories of all cloud providers have in common: options, cache, groups and variables out of
//! expressions, and the names that the shipped playbooks rely on.

mod cache;
mod constructed;
mod contract;
mod exoscale;
mod machines;
mod options;
mod packet;
mod proxmox;
mod proxmox_facts;

use super::builder::Builder;
use super::plugin::{InventoryPlugin, Settings};
use crate::error::{Error, Errors, Result};
use crate::machines::Machines;
use crate::machines::given::Given;
use crate::model::Placed;
use crate::provider::access::process_environment;
use crate::source::Place;
use crate::value::Value;
use indexmap::{IndexMap, IndexSet};
use options::Common;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;

pub use contract::Addresses;
pub use exoscale::ExoscaleInventory;
pub use machines::Asked;
pub use packet::PacketInventory;
pub use proxmox::ProxmoxInventory;

/// Hosts and groups as a provider tells them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The variables of the hosts by name, in order.
    pub hosts: IndexMap<String, serde_json::Map<String, Json>>,
    /// The groups by name, in order.
    pub groups: IndexMap<String, FoundGroup>,
}

/// A group as a provider tells it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FoundGroup {
    /// Its hosts.
    pub hosts: IndexSet<String>,
    /// The groups below it.
    pub children: IndexSet<String>,
}

impl Found {
    /// A group, made if it is not there.
    pub fn group(&mut self, name: &str) -> &mut FoundGroup {
        self.groups.entry(name.to_string()).or_default()
    }

    /// Puts a host into a group.
    pub fn put(&mut self, host: &str, group: &str) {
        self.group(group).hosts.insert(host.to_string());
    }

    /// Puts a group below another.
    pub fn nest(&mut self, parent: &str, child: &str) {
        self.group(parent).children.insert(child.to_string());
    }

    /// `wanted`, or with one of `more` behind a dash if there is such a host already.
    pub fn free_name(&self, wanted: &str, more: &[&str]) -> String {
        if !self.hosts.contains_key(wanted) {
            return wanted.to_string();
        }
        let longer = more.iter().map(|text| format!("{wanted}-{text}"));
        let mut longer = longer.filter(|name| !self.hosts.contains_key(name));
        longer.next().unwrap_or_else(|| wanted.to_string())
    }
}

/// One provider: reads its own options and asks its API.
trait Cloud: Sync {
    /// The options of this provider alone.
    type Options: serde::de::DeserializeOwned;

    /// What the API tells.
    fn find(&self, options: &Self::Options, common: &Common) -> impl Future<Output = Result<Found>> + Send;

    /// What stands behind `machines:` in the file at `path`.
    ///
    /// # Errors
    /// Everything that is wrong in it, with its places.
    fn machines(
        &self,
        options: &Self::Options,
        common: &Common,
        given: Given<'_>,
        path: &Path,
    ) -> Result<Arc<dyn Machines>, Errors>;
}

/// Letters, digits and `_` only, as Ansible makes names of groups; a digit does not come first.
pub fn group_name(text: &str) -> String {
    text.chars()
        .enumerate()
        .map(|(at, letter)| {
            let fits = letter.is_alphanumeric() || letter == '_';
            if fits && !(at == 0 && letter.is_numeric()) {
                letter
            } else {
                '_'
            }
        })
        .collect()
}

/// Reads a plugin file for a provider: options, then cache or API, then expressions.
fn load<C: Cloud>(cloud: &C, settings: &Settings<'_>, builder: &mut Builder) -> Result<(), Errors>
where
    C::Options: Send + Sync,
{
    let (common, own) = options::read::<C::Options>(settings)?;
    let asked = machines::read(cloud, &own, &common, settings)?;
    let mut found = match cache::read(settings, &common) {
        Some(found) => found,
        None => {
            let found = run(cloud.find(&own, &common))?;
            cache::write(settings, &common, &found)?;
            found
        }
    };
    if let Some(asked) = asked {
        machines::describe(&mut found, &*asked.machines);
        builder.machines.push(asked);
    }
    constructed::apply(&mut found, &common)?;
    contract::default_etcd(&mut found);
    build(found, builder, &settings.root.place)?;
    Ok(())
}

/// Runs a question to its end, on a thread of its own: the caller may be inside a runtime.
fn run<T: Send>(work: impl Future<Output = Result<T>> + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| Error::new("cannot start asking the provider").cause(error))?
                .block_on(work)
        });
        let failed = || Err(Error::new("asking the provider ended before its time"));
        asked.join().unwrap_or_else(|_| failed())
    })
}

/// Hands everything over.
fn build(found: Found, builder: &mut Builder, place: &Place) -> Result<()> {
    for (name, variables) in found.hosts {
        builder.add_host(&name, "all", Some(place));
        for (variable, value) in variables {
            // What a provider tells is never rendered.
            let value = Value::from(value).untrusted();
            builder.set_host_variable(&name, &variable, Placed::new(value, place));
        }
    }
    for (name, group) in found.groups {
        builder.add_group(&name);
        for host in group.hosts {
            builder.add_host(&host, &name, Some(place));
        }
        for child in group.children {
            builder.add_child(&name, &child, Some(place))?;
        }
    }
    Ok(())
}

macro_rules! plugins {
    ($($type:ident),*) => {$(
        impl InventoryPlugin for $type {
            fn name(&self) -> &'static str {
                self.0
            }

            fn load(&self, settings: &Settings<'_>, builder: &mut Builder) -> Result<(), Errors> {
                load(self, settings, builder)
            }
        }
    )*};
}

plugins!(PacketInventory, ExoscaleInventory, ProxmoxInventory);

/// The environment that tokens are read from.
fn environment(name: &str) -> Option<String> {
    process_environment(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_groups_have_letters_digits_and_underscores() {
        assert_eq!(group_name("exo_zone_ch-gva-2"), "exo_zone_ch_gva_2");
        assert_eq!(group_name("9lives"), "_lives");
        assert_eq!(group_name("a b.c"), "a_b_c");
    }

    #[test]
    fn a_name_that_is_taken_gets_more() {
        let mut found = Found::default();
        found.hosts.insert("a".into(), Default::default());
        assert_eq!(found.free_name("a", &["zone", "id"]), "a-zone");
        found.hosts.insert("a-zone".into(), Default::default());
        assert_eq!(found.free_name("a", &["zone", "id"]), "a-id");
        assert_eq!(found.free_name("b", &[]), "b");
    }
}
