//! Clouds: everything that belongs to a provider of machines, or of names, stands in its folder. There, and for
//! what all have in common, are three parts, each of which uses only those before it: `client` talks to the API,
//! `machines` makes machines, `inventory` makes hosts of them. No provider uses another one.
//!
//! To add one: a folder beside the others, and its entry in [`PROVIDERS`].

pub mod client;
pub mod inventory;
pub mod machines;

pub mod exoscale;
pub mod packet;
pub mod proxmox;
pub mod route53;

use exoscale::inventory::ExoscalePlugin;
use inventory::Plugin;
use machines::Schemas;
use machines::options::schemas;
use packet::inventory::PacketPlugin;
use proxmox::inventory::ProxmoxPlugin;

/// A provider of machines.
pub struct Provider {
    /// Its name.
    pub name: &'static str,
    /// Its inventory plugin, under each of its names.
    pub plugins: &'static [&'static dyn Plugin],
    /// The options below `machines:`.
    pub options: fn() -> Schemas,
}

/// All providers of machines.
pub static PROVIDERS: &[Provider] = &[
    Provider {
        name: "packet",
        plugins: &[&PacketPlugin("packet")],
        options: schemas::<packet::machines::Own, packet::machines::Set>,
    },
    Provider {
        name: "exoscale",
        plugins: &[
            &ExoscalePlugin("exoscale"),
            &ExoscalePlugin("stephrobert.exoscale.compute"),
        ],
        options: schemas::<exoscale::machines::Own, exoscale::machines::Set>,
    },
    Provider {
        name: "proxmox",
        plugins: &[
            &ProxmoxPlugin("proxmox"),
            &ProxmoxPlugin("community.proxmox.proxmox"),
            &ProxmoxPlugin("community.general.proxmox"),
        ],
        options: schemas::<proxmox::machines::Own, proxmox::machines::Set>,
    },
];
