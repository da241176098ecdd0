//! The cluster on the lab. `.ci/run` runs the main tier (`main_tier::`) one test after the other, `.ci/long` the long one
//! (`long_tier::`); what needs no machines runs with all other tests.

mod cluster;
mod damage;
mod events;
mod join;
mod kills;
mod lies;
mod lists;
mod long_tier;
mod main_tier;
mod pki_kills;
mod services;
mod tree;
mod truth;
mod workers;
