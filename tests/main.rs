//! All tests of the program and of the library from outside, as one test program: each file here is a module of it.
//!
//! `cargo test` runs what needs nothing but this computer: no root, no network, no program beside those of a plain system. What needs
//! more says so in its `ignore`, and docs/tests.md says how each group is run.

// Helpers of tests are no `#[test]`, and fail by them as tests do.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod anew;
mod ansible;
mod artifacts;
mod bridge;
mod check_truth;
mod cluster;
mod compare;
mod connection_become;
mod connection_local;
mod connection_lock;
mod connection_ssh;
mod controller;
mod documents;
mod engine;
mod errors;
mod fakes;
mod faults;
mod firewall;
mod lab;
mod lists;
mod machines;
mod modules;
mod needs;
mod output;
mod passwords;
mod pki;
mod playbooks;
mod precedence;
mod provider;
mod rooms;
mod settings;
mod ssh_server;
mod templates;
