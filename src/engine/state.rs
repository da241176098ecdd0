//! What a run and its plays know while they go on: plain data with small methods, which wait for no host.

pub mod ahead;
pub mod bridged;
pub mod context;
mod facts;
pub mod handlers;
pub mod host;
pub mod hosts;
pub mod permits;
pub mod play;
pub mod run;
mod secrets;
pub mod settings;
pub mod stats;
