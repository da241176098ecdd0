//! Roles: found, read, and put where they are used.

use super::collections;
use super::keyword::{BELOW_PLAYS, Level, SHARED};
use super::reader::{Reader, Takes, is_variable_name};
use crate::error::{Error, ErrorKind, nearest};
use crate::model::task::RoleChoice;
use crate::model::{Block, Item, Keywords, Placed, Role, Scope, ScopeKind, Variables};
use crate::source::Place;
use crate::value::to_bool;
use crate::yaml::Node;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// Which files of a role are read instead of `main`.
#[derive(Clone, Debug, Default)]
struct Files {
    tasks: Option<String>,
    vars: Option<String>,
    defaults: Option<String>,
    handlers: Option<String>,
}

/// A use of a role.
struct Use {
    name: String,
    files: Files,
    keywords: Keywords,
    parameters: Variables,
    /// An import or include names it.
    chosen: bool,
    /// Whether its arguments are held against its `argument_specs`.
    validate: bool,
    place: Place,
}

impl Reader<'_> {
    /// The blocks of a play's `roles`.
    pub fn play_roles(&mut self, node: Option<&Node>, scope: &Arc<Scope>) -> Vec<Item> {
        let Some(node) = node.filter(|node| !node.is_null()) else {
            return vec![];
        };
        let Some(entries) = node.items() else {
            self.refuse(
                format!(
                    "A malformed role declaration was encountered. `roles` takes a list, not {}",
                    node.kind_name()
                ),
                &node.place,
            );
            return vec![];
        };
        let uses: Vec<_> = entries
            .iter()
            .filter_map(|entry| self.role_use(entry, scope))
            .collect();
        uses.into_iter()
            .flat_map(|used| self.place_role(used, scope, &mut vec![]))
            .collect()
    }

    /// The blocks of a role that an import or include names.
    pub fn chosen_role(&mut self, choice: &RoleChoice, scope: &Arc<Scope>, place: &Place) -> Vec<Item> {
        let module = "import_role";
        let Some(name) = self.literal(&choice.name, module, scope) else {
            return vec![];
        };
        let mut file = |chosen: &Option<Placed>| {
            chosen
                .as_ref()
                .and_then(|chosen| self.literal(chosen, module, scope))
        };
        let files = Files {
            tasks: file(&choice.tasks_from),
            vars: file(&choice.vars_from),
            defaults: file(&choice.defaults_from),
            handlers: file(&choice.handlers_from),
        };
        let used = Use {
            name,
            files,
            keywords: Keywords::default(),
            parameters: Variables::new(),
            chosen: true,
            validate: choice
                .rolespec_validate
                .as_ref()
                .is_none_or(|placed| to_bool(&placed.value) != Some(false)),
            place: if choice.name.place.span.is_empty() {
                place.clone()
            } else {
                choice.name.place.clone()
            },
        };
        self.place_role(used, scope, &mut vec![])
    }

    /// An entry of `roles` or of `dependencies`.
    fn role_use(&mut self, node: &Node, scope: &Scope) -> Option<Use> {
        let mut used = Use {
            name: String::new(),
            files: Files::default(),
            keywords: Keywords::default(),
            parameters: Variables::new(),
            chosen: false,
            validate: true,
            place: node.place.clone(),
        };
        let Some(entries) = node.entries() else {
            if let Some(text) = node.text().filter(|text| text.contains(',')) {
                self.refuse(format!("Invalid old style role requirement: {text}"), &node.place);
                return None;
            }
            used.name = self.role_name(node, scope)?;
            return Some(used);
        };
        let name = ["role", "name", "src"].iter().find_map(|key| node.get(key));
        let Some(name) = name.filter(|name| name.text().is_some()) else {
            self.refuse("this does not name a role", &node.place);
            return None;
        };
        used.name = self.role_name(name, scope)?;
        for (key, value) in entries {
            let text = key.text().unwrap_or_default();
            match text {
                "role" | "name" | "src" => {}
                _ if self.keyword(&mut used.keywords, Level::Role, key, value) => {}
                "allow_duplicates" | "version" | "scm" => {}
                _ if is_variable_name(text) => {
                    if let Some(placed) = self.placed(value) {
                        used.parameters.insert(text.into(), placed);
                    }
                }
                _ => self.unknown_key(key, "a role", &[SHARED, BELOW_PLAYS].concat()),
            }
        }
        Some(used)
    }

    fn role_name(&mut self, node: &Node, scope: &Scope) -> Option<String> {
        let placed = self.placed(node)?;
        self.literal(&placed, "roles", scope).or_else(|| {
            node.text()
                .map(str::to_string)
                .filter(|_| !placed.value.holds_template())
        })
    }

    /// The blocks of a role: those of its dependencies, then its own. `chain` are the roles that depend on it.
    fn place_role(&mut self, used: Use, parent: &Arc<Scope>, chain: &mut Vec<PathBuf>) -> Vec<Item> {
        let Some(folder) = self.find_role(&used, parent) else {
            return vec![];
        };
        if chain.contains(&folder) {
            let way: Vec<_> = chain
                .iter()
                .chain([&folder])
                .filter_map(|path| path.file_name())
                .collect();
            let way: Vec<_> = way.iter().map(|name| name.to_string_lossy()).collect();
            self.errors.push(
                Error::new("a role depends on itself")
                    .at(&used.place)
                    .cause(way.join(" -> ")),
            );
            return vec![];
        }
        let meta = self.role_root(&folder, "meta", "main");
        let role = self.role(&used, &folder, meta.as_ref());
        // What an import or include names runs as often as it is named; a dependency does not.
        let often = role.allow_duplicates || used.chosen && chain.is_empty();
        let once = (!often).then(|| Arc::from(fingerprint(&used, &folder)));
        let scope = Scope::below(
            parent,
            ScopeKind::Role {
                role: role.clone(),
                parameters: used.parameters.into(),
                once,
            },
            used.keywords,
        );
        chain.push(folder.clone());
        let mut items = vec![];
        let dependencies = meta
            .as_ref()
            .and_then(|meta| meta.get("dependencies"))
            .and_then(Node::items);
        for entry in dependencies.unwrap_or_default() {
            if let Some(dependency) = self.role_use(entry, &scope) {
                items.extend(self.place_role(dependency, &scope, chain));
            }
        }
        chain.pop();
        if !self.roles.iter().any(|known| Arc::ptr_eq(known, &role)) {
            self.roles.push(role.clone());
        }
        // Each use of a role brings its handlers, with the variables of that use.
        self.role_handlers(&folder, used.files.handlers.as_deref(), &scope, &used.place);
        let entry = used.files.tasks.as_deref();
        let validation = match used.validate {
            true => self.validation(&folder, meta.as_ref(), entry.unwrap_or("main"), &scope),
            false => None,
        };
        items.extend(self.role_tasks(&folder, entry, &scope, &used.place, validation));
        items
    }

    fn role_tasks(
        &mut self,
        folder: &Path,
        chosen: Option<&str>,
        scope: &Arc<Scope>,
        place: &Place,
        validation: Option<Item>,
    ) -> Option<Item> {
        let path = file_of(folder, "tasks", chosen.unwrap_or("main"));
        if let (None, Some(chosen)) = (&path, chosen) {
            self.refuse(format!("the role has no tasks/{chosen}"), place);
        }
        if path.is_none() && validation.is_none() {
            return None;
        }
        let mut block: Vec<Item> = validation.into_iter().collect();
        if let Some(path) = path {
            block.extend(self.tasks_of(&path, place, scope, false));
        }
        Some(Item::Block(Arc::new(Block {
            scope: scope.clone(),
            block,
            rescue: vec![],
            always: vec![],
            place: place.clone(),
        })))
    }

    fn role_handlers(&mut self, folder: &Path, chosen: Option<&str>, scope: &Arc<Scope>, place: &Place) {
        match file_of(folder, "handlers", chosen.unwrap_or("main")) {
            Some(path) => {
                let handlers = self.tasks_of(&path, place, scope, true);
                self.handlers.extend(handlers);
            }
            None => {
                if let Some(chosen) = chosen {
                    self.refuse(format!("the role has no handlers/{chosen}"), place);
                }
            }
        }
    }

    /// Reads what a role is beside its tasks and handlers.
    fn role(&mut self, used: &Use, folder: &Path, meta: Option<&Node>) -> Arc<Role> {
        let key = format!(
            "{}|{:?}|{:?}",
            folder.display(),
            used.files.vars,
            used.files.defaults
        );
        if let Some(known) = self.known_roles.get(&key) {
            return known.clone();
        }
        let dependencies = meta
            .and_then(|meta| meta.get("dependencies"))
            .and_then(Node::items);
        let name_of = |node: &Node| {
            let name = ["role", "name", "src"]
                .iter()
                .find_map(|key| node.get(key))
                .unwrap_or(node);
            name.text().map(str::to_string)
        };
        let duplicates = meta.and_then(|meta| meta.get("allow_duplicates"));
        let duplicates = duplicates.and_then(|node| self.setting("allow_duplicates", node, Takes::Bool));
        let path = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
        self.loader.role_was_read(folder);
        let role = Arc::new(Role {
            name: used.name.clone(),
            folder: folder.to_path_buf(),
            path: path.display().to_string(),
            defaults: self
                .role_variables(folder, "defaults", used.files.defaults.as_deref(), &used.place)
                .into(),
            vars: self
                .role_variables(folder, "vars", used.files.vars.as_deref(), &used.place)
                .into(),
            dependencies: dependencies
                .unwrap_or_default()
                .iter()
                .filter_map(name_of)
                .collect(),
            allow_duplicates: duplicates.is_some_and(|placed| to_bool(&placed.value) == Some(true)),
        });
        self.known_roles.insert(key, role.clone());
        role
    }

    fn role_of_collection(&self, collection: &str, role: &str) -> Option<PathBuf> {
        let folder = self
            .collection(collection)?
            .join("roles")
            .join(role.replace('.', "/"));
        folder.is_dir().then_some(folder)
    }

    fn role_root(&mut self, folder: &Path, kind: &str, name: &str) -> Option<Node> {
        let path = file_of(folder, kind, name)?;
        self.root(&path)
    }

    /// `defaults/main.yml`, or all files of the folder `defaults/main`.
    fn role_variables(
        &mut self,
        folder: &Path,
        kind: &str,
        chosen: Option<&str>,
        place: &Place,
    ) -> Variables {
        let name = chosen.unwrap_or("main");
        if let Some(path) = file_of(folder, kind, name) {
            return self.variables_file(&path);
        }
        let mut variables = Variables::new();
        let files = super::variable_files(&folder.join(kind).join(name));
        if let (true, Some(chosen)) = (files.is_empty(), chosen) {
            self.refuse(format!("the role has no {kind}/{chosen}"), place);
        }
        for file in files {
            variables.extend(self.variables_file(&file));
        }
        variables
    }

    /// The folder of a role. A full name is one of a collection. A short one is looked for in the collections that are in sight, beside
    /// the playbook, along `roles_path`, beside the role that names it, and in the folder of the playbook (Ansible's order).
    fn find_role(&mut self, used: &Use, parent: &Scope) -> Option<PathBuf> {
        let of_collection = match collections::parted(&used.name) {
            Some((collection, role)) => self.role_of_collection(collection, role),
            None => self
                .searched_collections(&used.keywords, parent)
                .iter()
                .find_map(|collection| self.role_of_collection(collection, &used.name)),
        };
        if of_collection.is_some() {
            return of_collection;
        }
        let mut folders = vec![self.folder.join("roles")];
        folders.extend(self.loader.search.roles.iter().cloned());
        folders.extend(
            parent
                .roles()
                .filter_map(|role| Some(role.folder.parent()?.to_path_buf())),
        );
        folders.push(self.folder.clone());
        // As in Ansible `..` leads up along the names, whether the folders are there or not.
        let found = folders.iter().map(|folder| normal(&folder.join(&used.name)));
        if let Some(path) = found.into_iter().find(|path| path.is_dir()) {
            return Some(path);
        }
        let known: Vec<String> = folders[..folders.len() - 1]
            .iter()
            .filter_map(|folder| std::fs::read_dir(folder).ok())
            .flat_map(|entries| {
                entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
            })
            .collect();
        let error = Error::new(format!("there is no role `{}`", used.name)).at(&used.place);
        let error = match collections::parted(&used.name) {
            Some((collection, _)) => error.cause(format!(
                "the collection {collection} is not there, or has no such role"
            )),
            None => error.cause(format!("looked in {}", crate::error::listed(&folders))),
        };
        self.errors.push(
            error
                .of_kind(ErrorKind::Wrong)
                .help("put it below `roles` beside the playbook, or set roles_path in ansible.cfg")
                .did_you_mean(nearest(&used.name, known.iter().map(String::as_str))),
        );
        None
    }
}

/// A path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if normal.file_name().is_some() => {
                normal.pop();
            }
            part => normal.push(part),
        }
    }
    normal
}

/// The file of a role: `kind/name` with or without an ending.
fn file_of(folder: &Path, kind: &str, name: &str) -> Option<PathBuf> {
    ["", ".yml", ".yaml", ".json"]
        .iter()
        .map(|ending| folder.join(kind).join(format!("{name}{ending}")))
        .find(|path| path.is_file())
}

/// Two uses with the same text here run only once.
fn fingerprint(used: &Use, folder: &Path) -> String {
    let values = |variables: &Variables| {
        format!(
            "{:?}",
            variables
                .iter()
                .map(|(name, placed)| (name, &placed.value))
                .collect::<Vec<_>>()
        )
    };
    let when: Vec<_> = used
        .keywords
        .when
        .iter()
        .map(|condition| &condition.value)
        .collect();
    let tags: Vec<_> = used.keywords.tags.iter().map(|tag| &tag.value).collect();
    let vars = values(&used.keywords.vars);
    format!(
        "{} {:?} {} {vars} {when:?} {tags:?}",
        folder.display(),
        used.files,
        values(&used.parameters)
    )
}
