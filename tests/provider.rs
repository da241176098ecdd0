//! The clients of the providers against stateful stand-ins, which are checked against the vendors' own
//! specifications.

mod addresses;
mod cluster;
mod contract;
mod contract_names;
mod exoscale;
mod given;
mod inventory;
mod names;
mod packet;
mod proxmox;
mod recorded;
mod refusals;
mod route53;
mod secrecy;
mod shipped;
mod trust;
