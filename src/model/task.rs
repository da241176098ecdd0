//! Tasks, blocks and includes.

use super::{Condition, Keywords, Placed, Role, Scope};
use crate::bridge::Foreign;
use crate::error::Error;
use crate::source::Place;
use crate::value::Value;
use indexmap::IndexMap;
use std::path::PathBuf;
use std::sync::Arc;

/// One entry of a list of tasks. What `import_tasks` and `import_role` bring is a block already.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A task.
    Task(Arc<Task>),
    /// A block.
    Block(Arc<Block>),
    /// An include that is resolved while running.
    Include(Arc<Include>),
}

/// A task (or a handler).
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Keywords written at the task.
    pub keywords: Keywords,
    /// What is around it.
    pub scope: Arc<Scope>,
    /// What is done.
    pub action: Action,
    /// Over what it is repeated.
    pub r#loop: Option<Loop>,
    /// The variable that gets the result.
    pub register: Option<String>,
    /// When the result counts as changed; empty: the module decides.
    pub changed_when: Vec<Condition>,
    /// When the result counts as failed; empty: the module decides.
    pub failed_when: Vec<Condition>,
    /// Tried again until all of this holds; empty: until it does not fail, if `retries` is set.
    pub until: Vec<Condition>,
    /// How often it is tried again.
    pub retries: Option<Placed>,
    /// Seconds between two tries.
    pub delay: Option<Placed>,
    /// Seconds the command may run in the background (`async`).
    pub r#async: Option<Placed>,
    /// Seconds between two looks at the background command.
    pub poll: Option<Placed>,
    /// Topics the handler listens to (handlers only).
    pub listen: Vec<Placed>,
    /// The place of the whole task.
    pub place: Place,
}

/// A module with its arguments.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// The module as written, such as `copy` or `ansible.builtin.copy`.
    pub module: Arc<str>,
    /// Arguments by name; `key=value` texts are taken apart.
    pub arguments: IndexMap<Arc<str>, Argument>,
    /// The free text of `command`, `shell`, `script`, `raw`, `meta` and their like.
    pub free_form: Option<Placed>,
    /// A template that gives (further) arguments as one mapping: `args: "{{ options }}"`.
    pub template: Option<Placed>,
    /// Set if Ansible may know the module, and Vent does not: the task fails with this when it is reached.
    pub unresolved: Option<Error>,
    /// The module, if Vent does not have it and it is a program that can be run.
    pub foreign: Option<Arc<Foreign>>,
    /// The place of the module's name.
    pub place: Place,
}

/// An argument of a module.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// Its value, not yet rendered.
    pub value: Value,
    /// The place of its name (of the whole text for `key=value`).
    pub name_place: Place,
    /// The place of its value.
    pub place: Place,
}

/// `loop` or `with_...`.
#[derive(Clone, Debug, PartialEq)]
pub struct Loop {
    /// The name of the lookup: `None` for `loop`, `Some("items")` for `with_items`.
    pub lookup: Option<Arc<str>>,
    /// What is looped over.
    pub items: Placed,
    /// How.
    pub control: LoopControl,
}

/// `loop_control`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoopControl {
    /// The variable with the item (default `item`).
    pub loop_var: Option<Placed>,
    /// The variable with the number of the item, from 0.
    pub index_var: Option<Placed>,
    /// What is shown for an item.
    pub label: Option<Placed>,
    /// Seconds between two items.
    pub pause: Option<Placed>,
    /// Whether `ansible_loop` is set.
    pub extended: Option<Placed>,
    /// Whether `ansible_loop.allitems` is set.
    pub extended_allitems: Option<Placed>,
    /// Conditions that end the loop after an item.
    pub break_when: Vec<Condition>,
}

/// A block; also what a role, `import_tasks` and `import_role` are turned into.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Its own step of the chain, with its keywords.
    pub scope: Arc<Scope>,
    /// What is done.
    pub block: Vec<Item>,
    /// What is done when that fails.
    pub rescue: Vec<Item>,
    /// What is done at the end in any case.
    pub always: Vec<Item>,
    /// The place of the whole block.
    pub place: Place,
}

/// `include_tasks` or `include_role`.
#[derive(Clone, Debug, PartialEq)]
pub struct Include {
    /// The including task: conditions, loop, variables, tags, register are its own.
    pub task: Arc<Task>,
    /// What is included.
    pub included: Included,
    /// Keywords put upon every included task.
    pub apply: Keywords,
}

/// What an include brings.
#[derive(Clone, Debug, PartialEq)]
pub enum Included {
    /// A file of tasks; its name, relative to the including file.
    Tasks(Placed),
    /// A role.
    Role(Box<RoleChoice>),
}

/// A role as an include asks for it.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleChoice {
    /// Its name.
    pub name: Placed,
    /// The file below `tasks` instead of `main`.
    pub tasks_from: Option<Placed>,
    /// The file below `vars` instead of `main`.
    pub vars_from: Option<Placed>,
    /// The file below `defaults` instead of `main`.
    pub defaults_from: Option<Placed>,
    /// The file below `handlers` instead of `main`.
    pub handlers_from: Option<Placed>,
    /// Whether its variables are seen by the tasks that follow.
    pub public: Option<Placed>,
    /// Whether its arguments are held against `argument_specs` (default: yes).
    pub rolespec_validate: Option<Placed>,
}

impl Action {
    /// The name without `ansible.builtin.` or `ansible.legacy.`.
    pub fn short(&self) -> &str {
        short(&self.module)
    }
}

/// A module's name without `ansible.builtin.` or `ansible.legacy.`.
pub fn short(module: &str) -> &str {
    module
        .strip_prefix("ansible.builtin.")
        .or_else(|| module.strip_prefix("ansible.legacy."))
        .unwrap_or(module)
}

impl Item {
    /// The place of the whole entry.
    pub fn place(&self) -> &Place {
        match self {
            Item::Task(task) => &task.place,
            Item::Block(block) => &block.place,
            Item::Include(include) => &include.task.place,
        }
    }
}

/// Does something with every task of a list, those of its blocks and the including ones too.
pub fn each_task(items: &[Item], work: &mut dyn FnMut(&Arc<Task>)) {
    for item in items {
        match item {
            Item::Task(task) => work(task),
            Item::Include(include) => work(&include.task),
            Item::Block(block) => {
                for list in [&block.block, &block.rescue, &block.always] {
                    each_task(list, work);
                }
            }
        }
    }
}

impl Task {
    /// The keywords of the task and of all around it, nearest first.
    pub fn keywords(&self) -> impl Iterator<Item = &Keywords> {
        std::iter::once(&self.keywords).chain(self.scope.chain().map(|scope| &scope.keywords))
    }

    /// The nearest setting of a keyword: `task.keyword(|keywords| &keywords.become_user)`.
    pub fn keyword(&self, pick: impl Fn(&Keywords) -> &Option<Placed>) -> Option<&Placed> {
        self.keywords().find_map(|keywords| pick(keywords).as_ref())
    }

    /// A task that no file holds: its module and arguments, nothing else but these keywords.
    pub fn unwritten(action: Action, keywords: Keywords, scope: &Arc<Scope>) -> Task {
        Task {
            keywords,
            scope: scope.clone(),
            place: action.place.clone(),
            action,
            r#loop: None,
            register: None,
            changed_when: vec![],
            failed_when: vec![],
            until: vec![],
            retries: None,
            delay: None,
            r#async: None,
            poll: None,
            listen: vec![],
        }
    }

    /// True if the task may be tried more than once (`until`, `retries`).
    pub fn is_repeated(&self) -> bool {
        !self.until.is_empty() || self.retries.is_some()
    }

    /// All conditions, outermost first: the order in which they are to be evaluated.
    pub fn conditions(&self) -> Vec<&Condition> {
        let mut steps: Vec<_> = self.keywords().map(|keywords| &keywords.when).collect();
        steps.reverse();
        steps.into_iter().flatten().collect()
    }

    /// All tags from all around.
    pub fn tags(&self) -> Vec<&Placed> {
        self.keywords().flat_map(|keywords| &keywords.tags).collect()
    }

    /// The handlers to be notified: of the nearest step that names any, as `notify` is not added up.
    pub fn notify(&self) -> &[Placed] {
        let mut steps = self.keywords().map(|keywords| &keywords.notify[..]);
        steps.find(|notify| !notify.is_empty()).unwrap_or_default()
    }

    /// Settings that add up (`environment`, `module_defaults`), outermost first: later ones win.
    pub fn layers(&self, pick: impl Fn(&Keywords) -> &Vec<Placed>) -> Vec<&Placed> {
        let mut steps: Vec<_> = self.keywords().map(pick).collect();
        steps.reverse();
        steps.into_iter().flatten().collect()
    }

    /// The nearest role.
    pub fn role(&self) -> Option<&Arc<Role>> {
        self.scope.role()
    }

    /// The folders in which a file of this task is searched, in order: those of its roles, its own file's,
    /// then the playbook's; in each first the folder `kind` (`files`, `templates`, `vars`, `tasks`).
    /// This is Ansible's search path.
    pub fn search_path(&self, kind: &str, playbook_folder: &std::path::Path) -> Vec<PathBuf> {
        let mut folders = vec![];
        let own = self.place.source.path.as_deref().and_then(|path| path.parent());
        for role in self.scope.roles() {
            folders.push(role.folder.join(kind));
            folders.push(role.folder.clone());
            folders.push(role.folder.join("tasks").join(kind));
            folders.push(role.folder.join("tasks"));
        }
        for folder in own.into_iter().chain([playbook_folder]) {
            folders.push(folder.join(kind));
            folders.push(folder.to_path_buf());
        }
        let mut seen = std::collections::HashSet::new();
        folders.retain(|folder| seen.insert(folder.clone()));
        folders
    }

    /// The name that was given to the task, else the module.
    pub fn title(&self) -> &str {
        let given = self.keywords.name.as_ref().and_then(|name| name.value.as_str());
        given.unwrap_or(&self.action.module)
    }
}
