//! Includes and imports of task files and roles.

use super::keyword::Level;
use super::reader::Reader;
use crate::error::cures::BESIDE_THE_FILE;
use crate::error::{Error, ErrorKind, nearest};
use crate::model::task::{Include, Included, RoleChoice, short};
use crate::model::{Block, Item, Keywords, Placed, Scope, ScopeKind, Task};
use crate::source::Place;
use crate::yaml::Node;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Arguments of `include_role` and `import_role`.
const OF_ROLES: &[&str] = &[
    "allow_duplicates",
    "apply",
    "defaults_from",
    "handlers_from",
    "name",
    "public",
    "role",
    "rolespec_validate",
    "tasks_from",
    "vars_from",
];

/// Those of them that name a file.
const FROM: [&str; 4] = ["defaults_from", "handlers_from", "tasks_from", "vars_from"];

impl Reader<'_> {
    /// A dynamic include; `node` is the task's.
    pub fn include(&mut self, task: Task, node: &Node) -> Option<Item> {
        let included = self.included(&task)?;
        let module = node
            .entries()?
            .iter()
            .find(|entry| entry.0.text() == Some(&task.action.module));
        let apply = module.and_then(|entry| entry.1.get("apply"));
        let mut keywords = Keywords::default();
        for (key, value) in apply.and_then(Node::entries).unwrap_or_default() {
            if !self.keyword(&mut keywords, Level::Block, key, value) {
                self.unknown_key(key, "`apply`", super::keyword::SHARED);
            }
        }
        Some(Item::Include(Arc::new(Include {
            task: Arc::new(task),
            included,
            apply: keywords,
        })))
    }

    /// An import: what it brings is a block at once.
    pub fn import(&mut self, task: Task, handlers: bool) -> Option<Item> {
        let module = task.action.module.clone();
        let place = task.place.clone();
        if let Some(r#loop) = &task.r#loop {
            let error = Error::new(format!(
                "`{module}` cannot be repeated: it is read before anything runs"
            ));
            let help = format!("write `{}`", module.replace("import", "include"));
            self.errors.push(error.at(&r#loop.items.place).help(help));
            return None;
        }
        let included = self.included(&task)?;
        let scope = Scope::below(&task.scope, ScopeKind::Include, task.keywords);
        let block = match included {
            Included::Tasks(file) => {
                let name = self.literal(&file, &module, &scope)?;
                let beside = place.source.path.clone();
                self.task_file(&name, beside.as_deref(), &file.place, &scope, handlers)
            }
            Included::Role(choice) => self.chosen_role(&choice, &scope, &place),
        };
        Some(Item::Block(Arc::new(Block {
            scope,
            block,
            rescue: vec![],
            always: vec![],
            place,
        })))
    }

    fn included(&mut self, task: &Task) -> Option<Included> {
        let role = short(&task.action.module).ends_with("role");
        let module = &task.action.module;
        let of_module: &[&str] = if role { OF_ROLES } else { &["apply", "file"] };
        // What is imported is read at once: there is nothing to be applied.
        let imports = short(module).starts_with("import_");
        let known = of_module.iter().copied();
        let known: Vec<&str> = known.filter(|name| !(imports && *name == "apply")).collect();
        let arguments = &task.action.arguments;
        let unknown: Vec<_> = arguments
            .iter()
            .filter(|entry| !known.contains(&&**entry.0))
            .collect();
        if let Some((first, argument)) = unknown.first() {
            let names: Vec<&str> = unknown.iter().map(|entry| &**entry.0).collect();
            let error = Error::new(format!("Invalid options for {module}: {}", names.join(",")));
            let error = error.help(format!("it takes {}", known.join(", ")));
            let near = nearest(first, known.iter().copied());
            self.errors
                .push(error.at(&argument.name_place).did_you_mean(near));
        }
        for name in FROM {
            let given = arguments.get(name).filter(|_| role);
            let given = given.filter(|given| given.value.as_str().is_none());
            if let Some(given) = given.filter(|given| !given.value.is_null()) {
                let class = given.value.kind();
                let text = format!("Expected a string for {name} but got <class '{class}'> instead");
                let error = Error::new(text).at(&given.place);
                self.errors
                    .push(error.help(format!("write the name of one file: `{name}: NAME`")));
            }
        }
        let argument = |name: &str| {
            let found = task.action.arguments.get(name)?;
            Some(Placed::new(found.value.clone(), &found.place))
        };
        let wanted = if role { "name" } else { "file" };
        let given = argument(wanted).or_else(|| argument("role").filter(|_| role));
        let Some(name) = given.or_else(|| task.action.free_form.clone()) else {
            let error = Error::new(format!("`{}` does not say what to bring", task.action.module));
            self.errors
                .push(error.at(&task.action.place).help(format!("give it `{wanted}`")));
            return None;
        };
        if !role {
            return Some(Included::Tasks(name));
        }
        Some(Included::Role(Box::new(RoleChoice {
            name,
            tasks_from: argument("tasks_from"),
            vars_from: argument("vars_from"),
            defaults_from: argument("defaults_from"),
            handlers_from: argument("handlers_from"),
            public: argument("public"),
            rolespec_validate: argument("rolespec_validate"),
        })))
    }

    /// The tasks of a file named in another one (`beside`), at `place`.
    pub fn task_file(
        &mut self,
        name: &str,
        beside: Option<&Path>,
        place: &Place,
        scope: &Arc<Scope>,
        handlers: bool,
    ) -> Vec<Item> {
        let folders = self.task_folders(beside, scope, handlers);
        let found = folders
            .iter()
            .map(|folder| folder.join(name))
            .find(|path| path.is_file());
        let Some(path) = found else {
            let error = Error::new(format!("there is no file of tasks `{name}`")).at(place);
            let error = error.cause(format!("looked in {}", crate::error::listed(&folders)));
            let error = error.of_kind(ErrorKind::Wrong);
            self.errors
                .push(error.help(BESIDE_THE_FILE).did_you_mean(alike(&folders, name)));
            return vec![];
        };
        self.tasks_of(&path, place, scope, handlers)
    }

    /// The tasks of a file.
    pub fn tasks_of(&mut self, path: &Path, place: &Place, scope: &Arc<Scope>, handlers: bool) -> Vec<Item> {
        if self.open.iter().any(|open| open == path) {
            self.refuse(format!("{} imports itself", path.display()), place);
            return vec![];
        }
        let Some(root) = self.root(path) else {
            return vec![];
        };
        self.open.push(path.to_path_buf());
        let items = self.items(&root, scope, handlers);
        self.open.pop();
        items
    }

    fn task_folders(&self, beside: Option<&Path>, scope: &Scope, handlers: bool) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = beside
            .and_then(Path::parent)
            .map(Path::to_path_buf)
            .into_iter()
            .collect();
        let kind = if handlers { "handlers" } else { "tasks" };
        for role in scope.roles() {
            folders.push(role.folder.join(kind));
            folders.push(role.folder.clone());
        }
        folders.push(self.folder.join("tasks"));
        folders.push(self.folder.clone());
        let mut seen = std::collections::HashSet::new();
        folders.retain(|folder| seen.insert(folder.clone()));
        folders
    }
}

/// A file in one of these folders with a name like this one.
fn alike(folders: &[PathBuf], name: &str) -> Option<String> {
    let entries = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok());
    let names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect();
    crate::error::nearest(name, names.iter().map(String::as_str)).map(str::to_string)
}
