//! A clock that is moved by waiting.

use async_trait::async_trait;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};
use vent::cloud::client::http::clock::Clock;

#[derive(Debug)]
pub struct VirtualClock {
    start: SystemTime,
    waited: Mutex<Duration>,
}

impl Default for VirtualClock {
    fn default() -> VirtualClock {
        VirtualClock {
            start: SystemTime::now(),
            waited: Mutex::default(),
        }
    }
}

impl VirtualClock {
    /// How long was waited in all.
    pub fn waited(&self) -> Duration {
        *self.waited.lock().unwrap()
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> SystemTime {
        self.start + self.waited()
    }

    async fn sleep(&self, duration: Duration) {
        *self.waited.lock().unwrap() += duration;
        tokio::task::yield_now().await;
    }
}
