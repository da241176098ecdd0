//! What playbooks name and Vent does not have: found before anything runs, told once, refused by `vent validate`. The task that names
//! it fails when it is reached, as in Ansible.

use super::missing_needs::uses;
use crate::error::{Error, nearest};
use crate::graph::Graph;
use crate::model::load::Loader;
use crate::model::task::Included;
use crate::model::{Action, Block, Include, Item, Play, Task, Variables};
use crate::module::{self, Entry};
use crate::source::Place;
use crate::template::{self, NameKind};
use crate::value::{ArgumentErrorKind, Map, Value};
use indexmap::IndexMap;
use std::collections::HashSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many things the warning names.
const SHOWN: usize = 25;

/// What is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Module,
    Argument,
    Plugin(NameKind),
    Handler,
    File,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Module => "module",
            Kind::Argument => "argument",
            Kind::Plugin(kind) => kind.word(),
            Kind::Handler => "handler",
            Kind::File => "file",
        }
    }
}

/// What was found, in the order of the pages.
#[derive(Default)]
pub struct Survey {
    found: IndexMap<(Kind, String), Vec<Error>>,
}

/// Looks through all plays, and the files of tasks and roles that they include by names that stand there.
pub fn of(graph: &Graph, loader: &Loader) -> Survey {
    let mut survey = Survey::default();
    for node in &graph.nodes {
        let folder = node.playbook.path.parent().unwrap_or(Path::new(""));
        for play in &node.plays {
            let mut reading = Reading {
                survey: &mut survey,
                loader,
                folder: folder.to_path_buf(),
                open: HashSet::new(),
                handlers: HashSet::new(),
                knows_all_handlers: true,
                notified: vec![],
            };
            reading.play(play);
        }
    }
    survey
}

impl Survey {
    /// All that was found, at each place.
    pub fn errors(self) -> Vec<Error> {
        self.found.into_values().flatten().collect()
    }

    /// What a person is told, behind the word for warnings, before the first host is touched, if anything was found.
    pub fn warning(&self, word: &str) -> Option<String> {
        if self.found.is_empty() {
            return None;
        }
        let mut text =
            format!("{word} what is named here is not there; a task that needs it fails when it is reached");
        for ((kind, name), errors) in self.found.iter().take(SHOWN) {
            let Some(first) = errors.first() else { continue };
            let times = match errors.len() {
                1 => String::new(),
                times => format!(", {times} times"),
            };
            let place = first
                .place()
                .map(|place| format!(" {place}:"))
                .unwrap_or_default();
            let help = first.cure().map(|help| format!(" ({help})")).unwrap_or_default();
            let _ = write!(
                text,
                "\n  {} {name}{times}:{place} {}{help}",
                kind.word(),
                first.message()
            );
        }
        if let Some(more @ 1..) = self.found.len().checked_sub(SHOWN) {
            let _ = write!(text, "\n  and {more} more");
        }
        text.push_str("\n`vent validate` refuses it before anything runs\n");
        Some(text)
    }

    fn add(&mut self, kind: Kind, name: &str, error: Error) {
        let errors = self.found.entry((kind, name.to_string())).or_default();
        // A task of an included file or of a role may be met more than once.
        if !errors.iter().any(|known| known.place() == error.place()) {
            errors.push(error);
        }
    }
}

/// The reading of one play.
struct Reading<'a> {
    survey: &'a mut Survey,
    loader: &'a Loader,
    /// The folder of the playbook.
    folder: PathBuf,
    /// What was included already.
    open: HashSet<(Option<PathBuf>, String)>,
    /// Names and topics of handlers.
    handlers: HashSet<String>,
    /// False if a handler's name is a template, or what is included is.
    knows_all_handlers: bool,
    /// Handlers that are notified.
    notified: Vec<(String, Place)>,
}

impl Reading<'_> {
    fn play(&mut self, play: &Play) {
        self.handlers(&play.handlers);
        for list in play.items() {
            self.items(list);
        }
        self.items(&play.handlers);
        if !self.knows_all_handlers {
            return;
        }
        for (name, place) in std::mem::take(&mut self.notified) {
            if !self.handlers.contains(&name) {
                let error = Error::new(format!("no handler of this play is named `{name}`")).at(&place);
                let near = nearest(&name, self.handlers.iter().map(String::as_str));
                self.survey.add(Kind::Handler, &name, error.did_you_mean(near));
            }
        }
    }

    fn handlers(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Block(block) => self.handlers(&block.block),
                Item::Task(task) => self.handler(task),
                Item::Include(include) => self.handler(&include.task),
            }
        }
    }

    fn handler(&mut self, task: &Task) {
        let name = task.keywords.name.as_ref();
        let topics = task.listen.iter();
        for named in topics.chain(name) {
            let texts = match &named.value {
                Value::List(items) => items.to_vec(),
                other => vec![other.clone()],
            };
            for text in texts {
                match text {
                    Value::String(text) => {
                        if let Some(role) = task.role() {
                            let last = role.name.rsplit(['.', '/']).next().unwrap_or_default();
                            self.handlers.insert(format!("{} : {text}", role.name));
                            self.handlers.insert(format!("{last} : {text}"));
                        }
                        self.handlers.insert(text.to_string());
                    }
                    _ => self.knows_all_handlers = false,
                }
            }
        }
    }

    fn items(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Task(task) => self.task(task),
                Item::Block(block) => self.block(block),
                Item::Include(include) => self.include(include),
            }
        }
    }

    fn block(&mut self, block: &Block) {
        for condition in &block.scope.keywords.when {
            self.names(&condition.value, &condition.place, true);
        }
        for placed in block.scope.keywords.vars.values() {
            self.names(&placed.value, &placed.place, false);
        }
        for list in [&block.block, &block.rescue, &block.always] {
            self.items(list);
        }
    }

    fn task(&mut self, task: &Task) {
        for (value, place, condition) in uses(task) {
            self.names(value, place, condition);
        }
        if let Some(r#loop) = &task.r#loop
            && let Some(lookup) = &r#loop.lookup
        {
            let known = template::known_lookups();
            if !known.contains(&&**lookup) && !self.has(NameKind::Lookup, lookup, &r#loop.items.place) {
                let error = Error::new(format!("`with_{lookup}` loops over a lookup that is not there"));
                let near = nearest(lookup, known.iter().copied()).map(|near| format!("with_{near}"));
                let error = error.at(&r#loop.items.place).did_you_mean(near);
                self.survey
                    .add(Kind::Plugin(NameKind::Lookup), &format!("`{lookup}`"), error);
            }
        }
        for placed in task.notify() {
            match &placed.value {
                Value::String(name) => self.notified.push((name.to_string(), placed.place.clone())),
                _ => self.knows_all_handlers = false,
            }
        }
        let action = &task.action;
        if let Some(foreign) = &action.foreign {
            if let Err(error) = self.loader.bridge.serves(foreign) {
                let error = error.at(&action.place);
                self.survey
                    .add(Kind::Module, &format!("`{}`", action.module), error);
            }
            return;
        }
        match (&action.unresolved, module::find(&action.module)) {
            (Some(error), _) => self
                .survey
                .add(Kind::Module, &format!("`{}`", action.module), error.clone()),
            (None, Some(module)) => self.arguments(task, module),
            (None, None) => {}
        }
    }

    /// Filters, tests and lookups.
    fn names(&mut self, value: &Value, place: &Place, condition: bool) {
        for unknown in template::unknown_names(value, Some(place), condition) {
            let at = unknown.error.place().unwrap_or(place);
            if !self.has(unknown.kind, &unknown.name, at) {
                let name = format!("`{}`", unknown.name);
                self.survey.add(Kind::Plugin(unknown.kind), &name, unknown.error);
            }
        }
    }

    /// True if there is a plugin that Vent does not have, or if it was told why it cannot be called.
    fn has(&mut self, kind: NameKind, name: &str, place: &Place) -> bool {
        match self.loader.plugin(kind, name, &self.folder) {
            Ok(found) => found.is_some(),
            Err(error) => {
                self.survey
                    .add(Kind::Plugin(kind), &format!("`{name}`"), error.at(place));
                true
            }
        }
    }

    /// Arguments that the module does not have, and values it cannot take. What is a template is not known yet; with defaults from
    /// elsewhere nothing counts as missing.
    fn arguments(&mut self, task: &Task, module: &Entry) {
        let action = &task.action;
        let defaults = task
            .keywords()
            .any(|keywords| !keywords.module_defaults.is_empty());
        let mut wrong = |name: Option<&str>, error: Error| {
            let name = name.map(|name| format!("`{name}` ")).unwrap_or_default();
            self.survey
                .add(Kind::Argument, &format!("{name}of `{}`", action.module), error);
        };
        let names = (module.arguments)();
        let mut all_known = true;
        for (name, argument) in &action.arguments {
            if names.as_ref().is_some_and(|names| !names.contains(&&**name)) {
                all_known = false;
                // A template may leave it out.
                if !argument.value.holds_template() {
                    let surplus = crate::value::ArgumentError::new("").of(name);
                    let surplus = surplus.of_kind(ArgumentErrorKind::Surplus);
                    wrong(Some(name), action.argument_error(module, &surplus));
                }
            }
        }
        if !all_known || defaults || action.template.is_some() {
            return;
        }
        let Err(found) = (module.check)(&Value::Map(Arc::new(arguments(action, module)))) else {
            return;
        };
        let argument = found
            .argument
            .as_deref()
            .and_then(|name| action.arguments.get(name));
        let open = match argument {
            Some(argument) => argument.value.holds_template(),
            None => holds_template(action) && found.kind != ArgumentErrorKind::Missing,
        };
        if !matches!(found.kind, ArgumentErrorKind::Unknown(_)) && !open {
            wrong(found.argument.as_deref(), action.argument_error(module, &found));
        }
    }

    /// What an include brings, if its name stands there.
    fn include(&mut self, include: &Include) {
        self.task(&include.task);
        let name = match &include.included {
            Included::Tasks(name) => &name.value,
            Included::Role(choice) => &choice.name.value,
        };
        let Value::String(name) = name else {
            self.knows_all_handlers = false;
            return;
        };
        let beside = include.task.place.source.path.clone();
        let chosen = match &include.included {
            Included::Role(choice) => format!("{:?}", choice.tasks_from.as_ref().map(|from| &from.value)),
            Included::Tasks(_) => String::new(),
        };
        if !self.open.insert((beside, format!("{name} {chosen}"))) {
            return;
        }
        let brought = match &include.included {
            Included::Tasks(_) => self
                .loader
                .include_tasks(include, name, Variables::new(), &self.folder),
            Included::Role(choice) => {
                self.loader
                    .include_role(include, choice, Variables::new(), &self.folder)
            }
        };
        match brought {
            Ok(brought) => {
                self.handlers(&brought.handlers);
                self.items(&brought.items);
                self.items(&brought.handlers);
            }
            Err(errors) => {
                self.knows_all_handlers = false;
                // A condition may keep it from being reached, a task before it may make the file.
                for error in errors.0 {
                    self.survey.add(Kind::File, &format!("`{name}`"), error);
                }
            }
        }
    }
}

/// The arguments with everything that is still to be rendered unknown.
fn arguments(action: &Action, known: &Entry) -> Map {
    let own = action
        .arguments
        .iter()
        .map(|(name, argument)| (name.clone(), unrendered(&argument.value)));
    let free = known.free_form.zip(action.free_form.as_ref());
    own.chain(free.map(|(name, placed)| (Arc::from(name), unrendered(&placed.value))))
        .collect()
}

fn unrendered(value: &Value) -> Value {
    match value {
        Value::Template(_) => Value::unknown("the template"),
        Value::List(items) => Value::list(items.iter().map(unrendered)),
        Value::Map(map) => Value::map(map.iter().map(|(key, value)| (key, unrendered(value)))),
        other => other.clone(),
    }
}

fn holds_template(action: &Action) -> bool {
    let free = action
        .free_form
        .as_ref()
        .is_some_and(|placed| placed.value.holds_template());
    free || action
        .arguments
        .values()
        .any(|argument| argument.value.holds_template())
}
