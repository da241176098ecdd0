//! The handlers of a play, and who is notified.

use super::host::Host;
use crate::model::{Include, Item, Task};
use crate::value::Unknown;
use indexmap::IndexMap;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How surely a handler is due.
#[derive(Clone, Debug)]
pub enum Notified {
    /// Something changed.
    Surely,
    /// In check mode: something may change.
    Maybe(Arc<Unknown>),
}

/// The handlers of a play and who is notified.
pub struct Handlers(Mutex<Vec<Handler>>);

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
pub struct Due {
    /// The handler.
    pub task: Arc<Task>,
    /// Set for one that includes a file of tasks.
    pub include: Option<Arc<Include>>,
    /// The hosts, and how surely it is due on each.
    pub hosts: Vec<(Arc<Host>, Notified)>,
}

impl Handlers {
    /// The handlers of a list, none of them due.
    pub fn new(items: &[Item]) -> Handlers {
        let mut found = vec![];
        flatten(items, &mut found);
        Handlers(Mutex::new(found))
    }

    fn all(&self) -> MutexGuard<'_, Vec<Handler>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The handlers, in the order of the page, those of roles that were included while running behind them.
    pub fn tasks(&self) -> Vec<Arc<Task>> {
        self.all().iter().map(|handler| handler.task.clone()).collect()
    }

    /// Adds the handlers of a role that is included while running. Those of a role that was there before are put in
    /// the place of the earlier ones and are due where those were, so that they run once, with the newest variables.
    pub fn add(&self, items: &[Item]) {
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
    pub fn next(&self, passed: usize, among: &[Arc<Host>]) -> Option<(usize, Due)> {
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

    /// An earlier run ended before the handler.
    pub fn owe(&self, at: usize, host: &Host) {
        self.all()[at].owed.insert(host.name.clone());
    }

    /// True if the handler is due or owed on the host.
    pub fn is_due(&self, at: usize, host: &Host) -> bool {
        let handler = &self.all()[at];
        handler.due.contains_key(&host.name) || handler.owed.contains(&host.name)
    }

    /// Makes due what is owed on the host, of all handlers or of those with these numbers.
    pub fn claim(&self, host: &Host, numbers: Option<&[usize]>) {
        for (at, handler) in self.all().iter_mut().enumerate() {
            let meant = numbers.is_none_or(|numbers| numbers.contains(&at));
            if meant && handler.owed.remove(&host.name) {
                handler.due.insert(host.name.clone(), Notified::Surely);
            }
        }
    }

    /// True if anything is owed on the host.
    pub fn owes(&self, host: &Host) -> bool {
        self.all().iter().any(|handler| handler.owed.contains(&host.name))
    }

    /// Makes the handler due on the host.
    pub fn notify(&self, at: usize, host: &Host, notified: &Notified) {
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
