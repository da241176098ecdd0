//! What the clients of all APIs have in common. A client has no inventory types: what a machine means to an
//! inventory is decided behind it.

pub mod access;
pub mod http;
