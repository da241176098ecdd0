//! Operations: nearly every write is only begun by its answer, and is asked for until it ends.

use super::Zone;
use crate::cloud::client::http::failure::Failure;
use crate::cloud::client::http::request::{Call, escape};
use crate::error::Error;
use serde::Deserialize;
use std::time::Duration;

/// How long an operation is waited for.
const LIMIT: Duration = Duration::from_secs(3600);
/// After how many refusals in a row no more is asked.
const REFUSALS: u32 = 5;

/// An operation as the API tells it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct Operation {
    /// Its identifier.
    pub id: String,
    /// `pending`, `success`, `failure`, `timeout`, or something new.
    pub state: String,
    /// `busy`, `conflict`, `unavailable`, ...
    pub reason: String,
    /// Why it failed.
    pub message: String,
    /// What it is about.
    pub reference: Reference,
}

/// What an operation is about.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct Reference {
    /// The identifier of the resource.
    pub id: String,
}

/// The pause before asking again after an operation has run for `elapsed`: as the vendor's own clients, 3
/// seconds during the first 30, then growing evenly up to 60 at 15 minutes, and 60 from then on.
pub fn pause(elapsed: Duration) -> Duration {
    let seconds = elapsed.as_secs_f64();
    if seconds < 30.0 {
        Duration::from_secs(3)
    } else if seconds < 900.0 {
        Duration::from_secs_f64(3.0 + 57.0 * (seconds - 30.0) / 870.0)
    } else {
        Duration::from_secs(60)
    }
}

impl Zone {
    /// Makes a call that begins an operation and waits for its end; the identifier of the resource.
    ///
    /// # Errors
    /// What the service refuses, at once or at the end of the operation.
    pub async fn perform(&self, call: &Call) -> Result<String, Failure> {
        let begun: Operation = self.call(call).await?;
        let first = begun.reference.id.clone();
        let last = self.wait(begun, &call.purpose).await?.reference.id;
        Ok(if last.is_empty() { first } else { last })
    }

    /// Waits until an operation ends well.
    async fn wait(&self, begun: Operation, purpose: &str) -> Result<Operation, Failure> {
        let clock = self.client.clock().clone();
        let start = clock.now();
        let mut operation = begun;
        let mut refusals = 0;
        loop {
            match operation.state.as_str() {
                "success" => return Ok(operation),
                "failure" | "timeout" => return Err(self.failed(&operation, purpose)),
                _ => {}
            }
            let elapsed = clock.now().duration_since(start).unwrap_or_default();
            if elapsed > LIMIT || operation.id.is_empty() {
                return Err(self.failed(&operation, purpose));
            }
            clock.sleep(pause(elapsed)).await;
            let path = format!("/operation/{}", escape(&operation.id));
            match self.call(&Call::get(path, purpose)).await {
                Ok(read) => {
                    operation = read;
                    refusals = 0;
                }
                Err(failure) => {
                    refusals += 1;
                    let ours = failure.status.is_some_and(|status| status < 500);
                    if ours || refusals >= REFUSALS {
                        return Err(failure);
                    }
                }
            }
        }
    }

    fn failed(&self, operation: &Operation, purpose: &str) -> Failure {
        let mut error = Error::new(format!("Exoscale: cannot {purpose}")).cause(format!(
            "the operation {} ended as `{}`",
            operation.id, operation.state
        ));
        for (name, text) in [("reason", &operation.reason), ("message", &operation.message)] {
            if !text.is_empty() {
                error = error.cause(format!("{name}: {text}"));
            }
        }
        let help = match operation.reason.as_str() {
            "busy" | "conflict" => "something else is being done with it: run again in a minute",
            "unavailable" => {
                "the zone has no room for this now: choose another type or zone, or run again later"
            }
            "forbidden" => "the key's role does not allow it: add it to the role's policy",
            _ => "look at the resource in the portal, then run again: what was made is found again",
        };
        Failure::unanswered(error.help(help), true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The points that the vendor's clients test.
    #[test]
    fn the_pause_grows_as_in_the_vendors_clients() {
        let at = |seconds| pause(Duration::from_secs(seconds)).as_secs_f64();
        assert_eq!(at(0), 3.0);
        assert_eq!(at(25), 3.0);
        assert!((8.0..9.0).contains(&at(120)), "{}", at(120));
        assert!((40.0..41.0).contains(&at(600)), "{}", at(600));
        assert_eq!(at(900), 60.0);
        assert_eq!(at(5000), 60.0);
    }
}
