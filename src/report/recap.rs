//! The recap: how often each host was ok, changed, failed, as Ansible counts.

use super::duration::duration;
use crate::event::{Ending, Event, Kind, Status, TaskEnded, TaskName};
use indexmap::IndexMap;
use std::fmt::Write;

/// Counts of one host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tasks that succeeded, changed ones included.
    pub ok: usize,
    /// Tasks that changed something.
    pub changed: usize,
    /// Tasks that could not reach the host.
    pub unreachable: usize,
    /// Tasks that failed.
    pub failed: usize,
    /// Tasks that were skipped.
    pub skipped: usize,
    /// Failures that a rescue took back.
    pub rescued: usize,
    /// Failures that were ignored.
    pub ignored: usize,
    /// Tasks that only applying can decide.
    pub undecided: usize,
}

/// Counts while the run goes on.
#[derive(Debug, Default)]
pub struct Recap {
    check: bool,
    hosts: IndexMap<String, Counts>,
    undecided: Vec<TaskEnded>,
    failures: Vec<TaskEnded>,
    playbooks: Vec<(String, Ending, Option<String>, f64)>,
    seconds: f64,
}

impl Recap {
    /// Takes one event into account.
    pub fn event(&mut self, event: &Event) {
        match &event.kind {
            Kind::RunStarted { check, .. } => self.check = *check,
            Kind::TaskEnded(task) if task.item.is_none() => self.task(task),
            Kind::Rescued { host } => {
                let counts = self.hosts.entry(host.clone()).or_default();
                counts.rescued += 1;
                counts.failed = counts.failed.saturating_sub(1);
                // What failed on the host before, in another playbook, stays failed.
                let last = self
                    .failures
                    .iter()
                    .rposition(|failure| failure.name.host == *host);
                last.map(|at| self.failures.remove(at));
            }
            Kind::PlaybookEnded {
                playbook,
                ending,
                cause,
                seconds,
            } => {
                self.playbooks
                    .push((playbook.clone(), *ending, cause.clone(), *seconds));
            }
            Kind::RunEnded { seconds, .. } => self.seconds = *seconds,
            _ => {}
        }
    }

    fn task(&mut self, task: &TaskEnded) {
        let counts = self.hosts.entry(task.name.host.clone()).or_default();
        match task.status {
            Status::Ok => counts.ok += 1,
            Status::Changed => {
                counts.ok += 1;
                counts.changed += 1;
            }
            Status::Skipped => counts.skipped += 1,
            Status::Undecided => counts.undecided += 1,
            Status::Failed => counts.failed += 1,
            Status::Unreachable => counts.unreachable += 1,
            Status::Ignored => {
                counts.ok += 1;
                counts.ignored += 1;
                counts.changed += usize::from(task.result.get("changed") == Some(&true.into()));
            }
        }
        match task.status {
            Status::Undecided => self.undecided.push(task.clone()),
            Status::Failed | Status::Unreachable => self.failures.push(task.clone()),
            _ => {}
        }
    }

    /// The counts of a host.
    pub fn counts(&self, host: &str) -> Counts {
        self.hosts.get(host).copied().unwrap_or_default()
    }

    /// The closing text.
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.undecided_lines(&mut out);
        self.playbook_lines(&mut out);
        let _ = writeln!(out, "\nPLAY RECAP {}", "*".repeat(69));
        let width = self.hosts.keys().map(String::len).max().unwrap_or(0).max(26);
        let mut hosts: Vec<_> = self.hosts.iter().collect();
        hosts.sort_by_key(|entry| entry.0);
        for (host, counts) in hosts {
            let Counts {
                ok,
                changed,
                unreachable,
                failed,
                skipped,
                rescued,
                ignored,
                undecided,
            } = counts;
            let _ = write!(
                out,
                "{host:<width$} : ok={ok:<4} changed={changed:<4} unreachable={unreachable:<4} failed={failed:<4} skipped={skipped:<4} rescued={rescued:<4} ignored={ignored:<4}"
            );
            let _ = if self.check {
                writeln!(out, " undecided={undecided}")
            } else {
                writeln!(out)
            };
        }
        let _ = writeln!(out, "{}", duration(self.seconds));
        out
    }

    fn undecided_lines(&self, out: &mut String) {
        if !self.undecided.is_empty() {
            let _ = writeln!(out, "\nUndecided until they are applied:");
        }
        let mut whole = std::collections::HashSet::new();
        for task in &self.undecided {
            let origin = task.origin.as_deref().unwrap_or("what comes before");
            // A host that is not there yet has one line, however many plays it is in.
            if task.name.task.starts_with("every task of ") {
                if whole.insert((&task.name.host, origin)) {
                    let _ = writeln!(out, "  [{}] every task: decided by {origin}", task.name.host);
                }
                continue;
            }
            let _ = writeln!(
                out,
                "  {} [{}] {}: decided by {origin}",
                task.name.place, task.name.host, task.name.task
            );
        }
    }

    fn playbook_lines(&self, out: &mut String) {
        let left: Vec<_> = self
            .playbooks
            .iter()
            .filter(|(_, ending, ..)| *ending != Ending::Done)
            .collect();
        if left.is_empty() {
            return;
        }
        let _ = writeln!(out);
        for (name, ending, cause, seconds) in &left {
            match (ending, cause) {
                (Ending::Blocked, Some(cause)) => {
                    let failed = left
                        .iter()
                        .any(|(other, ending, ..)| other == cause && *ending == Ending::Failed);
                    let word = if failed { "failed" } else { "did not run" };
                    let _ = writeln!(out, "blocked: {name}, because {cause} {word}");
                }
                (Ending::Stopped, _) => {
                    let words = if *seconds > 0.0 {
                        ("stopped", ", before its end")
                    } else {
                        ("not run", "")
                    };
                    let _ = writeln!(out, "{}: {name}{}", words.0, words.1);
                }
                _ => {
                    let _ = writeln!(out, "failed: {name}");
                    self.failures_of(name, out);
                }
            };
        }
        let only_stopped = left.iter().all(|(_, ending, ..)| *ending == Ending::Stopped);
        let cure = if only_stopped {
            "type the same command again to go on: what is done stays done"
        } else {
            "mend the cause and type the same command again: what is done stays done"
        };
        let _ = writeln!(out, "{cure}");
    }

    fn failures_of(&self, playbook: &str, out: &mut String) {
        for failure in self
            .failures
            .iter()
            .filter(|failure| failure.name.playbook == playbook)
        {
            let TaskName {
                place, host, task, ..
            } = &failure.name;
            let place = if place.is_empty() {
                String::new()
            } else {
                format!("{place} ")
            };
            let _ = writeln!(out, "  {place}[{host}] {task}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(host: &str, status: Status) -> Event {
        let name = TaskName {
            host: host.into(),
            task: "Task".into(),
            place: "a.yml:1".into(),
            ..TaskName::default()
        };
        let task = TaskEnded {
            name,
            item: None,
            looped: false,
            status,
            message: None,
            result: serde_json::Value::Null,
            diffs: vec![],
            digests: vec![],
            commands: vec![],
            report: None,
            origin: None,
            seconds: 0.0,
        };
        Event {
            time: 0.0,
            kind: Kind::TaskEnded(Box::new(task)),
        }
    }

    #[test]
    fn tasks_are_counted_as_ansible_counts_them() {
        let mut recap = Recap::default();
        for status in [
            Status::Ok,
            Status::Changed,
            Status::Ignored,
            Status::Skipped,
            Status::Failed,
        ] {
            recap.event(&ended("a", status));
        }
        recap.event(&Event {
            time: 0.0,
            kind: Kind::Rescued { host: "a".into() },
        });
        let counts = recap.counts("a");
        assert_eq!(
            (counts.ok, counts.changed, counts.failed, counts.rescued),
            (3, 1, 0, 1)
        );
        assert_eq!((counts.ignored, counts.skipped), (1, 1));
        assert!(
            recap
                .text()
                .contains("a                          : ok=3    changed=1 "),
            "{}",
            recap.text()
        );
    }
}
