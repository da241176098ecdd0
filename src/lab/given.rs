//! What a node finds on its disk at its first boot: its name, addresses and keys, and how to get packages.

use super::apt::{self, Mirrors};
use super::files::{make_file, make_folder, remove_tree, text_or_empty};
use super::folders::NodeFolders;
use super::keys;
use super::settings::{LabSettings, NodeSettings, nth};
use super::subnets::Networks;
use crate::content::digest_of;
use crate::error::Result;
use std::path::{Path, PathBuf};

/// The same for all nodes of a lab.
#[derive(Debug)]
pub struct Common {
    /// Who may log in.
    pub authorized_keys: String,
    /// Where the packages are.
    sources_list: Option<String>,
    /// What apt needs to get there.
    apt_settings: String,
    /// The name servers.
    resolver: Option<String>,
    /// All nodes' names.
    hosts: String,
}

impl Common {
    /// Collects it from this computer.
    ///
    /// # Errors
    /// The lab's key is missing, or apt's settings cannot be read.
    pub fn collect(settings: &LabSettings, networks: Networks, key: &Path) -> Result<Common> {
        let mut hosts = String::from(
            "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n\n# The nodes of the lab.\n",
        );
        for node in &settings.nodes {
            hosts.push_str(&format!("{} {}\n", node.address_in(networks.private), node.name));
        }
        Ok(Common {
            authorized_keys: keys::public(key)? + "\n",
            sources_list: Mirrors::of_this_computer().sources_list(),
            apt_settings: apt::settings_of_this_computer()?,
            resolver: apt::resolver_settings(),
            hosts,
        })
    }

    /// False if no name server of this computer can be reached from a node.
    pub fn has_resolver(&self) -> bool {
        self.resolver.is_some()
    }
}

/// The private host key of a node.
pub fn host_key(folders: &NodeFolders) -> PathBuf {
    folders.given().join("etc/ssh/ssh_host_ed25519_key")
}

/// Writes a node's files anew; only its host key stays. The node must not be running.
///
/// # Errors
/// What the system or `ssh-keygen` say.
pub fn write(folders: &NodeFolders, node: &NodeSettings, networks: Networks, common: &Common) -> Result<()> {
    let given = folders.given();
    for kept_out in ["etc/apt", "etc/systemd", "root"] {
        remove_tree(&given.join(kept_out))?;
    }
    make_folder(&given.join("root/.ssh"), 0o755)?;
    make_folder(&given.join("etc/ssh"), 0o755)?;
    keys::provide(&host_key(folders), &format!("root@{}", node.name))?;
    let file = |path: &str, text: &str, mode: u32| make_file(&given.join(path), text, mode);
    file("root/.ssh/authorized_keys", &common.authorized_keys, 0o600)?;
    close(&given.join("root/.ssh"))?;
    close(&given.join("root"))?;
    file("etc/hostname", &format!("{}\n", node.name), 0o644)?;
    file("etc/hosts", &common.hosts, 0o644)?;
    file("etc/machine-id", &machine_id(folders), 0o444)?;
    file("etc/resolv.conf", common.resolver.as_deref().unwrap_or(""), 0o644)?;
    file("etc/apt/apt.conf.d/90lab", &common.apt_settings, 0o644)?;
    if let Some(sources) = &common.sources_list {
        file("etc/apt/sources.list", sources, 0o644)?;
    }
    // The nodes trust whom this computer trusts: its mirrors may stand behind an authority of its own.
    let trusted = text_or_empty(Path::new("/etc/ssl/certs/ca-certificates.crt"));
    if !trusted.is_empty() {
        file("etc/ssl/certs/ca-certificates.crt", &trusted, 0o644)?;
    }
    let public = format!(
        "[Match]\nName=host0\n\n[Network]\nAddress={}/24\nGateway={}\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n",
        node.address_in(networks.public),
        nth(networks.public, 1)
    );
    file("etc/systemd/network/10-public.network", &public, 0o644)?;
    let private = format!(
        "[Match]\nName=priv0\n\n[Network]\nAddress={}/24\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n",
        node.address_in(networks.private)
    );
    file("etc/systemd/network/20-private.network", &private, 0o644)
}

fn close(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).map_err(|cause| {
        crate::error::Error::new(format!("{} cannot be closed to others", folder.display())).cause(cause)
    })
}

/// As constant as the serial number of a machine, and different for each.
fn machine_id(folders: &NodeFolders) -> String {
    let key = keys::public(&host_key(folders)).unwrap_or_default();
    format!("{}\n", &digest_of(key.as_bytes())[..32])
}
