//! What vars plugins of others say of groups and hosts, through the user's own ansible-core: asked once for all of them.

use super::Inventory;
use crate::bridge::unmarked;
use crate::error::{Collector, Error};
use crate::model::{Loader, Placed, Variables};
use crate::source::{Place, Source};
use crate::value::{Map, Value};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What they say for folders beside the sources and for those of the playbook.
#[derive(Default)]
pub(super) struct PluginVariables {
    parts: Vec<Value>,
}

/// What is said of one group or host.
#[derive(Default)]
pub(super) struct Said {
    /// What files say is stronger.
    pub weaker: Variables,
    /// It is stronger than what files say.
    pub stronger: Variables,
}

impl PluginVariables {
    /// Asks of these hosts and of all groups.
    pub(super) fn ask<'a>(
        inventory: &Inventory,
        hosts: impl Iterator<Item = &'a str>,
        around: &[&[PathBuf]],
        loader: &Loader,
        errors: &mut Collector,
    ) -> PluginVariables {
        let folder = inventory.playbook_folder.as_deref().unwrap_or(Path::new(""));
        let Some(folders) = loader.vars_plugins(folder) else {
            return PluginVariables::default();
        };
        if let Err(error) = loader.bridge.allowed_core() {
            let text = format!("vars plugins are not asked: {}", error.message());
            loader.warn(vec![Error::new(text)]);
            return PluginVariables::default();
        }
        let groups: Vec<&str> = inventory.groups.keys().map(|name| &**name).collect();
        let of = |name: &'a str| {
            let host = inventory.hosts.get(name);
            let all = host.map(|_| "all");
            let groups = host
                .into_iter()
                .flat_map(|host| host.groups.iter().map(|group| &**group));
            (name, all.into_iter().chain(groups).collect())
        };
        let hosts: HashMap<&str, Vec<&str>> = hosts.map(of).collect();
        match loader.bridge.variables(&groups, &hosts, around, &folders) {
            Ok(told) => {
                loader.warn(told.warnings.into_iter().map(Error::new).collect());
                PluginVariables { parts: told.parts }
            }
            Err(error) => {
                errors.push(Error::new("a vars plugin fails").cause(error.message()));
                PluginVariables::default()
            }
        }
    }

    /// What is said of a group (`group_vars`) or host (`host_vars`), for the folders of that number.
    pub(super) fn of(&self, at: usize, kind: &str, name: &str) -> Said {
        let found = self
            .parts
            .get(at)
            .and_then(|part| part.get(kind)?.get(name)?.as_list());
        let both = found.unwrap_or_default();
        let part = |at: usize| {
            both.get(at)
                .and_then(Value::as_map)
                .map(placed)
                .unwrap_or_default()
        };
        Said {
            weaker: part(0),
            stronger: part(1),
        }
    }
}

fn placed(variables: &Map) -> Variables {
    let source = Source::named("a vars plugin", String::new());
    let place = Place::new(&source, 0..0);
    let entries = variables.iter();
    entries
        .map(|(name, value)| (name.clone(), Placed::new(unmarked(value), &place)))
        .collect()
}
