//! The faults, and what an operator does about them afterwards.

use crate::cluster::machines::Cluster;
use crate::lab::disks::loop_device;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long a network is cut.
const CUT: Duration = Duration::from_secs(30);

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Nothing comes to the node or from it for half a minute.
    Cut,
    /// The server of SSH and all its sessions are killed.
    Sshd,
    /// The node's disk is full.
    Full,
    /// The kernel finds the node's file system broken and lets nobody write to it; it is repaired at the next start.
    ReadOnly,
    /// The node starts anew without ending anything.
    Reboot,
    /// Vent itself is killed.
    Vent,
}

/// All of them, in the order of the figures.
pub const FAULTS: [Fault; 6] = [
    Fault::Cut,
    Fault::Sshd,
    Fault::Full,
    Fault::ReadOnly,
    Fault::Reboot,
    Fault::Vent,
];

impl Fault {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Fault::Cut => "network cut for 30 s",
            Fault::Sshd => "sshd killed",
            Fault::Full => "disk full",
            Fault::ReadOnly => "disk read-only",
            Fault::Reboot => "node rebooted",
            Fault::Vent => "vent killed",
        }
    }

    /// Lets it happen to a node, or to the run.
    pub fn strike(self, cluster: &Cluster, node: &str, run: &mut Child) {
        match self {
            Fault::Cut => cut(cluster, node),
            Fault::Sshd => drop(cluster.on(node, "pkill -KILL -x sshd")),
            Fault::Full => fill(&cluster.disk(node)),
            Fault::ReadOnly => break_disk(&cluster.disk(node)),
            Fault::Reboot => drop(cluster.on(node, "systemctl reboot --force --force")),
            Fault::Vent => run.kill().unwrap(),
        }
    }

    /// What is done about it once the run has ended: all nodes answer again.
    pub fn heal(self, cluster: &Cluster, node: &str) {
        match self {
            Fault::Cut => restore(cluster, node),
            Fault::Full => std::fs::remove_file(filler(&cluster.disk(node))).unwrap(),
            Fault::ReadOnly => drop(cluster.lab(&["stop", node])),
            // Who is told to start anew still answers for a moment.
            Fault::Reboot => std::thread::sleep(Duration::from_secs(1)),
            Fault::Sshd | Fault::Vent => {}
        }
        cluster.lab(&["up"]);
    }
}

/// This computer's ends of the node's interfaces, and the bridges that they belong to. They are known before they are needed:
/// whoever is cut off cannot be asked.
fn ports(cluster: &Cluster, node: &str) -> Vec<(String, String)> {
    let indexes = cluster.on(
        node,
        "cat /sys/class/net/host0/iflink /sys/class/net/priv0/iflink",
    );
    let links = std::fs::read_dir("/sys/class/net").unwrap().flatten();
    let ports = links.filter(|link| {
        let own = std::fs::read_to_string(link.path().join("ifindex")).unwrap_or_default();
        indexes.lines().any(|index| index == own.trim())
    });
    ports
        .map(|port| {
            let bridge = std::fs::read_link(port.path().join("master")).unwrap();
            let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_string();
            (name(&port.path()), name(&bridge))
        })
        .collect()
}

/// Takes the node's interfaces out of their bridges, and puts them back half a minute later, whoever waits for that.
fn cut(cluster: &Cluster, node: &str) {
    let ports = ports(cluster, node);
    assert_eq!(ports.len(), 2, "{node}: {ports:?}");
    let back: Vec<String> = ports
        .iter()
        .map(|(port, bridge)| format!("ip link set {port} master {bridge}"))
        .collect();
    for (port, _) in &ports {
        ip(&["link", "set", port, "nomaster"]);
    }
    let script = format!("sleep {}; {}", CUT.as_secs(), back.join("; "));
    let restore = Command::new("setsid")
        .args(["sh", "-c", &script])
        .stdin(Stdio::null())
        .spawn();
    drop(restore.unwrap());
}

/// Waits until the node's interfaces are in their bridges again.
fn restore(cluster: &Cluster, node: &str) {
    for _ in 0..200 {
        if cluster.on(node, "echo here").trim() == "here" {
            return;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    panic!("{node} stayed cut off");
}

fn ip(words: &[&str]) {
    let output = Command::new("ip").args(words).output().unwrap();
    assert!(output.status.success(), "ip {words:?}: {output:?}");
}

fn filler(disk: &Path) -> PathBuf {
    disk.join("filler")
}

/// Takes every block that is left.
fn fill(disk: &Path) {
    let file = std::fs::File::create(filler(disk)).unwrap();
    let space = rustix::fs::statvfs(disk).unwrap();
    let free = space.f_bavail * space.f_frsize;
    let flags = rustix::fs::FallocateFlags::empty();
    let mut part = free;
    let mut from = 0;
    while part >= space.f_frsize {
        match rustix::fs::fallocate(&file, flags, from, part) {
            Ok(()) => from += part,
            Err(_) => part /= 2,
        }
    }
}

fn break_disk(disk: &Path) {
    let device = loop_device(disk);
    std::fs::write(format!("/sys/fs/ext4/{device}/trigger_fs_error"), "1").unwrap();
}
