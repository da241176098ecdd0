//! How a task ended on a host: the registered result and what follows from it.

use crate::engine::attempt::Done;
use crate::error::Error;
use crate::event::{Caused, Diff, LINES, Status};
use crate::module::Outcome;
use crate::value::{Map, Unknown, Value};
use std::sync::Arc;

/// The result of a task, or of one item of its loop, on one host.
#[derive(Clone, Debug)]
pub struct TaskResult {
    pub status: Status,
    /// What `register` gets.
    pub value: Value,
    pub message: Option<String>,
    pub report: Option<String>,
    /// Where a failure comes from that is no module's.
    pub caused: Option<Caused>,
    pub origin: Option<Arc<Unknown>>,
    pub diffs: Vec<Diff>,
    pub digests: Vec<(String, String)>,
    /// What a person would type.
    pub commands: Vec<String>,
    /// Variables of `set_fact`.
    pub facts: Map,
    /// Gathered facts.
    pub host_facts: Map,
    /// Facts by the names that a module which is a program gave them.
    pub returned_facts: Map,
    /// Variables that `include_vars` read; of a loop each item has given its own.
    pub included: Map,
    /// The debts of its handlers were written down on the host.
    pub owes: bool,
    /// Nothing of it may be shown: `no_log` holds for one of its items.
    pub hidden: bool,
    /// The result is what its module is for, as with `debug`.
    pub shows: bool,
}

impl TaskResult {
    fn new(status: Status, value: Value) -> TaskResult {
        TaskResult {
            status,
            value,
            message: None,
            report: None,
            caused: None,
            origin: None,
            diffs: vec![],
            digests: vec![],
            commands: vec![],
            facts: Map::new(),
            host_facts: Map::new(),
            returned_facts: Map::new(),
            included: Map::new(),
            owes: false,
            hidden: false,
            shows: false,
        }
    }

    /// A condition did not hold, or the module skipped.
    pub fn skipped(reason: &str, condition: Option<Value>) -> TaskResult {
        let mut fields = Map::new();
        fields.insert("changed".into(), false.into());
        fields.insert("skipped".into(), true.into());
        fields.insert("failed".into(), false.into());
        fields.insert("skip_reason".into(), reason.into());
        if let Some(condition) = condition {
            fields.insert("false_condition".into(), condition.untrusted());
        }
        TaskResult {
            message: Some(reason.into()),
            ..TaskResult::new(Status::Skipped, Value::Map(fields.into()))
        }
    }

    /// Only applying can tell.
    pub fn undecided(origin: Arc<Unknown>) -> TaskResult {
        let value = Value::Unknown(origin.clone());
        TaskResult {
            origin: Some(origin),
            ..TaskResult::new(Status::Undecided, value)
        }
    }

    /// Wrong input: an error with its place.
    pub fn error(error: &Error) -> TaskResult {
        let fields = [
            ("changed", false.into()),
            ("failed", true.into()),
            ("msg", told(error).into()),
        ];
        TaskResult {
            message: Some(error.line()),
            report: Some(error.to_string()),
            caused: caused(error),
            ..TaskResult::new(Status::Failed, Value::map(fields))
        }
    }

    /// This result with what another one tells beside it.
    pub fn beside(mut self, other: &TaskResult) -> TaskResult {
        for (name, value) in other.value.as_map().into_iter().flatten() {
            if self.value.get(name).is_none() {
                self.put(name, value.clone());
            }
        }
        self
    }

    /// The module does not take its arguments: an error with its place, and what Ansible says of it.
    pub fn refused(error: &Error, message: &str) -> TaskResult {
        let mut result = TaskResult::error(error);
        result.put("msg", message.into());
        result
    }

    /// The host could not be reached.
    pub fn unreachable(message: &str, report: String) -> TaskResult {
        let fields = [
            ("changed", false.into()),
            ("failed", true.into()),
            ("unreachable", true.into()),
            ("msg", message.into()),
        ];
        TaskResult {
            message: Some(message.into()),
            report: Some(report),
            ..TaskResult::new(Status::Unreachable, Value::map(fields))
        }
    }

    /// What a module did; `failed` is its message if it failed.
    pub fn done(outcome: Outcome, done: Done) -> TaskResult {
        if let Some(reason) = &outcome.skipped {
            let mut fields = outcome.fields;
            for (name, value) in [("changed", false), ("skipped", true), ("failed", false)] {
                fields.insert(name.into(), value.into());
            }
            return TaskResult {
                message: Some(reason.clone()),
                ..TaskResult::new(Status::Skipped, Value::Map(fields.into()))
            };
        }
        let changed = outcome.changed.unwrap_or(done.acted);
        let failed = outcome.failed.is_some();
        let mut fields = outcome.fields;
        fields.insert("changed".into(), changed.into());
        fields.insert("failed".into(), failed.into());
        let mut message = fields.get("msg").and_then(|value| match value {
            Value::String(text) if !text.is_empty() => Some(text.to_string()),
            _ => None,
        });
        if let Some(text) = outcome.failed {
            fields.entry("msg".into()).or_insert_with(|| text.as_str().into());
            message = Some(text);
        }
        let status = match (failed, changed) {
            (true, _) => Status::Failed,
            (_, true) => Status::Changed,
            _ => Status::Ok,
        };
        TaskResult {
            message,
            diffs: [outcome.diffs, done.diffs].concat(),
            digests: done.digests,
            commands: done.commands,
            owes: done.owes,
            facts: outcome.facts,
            host_facts: outcome.host_facts,
            returned_facts: outcome.returned_facts,
            included: outcome.included,
            hidden: outcome.hidden,
            shows: outcome.shown,
            ..TaskResult::new(status, Value::Map(fields.into()))
        }
    }

    /// What Ansible says of a command that check mode leaves out, where this one would have been run.
    pub fn of_a_command_left_out(self, arguments: &Value) -> TaskResult {
        if self.status != Status::Changed {
            return self;
        }
        let tests = |name: &str| arguments.get(name).is_some_and(|value| !value.is_null());
        // Who says when it is to be run is believed.
        let believed = tests("creates") || tests("removes");
        let mut fields = Map::new();
        fields.insert("changed".into(), believed.into());
        fields.insert("failed".into(), false.into());
        if let Some(command) = self.value.get("cmd") {
            fields.insert("cmd".into(), command.clone());
            let reason = "Command would have run if not in check mode";
            fields.insert("msg".into(), reason.into());
            fields.insert("rc".into(), Value::Int(0));
            for name in ["delta", "end", "start"] {
                fields.insert(name.into(), Value::Null);
            }
            for name in ["stdout", "stderr"] {
                fields.insert(name.into(), "".into());
                fields.insert(format!("{name}_lines").into(), Value::list([]));
            }
        }
        let status = match believed {
            true => Status::Changed,
            false => {
                fields.insert("skipped".into(), true.into());
                Status::Skipped
            }
        };
        TaskResult {
            diffs: self.diffs,
            commands: self.commands,
            ..TaskResult::new(status, Value::from(fields))
        }
    }

    /// The results of all items of a loop as one.
    pub fn looped(items: Vec<TaskResult>) -> TaskResult {
        let has = |status| items.iter().any(|item| item.status == status);
        let status = if has(Status::Unreachable) {
            Status::Unreachable
        } else if has(Status::Failed) {
            Status::Failed
        } else if has(Status::Changed) {
            Status::Changed
        } else if has(Status::Undecided) {
            Status::Undecided
        } else if !items.is_empty() && items.iter().all(|item| item.status == Status::Skipped)
            || items.is_empty()
        {
            Status::Skipped
        } else {
            Status::Ok
        };
        let mut fields = Map::new();
        let skipped = status == Status::Skipped;
        fields.insert("changed".into(), has(Status::Changed).into());
        if skipped {
            fields.insert("skipped".into(), true.into());
        }
        let failed = matches!(status, Status::Failed | Status::Unreachable);
        fields.insert("failed".into(), failed.into());
        let message = match status {
            Status::Failed => "One or more items failed",
            Status::Skipped if items.is_empty() => "No items in the list",
            Status::Skipped => "All items skipped",
            _ => "All items completed",
        };
        fields.insert("msg".into(), message.into());
        fields.insert(
            "results".into(),
            Value::list(items.iter().map(|item| item.value.clone())),
        );
        let first = |status| items.iter().find(move |item| item.status == status);
        let bad = first(Status::Unreachable).or(first(Status::Failed));
        TaskResult {
            message: bad.and_then(|item| item.message.clone()).or(Some(message.into())),
            report: bad.and_then(|item| item.report.clone()),
            origin: first(Status::Undecided).and_then(|item| item.origin.clone()),
            diffs: items.iter().flat_map(|item| item.diffs.clone()).collect(),
            digests: items.iter().flat_map(|item| item.digests.clone()).collect(),
            owes: items.iter().any(|item| item.owes),
            hidden: items.iter().any(|item| item.hidden),
            facts: items.iter().flat_map(|item| item.facts.clone()).collect(),
            host_facts: items.iter().flat_map(|item| item.host_facts.clone()).collect(),
            returned_facts: items
                .iter()
                .flat_map(|item| item.returned_facts.clone())
                .collect(),
            ..TaskResult::new(status, Value::Map(fields.into()))
        }
    }

    /// Adds a field to the registered result.
    pub fn put(&mut self, name: &str, value: Value) {
        if let Value::Map(map) = &mut self.value {
            Arc::make_mut(map).insert(name.into(), value);
        }
    }

    /// True if the host is out of the play for it.
    pub fn is_failure(&self) -> bool {
        matches!(self.status, Status::Failed | Status::Unreachable)
    }
}

/// The message that a task which could not be run gets, in Ansible's words.
fn told(error: &Error) -> String {
    if error.course().is_empty() {
        return error.line();
    }
    let doing = error.course().iter().rev().map(|(what, _)| what.as_str());
    let line = error.line();
    let parts = doing.filter(|what| !what.is_empty()).chain([line.as_str()]);
    format!("Task failed: {}", parts.collect::<Vec<_>>().join(": "))
}

/// Where an error of rendering comes from, in Ansible's words.
fn caused(error: &Error) -> Option<Caused> {
    let ((nearest, place), outer) = error.course().split_first()?;
    let doing: Vec<&str> = outer.iter().rev().map(|(what, _)| what.as_str()).collect();
    let doing = doing.iter().map(|what| format!(": {what}"));
    let line = error.line();
    Some(Caused {
        doing: format!("Task failed{}.", doing.collect::<String>()),
        message: match nearest.as_str() {
            "" => line,
            nearest => format!("{nearest}: {line}"),
        },
        place: place.short(),
        column: place.line_column().1,
        lines: place.lines(LINES).into_iter().map(str::to_string).collect(),
    })
}
