//! Which modules a task may name: those of Vent, and those that Ansible gets past when it reads a playbook. A task with one of the
//! latter fails when it is reached.

use super::collections;
use super::reader::Reader;
use super::{CONTROL_WORDS, Known};
use crate::error::cures::MODULES_ARE_LISTED;
use crate::error::{Error, nearest};
use crate::model::task::short;
use crate::model::{Keywords, Scope};
use crate::module::{self, Entry};
use crate::source::Place;
use std::path::{Path, PathBuf};

impl Known {
    /// True if a task may name this module.
    pub(super) fn has(&self, name: &str) -> bool {
        CONTROL_WORDS.contains(&short(name)) || self.module(name).is_some()
    }

    /// The module of a name.
    pub(super) fn module(&self, name: &str) -> Option<&'static Entry> {
        module::find_in(self.modules, name)
    }

    fn unknown_module(&self, name: &str, place: &Place, keywords: &[&str]) -> Error {
        let error = Error::new(format!("no module is called `{name}`")).at(place);
        let names = self.modules.iter().flat_map(|entry| entry.names);
        let names = names.chain(CONTROL_WORDS).chain(keywords).copied();
        let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_string();
        let same = |known: &&str| last(known) == last(name) || last(known) == short(name);
        let near = nearest(name, names.clone()).or_else(|| names.clone().find(same));
        error.help(MODULES_ARE_LISTED).did_you_mean(near)
    }
}

/// Where a module lies that Vent does not have.
enum Elsewhere {
    /// In a collection: its name, and its folder if it is on this computer.
    Collection(String, Option<PathBuf>),
    /// In a folder of the project.
    Library(PathBuf),
}

impl Elsewhere {
    fn error(&self, name: &str, place: &Place) -> Error {
        let error = match self {
            Elsewhere::Collection(collection, _) if collection == "ansible.builtin" => {
                Error::new(format!("Vent does not have Ansible's module `{name}`"))
            }
            Elsewhere::Collection(collection, folder) => {
                let error = Error::new(format!(
                    "Vent does not have the module `{name}` of the collection {collection}"
                ));
                match folder {
                    Some(folder) => error.cause(format!("the collection lies in {}", folder.display())),
                    None => error,
                }
            }
            Elsewhere::Library(folder) => {
                Error::new(format!("Vent does not run the module `{name}` of the project"))
                    .cause(format!("it lies in {}", folder.display()))
            }
        };
        error.at(place).help(MODULES_ARE_LISTED)
    }
}

impl Reader<'_> {
    /// Whether a task may name this module: `None` if Vent has it, the error of the task if only Ansible has it.
    ///
    /// # Errors
    /// What Ansible refuses when it reads the playbook: no module has this name.
    pub(super) fn resolved(
        &self,
        name: &str,
        place: &Place,
        (own, scope): (&Keywords, &Scope),
        keywords: &[&str],
    ) -> Result<Option<Error>, Error> {
        // What a template names is seen when the task is reached.
        if self.loader.known.has(name) || name.contains("{{") {
            return Ok(None);
        }
        match self.elsewhere(name, own, scope) {
            Some(elsewhere) => Ok(Some(elsewhere.error(name, place))),
            None => Err(self.loader.known.unknown_module(name, place, keywords)),
        }
    }

    fn elsewhere(&self, name: &str, own: &Keywords, scope: &Scope) -> Option<Elsewhere> {
        let plain = short(name);
        if let Some((collection, module)) = collections::parted(plain) {
            let folder = self.collection(collection);
            let has = folder
                .as_deref()
                .is_none_or(|folder| self.has_module(folder, module));
            return has.then(|| Elsewhere::Collection(collection.to_string(), folder));
        }
        let listed = module::collection_of(plain);
        if name.starts_with("ansible.builtin.") {
            return listed
                .filter(|collection| *collection == "ansible.builtin")
                .map(|collection| Elsewhere::Collection(collection.to_string(), None));
        }
        if let Some(folder) = self
            .library(scope)
            .find(|folder| collections::is_module(folder, plain))
        {
            return Some(Elsewhere::Library(folder));
        }
        let searched = self.searched_collections(own, scope);
        let with = searched.into_iter().find_map(|collection| {
            let folder = self.collection(&collection);
            let has = folder
                .as_deref()
                .is_none_or(|folder| self.has_module(folder, plain));
            has.then_some(Elsewhere::Collection(collection, folder))
        });
        with.or_else(|| {
            listed
                .map(|collection| Elsewhere::Collection(collection.to_string(), self.collection(collection)))
        })
    }

    /// True if a collection has a module of this name, or says in `meta/runtime.yml` where it has gone.
    fn has_module(&self, collection: &Path, name: &str) -> bool {
        let is_routed = || {
            let root = self.kept_root(&collection.join("meta/runtime.yml")).ok()??;
            let routing = root.get("plugin_routing")?;
            let entries = ["modules", "action"].iter().filter_map(|kind| routing.get(kind));
            Some(entries.filter_map(|entries| entries.get(name)).count() > 0)
        };
        collections::has_file(collection, name) || is_routed() == Some(true)
    }

    /// The folder of a collection: beside the playbook, then along `collections_path`.
    pub(super) fn collection(&self, name: &str) -> Option<PathBuf> {
        let beside = self.folder.join("collections");
        let own = collections::around(&self.folder)
            .and_then(|(_, folder)| Some(folder.parent()?.parent()?.to_path_buf()));
        let paths: Vec<PathBuf> = std::iter::once(beside)
            .chain(own)
            .chain(self.loader.search.collections.iter().cloned())
            .collect();
        collections::folder(&paths, name)
    }

    /// The collections in which short names are searched: those of the nearest `collections`, that of the role or playbook
    /// itself.
    pub(super) fn searched_collections(&self, own: &Keywords, scope: &Scope) -> Vec<String> {
        let listed = std::iter::once(own).chain(scope.chain().map(|scope| &scope.keywords));
        let listed = listed
            .map(|keywords| &keywords.collections)
            .find(|names| !names.is_empty());
        let role = scope.role().and_then(|role| collections::around(&role.folder));
        let around = role.or_else(|| collections::around(&self.folder));
        let core = |name: &String| name == "ansible.builtin" || name == "ansible.legacy";
        let names = listed.into_iter().flatten().cloned();
        around
            .map(|(name, _)| name)
            .into_iter()
            .chain(names)
            .filter(|name| !core(name))
            .collect()
    }

    /// The folders with modules of the project: `library` of the roles around, beside the playbook, and those of the configuration.
    fn library(&self, scope: &Scope) -> impl Iterator<Item = PathBuf> {
        let mut folders: Vec<PathBuf> = vec![];
        for base in scope.roles().map(|role| &role.folder).chain([&self.folder]) {
            folders.push(base.join("library"));
            folders.push(base.join("action_plugins"));
        }
        folders.extend(self.loader.search.library.iter().cloned());
        folders.into_iter()
    }
}
