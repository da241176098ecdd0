//! Vent runs Ansible playbooks over SSH on machines that have nothing but `sh`, and builds Kubernetes
//! the hard way. The rooms stand here in the order in which they may use each other: a room imports
//! only rooms above it in this list.

pub mod source;

pub mod error;

pub mod budget;

pub mod value;

pub mod wildcard;

pub mod content;
pub mod words;

pub mod archive;

pub mod vault;

pub mod yaml;

pub mod lab;

pub mod artifact;

pub mod event;

pub mod report;

pub mod host;

pub mod pki;

pub mod connection;

pub mod template;

pub mod cloud;

pub mod module;

pub mod bridge;

pub mod model;

pub mod inventory;

pub mod vars;

pub mod graph;

pub mod engine;

pub mod cli;
