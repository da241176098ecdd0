//! Reaching the host of a task; `wait_for_connection` waits for it.

use super::HostTask;
use super::way::Way;
use crate::connection::{self, Failure, FailureKind, Shell};
use crate::engine::state::host::Host;
use crate::module::Patience;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The host of a task, reached.
pub struct Connected {
    pub shell: Arc<Shell>,
    /// How many seconds `wait_for_connection` waited.
    pub waited: Option<u64>,
}

impl HostTask {
    /// The shell of the account that does the task. In check mode nothing is waited for.
    pub async fn connect(
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
