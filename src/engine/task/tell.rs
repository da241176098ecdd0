//! The events of a task on a host.

use super::{HostTask, Notification, TaskResult, title, way};
use crate::connection::Stream;
use crate::event::{Caused, Kind, LINES, Status, TaskEnded, TaskName};
use crate::template::Scope;
use crate::value::{self, Value};
use std::time::Instant;

/// What stands in place of all that `no_log` hides, in Ansible's words.
const CENSORED: &str =
    "the output has been hidden due to the fact that 'no_log: true' was specified for this result";
/// What stands in place of an item.
pub(super) const CENSORED_ITEM: &str = "(censored due to no_log)";

impl HostTask {
    /// Which task, where.
    pub fn name(&self, scope: &Scope) -> TaskName {
        TaskName {
            playbook: self.context.play.name.clone(),
            play: self.context.play.title(),
            host: self.host.name.to_string(),
            delegate: None,
            task: self.context.run.mask(&title(&self.task, scope)),
            module: self.task.action.module.to_string(),
            place: self.task.place.short(),
            column: self.task.place.line_column().1,
            handler: self.handler,
        }
    }

    /// Tells the end of the whole task, and counts it.
    pub(super) fn tell_ended(&self, name: &TaskName, scope: &Scope, result: &TaskResult, started: Instant) {
        let run = &self.context.run;
        let changed = result.value.get("changed") == Some(&Value::Bool(true));
        run.stats.ended(&self.host.name, result.status, changed);
        let ended = self.shown(name, scope, None, result, started);
        run.events.tell(Kind::TaskEnded(Box::new(ended)));
    }

    /// Tells the end of one item of its loop.
    pub(super) fn tell_item(
        &self,
        name: &TaskName,
        scope: &Scope,
        item: &Value,
        result: &TaskResult,
        started: Instant,
    ) {
        let ended = self.shown(name, scope, Some(item), result, started);
        self.context.run.events.tell(Kind::ItemEnded(Box::new(ended)));
    }

    /// Tells a line of a running command.
    pub(super) fn tell_line(&self, name: &TaskName, stream: Stream, line: &str) {
        self.context.run.events.tell(Kind::Output {
            host: name.host.clone(),
            task: name.task.clone(),
            error: stream == Stream::Stderr,
            line: self.context.run.mask(line),
        });
    }

    /// Tells that a handler is notified.
    pub(super) fn tell_notified(&self, name: &TaskName, notification: &Notification) {
        self.context.run.events.tell(Kind::Notified {
            name: name.clone(),
            handler_name: self.context.run.mask(&notification.name),
        });
    }

    /// What is told of a result: secrets masked, nothing at all with `no_log`.
    fn shown(
        &self,
        name: &TaskName,
        scope: &Scope,
        item: Option<&Value>,
        result: &TaskResult,
        started: Instant,
    ) -> TaskEnded {
        let label = item.map(|item| item.as_str().map_or_else(|| value::repr(item), str::to_string));
        let delegate = way::delegate(&self.task, scope).ok().flatten();
        let ended = TaskEnded {
            name: TaskName {
                delegate: delegate.filter(|delegate| *delegate != name.host),
                ..name.clone()
            },
            item: None,
            looped: item.is_none() && self.task.r#loop.is_some(),
            status: result.status,
            message: None,
            result: serde_json::Value::Null,
            diffs: vec![],
            digests: vec![],
            commands: vec![],
            // A module that was not run has nothing to show.
            shown: (result.shows || self.shows_result()) && result.caused.is_none(),
            report: None,
            lines: vec![],
            caused: None,
            origin: None,
            seconds: started.elapsed().as_secs_f64(),
        };
        match result.hidden || self.hides(scope) {
            true => self.censored(ended, label, result),
            false => self.masked(ended, label, result),
        }
    }

    /// What is told of a result that may be shown, secrets masked.
    fn masked(&self, ended: TaskEnded, label: Option<String>, result: &TaskResult) -> TaskEnded {
        let run = &self.context.run;
        let mask = |text: &Option<String>| text.as_ref().map(|text| run.mask(text));
        let digests = result.digests.iter();
        TaskEnded {
            item: mask(&label),
            message: mask(&result.message),
            result: run.mask_json((&result.value).into()),
            diffs: result.diffs.iter().map(|diff| run.mask_diff(diff)).collect(),
            digests: digests
                .map(|(path, digest)| (run.mask(path), digest.clone()))
                .collect(),
            commands: result.commands.iter().map(|line| run.mask(line)).collect(),
            report: mask(&result.report),
            lines: match result.status {
                Status::Failed | Status::Ignored | Status::Unreachable => {
                    let lines = self.task.place.lines(LINES);
                    lines.into_iter().map(|line| run.mask(line)).collect()
                }
                _ => vec![],
            },
            caused: result.caused.as_ref().map(|caused| Caused {
                message: run.mask(&caused.message),
                lines: caused.lines.iter().map(|line| run.mask(line)).collect(),
                ..caused.clone()
            }),
            origin: result.origin.as_ref().map(|origin| run.mask(&origin.origin)),
            ..ended
        }
    }

    /// What is told of a result of which nothing may be shown: how it ended, and where.
    fn censored(&self, ended: TaskEnded, label: Option<String>, result: &TaskResult) -> TaskEnded {
        // The line of the file may hold the secret itself, so that no excerpt is drawn.
        let report = || {
            let place = &self.task.action.place;
            format!("error: {CENSORED}\n --> {place} (no_log, so the line is not shown)\n")
        };
        TaskEnded {
            item: label.map(|_| CENSORED_ITEM.into()),
            message: result.message.as_ref().map(|_| CENSORED.into()),
            result: serde_json::json!({
                "censored": CENSORED,
                "changed": result.value.get("changed") == Some(&Value::Bool(true)),
            }),
            commands: result.commands.iter().map(|_| format!("# {CENSORED}")).collect(),
            report: result.is_failure().then(report),
            origin: result.origin.as_ref().map(|_| CENSORED.into()),
            ..ended
        }
    }

    /// What is told of the registered result.
    pub(super) fn shown_result(&self, result: &TaskResult, hidden: bool) -> serde_json::Value {
        match hidden {
            true => serde_json::json!({ "censored": CENSORED }),
            false => self.context.run.mask_json((&result.value).into()),
        }
    }

    fn shows_result(&self) -> bool {
        let module = self.context.run.module_of(&self.task.action);
        module.is_some_and(|module| module.nature.shows_result)
    }

    /// True if nothing of the result may be shown (`no_log`); also if that cannot be told.
    pub fn hides(&self, scope: &Scope) -> bool {
        match self.task.keyword(|keywords| &keywords.no_log) {
            Some(_) => self.flag(scope, |keywords| &keywords.no_log).unwrap_or(true),
            None => self.context.run.settings.rules.no_log,
        }
    }

    /// Tells the end of a task that did not come to be run.
    pub fn tell_not_run(&self, result: &TaskResult) {
        let scope = self.scope();
        self.tell_ended(&self.name(&scope), &scope, result, Instant::now());
    }
}
