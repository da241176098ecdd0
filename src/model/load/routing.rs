//! Names of modules and plugins in collections: where their redirections lead, and what keeps them from being there.

use super::collections;
use super::reader::Reader;
use crate::error::Error;
use crate::error::cures::MODULES_ARE_LISTED;
use crate::source::Place;
use crate::yaml::Node;
use std::path::{Path, PathBuf};

/// More redirections than any name has.
const REDIRECTIONS: usize = 10;

/// What ansible-core's own redirections stand in, below its folder.
const OF_CORE: &str = "config/ansible_builtin_runtime.yml";

/// Where a module or plugin lies that Vent does not have.
pub(super) enum Elsewhere {
    /// A program: its full name, its file, and the names that led there.
    File {
        name: String,
        path: PathBuf,
        names: Vec<String>,
    },
    /// An action plugin: its full name and its file.
    ActionPlugin(String, PathBuf),
    /// In a collection that is not on this computer.
    Missing(String),
    /// Where a collection leads further to one that is not on this computer: what it leads to.
    Redirected(String),
    /// The collection says that it is gone, and why.
    Gone(String),
    /// A module of ansible-core, which is not found: why.
    Core(Error),
}

/// Where a name leads.
pub(super) enum Led {
    /// To this name in ansible-core.
    Core(String),
    /// To this name in the collection in this folder.
    Collection {
        folder: PathBuf,
        full: String,
        name: String,
    },
}

impl Led {
    /// The short name.
    pub(super) fn name(&self) -> &str {
        match self {
            Led::Core(name) | Led::Collection { name, .. } => name,
        }
    }
}

impl Reader<'_> {
    /// Where a name leads in a collection, and all names along the way; `None` if it is led to something that is no name. `kinds` are
    /// its words in `meta/runtime.yml`.
    pub(super) fn led(
        &self,
        kinds: &[&str],
        word: &str,
        collection: &str,
        name: &str,
    ) -> Result<Option<(Led, Vec<String>)>, Elsewhere> {
        let (mut collection, mut name) = (collection.to_string(), name.to_string());
        let mut names = vec![];
        for _ in 0..REDIRECTIONS {
            let full = format!("{collection}.{name}");
            // Of its modules Vent knows where they went (`moved.txt`), also where there is no ansible-core.
            let is_core = collection == "ansible.builtin";
            if is_core && word == "module" {
                return Ok(Some((Led::Core(name), names)));
            }
            let folder = match is_core {
                true => None,
                false => Some(
                    self.collection(&collection)
                        .ok_or_else(|| match names.is_empty() {
                            true => Elsewhere::Missing(collection.clone()),
                            false => Elsewhere::Redirected(full.clone()),
                        })?,
                ),
            };
            names.push(full.clone());
            let routed = self.routed(folder.as_deref(), kinds, &name);
            let said = |kind: &str, name: &str| {
                let text = routed.as_ref()?.get(kind)?.get(name)?.text();
                text.map(str::to_string)
            };
            if let Some(text) = said("tombstone", "warning_text") {
                return Err(Elsewhere::Gone(text));
            }
            if let Some(text) = said("deprecation", "warning_text") {
                self.loader
                    .warn(vec![Error::new(format!("{full} has been deprecated. {text}"))]);
            }
            if let Some(next) = routed.as_ref().and_then(|routed| routed.get("redirect")?.text()) {
                let Some((to, rest)) = collections::parted(next) else {
                    return Ok(None);
                };
                (collection, name) = (to.to_string(), rest.to_string());
                continue;
            }
            let led = match folder {
                Some(folder) => Led::Collection { folder, full, name },
                None => Led::Core(name),
            };
            return Ok(Some((led, names)));
        }
        Ok(None)
    }

    /// What a collection, or ansible-core, says of a name.
    pub(super) fn routed(&self, collection: Option<&Path>, kinds: &[&str], name: &str) -> Option<Node> {
        let file = match collection {
            Some(folder) => folder.join("meta/runtime.yml"),
            None => self.loader.bridge.allowed_core().ok()?.folder.join(OF_CORE),
        };
        let root = self.kept_root(&file).ok()??;
        let routing = root.get("plugin_routing")?;
        let of = |kind: &&str| routing.get(kind).and_then(|entries| entries.get(name)).cloned();
        kinds.iter().find_map(of)
    }
}

impl Elsewhere {
    /// What is told of a module that is not run.
    pub(super) fn error(&self, name: &str, place: &Place) -> Error {
        let error = match self {
            Elsewhere::File { path, .. } => {
                Error::new(format!("Vent does not run the module `{name}`")).cause(format!("it lies in {}", path.display()))
            }
            Elsewhere::ActionPlugin(full, path) => {
                Error::new(format!("`{full}` is an action plugin, which Vent does not run"))
                    .cause(format!("it lies in {}", path.display()))
            }
            Elsewhere::Missing(collection) => Error::new(format!(
                "Vent does not have the module `{name}` of the collection {collection}, which is not on this computer"
            ))
            .help(format!("install it: `ansible-galaxy collection install {collection}`")),
            Elsewhere::Redirected(to) => Error::new(format!(
                "`{name}` leads to `{to}`, whose collection is not on this computer"
            )),
            Elsewhere::Gone(text) => Error::new(format!("the module `{name}` is gone: {text}")),
            Elsewhere::Core(error) => {
                let found = Error::new(format!("Vent does not have Ansible's module `{name}`"));
                let found = found.cause(error.message());
                match error.cure() {
                    Some(cure) => found.help(cure),
                    None => found,
                }
            }
        };
        let error = error.at(place);
        match error.cure() {
            Some(_) => error,
            None => error.help(MODULES_ARE_LISTED),
        }
    }
}
