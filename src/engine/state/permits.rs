//! What the parts of a run may do at the same time, and when they must end.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// What is not a command may take so long after the user has ended the run; commands are killed within 2 seconds.
const GRACE: Duration = Duration::from_secs(4);

/// The permits of a run.
pub struct Permits {
    /// How many hosts may have a task at the same time (`--forks`).
    pub forks: Arc<Semaphore>,
    /// Cancelled by the user: start nothing new.
    pub stop: CancellationToken,
    /// Cancelled by the user a second time: end what runs.
    pub stop_now: CancellationToken,
    /// One play at a time takes the locks of hosts.
    pub turn: tokio::sync::Mutex<()>,
    /// A play waits for another run: whoever is done with a host lets go of it.
    pub waiting: AtomicBool,
}

impl Permits {
    /// Permits for so many forks, at least one.
    pub fn new(forks: usize, stop: CancellationToken, stop_now: CancellationToken) -> Permits {
        Permits {
            forks: Arc::new(Semaphore::new(forks.max(1))),
            stop,
            stop_now,
            turn: tokio::sync::Mutex::default(),
            waiting: AtomicBool::new(false),
        }
    }

    /// True if nothing new is to begin.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// The result of some work, unless the user wants it ended at once and it does not end soon by itself, as a
    /// command does that is killed.
    pub async fn unless_ended<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let impatient = async {
            self.stop_now.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            biased;
            done = work => Some(done),
            () = impatient => None,
        }
    }
}
