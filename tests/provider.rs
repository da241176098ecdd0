//! The clients of the providers against stateful stand-ins, which are checked against the vendors' own
//! specifications.

#![allow(clippy::unwrap_used)]

mod fakes;
mod ssh_server;

#[path = "machines/mod.rs"]
mod machines;

#[path = "provider/addresses.rs"]
mod addresses;
#[path = "provider/cluster.rs"]
mod cluster;
#[path = "provider/contract.rs"]
mod contract;
#[path = "provider/contract_names.rs"]
mod contract_names;
#[path = "provider/exoscale.rs"]
mod exoscale;
#[path = "provider/given.rs"]
mod given;
#[path = "provider/inventory.rs"]
mod inventory;
#[path = "provider/names.rs"]
mod names;
#[path = "provider/packet.rs"]
mod packet;
#[path = "provider/proxmox.rs"]
mod proxmox;
#[path = "provider/recorded.rs"]
mod recorded;
#[path = "provider/refusals.rs"]
mod refusals;
#[path = "provider/route53.rs"]
mod route53;
#[path = "provider/secrecy.rs"]
mod secrecy;
#[path = "provider/shipped.rs"]
mod shipped;
#[path = "provider/trust.rs"]
mod trust;
