//! Reaching hosts: one connection per host, and on it long-lived `sh` processes that run what Vent sends.
//!
//! [`Host::shell`] gives the [`Shell`] of (host, become user). A shell answers questions
//! ([`Shell::ask`]), takes in bytes ([`Shell::feed`]), hands out bytes ([`Shell::drain`]) and runs the
//! commands of users ([`Shell::job`]). What goes wrong is a [`Failure`]: what happened, why, and what to
//! type next.

mod algorithms;
mod arguments;
mod authentication;
mod r#become;
pub mod configuration;
mod failure;
mod frame;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod host;
mod host_key;
mod identity;
mod job;
mod known_hosts;
mod local;
mod lock;
mod percent;
mod pool;
mod probe;
mod program;
mod revoked_keys;
mod shell;
mod ssh;
mod ssh_config;
mod target;
pub mod terminal;
mod wire;

pub use algorithms::Algorithms;
pub use failure::{Failure, FailureKind};
pub use frame::script_by_stdin;
pub use host::{Host, HostLock};
pub use job::{Ended, Job, JobEnd};
pub use lock::{Claim, Tell};
pub use program::Program;
pub use shell::{Output, Shell, Stream};
pub use target::{Become, Checking, Jump, Kind, Method, Secret, Target};
pub use wire::Piece;
