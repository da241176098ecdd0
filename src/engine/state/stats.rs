//! How often each host was ok, changed, failed, as Ansible counts.

use crate::event::{Counts, Status};
use indexmap::IndexMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The counts of all hosts of a run.
#[derive(Default)]
pub struct Stats(Mutex<IndexMap<Arc<str>, Counts>>);

impl Stats {
    fn hosts(&self) -> MutexGuard<'_, IndexMap<Arc<str>, Counts>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the end of a whole task; `changed` is what its result says.
    pub fn ended(&self, host: &Arc<str>, status: Status, changed: bool) {
        let mut hosts = self.hosts();
        let counts = hosts.entry(host.clone()).or_default();
        match status {
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
                counts.changed += usize::from(changed);
            }
        }
    }

    /// A host that could not be reached counts as one whose failure was ignored (`ignore_unreachable`).
    pub fn unreachable_ignored(&self, host: &Arc<str>) {
        let mut hosts = self.hosts();
        let counts = hosts.entry(host.clone()).or_default();
        counts.unreachable = counts.unreachable.saturating_sub(1);
        counts.ok += 1;
        counts.ignored += 1;
    }

    /// A `rescue` took a failure of the host back.
    pub fn rescued(&self, host: &Arc<str>) {
        let mut hosts = self.hosts();
        let counts = hosts.entry(host.clone()).or_default();
        counts.rescued += 1;
        counts.failed = counts.failed.saturating_sub(1);
    }

    /// The counts of every host that had a task, by name.
    pub fn all(&self) -> IndexMap<String, Counts> {
        let hosts = self.hosts();
        let mut all: IndexMap<_, _> = hosts
            .iter()
            .map(|(name, counts)| (name.to_string(), *counts))
            .collect();
        all.sort_keys();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_counted_as_ansible_counts_them() {
        let stats = Stats::default();
        let host = Arc::from("a");
        for status in [
            Status::Ok,
            Status::Changed,
            Status::Ignored,
            Status::Skipped,
            Status::Failed,
        ] {
            stats.ended(&host, status, false);
        }
        stats.rescued(&host);
        let counts = stats.all()["a"];
        assert_eq!(
            (counts.ok, counts.changed, counts.failed, counts.rescued),
            (3, 1, 0, 1)
        );
        assert_eq!((counts.ignored, counts.skipped), (1, 1));
    }
}
