//! Vent runs Ansible playbooks over SSH on machines that have nothing but `sh`, and builds Kubernetes
//! the hard way. The rooms stand here in the order in which they may use each other: a room imports
//! only rooms above it in this list.

pub mod content;
pub mod error;
pub mod model;
pub mod source;
pub mod value;
