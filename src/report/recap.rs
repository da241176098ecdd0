//! The recap: how often each host was ok, changed, failed, as Ansible counts.

use super::duration::duration;
use crate::event::{Counts, Ending, Event, Kind, Status, TaskEnded, TaskName};
use indexmap::IndexMap;
use std::fmt::Write;

/// What the recap tells, gathered while the run goes on.
#[derive(Debug, Default)]
pub struct Recap {
    check: bool,
    hosts: IndexMap<String, Counts>,
    undecided: Vec<TaskEnded>,
    /// Hosts that are not there yet, each with what would decide everything about it.
    expected: Vec<(String, String)>,
    failures: Vec<TaskEnded>,
    /// Plays that something kept from running: playbook, place and play.
    broken: Vec<(String, String, String)>,
    playbooks: Vec<(String, Ending, Option<String>, f64)>,
    /// How often each module was run that Vent does not have.
    bridged: IndexMap<String, usize>,
    /// How often each plugin was called that Vent does not have.
    plugins: IndexMap<String, usize>,
    seconds: f64,
}

impl Recap {
    /// Takes one event into account.
    pub fn event(&mut self, event: &Event) {
        match &event.kind {
            Kind::RunStarted { check, .. } => self.check = *check,
            Kind::TaskEnded(task) => match task.status {
                Status::Undecided => self.undecided.push((**task).clone()),
                Status::Failed | Status::Unreachable => self.failures.push((**task).clone()),
                _ => {}
            },
            Kind::HostExpected { host, origin, .. } => {
                // However many plays it is in, it has one line.
                let known = (host.clone(), origin.clone());
                if !self.expected.contains(&known) {
                    self.expected.push(known);
                }
            }
            Kind::PlayBroken {
                playbook,
                play,
                place,
                ..
            } => self.broken.push((playbook.clone(), place.clone(), play.clone())),
            Kind::Bridged { modules, plugins, .. } => {
                self.bridged.clone_from(modules);
                self.plugins.clone_from(plugins);
            }
            Kind::Stats { hosts } => self.hosts.clone_from(hosts),
            Kind::Rescued { host } => {
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

    /// The closing text; with `-v` it names the modules that Vent does not have.
    pub fn text(&self, verbosity: u8) -> String {
        let mut out = String::new();
        self.undecided_lines(&mut out);
        self.playbook_lines(&mut out);
        let _ = writeln!(out, "\nPLAY RECAP {}", "*".repeat(69));
        let width = self.hosts.keys().map(String::len).max().unwrap_or(0).max(26);
        for (host, counts) in &self.hosts {
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
        self.bridged_lines(&mut out, verbosity);
        let _ = writeln!(out, "{}", duration(self.seconds));
        out
    }

    fn bridged_lines(&self, out: &mut String, verbosity: u8) {
        for (counts, one, many, whose) in [
            (&self.bridged, "task", "tasks", "by modules that are not Vent's"),
            (&self.plugins, "call", "calls", "of plugins that are not Vent's"),
        ] {
            let times: usize = counts.values().sum();
            if times == 0 {
                continue;
            }
            let words = if times == 1 { one } else { many };
            let _ = writeln!(out, "bridged: {times} {words} {whose}");
            for (name, times) in counts.iter().filter(|_| verbosity > 0) {
                let _ = writeln!(out, "  {name}: {times}");
            }
        }
    }

    fn undecided_lines(&self, out: &mut String) {
        if !self.undecided.is_empty() || !self.expected.is_empty() {
            let _ = writeln!(out, "\nUndecided until they are applied:");
        }
        for (host, origin) in &self.expected {
            let _ = writeln!(out, "  [{host}] every task: decided by {origin}");
        }
        for task in &self.undecided {
            let origin = task.origin.as_deref().unwrap_or("what comes before");
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
        for (_, place, play) in self.broken.iter().filter(|broken| broken.0 == playbook) {
            let _ = writeln!(out, "  {place} {play}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_stand_as_ansible_writes_them() {
        let mut recap = Recap::default();
        let counts = Counts {
            ok: 3,
            changed: 1,
            ..Counts::default()
        };
        let hosts = [("a".to_string(), counts)].into_iter().collect();
        let kind = Kind::Stats { hosts };
        recap.event(&Event { time: 0.0, kind });
        let text = recap.text(0);
        assert!(
            text.contains("a                          : ok=3    changed=1 "),
            "{text}"
        );
    }
}
