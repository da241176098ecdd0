//! Reading playbooks, roles and task files into the model: all errors of all files at once, each with its place.

mod action;
mod action_groups;
mod ad_hoc;
mod argument_specs;
mod collections;
pub mod free_form;
mod include;
mod keyword;
mod known_variables;
mod play;
mod playbook;
mod plugins;
mod reader;
pub mod reserved;
mod resolution;
mod role;
mod routing;
mod task;
mod variable_files;

use super::configuration::Inventories;
use super::role::IncludedItems;
use super::{GroupNames, Include, Item, Keywords, Playbook, RoleChoice, Scope, ScopeKind, Variables};
use crate::bridge::Bridge;
use crate::content::Kept;
use crate::error::{Error, Errors, Result};
use crate::module;
use crate::value::Map;
use crate::vault::Vault;
use crate::yaml::Node;
use reader::Reader;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

pub use ad_hoc::AdHoc;
pub use resolution::Resolution;
pub use variable_files::variable_files;

/// The names that may be used in tasks.
#[derive(Clone)]
pub struct Known {
    /// All modules.
    pub modules: &'static [module::Entry],
    /// All lookups, for `with_...`; empty: any name is taken.
    pub lookups: Vec<&'static str>,
}

/// Folders that are searched after those beside the playbook.
#[derive(Clone, Debug, Default)]
pub struct SearchPaths {
    /// Those with roles (`roles_path`).
    pub roles: Vec<PathBuf>,
    /// Those with collections (`collections_path`).
    pub collections: Vec<PathBuf>,
    /// Those with modules (`library`).
    pub library: Vec<PathBuf>,
    /// Those with what modules import (`module_utils`).
    pub module_utils: Vec<PathBuf>,
    /// Those with plugins, by the names of such folders beside a playbook (`filter_plugins`).
    pub plugins: HashMap<&'static str, Vec<PathBuf>>,
    /// The vars plugins that are asked although they are in a collection.
    pub vars_plugins_enabled: Vec<String>,
}

/// Reads playbooks, roles and task files.
pub struct Loader {
    /// Passwords for vaulted files and values.
    pub vault: Arc<Vault>,
    /// Which modules and lookups exist.
    pub known: Known,
    /// Where else things are searched.
    pub search: SearchPaths,
    /// Mappings of stronger variables add to those of weaker ones (`hash_behaviour=merge`).
    pub merges_hashes: bool,
    /// What is done about names of groups with characters that no variable may have.
    pub group_names: GroupNames,
    /// How inventories are read.
    pub inventories: Inventories,
    /// The variables of `-e`, for names that are read before anything runs.
    pub extra: Arc<Map>,
    /// Where the user's ansible-core is, and what it makes of modules.
    pub bridge: Arc<Bridge>,
    /// Folders of roles that were read and hold modules, or what modules import.
    roles_with_modules: Mutex<Vec<PathBuf>>,
    warnings: Mutex<Vec<Error>>,
    /// Plugins that templates named.
    plugins: Mutex<plugins::Found>,
    /// Files of tasks, roles and playbooks that were parsed.
    roots: Kept<Option<Node>>,
    /// Files of variables that were read.
    variables: Kept<Arc<Variables>>,
}

/// Words of tasks that are resolved here or by the engine, and are no modules.
pub const CONTROL_WORDS: &[&str] = &[
    "include_tasks",
    "import_tasks",
    "include_role",
    "import_role",
    "meta",
];

impl Loader {
    /// A loader.
    pub fn new(vault: Vault, known: Known, search: SearchPaths) -> Loader {
        Loader {
            vault: Arc::new(vault),
            known,
            search,
            merges_hashes: false,
            group_names: GroupNames::default(),
            inventories: Inventories::default(),
            extra: Arc::default(),
            bridge: Arc::default(),
            roles_with_modules: Mutex::default(),
            warnings: Mutex::default(),
            plugins: Mutex::default(),
            roots: Kept::default(),
            variables: Kept::default(),
        }
    }

    /// The same with variables of `-e`.
    pub fn with_extra(self, extra: Arc<Map>) -> Loader {
        Loader { extra, ..self }
    }

    /// The same with what the configuration says of inventories.
    pub fn reads_inventories(self, inventories: Inventories) -> Loader {
        Loader { inventories, ..self }
    }

    /// The same with what the configuration says of variables and names of groups.
    pub fn configured(self, merges_hashes: bool, group_names: GroupNames) -> Loader {
        Loader {
            merges_hashes,
            group_names,
            ..self
        }
    }

    /// The same with a bridge to Python.
    pub fn with_bridge(self, bridge: Arc<Bridge>) -> Loader {
        Loader { bridge, ..self }
    }

    /// Notes that a role was read: its modules are seen by the whole run.
    fn role_was_read(&self, folder: &Path) {
        self.note_plugins(&|kind| vec![folder.join(plugins::folder_of(kind))]);
        let kinds = [
            "library",
            "module_utils",
            "action_plugins",
            "filter_plugins",
            "test_plugins",
            "lookup_plugins",
        ];
        if kinds.iter().any(|kind| folder.join(kind).is_dir()) {
            let mut folders = self
                .roles_with_modules
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if !folders.iter().any(|known| known == folder) {
                folders.push(folder.to_path_buf());
            }
        }
    }

    /// The folders of roles that were read and hold modules, in the order in which they were read.
    fn read_roles(&self) -> Vec<PathBuf> {
        let folders = self
            .roles_with_modules
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        folders.clone()
    }

    /// The file of a playbook that is named on the command line: one of a collection by its full name.
    pub fn path_of(&self, name: &Path) -> PathBuf {
        let reader = Reader::new(self, Path::new(""));
        let found = name.to_str().and_then(|name| reader.playbook_of_collection(name));
        found.unwrap_or_else(|| name.to_path_buf())
    }

    /// Reads a playbook and everything it imports.
    ///
    /// # Errors
    /// Everything that is wrong in any of the files.
    pub fn playbook(&self, path: &Path) -> Result<Playbook, Errors> {
        let folder = path.parent().unwrap_or(Path::new(""));
        self.note_plugins_beside(folder);
        let mut reader = Reader::new(self, folder);
        let playbook = reader.playbook(path, &mut vec![], None);
        match playbook {
            Some(playbook) => reader.errors.finish(playbook),
            None => reader.errors.finish(()).and(Err(nothing(path).into())),
        }
    }

    /// The tasks an `include_tasks` brings: `file` is the rendered name, `extra` variables are put upon them
    /// (such as that of the loop), `playbook_folder` is where the playbook lies.
    ///
    /// # Errors
    /// Everything that is wrong in the file.
    pub fn include_tasks(
        &self,
        include: &Include,
        file: &str,
        extra: Variables,
        playbook_folder: &Path,
    ) -> Result<IncludedItems, Errors> {
        let mut reader = Reader::new(self, playbook_folder);
        let scope = included_scope(include, extra);
        let beside = include.task.place.source.path.clone();
        let place = &include.task.place;
        let items = reader.task_file(file, beside.as_deref(), place, &scope, false);
        included(reader, items)
    }

    /// The role an `include_role` brings; the texts in `choice` are rendered.
    ///
    /// # Errors
    /// Everything that is wrong in the role.
    pub fn include_role(
        &self,
        include: &Include,
        choice: &RoleChoice,
        extra: Variables,
        playbook_folder: &Path,
    ) -> Result<IncludedItems, Errors> {
        let mut reader = Reader::new(self, playbook_folder);
        let scope = included_scope(include, extra);
        let items = reader.chosen_role(choice, &scope, &include.task.place);
        included(reader, items)
    }

    /// The variables of a file (`vars_files`, `include_vars`, `group_vars`).
    ///
    /// # Errors
    /// Everything that is wrong in the file.
    pub fn variables(&self, path: &Path) -> Result<Arc<Variables>, Errors> {
        self.variables.get(path, || {
            let mut reader = Reader::new(self, Path::new(""));
            let variables = reader.variables_file(path);
            reader.errors.finish(Arc::new(variables))
        })
    }

    /// What was suspicious in the files read since the last call.
    pub fn take_warnings(&self) -> Vec<Error> {
        std::mem::take(&mut self.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds to what was suspicious.
    pub fn warn(&self, warnings: Vec<Error>) {
        let mut all = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(warnings);
    }
}

/// What a reader has read of an include.
fn included(mut reader: Reader<'_>, items: Vec<Item>) -> Result<IncludedItems, Errors> {
    let handlers = std::mem::take(&mut reader.handlers);
    let roles = std::mem::take(&mut reader.roles);
    reader.errors.finish(IncludedItems {
        items,
        handlers,
        roles,
    })
}

fn nothing(path: &Path) -> Error {
    Error::new(format!("the playbook {} holds nothing", path.display()))
}

/// What is put upon included tasks: the include's variables and its `apply`, nothing else (Ansible's rule
/// for includes that are resolved while running).
fn included_scope(include: &Include, extra: Variables) -> Arc<Scope> {
    let mut keywords = Keywords {
        vars: include.task.keywords.vars.clone(),
        ..include.apply.clone()
    };
    let vars = Arc::make_mut(&mut keywords.vars);
    vars.extend((*include.apply.vars).clone());
    vars.extend(extra);
    Scope::below(&include.task.scope, ScopeKind::Include, keywords)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::Included;

    /// A loader that knows all modules and a few lookups.
    pub fn loader() -> Loader {
        let known = Known {
            modules: module::MODULES,
            lookups: vec!["items", "dict"],
        };
        Loader::new(Vault::default(), known, SearchPaths::default())
    }

    /// Writes files and reads the playbook `site.yml` among them.
    pub fn site(files: &[(&str, &str)]) -> (tempfile::TempDir, Result<Playbook, Errors>) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let playbook = loader().playbook(&folder.path().join("site.yml"));
        (folder, playbook)
    }

    /// The messages of the errors of a playbook.
    pub fn messages(files: &[(&str, &str)]) -> Vec<String> {
        let (folder, playbook) = site(files);
        let errors = playbook.unwrap_err();
        let prefix = format!("{}/", folder.path().display());
        let shown = errors.0.iter().map(|error| {
            let place = error.place().map(ToString::to_string).unwrap_or_default();
            format!("{place}: {}", error.message()).replace(&prefix, "")
        });
        shown.collect()
    }

    #[test]
    fn plays_tasks_and_keywords_are_read() {
        let (_folder, playbook) = site(&[(
            "site.yml",
            "- name: First\n  hosts: [a, b]\n  become: true\n  vars: {vent_needs: [hosts], x: 1}\n  tags: one\n  environment: {A: 1}\n  tasks:\n    \
             - name: Copy\n      copy: src=a dest={{ x }} mode=0644\n      when: x == 1\n      loop: [1, 2]\n      loop_control: {loop_var: it}\n      register: r\n      until: r is success\n      tags: two, three\n    \
             - when: [a, b]\n      become_user: me\n      block:\n        - shell: echo  a=b creates=/x\n          args: {chdir: /tmp}\n          when: c\n          notify: Restart\n          environment: {A: 2}\n      rescue: [{debug: }]\n  \
             handlers:\n    - name: Restart\n      listen: topic\n      command: true\n",
        )]);
        let playbook = playbook.unwrap();
        assert_eq!(playbook.name, "site");
        assert_eq!(playbook.needs.as_ref().unwrap()[0].name, "hosts");
        let play = playbook.plays().next().unwrap();
        assert_eq!(play.title(), "First");
        let [Item::Task(copy), Item::Block(block)] = &play.tasks[..] else {
            panic!("{:?}", play.tasks)
        };
        assert_eq!(copy.action.arguments["mode"].value, "0644".into());
        assert!(copy.action.arguments["dest"].value.holds_template());
        assert_eq!(
            copy.tags()
                .iter()
                .filter_map(|tag| tag.value.as_str())
                .collect::<Vec<_>>(),
            ["two", "three", "one"]
        );
        let control = &copy.r#loop.as_ref().unwrap().control;
        assert_eq!(control.loop_var.as_ref().unwrap().value, "it".into());
        assert!(copy.keyword(|keywords| &keywords.r#become).is_some());
        let [Item::Task(shell)] = &block.block[..] else {
            panic!()
        };
        assert_eq!(shell.action.free_form.as_ref().unwrap().value, "echo  a=b".into());
        assert_eq!(shell.action.arguments.len(), 2);
        let conditions: Vec<_> = shell
            .conditions()
            .iter()
            .filter_map(|when| when.value.as_str())
            .collect();
        assert_eq!(conditions, ["a", "b", "c"]);
        assert_eq!(shell.layers(|keywords| &keywords.environment).len(), 2);
        assert_eq!(block.rescue.len(), 1);
        let [Item::Task(handler)] = &play.handlers[..] else {
            panic!()
        };
        assert_eq!(handler.listen.len(), 1);
        assert_eq!(
            handler.action.free_form.as_ref().unwrap().value,
            crate::value::Value::Bool(true)
        );
    }

    #[test]
    fn a_template_in_a_pair_knows_its_place() {
        let text = "- hosts: a\n  tasks:\n    - copy: src=a dest=\"{{ x }}/y\"\n";
        let (_folder, playbook) = site(&[("site.yml", text)]);
        let playbook = playbook.unwrap();
        let Item::Task(task) = &playbook.plays().next().unwrap().tasks[0] else {
            panic!()
        };
        let place = &task.action.arguments["dest"].place;
        assert_eq!(&text[place.span.clone()], "{{ x }}/y");
    }

    #[test]
    fn all_errors_of_all_files_are_named() {
        let shown = messages(&[
            (
                "site.yml",
                "- hosts: a\n  taks: []\n  tasks:\n    - copi: {src: a}\n    - copy: {src: a, dest: b}\n      whenn: x\n    - command: a\n      shell: b\n    - name: nothing\n    \
                 - copy: {src: a, dest: b}\n      become: [1]\n    - copy: {src: a, dest: b}\n      register: a-b\n    - import_tasks: more.yml\n    - import_tasks: none.yml\n    - include_tasks: {fil: x}\n- tasks: []\n- import_playbook: othr.yml\n",
            ),
            (
                "more.yml",
                "- ping: hello\n- debug: msg={{ x }\n- import_tasks: more.yml\n- file: [a]\n- action: nope a=b\n- with_itemz: [1]\n  debug:\n",
            ),
            ("other.yml", "[]"),
        ]);
        let wanted = [
            "site.yml:2:3: `taks` is not a keyword of a play",
            "site.yml:4:7: no module is called `copi`",
            "site.yml:6:7: `whenn` is not a keyword of a task",
            "site.yml:8:7: a task has one module, and this one has `command` and `shell`",
            "site.yml:9:7: this task has no module: it does nothing",
            "site.yml:11:15: `become` takes true or false, not a list",
            "site.yml:13:17: `a-b` cannot be the name of a variable",
            "more.yml:1:9: `ping` takes arguments by name, and `hello` has none",
            "more.yml:2:10: cannot take this text apart: a `}}` is missing",
            "more.yml:3:17: more.yml imports itself",
            "more.yml:4:9: `file` takes arguments as a mapping or a text, not as a list",
            "more.yml:5:11: no module is called `nope`",
            "more.yml:6:3: `with_itemz` loops over a lookup that does not exist",
            "site.yml:15:21: there is no file of tasks `none.yml`",
            "site.yml:16:23: Invalid options for include_tasks: fil",
            "site.yml:16:7: `include_tasks` does not say what to bring",
            "site.yml:17:3: this play does not say on which hosts it runs",
            "site.yml:18:20: there is no playbook othr.yml",
        ];
        assert_eq!(shown, wanted);
    }

    #[test]
    fn imports_put_conditions_tags_and_variables_upon_plays() {
        let (_folder, playbook) = site(&[
            (
                "site.yml",
                "- import_playbook: 02-b.yml\n  when: w\n  tags: t\n  vars: {vent_needs: [], x: 2}\n- import_playbook: 03-c.yml\n",
            ),
            (
                "02-b.yml",
                "- hosts: a\n  vars: {x: 1, y: 1}\n  tasks: [{debug: , when: v}]\n",
            ),
            ("03-c.yml", "- hosts: a\n  vars: {vent_needs: [b]}\n"),
        ]);
        let playbook = playbook.unwrap();
        let imports: Vec<_> = playbook.imports().collect();
        assert_eq!(imports[0].playbook.name, "b");
        assert_eq!(imports[0].needs(), Some(&[][..]));
        assert_eq!(imports[0].playbook.needs, None);
        assert_eq!(imports[1].needs().unwrap()[0].name, "b");
        let play = imports[0].playbook.plays().next().unwrap();
        assert_eq!(play.keywords().vars["x"].value, crate::value::Value::Int(2));
        let Item::Task(task) = &play.tasks[0] else {
            panic!()
        };
        let conditions: Vec<_> = task
            .conditions()
            .iter()
            .filter_map(|when| when.value.as_str())
            .collect();
        assert_eq!(conditions, ["w", "v"]);
        assert_eq!(task.tags().len(), 1);
        let cycle = messages(&[
            ("site.yml", "- import_playbook: a.yml\n"),
            ("a.yml", "- import_playbook: site.yml\n"),
        ]);
        assert_eq!(cycle, ["a.yml:1:20: a playbook imports itself"]);
    }

    #[test]
    fn roles_bring_dependencies_handlers_and_variables() {
        let (folder, playbook) = site(&[
            (
                "site.yml",
                "- hosts: a\n  roles:\n    - web\n    - {role: base, tags: x, size: 3}\n    - base\n  tasks:\n    - include_role: {name: '{{ n }}', tasks_from: other}\n      vars: {v: 1}\n",
            ),
            ("roles/web/meta/main.yml", "dependencies: [base]\n"),
            ("roles/web/tasks/main.yml", "- import_tasks: sub.yml\n  when: s\n"),
            ("roles/web/tasks/sub.yml", "- debug: {msg: 1}\n"),
            (
                "roles/web/handlers/main.yml",
                "- name: Reload\n  command: reload\n",
            ),
            ("roles/web/defaults/main/a.yml", "x: 1\n"),
            ("roles/base/tasks/main.yml", "- debug:\n"),
            ("roles/base/tasks/other.yml", "- file: {path: /x}\n"),
            ("roles/base/vars/main.yml", "y: '{{ x }}'\n"),
        ]);
        let playbook = playbook.unwrap();
        let play = playbook.plays().next().unwrap();
        let names = play.roles.iter().map(|item| match item {
            Item::Block(block) => (
                block.scope.role().unwrap().name.clone(),
                block.scope.roles().count(),
            ),
            other => panic!("{other:?}"),
        });
        let names: Vec<_> = names.collect();
        let names: Vec<_> = names
            .iter()
            .map(|(name, depth)| (name.as_str(), *depth))
            .collect();
        assert_eq!(names, [("base", 2), ("web", 1), ("base", 1), ("base", 1)]);
        // The last use is the same as the dependency: a host that has run that does not run it.
        let once = play.roles.iter().map(|item| match item {
            Item::Block(block) => block.scope.once(),
            other => panic!("{other:?}"),
        });
        let once: Vec<_> = once.collect();
        assert!(once[0].is_some() && once[0] == once[3] && once[0] != once[2]);
        assert_eq!(play.handlers.len(), 1);
        assert_eq!(play.used_roles.len(), 2);
        assert!(play.used_roles.iter().any(|role| role.defaults.contains_key("x")));
        let Item::Block(web) = &play.roles[1] else {
            panic!()
        };
        let Item::Block(sub) = &web.block[0] else { panic!() };
        let Item::Task(task) = &sub.block[0] else { panic!() };
        assert_eq!(task.conditions().len(), 1);
        let search = task.search_path("files", folder.path());
        assert_eq!(search[0], folder.path().join("roles/web/files"));
        let Item::Include(include) = &play.tasks[0] else {
            panic!()
        };
        let Included::Role(choice) = &include.included else {
            panic!()
        };
        let mut choice = choice.clone();
        choice.name.value = "base".into();
        let included = loader()
            .include_role(include, &choice, Variables::new(), folder.path())
            .unwrap();
        let Item::Block(base) = &included.items[0] else {
            panic!()
        };
        let Item::Task(task) = &base.block[0] else {
            panic!()
        };
        assert_eq!(task.action.module.as_ref(), "file");
        assert!(task.keywords().any(|keywords| keywords.vars.contains_key("v")));
    }

    #[test]
    fn a_role_that_is_not_there_is_named() {
        let shown = messages(&[
            ("site.yml", "- hosts: a\n  roles: [wbe]\n"),
            ("roles/web/tasks/main.yml", "[]"),
        ]);
        assert_eq!(shown, ["site.yml:2:11: there is no role `wbe`"]);
    }
}
