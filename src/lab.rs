//! Machines out of this computer: nodes that boot systemd, run sshd and have networks, control groups and
//! packages of their own, as bare as a cloud image. They share this computer's kernel.
//!
//! Nothing has to be remembered to end a lab: every name derives from its folder (see `names`), so `down`
//! finds what any killed process left.

mod apt;
mod base_tree;
mod boot;
mod cgroups;
mod command;
mod files;
mod folders;
mod forwarding;
mod given;
mod keys;
mod mounts;
mod names;
mod network;
mod node;
mod requirements;
mod settings;
mod storage;
mod subnets;
mod watchers;

use crate::error::{Error, Result};
use crate::value::{Map, Value};
use boot::Machine;
use folders::Folders;
use names::Names;
use std::path::{Path, PathBuf};

pub use node::{NodeState, NodeStatus};
pub use settings::{Image, LabSettings, NodeSettings};
pub use subnets::Networks;

/// What whoever boots a lab has to know.
const SHARED_ROOT: &str = "root of a node is root of this computer: the nodes share its kernel and its accounts, and keep nobody in";

/// Called with each thing the lab does that takes time or changes this computer.
pub type Progress<'a> = &'a (dyn Fn(&str) + Sync);

/// One lab: what `inventory/lab.yml` says, and where it lies on this computer.
#[derive(Clone, Debug)]
pub struct Lab {
    settings: LabSettings,
    folders: Folders,
    names: Names,
}

/// A host of the lab's inventory.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// The groups it is in.
    pub groups: Vec<String>,
    /// Its variables: addresses, how to log in, and those of the file.
    pub vars: Map,
}

impl Lab {
    /// The lab that the mapping of `inventory/lab.yml` describes; touches nothing.
    ///
    /// # Errors
    /// The mapping is wrong, or there is no place for the lab.
    pub fn load(inventory: &Value) -> Result<Lab> {
        let settings = LabSettings::read(inventory)?;
        let folders = Folders::of(&settings.name)?;
        Ok(Lab::new(settings, folders))
    }

    /// Like [`Lab::load`], with the lab's own folder and the folder of base trees given.
    ///
    /// # Errors
    /// The mapping is wrong.
    pub fn load_in(inventory: &Value, lab: &Path, trees: &Path) -> Result<Lab> {
        let folders = Folders {
            lab: lab.to_path_buf(),
            trees: trees.to_path_buf(),
        };
        Ok(Lab::new(LabSettings::read(inventory)?, folders))
    }

    fn new(settings: LabSettings, folders: Folders) -> Lab {
        let names = Names::of(&folders.lab);
        Lab {
            settings,
            folders,
            names,
        }
    }

    /// What the file says.
    pub fn settings(&self) -> &LabSettings {
        &self.settings
    }

    /// The lab's networks: those it has, or would pick now.
    ///
    /// # Errors
    /// No network is free.
    pub fn networks(&self) -> Result<Networks> {
        let file = self.networks_file();
        match std::fs::read_to_string(&file) {
            Ok(text) => Networks::parse(&text).ok_or_else(|| {
                Error::new(format!("{} does not hold two networks", file.display()))
                    .help("`vent lab down` and `vent lab up` make the lab anew")
            }),
            Err(_) => Networks::pick(self.settings.public, self.settings.private, &self.names),
        }
    }

    /// The hosts with their groups and variables. Where no node is in the group `etcd`, the controllers are.
    ///
    /// # Errors
    /// No network is free.
    pub fn inventory(&self) -> Result<Vec<Host>> {
        let networks = self.networks()?;
        let stacked = !self
            .settings
            .nodes
            .iter()
            .any(|node| node.groups.iter().any(|group| group == "etcd"));
        Ok(self
            .settings
            .nodes
            .iter()
            .map(|node| self.host(node, networks, stacked))
            .collect())
    }

    fn host(&self, node: &NodeSettings, networks: Networks, stacked: bool) -> Host {
        let mut groups = node.groups.clone();
        if stacked && groups.iter().any(|group| group == "controllers") {
            groups.push("etcd".into());
        }
        groups.push("lab".into());
        let public = node.address_in(networks.public).to_string();
        let ssh = format!(
            "-o UserKnownHostsFile={} -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes",
            self.known_hosts().display()
        );
        let mut vars: Map = [
            ("ansible_host", public.clone()),
            ("public_ipv4", public),
            ("private_ipv4", node.address_in(networks.private).to_string()),
            ("provider_id", format!("lab://{}", node.name)),
            ("ansible_user", "root".into()),
            ("ansible_ssh_private_key_file", self.key().display().to_string()),
            ("ansible_ssh_common_args", ssh),
        ]
        .into_iter()
        .map(|(name, value)| (name.into(), Value::from(value)))
        .collect();
        vars.extend(
            node.vars
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        Host {
            name: node.name.clone(),
            groups,
            vars,
        }
    }

    /// The private key that logs in as root on every node.
    pub fn key(&self) -> PathBuf {
        self.folders.file("key")
    }

    /// The file that pins the nodes' host keys.
    pub fn known_hosts(&self) -> PathBuf {
        self.folders.file("known_hosts")
    }

    /// All that was changed on a node since it was made, as a tree of files.
    ///
    /// # Errors
    /// There is no such node.
    pub fn upper(&self, node: &str) -> Result<PathBuf> {
        Ok(self.folders.node(&self.settings.node(node)?.name).upper())
    }

    /// The tree that the nodes were made from.
    ///
    /// # Errors
    /// It is not there and cannot be made.
    pub fn base(&self, progress: Progress) -> Result<PathBuf> {
        base_tree::provide(self.settings.image, &self.folders.trees, progress)
    }

    /// Brings the lab up: what runs is left alone, what is missing is made, what a kill left half is made anew.
    ///
    /// # Errors
    /// Not root, something is missing that cannot be installed, or a node does not boot.
    pub fn up(&self, progress: Progress) -> Result<()> {
        requirements::provide(&self.names, progress)?;
        let _lock = self.folders.lock()?;
        let base = self.base(progress)?;
        self.start(&base, progress)
    }

    /// Empties all nodes (or those named) and boots them anew.
    ///
    /// # Errors
    /// As [`Lab::up`], and there may be no such node.
    pub fn reset(&self, only: &[String], progress: Progress) -> Result<()> {
        requirements::provide(&self.names, progress)?;
        let chosen = self.chosen(only)?;
        let _lock = self.folders.lock()?;
        let base = self.base(progress)?;
        storage::provide(&self.folders, progress)?;
        for node in chosen {
            let machine = self.machine(node);
            machine.end()?;
            machine.empty()?;
        }
        self.start(&base, progress)
    }

    /// Ends nodes as if their power failed; they keep their disks. [`Lab::up`] starts them again.
    ///
    /// # Errors
    /// Not root, there is no such node, or something of it stays in use.
    pub fn stop(&self, only: &[String]) -> Result<()> {
        requirements::root()?;
        let chosen = self.chosen(only)?;
        let _lock = self.folders.lock()?;
        for node in chosen {
            self.machine(node).end()?;
        }
        Ok(())
    }

    /// The nodes of these names, or all.
    fn chosen(&self, only: &[String]) -> Result<Vec<&NodeSettings>> {
        match only {
            [] => Ok(self.settings.nodes.iter().collect()),
            names => names.iter().map(|name| self.settings.node(name)).collect(),
        }
    }

    /// Ends the lab: machines with their disks, bridges, rules, mounts, keys. Only base trees stay.
    ///
    /// # Errors
    /// Something stays in use.
    pub fn down(&self, progress: Progress) -> Result<()> {
        requirements::root()?;
        let lock = self.folders.lock()?;
        node::end_all(&self.names, &self.folders)?;
        network::down(&self.names, progress)?;
        mounts::unmount_below(&self.folders.lab)?;
        files::remove_tree(&self.folders.lab)?;
        lock.remove()
    }

    /// How the nodes are, in the order of the file.
    ///
    /// # Errors
    /// No network is free, so that not even addresses are known.
    pub fn status(&self) -> Result<Vec<NodeStatus>> {
        let networks = self.networks()?;
        Ok(self
            .settings
            .nodes
            .iter()
            .map(|node| self.machine(node).status(networks))
            .collect())
    }

    /// The command line that logs in on a node.
    ///
    /// # Errors
    /// There is no such node.
    pub fn ssh(&self, node: &str) -> Result<Vec<String>> {
        let node = self.settings.node(node)?;
        let address = node.address_in(self.networks()?.public);
        Ok(node::ssh_line(&self.key(), &self.known_hosts(), address))
    }

    /// Networks, keys and nodes; the lock is held.
    fn start(&self, base: &Path, progress: Progress) -> Result<()> {
        storage::provide(&self.folders, progress)?;
        let networks = self.networks()?;
        files::make_file(&self.networks_file(), format!("{networks}\n"), 0o600)?;
        if (networks.public, networks.private) != (self.settings.public, self.settings.private) {
            progress(&format!(
                "the wished networks are in use on this computer; the lab has {} and {}",
                networks.public, networks.private
            ));
        }
        network::up(&self.names, networks, progress)?;
        keys::provide(&self.key(), "vent lab")?;
        let common = given::Common::collect(&self.settings, networks, &self.key())?;
        if !common.has_resolver() {
            progress(
                "this computer has no name server that its nodes can reach: names will not resolve in them",
            );
        }
        self.name_strangers(progress);
        let machines = self.prepare(networks, &common)?;
        self.pin(networks)?;
        let new: Vec<&str> = machines
            .iter()
            .filter(|(_, runs)| !runs)
            .map(|(machine, _)| machine.node.name.as_str())
            .collect();
        if !new.is_empty() {
            if let Some(shortage) = watchers::shortage(new.len()) {
                progress(&shortage);
            }
            progress(SHARED_ROOT);
            progress(&format!("booting {}", new.join(", ")));
        }
        let login = node::Login {
            key: self.key(),
            known_hosts: self.known_hosts(),
            networks,
        };
        node::boot_together(base, &machines, &login)
    }

    /// All nodes, each with whether it runs already; writes the files of those that do not.
    fn prepare(&self, networks: Networks, common: &given::Common) -> Result<Vec<(Machine<'_>, bool)>> {
        let mut machines = vec![];
        for settings in &self.settings.nodes {
            let machine = self.machine(settings);
            let runs = machine.is_running();
            if runs {
                machine.join_bridges()?;
                machine.adopt()?;
            } else {
                machine.end()?;
                storage::provide_disk(&machine.folders, &settings.name, settings.disk)?;
                given::write(&machine.folders, settings, networks, common)?;
                storage::flush(&machine.folders)?;
            }
            machines.push((machine, runs));
        }
        Ok(machines)
    }

    /// A node that the file no longer names may still be in a cluster, so it is left running.
    fn name_strangers(&self, progress: Progress) {
        for name in node::present(&self.folders) {
            if self.settings.node(&name).is_err() {
                progress(&format!(
                    "`{name}` is a node of the lab that the inventory no longer names; it is left alone until `vent lab down`"
                ));
            }
        }
    }

    fn pin(&self, networks: Networks) -> Result<()> {
        let mut pins = vec![];
        for node in &self.settings.nodes {
            let names = vec![
                node.name.clone(),
                node.address_in(networks.public).to_string(),
                node.address_in(networks.private).to_string(),
            ];
            let key = given::host_key(&self.folders.node(&node.name));
            pins.push((names, keys::public(&key)?));
        }
        keys::pin(&self.known_hosts(), &pins)
    }

    fn machine<'a>(&'a self, node: &'a NodeSettings) -> Machine<'a> {
        Machine {
            names: &self.names,
            folders: self.folders.node(&node.name),
            node,
        }
    }

    fn networks_file(&self) -> PathBuf {
        self.folders.file("networks")
    }
}
