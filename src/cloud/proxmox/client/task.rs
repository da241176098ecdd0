//! Tasks: long work is only begun by its answer (a UPID), and is asked for until it ends.

use super::Proxmox;
use crate::cloud::client::http::failure::Failure;
use crate::cloud::client::http::request::{Call, escape};
use crate::error::Error;
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// How long a task is waited for.
const LIMIT: Duration = Duration::from_secs(3600);
/// How often a call is repeated that met a lock.
const LOCK_ATTEMPTS: u32 = 10;

/// What a task is doing.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct TaskStatus {
    /// `running` or `stopped`.
    pub status: String,
    /// `OK`, `WARNINGS: n`, or what went wrong.
    pub exitstatus: String,
}

/// A task in a list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Begun {
    upid: String,
    status: String,
}

impl TaskStatus {
    /// True when the task ended well; warnings are no failure.
    pub fn succeeded(&self) -> bool {
        self.exitstatus == "OK" || self.exitstatus.starts_with("WARNINGS")
    }
}

impl Proxmox {
    /// Makes a call and waits for the task that it begins, if it begins one. Calls that meet a lock of
    /// another task are made again: Proxmox answers 500 to them at once.
    ///
    /// # Errors
    /// What the service refuses, at once or at the end of the task.
    pub async fn perform(&self, call: &Call) -> Result<(), Failure> {
        let clock = self.client.clock().clone();
        let mut attempt = 0;
        loop {
            let failure = match self.call::<Value>(call).await {
                Ok(Value::String(upid)) if upid.starts_with("UPID:") => {
                    match self.wait(&upid, &call.purpose).await {
                        Ok(()) => return Ok(()),
                        Err(failure) => failure,
                    }
                }
                Ok(_) => return Ok(()),
                Err(failure) => failure,
            };
            attempt += 1;
            if !is_lock(&failure) || attempt >= LOCK_ATTEMPTS {
                return Err(failure);
            }
            clock.sleep(Duration::from_secs(2 * u64::from(attempt))).await;
        }
    }

    /// The clones that this token has begun on `node` and that have not ended, by their UPID.
    ///
    /// # Errors
    /// What the service refuses.
    pub async fn clones(&self, node: &str) -> Result<Vec<String>, Failure> {
        let call = Call::get(
            format!("/nodes/{}/tasks", escape(node)),
            format!("list the tasks of {node}"),
        )
        .with("source", "active")
        .with("typefilter", "qmclone");
        let tasks: Vec<Begun> = self.call(&call).await?;
        let ours = |task: &Begun| task.upid.split(':').nth(7) == Some(self.token.as_str());
        let open =
            |task: &Begun| task.status.is_empty() || task.status == "running" || task.status == "RUNNING";
        Ok(tasks
            .into_iter()
            .filter(|task| ours(task) && open(task))
            .map(|task| task.upid)
            .collect())
    }

    /// Waits until a task has ended, well or not.
    ///
    /// # Errors
    /// When it cannot be told whether it has ended.
    pub async fn end_of(&self, upid: &str, purpose: &str) -> Result<(), Failure> {
        match self.wait(upid, purpose).await {
            // The end of a task is told without a status of HTTP, and with what the task says.
            Err(failure) if failure.status.is_some() || failure.said.is_empty() => Err(failure),
            _ => Ok(()),
        }
    }

    /// Waits until a task has ended well.
    async fn wait(&self, upid: &str, purpose: &str) -> Result<(), Failure> {
        let clock = self.client.clock().clone();
        let start = clock.now();
        let node = upid.split(':').nth(1).unwrap_or_default();
        let base = format!("/nodes/{}/tasks/{}", escape(node), escape(upid));
        let mut pause = Duration::from_millis(500);
        loop {
            let call = Call::get(format!("{base}/status"), purpose);
            let status: TaskStatus = self.call(&call).await?;
            if status.status == "stopped" {
                if status.succeeded() {
                    return Ok(());
                }
                return Err(self.failed(&base, purpose, &status.exitstatus).await);
            }
            if clock.now().duration_since(start).unwrap_or_default() > LIMIT {
                let error = Error::new(format!("Proxmox: cannot {purpose}"))
                    .cause(format!("the task {upid} has not ended within an hour"))
                    .help("look at the task in the web interface");
                return Err(Failure::unanswered(error, true));
            }
            clock.sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }

    /// The failure of a task, with the last lines of its log.
    async fn failed(&self, base: &str, purpose: &str, status: &str) -> Failure {
        let call = Call::get(format!("{base}/log"), purpose).with("limit", 500);
        let lines: Vec<Value> = self.call(&call).await.unwrap_or_default();
        let texts: Vec<&str> = lines
            .iter()
            .filter_map(|line| line.get("t").and_then(Value::as_str))
            .collect();
        let mut error =
            Error::new(format!("Proxmox: cannot {purpose}")).cause(format!("the task ended with: {status}"));
        if !texts.is_empty() {
            let last = &texts[texts.len().saturating_sub(5)..];
            error = error.cause(last.join("\n"));
        }
        let mut failure = Failure::unanswered(
            error.help("correct what the task complains about, then run again: what was made is found again"),
            true,
        );
        failure.said.push(crate::cloud::client::http::failure::Complaint {
            field: None,
            text: status.to_string(),
        });
        failure
    }
}

/// True when another task holds the lock that the call needs.
fn is_lock(failure: &Failure) -> bool {
    failure.says("can't lock file") || failure.says("got timeout") || failure.says("is locked (")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_no_failure() {
        let ended = |text: &str| TaskStatus {
            status: "stopped".into(),
            exitstatus: text.into(),
        };
        assert!(ended("OK").succeeded());
        assert!(ended("WARNINGS: 1").succeeded());
        assert!(!ended("unable to create VM 100").succeeded());
    }
}
