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
        // A reader that has gone away does not stop the run.
        if serde_json::to_writer(&mut self.0, event).is_ok() {
            let _ = self.0.write_all(b"\n");
            let _ = self.0.flush();
        }
    }
}
