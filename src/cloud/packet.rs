//! Packet, later Equinix Metal: client, machines and inventory.

pub mod client;
pub mod inventory;
pub mod machines;
