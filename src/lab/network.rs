//! The lab's two bridges, and the way of its nodes to the outside.

use super::command;
use super::files::text_or_empty;
use super::forwarding;
use super::names::{self, Names};
use super::settings::nth;
use super::subnets::Networks;
use crate::error::{Error, Result};
use std::path::Path;
use std::time::{Duration, Instant};

/// The one setting of this computer's kernel that the lab changes.
const FORWARDING: &str = "/proc/sys/net/ipv4/ip_forward";
/// Says, until this computer starts anew, that a lab switched forwarding on.
const WAS_OFF: &str = "/run/vent-lab-ip-forward-was-off";

/// Brings about the bridges, the masquerade and the forwarding; what is there already is left.
///
/// # Errors
/// What `ip` or `nft` say.
pub fn up(names: &Names, networks: Networks, progress: &(dyn Fn(&str) + Sync)) -> Result<()> {
    let public = names.public_bridge();
    bridge(&public)?;
    let gateway = format!("{}/24", nth(networks.public, 1));
    command::run(&["ip", "address", "replace", &gateway, "dev", &public])?;
    bridge(&names.private_bridge())?;
    command::with_input(&["nft", "-f", "-"], &rules(names, networks)).map_err(|error| {
        error.help("the lab needs a kernel with nftables (nf_tables, nf_nat and masquerade)")
    })?;
    if text_or_empty(Path::new(FORWARDING)).trim() == "0" {
        progress(
            "switching IP forwarding on (net.ipv4.ip_forward=1), so that the nodes reach the outside; `vent lab down` of the last lab switches it off again",
        );
        super::files::make_file(Path::new(WAS_OFF), "", 0o600)?;
        set_forwarding("1")?;
    }
    forwarding::permit(names, progress)
}

/// Takes away everything [`up`] made, as far as it is there.
///
/// # Errors
/// What `ip` or `nft` say.
pub fn down(names: &Names, progress: &(dyn Fn(&str) + Sync)) -> Result<()> {
    if !command::exists("nft") {
        // Without it no lab was ever up here.
        return Ok(());
    }
    forwarding::withdraw(names)?;
    let table = names.table();
    if command::succeeds(&["nft", "list", "table", "ip", &table]) {
        command::run(&["nft", "delete", "table", "ip", &table])?;
    }
    for link in [
        names.public_bridge(),
        names.private_bridge(),
        names.trial_interface(),
    ] {
        if interface_exists(&link) {
            command::run(&["ip", "link", "delete", &link])?;
        }
    }
    let others = command::run(&["nft", "list", "tables"])?.contains(names::TABLE);
    if !others && Path::new(WAS_OFF).exists() {
        progress("switching IP forwarding off again");
        set_forwarding("0")?;
        std::fs::remove_file(WAS_OFF)
            .map_err(|cause| Error::new(format!("{WAS_OFF} cannot be removed")).cause(cause))?;
    }
    Ok(())
}

/// True if this computer has an interface of this name.
pub fn interface_exists(name: &str) -> bool {
    Path::new("/sys/class/net").join(name).exists()
}

/// Waits until the interfaces that are `meant` are gone with the nodes they led to, and removes those that
/// stay: one killed between making an interface and handing it to its node leaves it here.
///
/// # Errors
/// What `ip` says.
pub fn remove_ports(meant: impl Fn(&str) -> bool) -> Result<()> {
    let start = Instant::now();
    loop {
        let ports: Vec<String> = std::fs::read_dir("/sys/class/net")
            .into_iter()
            .flat_map(|entries| entries.flatten())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| meant(name))
            .collect();
        if ports.is_empty() {
            return Ok(());
        }
        if start.elapsed() > Duration::from_secs(2) {
            for port in &ports {
                let deleted = command::run(&["ip", "link", "delete", port]);
                // The other end of a pair goes with the first one.
                if interface_exists(port) {
                    deleted?;
                }
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Puts this computer's end of a node's interface into its bridge, unless it is there.
///
/// # Errors
/// What `ip` says.
pub fn join_bridge(port: &str, bridge: &str) -> Result<()> {
    if Path::new("/sys/class/net")
        .join(bridge)
        .join("brif")
        .join(port)
        .exists()
    {
        return Ok(());
    }
    command::run(&["ip", "link", "set", port, "master", bridge, "up"]).map(drop)
}

fn bridge(name: &str) -> Result<()> {
    if !interface_exists(name) {
        command::run(&["ip", "link", "add", name, "type", "bridge"])?;
    }
    command::run(&["ip", "link", "set", name, "up"]).map(drop)
}

/// Replaces the lab's table in one step. Nothing in it drops: it only lends the nodes this computer's address.
fn rules(names: &Names, networks: Networks) -> String {
    let table = names.table();
    let Networks { public, private } = networks;
    format!(
        "table ip {table} {{}}\ndelete table ip {table}\ntable ip {table} {{\n  chain postrouting {{\n    \
         type nat hook postrouting priority srcnat; policy accept;\n    \
         ip saddr {public} ip daddr != {{ {public}, {private} }} masquerade\n  }}\n}}\n"
    )
}

fn set_forwarding(value: &str) -> Result<()> {
    std::fs::write(FORWARDING, value)
        .map_err(|cause| Error::new(format!("{FORWARDING} cannot be set to {value}")).cause(cause))
}
