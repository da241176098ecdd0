//! One line of JSON for every event.

use super::Reporter;
use crate::event::Event;
use std::io::Write;

/// Writes events as lines of JSON.
pub struct Json<W: Write + Send>(W);

impl<W: Write + Send> Json<W> {
    /// Writes into `out`.
    pub fn new(out: W) -> Json<W> {
        Json(out)
    }
}

impl<W: Write + Send> Reporter for Json<W> {
    fn event(&mut self, event: &Event) {
        // Written at once: whoever follows the file sees whole lines, and a run is not slowed by thousands of
        // small writes.
        if let Ok(mut line) = serde_json::to_vec(event) {
            line.push(b'\n');
            // A reader that has gone away does not stop the run.
            let _ = self.0.write_all(&line);
            let _ = self.0.flush();
        }
    }
}
