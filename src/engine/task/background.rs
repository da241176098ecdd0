//! `async` with `poll: 0`: commands that go on by themselves, whatever becomes of the connection.

use super::{HostTask, TaskResult};
use crate::error::{Error, Result};
use crate::model::Placed;
use crate::module::{ASYNC_FOLDER, Entry, Outcome};
use crate::template::{self, Scope};
use crate::value::{self, Value};

impl HostTask {
    /// The name of a new job, if the task's command is to go on by itself.
    pub(super) fn background(&self, module: &Entry, scope: &Scope) -> Result<Option<String>> {
        let number = |placed: &Option<Placed>| -> Result<Option<i64>> {
            let Some(placed) = placed else { return Ok(None) };
            let rendered = template::render(&placed.value, scope).map_err(|error| error.at(&placed.place))?;
            Ok(rendered.and_then(|rendered| value::to_integer(&rendered.value)))
        };
        if !module.nature.can_go_on {
            return Ok(None);
        }
        let seconds = number(&self.task.r#async)?.unwrap_or(0);
        if seconds <= 0 || number(&self.task.poll)? != Some(0) {
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
            .with("results_file", format!("~/{ASYNC_FOLDER}/{job}"));
        TaskResult::done(outcome, Default::default())
    }
}
