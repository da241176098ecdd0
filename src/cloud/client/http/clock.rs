//! The time that clients wait by, replaceable so that tests need not wait.

use async_trait::async_trait;
use std::fmt::Debug;
use std::time::{Duration, SystemTime};

/// What time it is, and how to let it pass.
#[async_trait]
pub trait Clock: Debug + Send + Sync {
    /// The present time.
    fn now(&self) -> SystemTime;

    /// Waits.
    async fn sleep(&self, duration: Duration);
}

/// The computer's own clock.
#[derive(Debug)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
