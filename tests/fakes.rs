//! Stateful stand-ins for the providers' APIs, served on this computer.

pub mod boot;
pub mod clock;
pub mod exoscale;
pub mod message;
pub mod packet;
pub mod proxmox;
pub mod route53;
pub mod server;
pub mod signature;
pub mod specification;

pub use clock::VirtualClock;
pub use message::Reply;
pub use server::Server;

/// A new identifier, the same in every run of a test.
pub fn identifier(number: u64) -> String {
    format!("10000000-0000-4000-8000-{number:012x}")
}
