//! What the lab needs of this computer: root, programs, a kernel that can. What packages can cure is
//! cured after saying so; the rest is an error with its cure.

use super::command;
use super::files::text_or_empty;
use super::names::Names;
use super::network;
use crate::error::{Error, Result};
use std::path::Path;

/// A file that must be there, and the package of Debian and Ubuntu that brings it.
const NEEDED: [(&str, &str); 10] = [
    ("systemd-nspawn", "systemd-container"),
    ("debootstrap", "debootstrap"),
    ("nft", "nftables"),
    ("ip", "iproute2"),
    ("ssh", "openssh-client"),
    ("ssh-keygen", "openssh-client"),
    ("mkfs.ext4", "e2fsprogs"),
    ("setpriv", "util-linux"),
    ("losetup", "mount"),
    (
        "/usr/share/keyrings/debian-archive-keyring.gpg",
        "debian-archive-keyring",
    ),
];

/// Kernel modules that a node uses but cannot load, being no machine of its own; built in, or loaded here.
const MODULES: [&str; 7] = [
    "overlay",
    "bridge",
    "br_netfilter",
    "veth",
    "vxlan",
    "nf_conntrack",
    "nf_tables",
];

/// Refuses to go on without root.
///
/// # Errors
/// This process is not root.
pub fn root() -> Result<()> {
    if rustix::process::geteuid().is_root() {
        return Ok(());
    }
    Err(
        Error::new("the lab needs root: it makes bridges, mounts and machines")
            .help("run the same command with sudo, or name another inventory with -i"),
    )
}

/// Installs the packages that are missing, and tries out whether the kernel can do what the lab needs.
///
/// # Errors
/// Not root, not Debian or Ubuntu, or a kernel without overlays, bridges, veth or VXLAN.
pub fn provide(names: &Names, progress: &(dyn Fn(&str) + Sync)) -> Result<()> {
    root()?;
    packages(progress)?;
    if command::exists("modprobe") {
        for module in MODULES {
            // Built-in ones have no file to load; whether all is there is tried out below.
            let _ = command::output(&["modprobe", "--quiet", module], "")?;
        }
    }
    if !text_or_empty(Path::new("/proc/filesystems")).contains("\toverlay\n") {
        return Err(lacks("overlay file systems", "CONFIG_OVERLAY_FS"));
    }
    if network::interface_exists(&names.public_bridge()) {
        return Ok(());
    }
    for (kind, option) in [
        ("bridge", "CONFIG_BRIDGE"),
        ("veth", "CONFIG_VETH"),
        ("vxlan", "CONFIG_VXLAN"),
    ] {
        try_interface(kind, option, &names.trial_interface())?;
    }
    Ok(())
}

fn packages(progress: &(dyn Fn(&str) + Sync)) -> Result<()> {
    let there = |needed: &str| match needed.starts_with('/') {
        true => Path::new(needed).exists(),
        false => command::exists(needed),
    };
    let mut missing: Vec<&str> = NEEDED
        .iter()
        .filter(|(needed, _)| !there(needed))
        .map(|(_, package)| *package)
        .collect();
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    if !command::exists("apt-get") {
        return Err(Error::new(format!(
            "the lab needs programs of these packages: {}",
            missing.join(", ")
        ))
        .help("install them; the lab installs them itself on Debian and Ubuntu"));
    }
    progress(&format!("installing what the lab needs: {}", missing.join(" ")));
    let mut line = vec!["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install"];
    line.extend(["--yes", "--no-install-recommends"]);
    line.extend(missing);
    if command::succeeds(&line) {
        return Ok(());
    }
    command::run(&["apt-get", "update"])?;
    command::run(&line).map(drop)
}

fn try_interface(kind: &str, option: &str, name: &str) -> Result<()> {
    if network::interface_exists(name) {
        command::run(&["ip", "link", "delete", name])?;
    }
    let mut line = vec!["ip", "link", "add", name, "type", kind];
    if kind == "vxlan" {
        line.extend(["id", "1", "dstport", "8472"]);
    }
    command::run(&line).map_err(|error| lacks(&format!("{kind} interfaces"), option).cause(error.line()))?;
    command::run(&["ip", "link", "delete", name]).map(drop)
}

fn lacks(what: &str, option: &str) -> Error {
    let release = text_or_empty(Path::new("/proc/sys/kernel/osrelease"));
    Error::new(format!("the kernel of this computer ({}) has no {what}", release.trim())).help(format!(
        "the lab's nodes share this kernel: start one that is built with {option} (each kernel of Debian and Ubuntu is), \
         or name other machines with -i"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_kernel_lacks_is_named_with_its_option() {
        let release = text_or_empty(Path::new("/proc/sys/kernel/osrelease"));
        let drawn = format!(
            "error: the kernel of this computer ({}) has no vxlan interfaces\n  help: the lab's nodes share this kernel: start one \
             that is built with CONFIG_VXLAN (each kernel of Debian and Ubuntu is), or name other machines with -i\n",
            release.trim()
        );
        assert_eq!(lacks("vxlan interfaces", "CONFIG_VXLAN").to_string(), drawn);
    }
}
