//! Who does a task, and reaching that host; `wait_for_connection` waits for it.

use super::way::{self, Way};
use super::{HostTask, TaskResult};
use crate::connection::{self, Failure, FailureKind, Kind, Shell};
use crate::engine::state::host::Host;
use crate::error::Result as Checked;
use crate::module::{Entry, Patience};
use crate::template::Scope;
use crate::value::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The host that does a task, and the way to it; none for a module that needs no host.
pub struct Doer {
    pub host: Arc<Host>,
    pub way: Option<Way>,
    connected: Option<Connected>,
}

/// The host of a task, reached.
struct Connected {
    shell: Arc<Shell>,
    waited: Option<u64>,
}

impl Doer {
    /// The shell of the account that does it.
    pub fn shell(&self) -> Option<Arc<Shell>> {
        self.connected.as_ref().map(|connected| connected.shell.clone())
    }

    /// The account that does it.
    pub fn user(&self) -> Option<&Arc<str>> {
        self.way.as_ref().map(|way| &way.user)
    }

    /// True for this computer.
    pub fn is_local(&self) -> bool {
        self.way
            .as_ref()
            .is_some_and(|way| way.target.kind == Kind::Local)
    }

    /// How many seconds `wait_for_connection` waited.
    pub fn waited(&self) -> Option<u64> {
        self.connected.as_ref()?.waited
    }
}

impl HostTask {
    /// Who does the task, reached; `Err`: the result of the task, where the host is not there yet or does not answer.
    pub async fn doer(
        &self,
        module: &Entry,
        arguments: &Value,
        scope: &Scope,
        check: bool,
    ) -> Checked<Result<Doer, Box<TaskResult>>> {
        if !module.nature.needs_host {
            return Ok(Ok(Doer {
                host: self.host.clone(),
                way: None,
                connected: None,
            }));
        }
        let (host, way) = way::of_task(&self.context, &self.host, &self.task, scope)?;
        if let Some(origin) = self.context.run.hosts.expected(&host.name) {
            return Ok(Err(Box::new(TaskResult::undecided(origin))));
        }
        let patience = module.nature.patience.filter(|_| !check);
        let patience = patience.and_then(|patience| patience(arguments));
        Ok(match self.connect(&host, &way, patience.as_ref()).await {
            Ok(connected) => Ok(Doer {
                host,
                way: Some(way),
                connected: Some(connected),
            }),
            Err(failure) if patience.is_some() => Err(Box::new(self.never_connected(&failure))),
            Err(failure) => Err(Box::new(self.connection_failure(&failure))),
        })
    }

    /// The shell of the account that does the task. In check mode nothing is waited for.
    async fn connect(
        &self,
        host: &Host,
        way: &Way,
        patience: Option<&Patience>,
    ) -> Result<Connected, Failure> {
        let connection = host.connection(way.target.clone());
        let missed = host.take_missed();
        let waited = match (patience, missed) {
            (Some(patience), _) => Some(self.wait(host, &connection, way, patience).await?),
            (None, Some(failure)) => return Err(failure),
            (None, None) => None,
        };
        let shell = connection.shell(way.r#become.as_ref()).await?;
        Ok(Connected { shell, waited })
    }

    /// Tries until the host answers; gives the seconds that took.
    async fn wait(
        &self,
        host: &Host,
        connection: &connection::Host,
        way: &Way,
        patience: &Patience,
    ) -> Result<u64, Failure> {
        let started = Instant::now();
        tokio::time::sleep(Duration::from_secs(patience.delay)).await;
        loop {
            let asked = async {
                let shell = connection.shell(way.r#become.as_ref()).await?;
                shell.ask(":").await
            };
            let limit = Duration::from_secs(patience.connect_timeout.max(1));
            let late = match tokio::time::timeout(limit, asked).await {
                Ok(Ok(_)) => return Ok(started.elapsed().as_secs()),
                Ok(Err(failure)) => failure,
                Err(_) => Failure::new(
                    FailureKind::Unreachable,
                    format!("{} gave no answer in {} seconds", host.name, limit.as_secs()),
                    "look whether it is up and whether its address is right",
                ),
            };
            // What stands in the way must be a matter of time.
            let stop = &self.context.run.permits.stop;
            if !late.is_unreachable()
                || started.elapsed().as_secs() >= patience.timeout
                || stop.is_cancelled()
            {
                return Err(late);
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(patience.sleep)) => {}
                () = stop.cancelled() => {}
            }
        }
    }
}
