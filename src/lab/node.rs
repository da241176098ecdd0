//! The life of nodes: booting several at once, waiting until they answer, ending all, telling how they are.

use super::boot::Machine;
use super::cgroups;
use super::command;
use super::files::{make_folder, remove_file, remove_tree};
use super::folders::{Folders, NodeFolders, make_private};
use super::mounts;
use super::names::Names;
use super::network;
use super::subnets::Networks;
use crate::error::{Error, Result};
use std::fmt;
use std::io::Read;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// It was never made, or the lab is down.
    Absent,
    /// It was made, and does not run.
    Stopped,
    /// It runs, and sshd does not answer yet.
    Booting,
    /// It runs, and sshd answers.
    Running,
}

/// One line of `vent lab status`.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeStatus {
    /// Its name.
    pub name: String,
    /// How it is.
    pub state: NodeState,
    /// Its address on the bridge that this computer is on.
    pub public: Ipv4Addr,
    /// Its address among the nodes.
    pub private: Ipv4Addr,
    /// Memory in use, in bytes, while it runs.
    pub memory_used: Option<u64>,
    /// The most it may use, in bytes.
    pub memory_limit: u64,
}

impl fmt::Display for NodeStatus {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            NodeState::Absent => "absent",
            NodeState::Stopped => "stopped",
            NodeState::Booting => "booting",
            NodeState::Running => "running",
        };
        let mebibytes = |bytes: u64| bytes >> 20;
        write!(out, "{} {state} {} {}", self.name, self.public, self.private)?;
        match self.memory_used {
            Some(used) => write!(
                out,
                " {} of {} MiB",
                mebibytes(used),
                mebibytes(self.memory_limit)
            ),
            None => Ok(()),
        }
    }
}

/// How to log in on the nodes of a lab.
#[derive(Debug)]
pub struct Login {
    /// The private key.
    pub key: PathBuf,
    /// The pinned host keys.
    pub known_hosts: PathBuf,
    /// The nodes' networks.
    pub networks: Networks,
}

impl Machine<'_> {
    /// How the node is now.
    pub fn status(&self, networks: Networks) -> NodeStatus {
        let public = self.node.address_in(networks.public);
        let state = match (is_made(&self.folders), self.is_running()) {
            (_, true) if answers(public) => NodeState::Running,
            (_, true) => NodeState::Booting,
            (true, false) => NodeState::Stopped,
            (false, false) => NodeState::Absent,
        };
        let runs = matches!(state, NodeState::Booting | NodeState::Running);
        NodeStatus {
            name: self.node.name.clone(),
            state,
            public,
            private: self.node.address_in(networks.private),
            memory_used: runs.then(|| self.memory_used()).flatten(),
            memory_limit: self.node.memory,
        }
    }

    /// Throws away all that was changed on the node, which has ended.
    ///
    /// # Errors
    /// What the system says.
    pub fn empty(&self) -> Result<()> {
        let folders = &self.folders;
        for folder in [folders.upper(), folders.work(), folders.data()] {
            remove_tree(&folder)?;
        }
        remove_file(&folders.disk())?;
        let _ = std::fs::remove_file(folders.console());
        Ok(())
    }

    /// Puts a running node's interfaces into the bridges, which may have been made anew.
    ///
    /// # Errors
    /// What `ip` says.
    pub fn join_bridges(&self) -> Result<()> {
        let address = self.node.address;
        for (port, bridge) in [
            (self.names.public_port(address), self.names.public_bridge()),
            (self.names.private_port(address), self.names.private_bridge()),
        ] {
            if network::interface_exists(&port) {
                network::join_bridge(&port, &bridge)?;
            }
        }
        Ok(())
    }

    /// Mounts and starts the node, and waits until it lets somebody in.
    fn boot(&self, base: &Path, login: &Login) -> Result<()> {
        make_private(&self.folders.0)?;
        make_folder(&self.folders.upper(), 0o755)?;
        for folder in [self.folders.work(), self.folders.data(), self.folders.root()] {
            make_folder(&folder, 0o755)?;
        }
        mounts::mount_node(base, &self.folders)?;
        self.start()?;
        self.wait(login)
    }

    /// Waits until the node lets somebody in and has booted.
    fn wait(&self, login: &Login) -> Result<()> {
        let address = self.node.address_in(login.networks.public);
        let line = ssh_line(&login.key, &login.known_hosts, address);
        let mut line: Vec<&str> = line.iter().map(String::as_str).collect();
        line.push("systemctl is-system-running --wait");
        let start = Instant::now();
        loop {
            if answers(address) {
                let output = command::output(&line, "")?;
                let said = String::from_utf8_lossy(&output.stdout);
                if matches!(said.trim(), "running" | "degraded") {
                    return Ok(());
                }
            }
            let ended = start.elapsed() > Duration::from_secs(3) && !self.is_running();
            if ended || start.elapsed() > self.node.boot_timeout {
                return Err(self.not_booted(ended));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn not_booted(&self, ended: bool) -> Error {
        let name = &self.node.name;
        let what = if ended {
            format!("node `{name}` ended while it booted")
        } else {
            let patience = self.node.boot_timeout.as_secs();
            format!("node `{name}` does not answer after {patience} seconds")
        };
        let slow = if ended {
            ""
        } else {
            "; a slow computer gets more time by `boot_timeout` (seconds) in the lab's file"
        };
        Error::new(what).cause(self.last_words()).help(format!(
            "its console is in {}; `vent lab reset {name}` makes it anew{slow}",
            self.folders.console().display()
        ))
    }
}

/// Boots nodes at the same time, and waits for all of them. One that `runs` is only waited for: whoever
/// started it may have been killed while it booted.
///
/// # Errors
/// The first node's that does not come up.
pub fn boot_together(base: &Path, machines: &[(Machine, bool)], login: &Login) -> Result<()> {
    let bring_up = |machine: &Machine, runs: bool| match runs {
        true => machine.wait(login),
        false => machine.boot(base, login),
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = machines
            .iter()
            .map(|(machine, runs)| scope.spawn(|| bring_up(machine, *runs)))
            .collect();
        let outcomes: Vec<Result<()>> = threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err(Error::new("a thread that booted a node panicked")))
            })
            .collect();
        outcomes.into_iter().collect()
    })
}

/// The command line that logs in at `address`; a command may follow.
pub fn ssh_line(key: &Path, known_hosts: &Path, address: Ipv4Addr) -> Vec<String> {
    [
        "ssh",
        "-F",
        "none",
        "-i",
        &key.to_string_lossy(),
        "-o",
        "IdentitiesOnly=yes",
        "-o",
        &format!("UserKnownHostsFile=\"{}\"", known_hosts.display()),
        "-o",
        "StrictHostKeyChecking=yes",
        "-o",
        "LogLevel=ERROR",
        "-o",
        "ConnectTimeout=10",
        // A node that loses its power says no good-bye.
        "-o",
        "ServerAliveInterval=5",
        "-o",
        "ServerAliveCountMax=3",
        &format!("root@{address}"),
    ]
    .map(String::from)
    .to_vec()
}

/// True once a node has been made, whether or not its disk is in use.
fn is_made(folders: &NodeFolders) -> bool {
    folders.upper().is_dir() || folders.disk().is_file()
}

/// The nodes that have a folder, whether the file names them or not.
pub fn present(folders: &Folders) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folders.nodes()) else {
        return vec![];
    };
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| is_made(&NodeFolders(entry.path())))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// Ends all machines of the lab at once, those included that the file no longer names.
///
/// # Errors
/// Processes or mounts stay.
pub fn end_all(names: &Names, folders: &Folders) -> Result<()> {
    if super::boot::systemd_runs_here() {
        super::boot::end_units(&names.unit("*"))?;
    }
    cgroups::end(
        &cgroups::find(&names.control_group(), None),
        super::boot::PATIENCE,
    )?;
    mounts::unmount_below(&folders.nodes())?;
    for left in super::boot::left_by_nspawn(|name| names.is_machine(name)) {
        mounts::unmount_below(&left)?;
        remove_tree(&left)?;
    }
    Ok(())
}

/// True if sshd greets at this address.
fn answers(address: Ipv4Addr) -> bool {
    let wait = Duration::from_secs(1);
    let mut greeting = [0; 4];
    TcpStream::connect_timeout(&(address, 22).into(), wait)
        .and_then(|mut stream| {
            stream.set_read_timeout(Some(wait))?;
            stream.read_exact(&mut greeting)
        })
        .is_ok()
        && &greeting == b"SSH-"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_status_begins_with_the_name() {
        let mut status = NodeStatus {
            name: "worker-0".into(),
            state: NodeState::Running,
            public: Ipv4Addr::new(10, 89, 0, 20),
            private: Ipv4Addr::new(10, 89, 1, 20),
            memory_used: Some(213 << 20),
            memory_limit: 3 << 30,
        };
        assert_eq!(
            status.to_string(),
            "worker-0 running 10.89.0.20 10.89.1.20 213 of 3072 MiB"
        );
        status.state = NodeState::Absent;
        status.memory_used = None;
        assert_eq!(status.to_string(), "worker-0 absent 10.89.0.20 10.89.1.20");
    }

    #[test]
    fn nobody_answers_where_nothing_listens() {
        assert!(!answers(Ipv4Addr::new(127, 254, 254, 254)));
    }
}
