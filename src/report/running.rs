//! What runs at the moment, and since when.

use crate::event::{Event, Kind, TaskName};
use indexmap::IndexMap;
use std::time::{Duration, Instant};

/// The tasks that run, in the order in which they began.
#[derive(Default)]
pub(super) struct Running(IndexMap<Key, Task>);

type Key = (String, String, String);

/// A task that runs on a host.
pub(super) struct Task {
    pub(super) name: TaskName,
    since: Instant,
    /// How far it is, if it tells.
    pub(super) progress: Option<String>,
}

impl Task {
    /// How long it has run.
    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }
}

fn key(name: &TaskName) -> Key {
    (name.host.clone(), name.playbook.clone(), name.place.clone())
}

impl Running {
    /// Takes an event into account.
    pub(super) fn note(&mut self, event: &Event) {
        match &event.kind {
            Kind::HostStarted(name) => {
                let task = Task {
                    name: name.clone(),
                    since: Instant::now(),
                    progress: None,
                };
                self.0.insert(key(name), task);
            }
            Kind::TaskEnded(task) => drop(self.0.shift_remove(&key(&task.name))),
            Kind::Progress {
                host,
                task,
                done,
                total,
                text,
            } => {
                let same = |running: &&mut Task| running.name.host == *host && running.name.task == *task;
                if let Some(running) = self.0.values_mut().find(same) {
                    running.progress = Some(format!("{done} of {total}: {text}"));
                }
            }
            _ => {}
        }
    }

    /// The tasks that have run for so long, those that have run longest first.
    pub(super) fn longer_than(&self, age: Duration, now: Instant) -> Vec<&Task> {
        self.0.values().filter(|task| task.age(now) >= age).collect()
    }
}
