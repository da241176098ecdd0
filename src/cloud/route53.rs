//! Route 53, which has names and no machines: a client alone.

pub mod client;
