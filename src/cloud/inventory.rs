//! What the inventories of all cloud providers have in common: options, cache, groups and variables out of
//! expressions, and the names that the shipped playbooks rely on.

mod asked;
mod cache;
mod constructed;
pub(super) mod contract;
pub(super) mod options;

use crate::cloud::machines::Machines;
use crate::cloud::machines::given::Given;
use crate::error::{Error, Errors, Result};
use crate::value::Value;
use crate::yaml::Node;
use indexmap::{IndexMap, IndexSet};
use options::Common;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;

pub use asked::Asked;
pub(super) use contract::Addresses;

/// A file that says `plugin: NAME`.
pub struct PluginFile<'a> {
    /// Where it is.
    pub path: &'a Path,
    /// Its content.
    pub value: Value,
    /// Its content with places.
    pub root: &'a Node,
}

/// An inventory plugin that asks a provider.
pub trait Plugin: Sync {
    /// What stands behind `plugin:`.
    fn name(&self) -> &'static str;

    /// What the provider tells of its machines, and which machines the file asks for.
    ///
    /// # Errors
    /// Wrong options, with their places; a service that does not answer.
    fn read(&self, file: &PluginFile<'_>) -> Result<(CloudInventory, Option<Asked>), Errors>;
}

/// Hosts and groups as a provider tells them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CloudInventory {
    /// The variables of the hosts by name, in order.
    pub hosts: IndexMap<String, serde_json::Map<String, Json>>,
    /// The groups by name, in order.
    pub groups: IndexMap<String, CloudGroup>,
}

/// A group as a provider tells it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CloudGroup {
    /// Its hosts.
    pub hosts: IndexSet<String>,
    /// The groups below it.
    pub children: IndexSet<String>,
}

impl CloudInventory {
    /// A group, made if it is not there.
    pub fn group(&mut self, name: &str) -> &mut CloudGroup {
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

/// What an inventory plugin is to its provider: reads its own options and asks its API.
pub(super) trait ProviderInventory: Sync {
    /// The options of this provider alone.
    type Options: serde::de::DeserializeOwned + Send + Sync;

    /// What stands behind `plugin:`.
    fn name(&self) -> &'static str;

    /// What the API tells.
    fn find(
        &self,
        options: &Self::Options,
        common: &Common,
    ) -> impl Future<Output = Result<CloudInventory>> + Send;

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

impl<P: ProviderInventory> Plugin for P {
    fn name(&self) -> &'static str {
        ProviderInventory::name(self)
    }

    /// Options, then cache or API, then expressions.
    fn read(&self, file: &PluginFile<'_>) -> Result<(CloudInventory, Option<Asked>), Errors> {
        let (common, own) = options::read::<P::Options>(file)?;
        let asked = asked::read(self, &own, &common, file)?;
        let mut inventory = match cache::read(file, &common) {
            Some(kept) => kept,
            None => {
                let told = run(self.find(&own, &common))?;
                cache::write(file, &common, &told)?;
                told
            }
        };
        if let Some(asked) = &asked {
            asked::describe(&mut inventory, &*asked.machines);
        }
        constructed::apply(&mut inventory, &common)?;
        contract::default_etcd(&mut inventory);
        Ok((inventory, asked))
    }
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
        let mut found = CloudInventory::default();
        found.hosts.insert("a".into(), Default::default());
        assert_eq!(found.free_name("a", &["zone", "id"]), "a-zone");
        found.hosts.insert("a-zone".into(), Default::default());
        assert_eq!(found.free_name("a", &["zone", "id"]), "a-id");
        assert_eq!(found.free_name("b", &[]), "b");
    }
}
