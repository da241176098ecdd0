//! Reporters: they read events and show them. None of them decides anything.

pub mod ansible;
mod duration;
mod explain;
mod json;
mod plain;
mod recap;
mod running;
mod terminal;
mod width;

use crate::event::Event;
use std::time::Instant;

pub use ansible::Display;
pub use explain::Explain;
pub use json::Json;
pub use plain::Plain;
pub use recap::Recap;
pub use terminal::Terminal;

/// Shows events.
pub trait Reporter: Send {
    /// Shows one event.
    fn event(&mut self, event: &Event);

    /// Some seconds have gone by, perhaps without an event.
    fn tick(&mut self, _now: Instant) {}
}
