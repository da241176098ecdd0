//! Starts a node as a machine of its own, keeps it through its reboots, and ends it at once.
//!
//! Where systemd runs this computer, a unit of it holds the node. Elsewhere a small shell process does, in
//! control groups that the lab makes itself.

use super::cgroups;
use super::command;
use super::files::{make_file, make_folder, text_or_empty};
use super::folders::NodeFolders;
use super::mounts;
use super::names::Names;
use super::network;
use super::settings::NodeSettings;
use crate::error::{Error, Result};
use crate::words::quote;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What systemd-nspawn ends with when the node asks for a reboot.
const REBOOT: u8 = 133;
/// How long killed processes may take to be gone.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Container runtimes stack overlays of their own, which the node's tree, an overlay itself, cannot carry.
const DATA: [&str; 2] = ["/var/lib/containerd", "/var/lib/containers"];

/// One node, as far as starting and ending it goes.
#[derive(Debug)]
pub struct Machine<'a> {
    /// The names it uses on this computer.
    pub names: &'a Names,
    /// What the inventory says about it.
    pub node: &'a NodeSettings,
    /// Where it lies.
    pub folders: NodeFolders,
}

/// True if systemd runs this computer (sd_booted(3)).
pub fn systemd_runs_here() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

impl Machine<'_> {
    /// Starts the node; its tree is mounted already.
    ///
    /// # Errors
    /// The control groups, the mounts or the programs fail.
    pub fn start(&self) -> Result<()> {
        for folder in DATA {
            make_folder(&self.folders.data().join(data_name(folder)), 0o711)?;
        }
        if systemd_runs_here() {
            self.start_as_unit()
        } else {
            self.start_below_own_group()
        }
    }

    /// True while the node's machine has processes, or where a unit boots it again.
    pub fn is_running(&self) -> bool {
        if systemd_runs_here() {
            let unit = self.names.unit(&self.node.name);
            let line = ["systemctl", "show", "--value", "--property=ActiveState", &unit];
            command::run(&line).is_ok_and(|state| holds_node(state.trim()))
        } else {
            let machines: Vec<PathBuf> = self
                .groups()
                .iter()
                .map(|group| group.join(cgroups::MACHINE))
                .collect();
            !cgroups::processes(&machines).is_empty()
        }
    }

    /// Ends the node as if its power failed, and takes its tree apart. Nothing needs to be running.
    ///
    /// # Errors
    /// Processes or mounts stay.
    pub fn end(&self) -> Result<()> {
        if systemd_runs_here() {
            end_units(&self.names.unit(&self.node.name))?;
        }
        cgroups::end(&self.groups(), PATIENCE)?;
        let address = self.node.address;
        network::remove_ports(|port| {
            port == self.names.public_port(address) || port == self.names.private_port(address)
        })?;
        mounts::unmount_below(&self.folders.0)?;
        let machine = self.names.machine(self.node.address);
        for left in left_by_nspawn(|name| name == machine) {
            mounts::unmount_below(&left)?;
            super::files::remove_tree(&left)?;
        }
        Ok(())
    }

    /// Memory in use by the node, in bytes.
    pub fn memory_used(&self) -> Option<u64> {
        if !systemd_runs_here() {
            return cgroups::memory_used(&self.groups());
        }
        let unit = self.names.unit(&self.node.name);
        let line = ["systemctl", "show", "--value", "--property=MemoryCurrent", &unit];
        command::run(&line).ok()?.trim().parse().ok()
    }

    /// The last lines that the node printed while it booted, or that there are none.
    pub fn last_words(&self) -> String {
        last_lines(&text_or_empty(&self.folders.console()))
    }

    fn groups(&self) -> Vec<PathBuf> {
        cgroups::find(&self.names.control_group(), Some(&self.node.name))
    }

    /// The command that is the node.
    fn nspawn(&self) -> Vec<String> {
        let address = self.node.address;
        let mut line: Vec<String> = [
            "systemd-nspawn",
            "--quiet",
            "--register=no",
            "--keep-unit",
            "--boot",
            "--private-users=no",
            "--capability=all",
            // What container runtimes and kubelet call beyond what nspawn allows.
            "--system-call-filter=@keyring bpf perf_event_open @mount @module",
            "--bind=/dev/kmsg",
            "--resolv-conf=off",
            "--timezone=off",
            "--link-journal=no",
        ]
        .map(String::from)
        .to_vec();
        line.push(format!("--machine={}", self.names.machine(address)));
        line.push(format!("--hostname={}", self.node.name));
        line.push(format!("--directory={}", self.folders.root().display()));
        line.push(format!("--network-bridge={}", self.names.public_bridge()));
        line.push(format!(
            "--network-veth-extra={}:priv0",
            self.names.private_port(address)
        ));
        for folder in DATA {
            let data = self.folders.data().join(data_name(folder));
            line.push(format!("--bind={}:{folder}", data.display()));
        }
        if let Ok(release) = std::fs::read_to_string("/proc/sys/kernel/osrelease") {
            let modules = format!("/lib/modules/{}", release.trim());
            if Path::new(&modules).is_dir() {
                line.push(format!("--bind-ro={modules}"));
            }
        }
        line
    }

    /// Waits for the private interface, which systemd-nspawn puts into no bridge.
    fn join_script(&self) -> String {
        let port = self.names.private_port(self.node.address);
        format!(
            "tries=0\nuntil ip link set {port} master {} up 2>/dev/null; do\n  \
             tries=$((tries + 1))\n  [ $tries -lt 300 ] || exit 1\n  sleep 0.1\ndone\n",
            self.names.private_bridge()
        )
    }

    fn start_as_unit(&self) -> Result<()> {
        let unit = self.names.unit(&self.node.name);
        let join = self.folders.0.join("join.sh");
        make_file(&join, self.join_script(), 0o600)?;
        let mut line: Vec<String> = ["systemd-run", "--quiet", "--collect"].map(String::from).to_vec();
        line.push(format!("--unit={unit}"));
        line.push(format!("--description=Vent's lab: {}", self.node.name));
        for property in [
            "Delegate=yes".into(),
            "KillMode=mixed".into(),
            "RestartSec=1".into(),
            format!("RestartForceExitStatus={REBOOT}"),
            format!("SuccessExitStatus={REBOOT}"),
            "TasksMax=infinity".into(),
            "TimeoutStopSec=90".into(),
            format!("MemoryMax={}", self.node.memory),
            "StandardInput=null".into(),
            format!("StandardOutput=append:{}", self.folders.console().display()),
            format!("StandardError=append:{}", self.folders.console().display()),
            format!("ExecStartPost=/bin/sh {}", join.display()),
        ] {
            line.push(format!("--property={property}"));
        }
        line.extend(self.nspawn());
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        command::run(&line).map(drop)
    }

    fn start_below_own_group(&self) -> Result<()> {
        let groups = cgroups::make(&self.names.control_group(), &self.node.name, self.node.memory)?;
        make_file(&self.boot_script_file(), self.boot_script(&groups), 0o600)?;
        self.keep("boot")
    }

    /// Sees to it that a running node comes back after a reboot, though its shell process was killed.
    ///
    /// # Errors
    /// The shell process could not be started.
    pub fn adopt(&self) -> Result<()> {
        let keepers: Vec<PathBuf> = self
            .groups()
            .iter()
            .map(|group| group.join(cgroups::BOOT))
            .collect();
        if systemd_runs_here() || !cgroups::processes(&keepers).is_empty() {
            return Ok(());
        }
        self.keep("adopt")
    }

    /// Starts the shell process in a session of its own.
    fn keep(&self, how: &str) -> Result<()> {
        let console = self.folders.console();
        let open = || {
            std::fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(&console)
                .map_err(|cause| Error::new(format!("{} cannot be written", console.display())).cause(cause))
        };
        std::process::Command::new("setsid")
            .args(["--fork", "sh"])
            .arg(self.boot_script_file())
            .arg(how)
            .current_dir("/")
            .stdin(std::process::Stdio::null())
            .stdout(open()?)
            .stderr(open()?)
            .status()
            .map_err(|cause| Error::new("the node's shell process could not be started").cause(cause))?;
        Ok(())
    }

    fn boot_script_file(&self) -> PathBuf {
        self.folders.0.join("boot.sh")
    }

    /// The shell process that boots the node, and boots it again after each of its reboots.
    fn boot_script(&self, groups: &[PathBuf]) -> String {
        // Names of control groups hold no blanks: systemd escapes them, and the lab's own have none.
        let groups: Vec<_> = groups.iter().map(|group| group.to_string_lossy()).collect();
        let nspawn: Vec<String> = self.nspawn().iter().map(|word| quote(word)).collect();
        format!(
            "# Boots the node {name}, and boots it again after each of its reboots.\n\
             groups='{groups}'\n\
             enter() {{\n  for group in $groups; do echo 0 >\"$group/$1/cgroup.procs\" || exit 1; done\n}}\n\
             running() {{\n  for group in $groups; do\n    \
             [ -z \"$(find \"$group/{machine}\" -name cgroup.procs -exec cat {{}} +)\" ] || return 0\n  \
             done\n  return 1\n}}\n\
             enter {boot}\n\
             if [ \"$1\" = adopt ]; then\n  while running; do sleep 1; done\nfi\n\
             while :; do\n  \
             for group in $groups; do\n    \
             find \"$group/{machine}\" -mindepth 1 -depth -type d -exec rmdir {{}} + 2>/dev/null\n  \
             done\n\
             (\n{join}) &\n\
             (\nenter {machine}\nexec {nspawn}\n) &\n\
             wait $!\n\
             code=$?\n\
             [ $code = {REBOOT} ] || exit $code\n\
             done\n",
            name = self.node.name,
            groups = groups.join(" "),
            boot = cgroups::BOOT,
            machine = cgroups::MACHINE,
            join = self.join_script(),
            nspawn = nspawn.join(" "),
        )
    }
}

/// A machine slower than any a lab was thought for takes minutes to its first line.
fn last_lines(console: &str) -> String {
    let lines: Vec<&str> = console.lines().collect();
    match lines.is_empty() {
        true => "it has printed nothing yet".into(),
        false => lines[lines.len().saturating_sub(10)..].join("\n"),
    }
}

/// True if a unit in this state (systemd(1), `ActiveState`) has its node, or boots it again by itself: between two
/// boots, and until its interfaces are in their bridges, it is `activating`.
fn holds_node(state: &str) -> bool {
    matches!(state, "active" | "activating" | "reloading")
}

/// Ends the units of this name (or pattern) at once; there may be none.
///
/// # Errors
/// `systemctl` cannot be run.
pub fn end_units(units: &str) -> Result<()> {
    for verb in [&["kill", "--signal=KILL"][..], &["stop"], &["reset-failed"]] {
        let mut line = vec!["systemctl", "--quiet"];
        line.extend(verb);
        line.push(units);
        // Each complains where no such unit is left.
        command::output(&line, "")?;
    }
    Ok(())
}

/// The folders that killed systemd-nspawn processes leave behind for the machines that are `meant`.
pub fn left_by_nspawn(meant: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    ["propagate", "unix-export"]
        .iter()
        .filter_map(|folder| std::fs::read_dir(Path::new("/run/systemd/nspawn").join(folder)).ok())
        .flat_map(|entries| entries.flatten())
        .filter(|entry| entry.file_name().to_str().is_some_and(&meant))
        .map(|entry| entry.path())
        .collect()
}

/// `/var/lib/containers` lies in `data/var-lib-containers`.
fn data_name(folder: &str) -> String {
    folder.trim_start_matches('/').replace('/', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_printed_nothing_has_last_words_too() {
        assert_eq!(last_lines(""), "it has printed nothing yet");
        let console: String = (1..=12).map(|line| format!("{line}\n")).collect();
        assert_eq!(last_lines(&console), "3\n4\n5\n6\n7\n8\n9\n10\n11\n12");
    }

    #[test]
    fn a_unit_that_boots_its_node_again_holds_it() {
        assert!(["active", "activating"].into_iter().all(holds_node));
        assert!(
            !["inactive", "failed", "deactivating", ""]
                .into_iter()
                .any(holds_node)
        );
    }
}
