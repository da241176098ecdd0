//! Which modules a task may name: those of Vent, those of others that can be run, and those that Ansible gets past when it reads a
//! playbook. A task with one of the last fails when it is reached.

use super::collections;
use super::reader::Reader;
use super::routing::{Elsewhere, Led};
use super::{CONTROL_WORDS, Known, Loader};
use crate::bridge::{Foreign, Style};
use crate::error::cures::MODULES_ARE_LISTED;
use crate::error::{Error, nearest};
use crate::model::task::short;
use crate::model::{Keywords, Scope};
use crate::module::{self, Entry};
use crate::source::Place;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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

/// What a name of a module stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolution {
    /// A module of Vent, or a name that is seen only when the task is reached.
    Own,
    /// A program that can be run.
    Foreign(Arc<Foreign>),
    /// Ansible may know it: the task fails with this when it is reached.
    Unresolved(Error),
}

impl Loader {
    /// What a name of a module stands for that was a template: in a task with these keywords and what is around it, of a playbook in
    /// this folder.
    ///
    /// # Errors
    /// No module has this name.
    pub fn resolved(
        &self,
        name: &str,
        place: &Place,
        around: (&Keywords, &Scope),
        folder: &Path,
    ) -> Result<Resolution, Error> {
        Reader::new(self, folder).resolved(name, place, around, &[])
    }
}

impl Reader<'_> {
    /// What the name of a module stands for.
    ///
    /// # Errors
    /// What Ansible refuses when it reads the playbook: no module has this name.
    pub(super) fn resolved(
        &self,
        name: &str,
        place: &Place,
        (own, scope): (&Keywords, &Scope),
        keywords: &[&str],
    ) -> Result<Resolution, Error> {
        // What a template names is seen when the task is reached.
        if name.contains("{{") || CONTROL_WORDS.contains(&short(name)) {
            return Ok(Resolution::Own);
        }
        let of_project = self.of_project(name, scope);
        if of_project.is_none() && self.loader.known.has(name) {
            return Ok(Resolution::Own);
        }
        match of_project.or_else(|| self.elsewhere(name, own, scope)) {
            Some(Elsewhere::File { name, path, names }) => Ok(self.foreign(name, path, names, scope, place)),
            Some(elsewhere) => Ok(Resolution::Unresolved(elsewhere.error(name, place))),
            None => Err(self.loader.known.unknown_module(name, place, keywords)),
        }
    }

    /// A module of the project's own, which is stronger than one of the same short name elsewhere. What Vent alone has stands there
    /// for `ansible-playbook`.
    fn of_project(&self, name: &str, scope: &Scope) -> Option<Elsewhere> {
        let plain = name.strip_prefix("ansible.legacy.").unwrap_or(name);
        if plain.contains('.') || plain.starts_with("vent_") {
            return None;
        }
        let full = format!("ansible.legacy.{plain}");
        let actions = self.of_roles_and_playbook("action_plugins", scope);
        if let Some(path) = actions
            .iter()
            .find_map(|folder| collections::module(folder, plain))
        {
            return Some(Elsewhere::ActionPlugin(full, path));
        }
        let mut folders = self.of_roles_and_playbook("library", scope);
        folders.extend(self.loader.search.library.iter().cloned());
        let path = folders
            .iter()
            .find_map(|folder| collections::module(folder, plain))?;
        Some(Elsewhere::File {
            names: vec![plain.to_string()],
            name: full,
            path,
        })
    }

    fn elsewhere(&self, name: &str, own: &Keywords, scope: &Scope) -> Option<Elsewhere> {
        let plain = short(name);
        if let Some((collection, module)) = collections::parted(plain) {
            return self.in_collection(collection, module);
        }
        let listed = module::collection_of(plain);
        if !name.starts_with("ansible.builtin.") {
            let searched = self.searched_collections(own, scope);
            let found = searched
                .iter()
                .find_map(|collection| self.in_collection(collection, plain));
            if found.is_some() {
                return found;
            }
        }
        match listed? {
            "ansible.builtin" => Some(self.in_core(plain)),
            collection if !name.starts_with("ansible.builtin.") => self.in_collection(collection, plain),
            _ => None,
        }
    }

    /// A module of ansible-core.
    fn in_core(&self, name: &str) -> Elsewhere {
        let core = match self.loader.bridge.allowed_core() {
            Ok(core) => core,
            Err(error) => return Elsewhere::Core(error),
        };
        let full = format!("ansible.builtin.{name}");
        if let Some(path) = collections::module(&core.folder.join("plugins/action"), name) {
            return Elsewhere::ActionPlugin(full, path);
        }
        match collections::module(&core.folder.join("modules"), name) {
            Some(path) => Elsewhere::File {
                names: vec![name.to_string()],
                name: full,
                path,
            },
            None => self.led_in_core(name).unwrap_or_else(|| {
                Elsewhere::Gone(format!("ansible-core {} does not have it", core.version))
            }),
        }
    }

    /// What ansible-core leads the name of an action to (`yum`: to `ansible.builtin.dnf`).
    fn led_in_core(&self, name: &str) -> Option<Elsewhere> {
        let routed = self.routed(None, &["action"], name)?;
        let (collection, next) = collections::parted(routed.get("redirect")?.text()?)?;
        match collection {
            // One that leads to itself is not followed.
            "ansible.builtin" if next == name => None,
            "ansible.builtin" => Some(self.in_core(next)),
            _ => self.in_collection(collection, next),
        }
    }

    /// A module of a collection, along the redirections in `meta/runtime.yml`; `None` if the collection does not have it.
    fn in_collection(&self, collection: &str, module: &str) -> Option<Elsewhere> {
        let (led, names) = match self.led(&["modules", "action"], "module", collection, module) {
            Ok(led) => led?,
            Err(elsewhere) => return Some(elsewhere),
        };
        let Led::Collection { folder, full, name } = led else {
            return Some(self.in_core(led.name()));
        };
        if let Some(path) = collections::file(&folder, "action", &name) {
            return Some(Elsewhere::ActionPlugin(full, path));
        }
        let path = collections::file(&folder, "modules", &name)?;
        Some(Elsewhere::File {
            name: full,
            path,
            names,
        })
    }

    /// A program as the project has it.
    fn foreign(
        &self,
        name: String,
        path: PathBuf,
        names: Vec<String>,
        scope: &Scope,
        place: &Place,
    ) -> Resolution {
        let shown = path.display().to_string();
        let mut module = match Foreign::read(name, path) {
            Ok(module) => module,
            Err(error) => {
                let error = Error::new(format!("cannot read the module {shown}")).cause(error);
                return Resolution::Unresolved(error.at(place));
            }
        };
        if module.style == Style::PowerShell {
            let error = Error::new(format!("{} is a module for Windows", module.name))
                .cause(format!("it lies in {shown}"));
            return Resolution::Unresolved(error.at(place).help("Vent runs no host of Windows"));
        }
        module.names.extend(names);
        module.module_utils = self.of_roles_and_playbook("module_utils", scope);
        module
            .module_utils
            .extend(self.loader.search.module_utils.iter().cloned());
        module.module_utils = there(module.module_utils);
        module.collections = self.all_collection_paths();
        module.path = whole(&module.path);
        Resolution::Foreign(Arc::new(module))
    }

    /// The folder of a collection: beside the playbook, along `collections_path`, then beside the user's ansible-core.
    pub(super) fn collection(&self, name: &str) -> Option<PathBuf> {
        collections::folder(&self.collection_paths(), name).or_else(|| {
            let core = self.loader.bridge.allowed_core().ok()?;
            collections::folder(&core.packages, name)
        })
    }

    /// The folders in which ansible-core finds collections, those beside it the last.
    pub(super) fn all_collection_paths(&self) -> Vec<PathBuf> {
        let mut paths = self.collection_paths();
        if let Ok(core) = self.loader.bridge.allowed_core() {
            paths.extend(core.packages.iter().cloned());
        }
        there(paths)
    }

    /// The folders in which collections are looked for.
    fn collection_paths(&self) -> Vec<PathBuf> {
        let beside = self.folder.join("collections");
        let own = collections::around(&self.folder)
            .and_then(|(_, folder)| Some(folder.parent()?.parent()?.to_path_buf()));
        std::iter::once(beside)
            .chain(own)
            .chain(self.loader.search.collections.iter().cloned())
            .collect()
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

    /// The folders of a kind (`library`, `module_utils`) of the roles around, beside the playbook, and of all roles that were read
    /// before, which the whole run sees.
    fn of_roles_and_playbook(&self, kind: &str, scope: &Scope) -> Vec<PathBuf> {
        let around = scope.roles().map(|role| role.folder.clone());
        let mut bases: Vec<PathBuf> = around.chain([self.folder.clone()]).collect();
        for folder in self.loader.read_roles() {
            if !bases.contains(&folder) {
                bases.push(folder);
            }
        }
        let folders = bases.into_iter().map(|base| base.join(kind));
        folders.filter(|folder| folder.is_dir()).collect()
    }
}

/// Those folders that are there, whole.
pub(super) fn there(folders: Vec<PathBuf>) -> Vec<PathBuf> {
    let folders = folders.into_iter().filter(|folder| folder.is_dir());
    folders.map(|folder| whole(&folder)).collect()
}

fn whole(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}
