//! What a result counts as: `changed_when`, `failed_when`, and how a failure is shown.

use super::{HostTask, TaskResult};
use crate::connection::Failure;
use crate::engine::attempt::Done;
use crate::engine::state::host::Host;
use crate::error::{Error, Result};
use crate::event::Status;
use crate::model::Condition;
use crate::module::{Entry, Outcome};
use crate::template::{self, Decision, Scope};
use crate::value::Value;

/// What programs say when a disk is full.
const NO_ROOM: &str = "No space left on device";

impl HostTask {
    /// A failure of a module; in check mode a command that was not run may be the reason.
    pub fn module_failure(
        &self,
        module: &Entry,
        outcome: Outcome,
        done: Done,
        host: &Host,
        check: bool,
    ) -> TaskResult {
        let opaque = host.state().opaque().cloned();
        if check
            && let Some(origin) = opaque
            && module.nature.needs_host
        {
            return TaskResult::undecided(origin);
        }
        let message = outcome.failed.clone().unwrap_or_default();
        let mut result = TaskResult::done(outcome, done);
        result.report = Some(self.report(&message, &result.value));
        result
    }

    /// What is shown of a failure: where, what, exit status and standard error.
    pub fn report(&self, message: &str, value: &Value) -> String {
        let mut error =
            Error::new(format!("{}: {}", self.task.action.module, message)).at(&self.task.action.place);
        if let Some(command) = value.get("cmd") {
            let words = command.as_list().map(|words| {
                words
                    .iter()
                    .filter_map(Value::as_str)
                    .collect::<Vec<_>>()
                    .join(" ")
            });
            let shown = words
                .or_else(|| command.as_str().map(str::to_string))
                .unwrap_or_default();
            error = error.cause(format!("command: {}", shown.trim_end()));
        }
        if let Some(Value::Int(code)) = value.get("rc") {
            error = error.cause(format!("exit code: {code}"));
        }
        for stream in ["stderr", "stdout"] {
            if let Some(text) = value
                .get(stream)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
            {
                let lines: Vec<&str> = text.lines().collect();
                error = error.cause(format!(
                    "{stream}: {}",
                    lines[lines.len().saturating_sub(20)..].join("\n")
                ));
            }
        }
        if let Some(traceback) = value.get("exception").and_then(Value::as_str) {
            error = error.cause(self.shown_traceback(traceback));
        }
        let full = message.contains(NO_ROOM)
            || value
                .get("stderr")
                .and_then(Value::as_str)
                .is_some_and(|text| text.contains(NO_ROOM));
        if full {
            let host = &self.host.name;
            error = error.help(format!(
                "make room on {host}: `df -h` there shows which file system is full"
            ));
        }
        error.to_string()
    }

    /// A traceback of a module: all of it with `-vvv`, else its last line.
    fn shown_traceback(&self, traceback: &str) -> String {
        let traceback = traceback.trim_end();
        match self.context.run.settings.verbosity {
            3.. => format!("traceback: {traceback}"),
            _ => format!(
                "traceback, all of it with -vvv: {}",
                traceback.lines().last().unwrap_or_default()
            ),
        }
    }

    /// `wait_for_connection` gave up: a failure, as in Ansible, not an unreachable host.
    pub fn never_connected(&self, failure: &Failure) -> TaskResult {
        let error = Error::new(format!("the host did not answer in time: {}", failure.message));
        TaskResult::error(&error.at(&self.task.place).help(failure.cure.clone()))
    }

    /// The task did not end within the seconds of `timeout` or `async`.
    pub fn timed_out(&self, seconds: u64) -> TaskResult {
        let written = self.task.keyword(|keywords| &keywords.timeout).is_some();
        let stopped = written || self.context.run.settings.rules.task_timeout > 0;
        let message = match stopped {
            true => format!("Timed out after {seconds} second(s)."),
            false => format!("async task did not complete within the requested time - {seconds}s"),
        };
        let mut result = TaskResult::error(&Error::new(message).at(&self.task.place));
        if stopped {
            let period = Value::Int(i64::try_from(seconds).unwrap_or(i64::MAX));
            let frame = Value::string("Vent keeps no traceback of what was stopped.");
            result.put("timedout", Value::map([("frame", frame), ("period", period)]));
        }
        result
    }

    pub fn connection_failure(&self, failure: &Failure) -> TaskResult {
        let error = Error::new(failure.message.clone())
            .at(&self.task.place)
            .help(failure.cure.clone());
        if failure.is_unreachable() {
            return TaskResult::unreachable(&failure.message, error.to_string());
        }
        TaskResult::error(&error)
    }

    /// `changed_when` and `failed_when`.
    pub fn judged(&self, mut result: TaskResult, scope: &Scope) -> Result<TaskResult> {
        if matches!(
            result.status,
            Status::Skipped | Status::Unreachable | Status::Undecided
        ) {
            return Ok(result);
        }
        let layers = self.loop_layers(scope);
        if !self.task.failed_when.is_empty() {
            let scope = self.with_result(&result, &layers);
            let failed = match decide(&self.task.failed_when, &scope) {
                Ok(Decision::True) => true,
                Ok(Decision::False | Decision::Unknown(_)) => false,
                Err(error) => return Ok(wrong_condition(result, "failed_when_result", &error)),
            };
            if result.status == Status::Failed && !failed {
                result.put(
                    "failed_when_suppressed_exception",
                    "(traceback unavailable)".into(),
                );
            }
            result.put("failed_when_result", failed.into());
            result.put("failed", failed.into());
            result.status = match (failed, result.value.get("changed")) {
                (true, _) => Status::Failed,
                (_, Some(Value::Bool(true))) => Status::Changed,
                _ => Status::Ok,
            };
            if failed && result.report.is_none() {
                let condition = &self.task.failed_when[0];
                let message = result
                    .message
                    .clone()
                    .unwrap_or_else(|| "the condition of `failed_when` holds".into());
                result.report = Some(Error::new(message.clone()).at(&condition.place).to_string());
                result.message = Some(message);
            }
            if !failed {
                result.report = None;
            }
        }
        if !self.task.changed_when.is_empty() {
            let scope = self.with_result(&result, &layers);
            let changed = match decide(&self.task.changed_when, &scope) {
                Ok(Decision::True) => true,
                Ok(Decision::False) => false,
                Err(error) => return Ok(wrong_condition(result, "changed_when_result", &error)),
                Ok(Decision::Unknown(origin)) => {
                    let value = result.value;
                    let mut undecided = TaskResult::undecided(origin.clone());
                    undecided.value = value;
                    undecided.put("changed", Value::Unknown(origin));
                    return Ok(undecided);
                }
            };
            result.put("changed", changed.into());
            if result.status != Status::Failed {
                result.status = if changed { Status::Changed } else { Status::Ok };
            }
        }
        Ok(result)
    }
}

pub fn values(conditions: &[Condition]) -> Vec<Value> {
    conditions
        .iter()
        .map(|condition| condition.value.clone())
        .collect()
}

/// A result whose `changed_when` or `failed_when` cannot be evaluated: it failed, and stays what it is otherwise.
fn wrong_condition(mut result: TaskResult, name: &str, error: &Error) -> TaskResult {
    let message = format!("Error while evaluating conditional: {}", error.line());
    result.put(name, message.as_str().into());
    result.put("failed", true.into());
    result.status = Status::Failed;
    result.message = Some(message);
    result.report = Some(error.to_string());
    result
}

pub fn decide(conditions: &[Condition], scope: &Scope) -> Result<Decision> {
    let decided = template::conditions(&values(conditions), scope);
    decided.map_err(|error| {
        conditions
            .iter()
            .fold(error, |error, condition| error.at(&condition.place))
    })
}
