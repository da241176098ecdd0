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
    /// When something was told of it.
    told: Instant,
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
                let now = Instant::now();
                let task = Task {
                    name: name.clone(),
                    since: now,
                    told: now,
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
                if let Some(running) = self.of(host, task) {
                    running.progress = Some(format!("{done} of {total}: {text}"));
                }
            }
            _ => {}
        }
    }

    fn of(&mut self, host: &str, task: &str) -> Option<&mut Task> {
        let same = |running: &&mut Task| running.name.host == host && running.name.task == task;
        self.0.values_mut().find(same)
    }

    /// Notes that something was told of the task that an event is about.
    pub(super) fn told(&mut self, event: &Event, now: Instant) {
        let running = match &event.kind {
            Kind::Progress { host, task, .. } | Kind::Output { host, task, .. } => self.of(host, task),
            Kind::Retried { name, .. } | Kind::AsyncPolled { name, .. } => self.0.get_mut(&key(name)),
            Kind::ItemEnded(item) => self.0.get_mut(&key(&item.name)),
            _ => None,
        };
        if let Some(running) = running {
            running.told = now;
        }
    }

    /// The tasks of which nothing was told for so long, those that have run longest first; now something is.
    pub(super) fn silent_for(&mut self, age: Duration, now: Instant) -> Vec<&Task> {
        let mut silent = vec![];
        for task in self.0.values_mut() {
            if now.saturating_duration_since(task.told) >= age {
                task.told = now;
                silent.push(&*task);
            }
        }
        silent
    }

    /// The tasks that have run for so long, those that have run longest first.
    pub(super) fn longer_than(&self, age: Duration, now: Instant) -> Vec<&Task> {
        self.0.values().filter(|task| task.age(now) >= age).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_silent_until_something_is_told_of_it_and_not_of_another() {
        let event = |kind: Kind| Event { time: 0.0, kind };
        let mut running = Running::default();
        for host in ["a", "b"] {
            let name = TaskName {
                host: host.into(),
                task: "Build".into(),
                ..TaskName::default()
            };
            running.note(&event(Kind::HostStarted(name)));
        }
        let at = |seconds: u64| Instant::now() + Duration::from_secs(seconds);
        let line = Kind::Output {
            host: "b".into(),
            task: "Build".into(),
            error: true,
            line: "a word".into(),
        };
        running.told(&event(line), at(15));
        let mut silent = |seconds: u64| -> Vec<String> {
            let silent = running.silent_for(Duration::from_secs(20), at(seconds));
            silent.iter().map(|task| task.name.host.clone()).collect()
        };
        assert_eq!(silent(25), ["a"]);
        assert_eq!(silent(36), ["b"]);
        assert_eq!(silent(50), ["a"], "it was told at 25");
    }
}
