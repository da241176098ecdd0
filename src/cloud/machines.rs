//! Machines that an inventory asks for: made, waited for and removed through a provider's API.
//!
//! Every provider looks (what is there), plans (a pure function of what is wanted and what is there) and
//! performs single steps ([`provider::ProviderMachines`]). Everything else is here once: the order, the repetition
//! after a kill, the keys of the machines, the waiting. A machine is found again by the cluster's tag and its name,
//! so nothing is ever made twice.

mod apply;
pub mod given;
mod host_keys;
pub(super) mod networks;
pub(super) mod options;
pub(super) mod plan;
pub(super) mod provider;
mod ssh;
pub(super) mod user_data;

pub use host_keys::Folder;
pub use options::{Common, Schemas};
pub use plan::Machine;
pub use provider::{Machines, Overview, Tell};
