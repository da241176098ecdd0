//! `async`: a job is polled until it has ended, or goes on by itself, whatever becomes of the connection (`poll: 0`).

use super::{HostTask, TaskResult};
use crate::error::{Error, Result};
use crate::event::{JobEnded, Kind, Status, TaskName};
use crate::model::Placed;
use crate::module::{ASYNC_FOLDER, Entry, Outcome};
use crate::template::{self, Scope};
use crate::value::{self, Value};
use std::time::Duration;

/// Seconds between two polls of a task that says nothing of it, as in Ansible.
const POLL: u64 = 15;

/// What `async` makes of a task.
pub(super) struct Job {
    /// Its name, `ansible_job_id` of the result.
    name: String,
    /// How often it is polled; none: it goes on by itself.
    poll: Option<Duration>,
}

impl Job {
    /// The name under which it goes on by itself.
    pub(super) fn in_background(&self) -> Option<&String> {
        self.poll.is_none().then_some(&self.name)
    }
}

impl HostTask {
    /// The job that the task is to be, if it is.
    pub(super) fn job(&self, module: &Entry, scope: &Scope) -> Result<Option<Job>> {
        let number = |placed: &Option<Placed>| -> Result<Option<i64>> {
            let Some(placed) = placed else { return Ok(None) };
            let rendered = template::render(&placed.value, scope).map_err(|error| error.at(&placed.place))?;
            Ok(rendered.and_then(|rendered| value::to_integer(&rendered.value)))
        };
        if number(&self.task.r#async)?.is_none_or(|seconds| seconds <= 0) {
            return Ok(None);
        }
        let usual = self.context.run.settings.rules.poll_interval.unwrap_or(POLL);
        let poll = number(&self.task.poll)?.map_or(usual, |poll| u64::try_from(poll).unwrap_or(0));
        let poll = (poll > 0).then_some(Duration::from_secs(poll));
        let can_be = match poll {
            Some(_) => module.nature.needs_host,
            None => module.nature.can_go_on,
        };
        if !can_be {
            return Ok(None);
        }
        let mut random = [0; 8];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())
            .map_err(|error| Error::new("this computer gives no random bytes").cause(error))?;
        let number = u64::from_ne_bytes(random) % 1_000_000_000_000;
        let name = format!("j{number:012}.{}", std::process::id());
        Ok(Some(Job { name, poll }))
    }

    /// Does the work of a job, and polls it until it has ended.
    pub(super) async fn polled<T>(
        &self,
        job: Option<&Job>,
        name: &TaskName,
        work: impl Future<Output = T>,
    ) -> T {
        let Some((job, poll)) = job.and_then(|job| Some((job, job.poll?))) else {
            return work.await;
        };
        let mut clock = tokio::time::interval_at(tokio::time::Instant::now() + poll, poll);
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                _ = clock.tick() => self.context.run.events.tell(Kind::AsyncPolled {
                    name: name.clone(),
                    job: job.name.clone(),
                }),
            }
        }
    }

    /// The result of a task that is a job, in a check one that is not started; the end of one that was polled is told.
    pub(super) fn of_job(
        &self,
        job: &Job,
        mut result: TaskResult,
        scope: &Scope,
        name: &TaskName,
    ) -> TaskResult {
        let check = self.is_check(scope);
        if job.poll.is_none() {
            return match result.status {
                Status::Changed => started(&job.name, check),
                _ => result,
            };
        }
        if check || result.status == Status::Unreachable {
            return result;
        }
        result.put("ansible_job_id", job.name.as_str().into());
        result.put("started", true.into());
        result.put("finished", true.into());
        let ended = Box::new(JobEnded {
            name: name.clone(),
            job: job.name.clone(),
            result: self.shown_result(&result, self.hides(scope)),
        });
        self.context.run.events.tell(match result.is_failure() {
            true => Kind::AsyncFailed(ended),
            false => Kind::AsyncOk(ended),
        });
        result
    }
}

/// The result of a task whose command goes on by itself.
fn started(job: &str, check: bool) -> TaskResult {
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
