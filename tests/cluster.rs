//! The cluster on the lab. `.ci/run` runs what is in `built` and in `bare`, `.ci/long` what is in `long`, one test after the
//! other; what needs no machines runs with all other tests.

mod accounts;
mod bare;
mod built;
mod cis;
mod cis_evidence;
mod cis_nodes;
mod cis_policies;
mod damage;
pub mod events;
mod join;
mod kills;
pub mod liars;
mod lies;
mod long;
pub mod machines;
mod pki_kills;
mod pods;
mod scanners;
pub mod services;
pub mod tree;
mod truth;
mod upgrade;
mod workers;
