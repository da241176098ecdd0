//! `async` with `poll: 0` and `async_status`: commands that go on by themselves, whatever becomes of the connection.

use super::super::result::TaskResult;
use super::super::scripts;
use super::OnHost;
use crate::error::{Error, Result};
use crate::model::Placed;
use crate::module::Outcome;
use crate::template::{self, Scope};
use crate::value::{self, Unknown, Value};
use std::sync::Arc;

/// Modules whose commands can go on by themselves; all others are done at once.
const COMMANDS: &[&str] = &["command", "shell", "raw"];

impl OnHost<'_> {
    /// The name of a new job, if the task's command is to go on by itself.
    pub(super) fn background(&self, scope: &Scope) -> Result<Option<String>> {
        let number = |placed: &Option<Placed>| -> Result<Option<i64>> {
            let Some(placed) = placed else { return Ok(None) };
            let rendered = template::render(&placed.value, scope).map_err(|error| error.at(&placed.place))?;
            Ok(rendered.and_then(|rendered| value::to_integer(&rendered.value)))
        };
        let seconds = number(&self.task.r#async)?.unwrap_or(0);
        let detached = seconds > 0 && number(&self.task.poll)? == Some(0);
        if !detached || !COMMANDS.contains(&self.task.action.short()) {
            return Ok(None);
        }
        let mut random = [0; 8];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())
            .map_err(|error| Error::new("this computer gives no random bytes").cause(error))?;
        let number = u64::from_ne_bytes(random) % 1_000_000_000_000;
        Ok(Some(format!("j{number:012}.{}", std::process::id())))
    }

    /// The result of a task whose command goes on by itself.
    pub(super) fn started(&self, job: &str, check: bool) -> TaskResult {
        let id = match check {
            true => Value::unknown("a job, which is not started in check mode"),
            false => job.into(),
        };
        let outcome = Outcome::new()
            .changed(true)
            .with("ansible_job_id", id)
            .with("started", true)
            .with("finished", false)
            .with("results_file", format!("~/.ansible_async/{job}"));
        TaskResult::done(outcome, Default::default())
    }

    /// What became of a job.
    pub(super) async fn async_status(&self, scope: &Scope, arguments: &Value) -> Result<TaskResult> {
        let Some(job) = arguments
            .get("jid")
            .map(|id| id.as_str().map_or_else(|| value::repr(id), str::to_string))
        else {
            return Err(Error::new("`async_status` needs the `jid` of the job").at(&self.task.action.place));
        };
        let base = Outcome::new()
            .changed(false)
            .with("ansible_job_id", job.as_str())
            .with("started", true)
            .with("results_file", format!("~/.ansible_async/{job}"));
        if self.context.run.settings.check {
            let origin = format!("the job {job}, which is not started in check mode");
            return Ok(TaskResult::undecided(Arc::new(Unknown { origin })));
        }
        let (host, way) = self.context.way(self.host, self.task, scope)?;
        let shell = match host.connection(way.target).shell(way.r#become.as_ref()).await {
            Ok(shell) => shell,
            Err(failure) => return Ok(self.connection_failure(&failure)),
        };
        let cleanup = arguments.get("mode").and_then(Value::as_str) == Some("cleanup");
        let script = match cleanup {
            true => scripts::background_removal(&job),
            false => scripts::background_state(&job),
        };
        let output = match shell.ask(&script).await {
            Ok(output) => output,
            Err(failure) => return Ok(self.connection_failure(&failure)),
        };
        if cleanup {
            return Ok(TaskResult::done(
                base.with("erased", format!("~/.ansible_async/{job}")),
                Default::default(),
            ));
        }
        let outcome = finished(base, output.code, &output.stdout);
        let result = match outcome.failed.clone() {
            Some(message) => {
                let mut result = TaskResult::done(outcome, Default::default());
                result.report = Some(self.report(&message, &result.value));
                result
            }
            None => TaskResult::done(outcome, Default::default()),
        };
        self.judged(result, scope)
    }
}

fn finished(base: Outcome, code: i32, printed: &[u8]) -> Outcome {
    let end = printed
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(printed.len());
    let line = String::from_utf8_lossy(&printed[..end]).into_owned();
    let words: Vec<&str> = line.split(' ').collect();
    match (code, words.as_slice()) {
        (0, ["running"]) => base.with("finished", false),
        (0, ["done", code, length]) => {
            let rest = printed.get(end + 1..).unwrap_or_default();
            let (stdout, stderr) = rest.split_at(length.parse().unwrap_or(0).min(rest.len()));
            let text = |bytes: &[u8]| {
                String::from_utf8_lossy(bytes)
                    .trim_end_matches(['\r', '\n'])
                    .to_string()
            };
            let (stdout, stderr) = (text(stdout), text(stderr));
            let lines = |text: &str| Value::list(text.lines().map(Value::string));
            let code: i64 = code.parse().unwrap_or(-1);
            let outcome = base
                .changed(true)
                .with("finished", true)
                .with("rc", code)
                .with("stdout_lines", lines(&stdout))
                .with("stderr_lines", lines(&stderr))
                .with("stdout", stdout)
                .with("stderr", stderr);
            match code {
                0 => outcome,
                124 => outcome.failed("the job was stopped at its time-out"),
                _ => outcome.failed("non-zero return code"),
            }
        }
        (0, _) => base
            .with("finished", true)
            .failed("the job was killed on the host: its exit status is not known"),
        _ => base.with("finished", true).failed("could not find job"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_and_error_output_of_a_job_are_told_apart() {
        let outcome = finished(Outcome::new(), 0, b"done 3 4\nout\nerr\n");
        assert_eq!(outcome.fields.get("stdout"), Some(&"out".into()));
        assert_eq!(outcome.fields.get("stderr"), Some(&"err".into()));
        assert_eq!(outcome.failed.as_deref(), Some("non-zero return code"));
        assert_eq!(
            finished(Outcome::new(), 0, b"running\n").fields.get("finished"),
            Some(&false.into())
        );
        assert_eq!(
            finished(Outcome::new(), 4, b"").failed.as_deref(),
            Some("could not find job")
        );
    }
}
