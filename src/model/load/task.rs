//! Lists of tasks: tasks, blocks, includes, and the files they come from.

use super::action::Pieces;
use super::keyword::{BELOW_PLAYS, Level, SHARED};
use super::reader::{Reader, Takes};
use crate::error::{Error, nearest};
use crate::model::{Block, Item, Keywords, Loop, LoopControl, Placed, Scope, ScopeKind, Task};
use crate::module;
use crate::template::NameKind;
use crate::value::Value;
use crate::yaml::Node;
use std::sync::Arc;

/// Keywords of tasks beside the shared ones.
const OF_TASKS: &[&str] = &[
    "action",
    "args",
    "async",
    "changed_when",
    "delay",
    "failed_when",
    "local_action",
    "loop",
    "loop_control",
    "notify",
    "poll",
    "register",
    "retries",
    "until",
];

/// Keywords of blocks beside the shared ones.
const OF_BLOCKS: &[&str] = &["always", "block", "notify", "rescue"];

impl Reader<'_> {
    /// The entries of a list of tasks.
    pub fn items(&mut self, node: &Node, scope: &Arc<Scope>, handlers: bool) -> Vec<Item> {
        self.items_of(node, scope, handlers, "tasks")
    }

    /// The entries of the list `section` of a play.
    pub fn items_of(&mut self, node: &Node, scope: &Arc<Scope>, handlers: bool, section: &str) -> Vec<Item> {
        if node.is_null() {
            return vec![];
        }
        let Some(entries) = node.items() else {
            let shown = node.text().unwrap_or(node.kind_name());
            self.refuse(
                format!("A malformed block was encountered while loading {section}: {shown} should be a list or None"),
                &node.place,
            );
            return vec![];
        };
        let entries = entries.iter().filter(|entry| !entry.is_null());
        entries
            .filter_map(|entry| self.item(entry, scope, handlers))
            .collect()
    }

    fn item(&mut self, node: &Node, scope: &Arc<Scope>, handlers: bool) -> Option<Item> {
        let Some(entries) = node.entries() else {
            let error = Error::new(format!("a task is a mapping, not {}", node.kind_name()));
            self.errors.push(
                error
                    .at(&node.place)
                    .help("a task looks like `- name: ...` with a module below it"),
            );
            return None;
        };
        let block = |key: &str| OF_BLOCKS.contains(&key) && key != "notify";
        if entries.iter().any(|entry| entry.0.text().is_some_and(block)) {
            return self.block(node, entries, scope, handlers);
        }
        let task = self.task(node, entries, scope, handlers)?;
        match task.action.short() {
            "include_tasks" | "include_role" => self.include(task, node),
            "import_tasks" | "import_role" => self.import(task, handlers),
            "include" => {
                let error = Error::new("`include` is gone since Ansible 2.16").at(&task.action.place);
                self.errors
                    .push(error.help("write `include_tasks` or `import_tasks`"));
                None
            }
            _ => Some(Item::Task(Arc::new(task))),
        }
    }

    fn block(
        &mut self,
        node: &Node,
        entries: &[(Node, Node)],
        scope: &Arc<Scope>,
        handlers: bool,
    ) -> Option<Item> {
        let mut keywords = Keywords::default();
        for (key, value) in entries {
            let name = key.text().unwrap_or_default();
            if !self.keyword(&mut keywords, Level::Block, key, value) && !OF_BLOCKS.contains(&name) {
                let known = [SHARED, BELOW_PLAYS, OF_BLOCKS].concat();
                self.unknown_key(key, "a block", &known);
            }
        }
        let own = Scope::below(scope, ScopeKind::Block, keywords);
        let mut section = |key: &str| {
            node.get(key)
                .map(|tasks| self.items(tasks, &own, handlers))
                .unwrap_or_default()
        };
        let (block, rescue, always) = (section("block"), section("rescue"), section("always"));
        if node.get("block").is_none() {
            self.refuse("`rescue` and `always` need a `block` beside them", &node.place);
            return None;
        }
        Some(Item::Block(Arc::new(Block {
            scope: own,
            block,
            rescue,
            always,
            place: node.place.clone(),
        })))
    }

    fn task(
        &mut self,
        node: &Node,
        entries: &[(Node, Node)],
        scope: &Arc<Scope>,
        handler: bool,
    ) -> Option<Task> {
        let mut known = [SHARED, BELOW_PLAYS, OF_TASKS].concat();
        if handler {
            known.push("listen");
        }
        let mut parts = Parts::default();
        let mut pieces = Pieces::default();
        for (key, value) in entries {
            let name = key.text().unwrap_or_default();
            if self.keyword(&mut parts.keywords, Level::Task, key, value) {
                continue;
            }
            match name {
                "action" | "local_action" => pieces.action = Some((key, value)),
                "args" => pieces.args = Some(value),
                "listen" if handler => parts.listen = self.list(value),
                _ if known.contains(&name) => self.part(&mut parts, name, value),
                _ if name.starts_with("with_") => self.with_loop(&mut parts, key, value),
                _ => pieces.others.push((key, value)),
            }
        }
        if node.get("local_action").is_some() {
            let local = Placed::new("localhost", &node.place);
            parts.keywords.delegate_to.get_or_insert(local);
        }
        if let (Some(r#loop), Some(control)) = (&mut parts.r#loop, parts.control) {
            r#loop.control = control;
        }
        let action = self.action(node, &pieces, (&parts.keywords, scope), &known)?;
        Some(Task {
            keywords: parts.keywords,
            scope: scope.clone(),
            action,
            r#loop: parts.r#loop,
            register: parts.register,
            changed_when: parts.changed_when,
            failed_when: parts.failed_when,
            until: parts.until,
            retries: parts.retries,
            delay: parts.delay,
            r#async: parts.r#async,
            poll: parts.poll,
            listen: parts.listen,
            place: node.place.clone(),
        })
    }

    /// A keyword that only tasks have.
    fn part(&mut self, parts: &mut Parts, name: &str, node: &Node) {
        match name {
            "changed_when" => parts.changed_when = self.conditions(name, node),
            "failed_when" => parts.failed_when = self.conditions(name, node),
            "until" => parts.until = self.conditions(name, node),
            "retries" => parts.retries = self.setting(name, node, Takes::Number),
            "delay" => parts.delay = self.setting(name, node, Takes::Number),
            "async" => parts.r#async = self.setting(name, node, Takes::Number),
            "poll" => parts.poll = self.setting(name, node, Takes::Number),
            "register" => {
                self.warn_if_reserved(node);
                parts.register = self.variable_name(node);
            }
            "loop" => self.set_loop(parts, None, node),
            "loop_control" => parts.control = self.loop_control(node),
            _ => {}
        }
    }

    fn with_loop(&mut self, parts: &mut Parts, key: &Node, node: &Node) {
        let name = key.text().unwrap_or_default();
        let lookup = name.trim_start_matches("with_");
        let lookups = &self.loader.known.lookups;
        // One of a collection is looked for when the task is reached.
        let elsewhere = || {
            let of_others = || self.loader.plugin(NameKind::Lookup, lookup, &self.folder);
            lookup.contains('.') || module::is_moved_lookup(lookup) || !matches!(of_others(), Ok(None))
        };
        if !lookups.is_empty() && !lookups.contains(&lookup) && !elsewhere() {
            let error =
                Error::new(format!("`{name}` loops over a lookup that does not exist")).at(&key.place);
            let near = nearest(lookup, lookups.iter().copied()).map(|near| format!("with_{near}"));
            self.errors.push(error.help("write `loop`").did_you_mean(near));
        }
        self.set_loop(parts, Some(lookup), node);
    }

    fn set_loop(&mut self, parts: &mut Parts, lookup: Option<&str>, node: &Node) {
        let Some(items) = self.placed(node) else { return };
        if parts.r#loop.is_some() {
            return self.refuse("a task has one loop, and this one has two", &node.place);
        }
        if lookup.is_none() && !matches!(items.value, Value::List(_) | Value::Template(_) | Value::Null) {
            let error = Error::new(format!("`loop` takes a list, not {}", node.kind_name())).at(&node.place);
            return self
                .errors
                .push(error.help("write a list, or a template that gives one"));
        }
        parts.r#loop = Some(Loop {
            lookup: lookup.map(Arc::from),
            items,
            control: LoopControl::default(),
        });
    }

    fn loop_control(&mut self, node: &Node) -> Option<LoopControl> {
        const KNOWN: &[&str] = &[
            "break_when",
            "extended",
            "extended_allitems",
            "index_var",
            "label",
            "loop_var",
            "pause",
        ];
        let Some(entries) = node.entries() else {
            self.refuse(
                format!("`loop_control` takes a mapping, not {}", node.kind_name()),
                &node.place,
            );
            return None;
        };
        let mut control = LoopControl::default();
        for (key, value) in entries {
            match key.text().unwrap_or_default() {
                "loop_var" => control.loop_var = self.setting("loop_var", value, Takes::Text),
                "index_var" => control.index_var = self.setting("index_var", value, Takes::Text),
                "label" => control.label = self.setting("label", value, Takes::Anything),
                "pause" => control.pause = self.setting("pause", value, Takes::Number),
                "extended" => control.extended = self.setting("extended", value, Takes::Bool),
                "extended_allitems" => {
                    control.extended_allitems = self.setting("extended_allitems", value, Takes::Bool);
                }
                "break_when" => control.break_when = self.conditions("break_when", value),
                _ => self.unknown_key(key, "`loop_control`", KNOWN),
            }
        }
        Some(control)
    }
}

/// What belongs to a task alone.
#[derive(Default)]
struct Parts {
    keywords: Keywords,
    r#loop: Option<Loop>,
    control: Option<LoopControl>,
    register: Option<String>,
    changed_when: Vec<crate::model::Condition>,
    failed_when: Vec<crate::model::Condition>,
    until: Vec<crate::model::Condition>,
    retries: Option<Placed>,
    delay: Option<Placed>,
    r#async: Option<Placed>,
    poll: Option<Placed>,
    listen: Vec<Placed>,
}
