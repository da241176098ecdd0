//! Handlers: who is notified, and when they run.

use super::host::Host;
use super::items;
use super::play::Context;
use super::task::title;
use crate::error::{Error, nearest};
use crate::model::{Item, Task};
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
    due: IndexMap<Arc<str>, Notified>,
}

impl Handlers {
    pub(super) fn new(items: &[Item]) -> Handlers {
        let handlers = Handlers(Mutex::default());
        handlers.add(items);
        handlers
    }

    fn all(&self) -> MutexGuard<'_, Vec<Handler>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The handlers, in the order of the page, those of roles that were included while running behind them.
    pub(super) fn tasks(&self) -> Vec<Arc<Task>> {
        self.all().iter().map(|handler| handler.task.clone()).collect()
    }

    /// Adds the handlers of a role that is included while running, unless they are there.
    pub(super) fn add(&self, items: &[Item]) {
        let mut tasks = vec![];
        flatten(items, &mut tasks);
        let mut all = self.all();
        for task in tasks {
            if !all.iter().any(|known| known.task == task) {
                let due = IndexMap::new();
                all.push(Handler { task, due });
            }
        }
    }

    /// Takes the hosts of the first handler that is due.
    fn next(&self) -> Option<(Arc<Task>, IndexMap<Arc<str>, Notified>)> {
        let mut all = self.all();
        let handler = all.iter_mut().find(|handler| !handler.due.is_empty())?;
        Some((handler.task.clone(), std::mem::take(&mut handler.due)))
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

fn flatten(items: &[Item], into: &mut Vec<Arc<Task>>) {
    for item in items {
        match item {
            Item::Task(task) => into.push(task.clone()),
            Item::Block(block) => flatten(&block.block, into),
            Item::Include(include) => into.push(include.task.clone()),
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
        for placed in task.notify() {
            let rendered = template::render(&placed.value, scope)
                .ok()
                .flatten()
                .map(|rendered| rendered.value);
            let names = match rendered {
                Some(Value::List(items)) => items.to_vec(),
                Some(single) => vec![single],
                None => vec![],
            };
            for name in names.iter().filter_map(Value::as_str) {
                if !self.notify_named(host, name, scope, notified) {
                    let known: Vec<String> = self
                        .handlers
                        .tasks()
                        .iter()
                        .map(|task| title(task, scope))
                        .collect();
                    let error =
                        Error::new(format!("no handler of this play is named `{name}`")).at(&placed.place);
                    wrong = Some(match nearest(name, known.iter().map(String::as_str)) {
                        Some(near) => error.help(format!("did you mean `{near}`?")),
                        None => error.help("a handler stands under `handlers:` of the play or of its roles"),
                    });
                }
            }
        }
        wrong
    }

    /// Notifies by a handler's name or by a topic it listens to; false if nobody does.
    pub(super) fn notify_named(&self, host: &Host, name: &str, scope: &Scope, notified: &Notified) -> bool {
        let mut named = None;
        let mut found = false;
        let mut heard = HashSet::new();
        for (at, task) in self.handlers.tasks().iter().enumerate().rev() {
            let title = title(task, scope);
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
                self.handlers.notify(at, host, notified);
                found = true;
            }
        }
        if let Some(at) = named {
            self.handlers.notify(at, host, notified);
            found = true;
        }
        found
    }

    /// Runs all handlers that are due on these hosts, in the order of the page, until none is.
    pub(super) async fn flush(self: &Arc<Context>, among: &[Arc<Host>]) -> Vec<Arc<Host>> {
        let mut failed: Vec<Arc<Host>> = vec![];
        let mut kept = vec![];
        while let Some((task, due)) = self.handlers.next() {
            let mut chosen = vec![];
            for (name, notified) in due {
                let here = among.iter().find(|host| host.name == name);
                match here {
                    Some(host) if !failed.iter().any(|gone| gone.name == name) => {
                        chosen.push((host.clone(), notified))
                    }
                    _ => kept.push((task.clone(), name, notified)),
                }
            }
            let broken = items::handler(self, &task, chosen).await;
            let fatal =
                !broken.is_empty() && (items::is_fatal(self, &task, &broken) || self.too_many_failed());
            failed.extend(broken);
            if fatal {
                for host in among.iter().filter(|host| !self.is_out(host)) {
                    self.failed(host, false);
                    failed.push(host.clone());
                }
            }
        }
        // Hosts outside this flush stay notified.
        for (task, name, notified) in kept {
            if let Some(at) = self
                .handlers
                .tasks()
                .iter()
                .position(|known| Arc::ptr_eq(known, &task))
            {
                self.handlers.notify(at, &self.run.host(&name), &notified);
            }
        }
        failed
    }
}
