//! `machines:` of an inventory, from the program that a user calls down to stand-ins of the providers, whose
//! machines answer SSH on this computer with the host key they were given.

mod exoscale;
mod kills;
mod lab;
mod options;
mod packet;
mod planned;
mod project;
mod proxmox;
mod slow;
