//! Handlers: who is notified, and when they run.

use super::host::Host;
use super::items;
use super::play::Context;
use super::scope;
use super::task::title;
use crate::error::{Error, nearest};
use crate::model::{Include, Item, Task};
use crate::source::Place;
use crate::template::{self, Scope};
use crate::value::{Unknown, Value};
use indexmap::IndexMap;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How surely a handler is due.
#[derive(Clone, Debug)]
pub(super) enum Notified {
    /// Something changed.
    Surely,
    /// In check mode: something may change.
    Maybe(Arc<Unknown>),
}

/// The handlers of a play and who is notified.
pub(super) struct Handlers(Mutex<Vec<Handler>>);

/// A handler and the hosts on which it is due.
struct Handler {
    task: Arc<Task>,
    /// Set for a handler that includes a file of tasks.
    include: Option<Arc<Include>>,
    due: IndexMap<Arc<str>, Notified>,
    /// The hosts on which an earlier run ended before it.
    owed: HashSet<Arc<str>>,
}

impl Handler {
    /// True if both are the same handler of the same role.
    fn is_another_use_of(&self, other: &Handler) -> bool {
        let folder = |handler: &Handler| handler.task.role().map(|role| role.folder.clone());
        self.task.action.place == other.task.action.place && folder(self) == folder(other)
    }
}

/// A handler that is to be run on some hosts.
pub(super) struct Due {
    pub(super) task: Arc<Task>,
    pub(super) include: Option<Arc<Include>>,
    pub(super) hosts: Vec<(Arc<Host>, Notified)>,
}

impl Handlers {
    pub(super) fn new(items: &[Item]) -> Handlers {
        let mut found = vec![];
        flatten(items, &mut found);
        Handlers(Mutex::new(found))
    }

    fn all(&self) -> MutexGuard<'_, Vec<Handler>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The handlers, in the order of the page, those of roles that were included while running behind them.
    pub(super) fn tasks(&self) -> Vec<Arc<Task>> {
        self.all().iter().map(|handler| handler.task.clone()).collect()
    }

    /// Adds the handlers of a role that is included while running. Those of a role that was there before are put in
    /// the place of the earlier ones and are due where those were, so that they run once, with the newest variables.
    pub(super) fn add(&self, items: &[Item]) {
        let mut found = vec![];
        flatten(items, &mut found);
        let mut all = self.all();
        for handler in found {
            match all.iter_mut().find(|known| known.is_another_use_of(&handler)) {
                Some(known) => {
                    known.task = handler.task;
                    known.include = handler.include;
                }
                None => all.push(handler),
            }
        }
    }

    /// Takes from the first handler behind `passed` others that is due on some of these hosts those hosts, and tells
    /// its number; others stay notified, since they may be in the middle of their own tasks (`strategy: free`).
    fn next(&self, passed: usize, among: &[Arc<Host>]) -> Option<(usize, Due)> {
        for (at, handler) in self.all().iter_mut().enumerate().skip(passed) {
            let hosts: Vec<_> = among
                .iter()
                .filter_map(|host| Some((host.clone(), handler.due.shift_remove(&host.name)?)))
                .collect();
            if !hosts.is_empty() {
                let due = Due {
                    task: handler.task.clone(),
                    include: handler.include.clone(),
                    hosts,
                };
                return Some((at, due));
            }
        }
        None
    }

    /// True if the handler is due or owed on the host.
    fn is_due(&self, at: usize, host: &Host) -> bool {
        let handler = &self.all()[at];
        handler.due.contains_key(&host.name) || handler.owed.contains(&host.name)
    }

    /// Makes due what is owed on the host, of all handlers or of those with these numbers.
    fn claim(&self, host: &Host, numbers: Option<&[usize]>) {
        for (at, handler) in self.all().iter_mut().enumerate() {
            let meant = numbers.is_none_or(|numbers| numbers.contains(&at));
            if meant && handler.owed.remove(&host.name) {
                handler.due.insert(host.name.clone(), Notified::Surely);
            }
        }
    }

    fn owes(&self, host: &Host) -> bool {
        self.all().iter().any(|handler| handler.owed.contains(&host.name))
    }

    fn notify(&self, at: usize, host: &Host, notified: &Notified) {
        let mut all = self.all();
        let entry = all[at]
            .due
            .entry(host.name.clone())
            .or_insert_with(|| notified.clone());
        if matches!(notified, Notified::Surely) {
            *entry = Notified::Surely;
        }
    }
}

fn flatten(items: &[Item], into: &mut Vec<Handler>) {
    let handler = |task: &Arc<Task>, include: Option<&Arc<Include>>| Handler {
        task: task.clone(),
        include: include.cloned(),
        due: IndexMap::new(),
        owed: HashSet::new(),
    };
    for item in items {
        match item {
            Item::Task(task) => into.push(handler(task, None)),
            Item::Block(block) => flatten(&block.block, into),
            Item::Include(include) => into.push(handler(&include.task, Some(include))),
        }
    }
}

impl Context {
    /// Notifies the handlers that a task names. A name that no handler has is an error.
    pub(super) fn notify(
        self: &Arc<Context>,
        host: &Host,
        task: &Task,
        scope: &Scope,
        notified: &Notified,
    ) -> Option<Error> {
        let mut wrong = None;
        for (name, place) in notified_names(task, scope) {
            if !self.notify_named(host, &name, scope, notified) {
                let known: Vec<String> = self
                    .handlers
                    .tasks()
                    .iter()
                    .map(|task| title(task, scope))
                    .collect();
                let error = Error::new(format!("no handler of this play is named `{name}`")).at(place);
                wrong = Some(match nearest(&name, known.iter().map(String::as_str)) {
                    Some(near) => error.help(format!("did you mean `{near}`?")),
                    None => error.help("a handler stands under `handlers:` of the play or of its roles"),
                });
            }
        }
        wrong
    }

    /// Notifies by a handler's name or by a topic it listens to; false if nobody does.
    pub(super) fn notify_named(
        self: &Arc<Context>,
        host: &Host,
        name: &str,
        scope: &Scope,
        notified: &Notified,
    ) -> bool {
        let called = self.called(host, name, scope);
        called
            .iter()
            .for_each(|at| self.handlers.notify(*at, host, notified));
        !called.is_empty()
    }

    /// Notes that an earlier run ended before the handlers with this name or topic.
    pub(super) fn owe(self: &Arc<Context>, host: &Host, name: &str, scope: &Scope) {
        for at in self.called(host, name, scope) {
            self.handlers.all()[at].owed.insert(host.name.clone());
        }
    }

    /// Makes due what an earlier run owed to a task that this run has come past, whether it changed something or
    /// not: not sooner, for what the handler needs may be made by the tasks before.
    pub(super) fn claim_behind(self: &Arc<Context>, host: &Host, task: &Task, scope: impl FnOnce() -> Scope) {
        if task.notify().is_empty() || !self.handlers.owes(host) {
            return;
        }
        let scope = scope();
        for (name, _) in notified_names(task, &scope) {
            self.handlers.claim(host, Some(&self.called(host, &name, &scope)));
        }
    }

    /// Makes due all that is owed: the tasks that would have notified are behind, or are not run at all.
    pub(super) fn claim_rest(&self, host: &Host) {
        self.handlers.claim(host, None);
    }

    /// True if one of the handlers with this name or topic is due on the host.
    pub(super) fn is_due(self: &Arc<Context>, host: &Host, name: &str, scope: &Scope) -> bool {
        let called = self.called(host, name, scope);
        called.iter().any(|at| self.handlers.is_due(*at, host))
    }

    /// The handlers with this name or topic, by their number.
    fn called(self: &Arc<Context>, host: &Host, name: &str, scope: &Scope) -> Vec<usize> {
        let mut named = None;
        let mut called = vec![];
        let mut heard = HashSet::new();
        for (at, task) in self.handlers.tasks().iter().enumerate().rev() {
            // Variables in a handler's name are its own, as those of the import that brings it.
            let named_by_variables =
                matches!(&task.keywords.name, Some(name) if matches!(name.value, Value::Template(_)));
            let title = match named_by_variables {
                true => title(task, &scope::of_task(self, host, Some(task), &[])),
                false => title(task, scope),
            };
            let bare = title.split_once(" : ").map_or(title.as_str(), |(_, bare)| bare);
            if title == name || bare == name {
                // The last one with a name wins, as in Ansible.
                named = named.or(Some(at));
            }
            let listens = task.listen.iter().any(|topic| match &topic.value {
                Value::List(topics) => topics.iter().any(|topic| topic.as_str() == Some(name)),
                topic => topic.as_str() == Some(name),
            });
            // Of handlers with one name, as of a role that is used twice, only the last hears a topic.
            if listens && (task.keywords.name.is_none() || heard.insert(title.clone())) {
                called.push(at);
            }
        }
        called.extend(named);
        called
    }

    /// Runs all handlers that are due on these hosts, each once, in the order of the page. One that a handler behind
    /// it notifies, or itself, waits for the next time, as in Ansible.
    pub(super) async fn flush(self: &Arc<Context>, among: &[Arc<Host>]) -> Vec<Arc<Host>> {
        let mut failed: Vec<Arc<Host>> = vec![];
        let mut alive = among.to_vec();
        let mut passed = 0;
        while let Some((at, due)) = self.handlers.next(passed, &alive) {
            passed = at + 1;
            let broken = items::handler(self, &due).await;
            let fatal =
                !broken.is_empty() && (items::is_fatal(self, &due.task, &broken) || self.too_many_failed());
            failed.extend(broken);
            if fatal {
                for host in among.iter().filter(|host| !self.is_out(host)) {
                    self.failed(host, false);
                    failed.push(host.clone());
                }
            }
            // The hosts that failed stay notified of all that is left.
            alive.retain(|host| !failed.iter().any(|gone| gone.name == host.name));
        }
        failed
    }
}

/// The names that a task notifies, each with its place.
pub(super) fn notified_names<'a>(task: &'a Task, scope: &Scope) -> Vec<(String, &'a Place)> {
    let mut names = vec![];
    for placed in task.notify() {
        let rendered = template::render(&placed.value, scope).ok().flatten();
        let values = match rendered.map(|rendered| rendered.value) {
            Some(Value::List(items)) => items.to_vec(),
            Some(single) => vec![single],
            None => vec![],
        };
        let texts = values.iter().filter_map(Value::as_str);
        names.extend(texts.map(|name| (name.to_string(), &placed.place)));
    }
    names
}

/// Everything by which a handler can be notified: its name without and with its role, and its topics.
pub(super) fn names_of(task: &Task, scope: &Scope) -> Vec<String> {
    let full = title(task, scope);
    let bare = full.split_once(" : ").map_or(full.as_str(), |(_, bare)| bare);
    let topics = task.listen.iter().flat_map(|topic| match &topic.value {
        Value::List(topics) => topics.iter().filter_map(Value::as_str).collect(),
        topic => topic.as_str().into_iter().collect::<Vec<_>>(),
    });
    let mut names = vec![bare.to_string(), full.clone()];
    names.extend(topics.map(str::to_string));
    names.dedup();
    names
}
