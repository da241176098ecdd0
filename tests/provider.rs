//! The clients of the providers against stateful stand-ins, which are checked against the vendors' own
//! specifications.

#![allow(clippy::unwrap_used)]

mod fakes;

#[path = "machines/mod.rs"]
mod machines;

#[path = "provider/contract.rs"]
mod contract;
#[path = "provider/exoscale.rs"]
mod exoscale;
#[path = "provider/inventory.rs"]
mod inventory;
#[path = "provider/packet.rs"]
mod packet;
#[path = "provider/proxmox.rs"]
mod proxmox;
#[path = "provider/recorded.rs"]
mod recorded;
#[path = "provider/route53.rs"]
mod route53;
#[path = "provider/trust.rs"]
mod trust;
