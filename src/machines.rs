//! Machines that an inventory asks for: made, waited for and removed through a provider's API.
//!
//! Every provider looks (what is there), plans (a pure function of what is wanted and what is there) and
//! performs single steps. Everything else is here once: the order, the repetition after a kill, the keys of
//! the machines, the waiting. A machine is found again by the cluster's tag and its name, so nothing is ever
//! made twice. To add a provider: a file beside the others, and its line in [`OPTIONS`].

mod apply;
mod cloud;
pub mod exoscale;
pub mod given;
mod host_keys;
mod networks;
pub mod packet;
mod plan;
pub mod proxmox;
mod settings;
mod ssh;
mod user_data;

pub use cloud::{Machines, Overview, Tell};
pub use host_keys::Folder;
pub use plan::Machine;
pub use settings::Common;

use schemars::Schema;

/// The options below `machines:` of each provider, as JSON schemas: those of the whole, those of each set.
pub static OPTIONS: &[(&str, fn() -> Schemas)] = &[
    ("packet", settings::schemas::<packet::Own, packet::Set>),
    ("exoscale", settings::schemas::<exoscale::Own, exoscale::Set>),
    ("proxmox", settings::schemas::<proxmox::Own, proxmox::Set>),
];

/// The schemas of the options of one provider.
pub struct Schemas {
    /// What stands directly below `machines:`.
    pub whole: [Schema; 2],
    /// What stands in each of the `sets`.
    pub set: [Schema; 2],
}
