//! Clients of the APIs that machines come from. No inventory types here: what a machine means to an
//! inventory is decided above.

pub mod access;
pub mod exoscale;
pub mod http;
pub mod packet;
pub mod proxmox;
pub mod route53;
