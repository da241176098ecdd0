//! What a run told: its events, and questions about them.

use std::collections::BTreeSet;
use vent::event::{Event, Kind, Status, TaskEnded};

/// A run that has ended.
pub struct Run {
    pub code: i32,
    pub events: Vec<Event>,
    pub stderr: String,
}

impl Run {
    /// Reads the output of `vent run --output json`.
    pub fn of(output: &std::process::Output) -> Run {
        let text = String::from_utf8_lossy(&output.stdout);
        Run {
            code: output.status.code().unwrap_or(-1),
            events: text
                .lines()
                .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
                .collect(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The ends of whole tasks.
    pub fn tasks(&self) -> impl Iterator<Item = &TaskEnded> {
        self.events.iter().filter_map(|event| match &event.kind {
            Kind::TaskEnded(ended) => Some(&**ended),
            _ => None,
        })
    }

    /// `host: task` of all that ended so.
    pub fn with(&self, status: Status) -> BTreeSet<String> {
        let ended = self.tasks().filter(|task| task.status == status);
        ended
            .map(|task| format!("{}: {}", task.name.host, task.name.task))
            .collect()
    }

    /// Ends the test if the run did not succeed, with what it said.
    pub fn succeeded(self) -> Run {
        let reports: Vec<_> = self
            .events
            .iter()
            .filter_map(|event| match &event.kind {
                Kind::TaskEnded(ended) => ended.report.as_deref(),
                _ => None,
            })
            .collect();
        assert_eq!(self.code, 0, "{}\n{}", self.stderr, reports.join("\n"));
        self
    }

    /// Seconds from the first event to the last.
    pub fn seconds(&self) -> f64 {
        match (self.events.first(), self.events.last()) {
            (Some(first), Some(last)) => last.time - first.time,
            _ => 0.0,
        }
    }

    /// Seconds that a playbook took.
    pub fn seconds_of(&self, name: &str) -> f64 {
        self.events
            .iter()
            .find_map(|event| match &event.kind {
                Kind::PlaybookEnded {
                    playbook, seconds, ..
                } if playbook == name => Some(*seconds),
                _ => None,
            })
            .unwrap_or_default()
    }

    /// How many tasks began.
    pub fn started(&self) -> usize {
        let started = |event: &&Event| matches!(event.kind, Kind::HostStarted(_));
        self.events.iter().filter(started).count()
    }
}
