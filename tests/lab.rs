//! A lab of two nodes under a name and networks of its own: what machines it makes, and that it leaves nothing.

pub mod disks;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use vent::lab::{Lab, NodeState};
use vent::value::Value;

/// A lab in a folder of its own that is ended, whatever happens.
struct Trial {
    lab: Lab,
    folder: tempfile::TempDir,
    tag: OnceLock<String>,
    /// How the addresses of its networks begin, and of no other trial that runs beside it.
    networks: &'static str,
}

impl Trial {
    fn new(networks: &'static str, nodes: serde_json::Value) -> Trial {
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        let settings = serde_json::json!({
            "plugin": "lab", "public_cidr": format!("{networks}0.0/24"), "private_cidr": format!("{networks}1.0/24"),
            "memory": "512M", "nodes": nodes,
        });
        let lab = Lab::load_in(&Value::from(settings), &folder.path().join("lab/trial"), &trees()).unwrap();
        Trial {
            lab,
            folder,
            tag: OnceLock::new(),
            networks,
        }
    }

    fn two_nodes() -> Trial {
        Trial::new(
            "10.77.",
            serde_json::json!({"one": {"address": 10}, "two": {"address": 20, "memory": "256M"}}),
        )
    }

    fn ssh(&self, node: &str, script: &str) -> Output {
        let line = self.lab.ssh(node).unwrap();
        Command::new(&line[0])
            .args(&line[1..])
            .arg(script)
            .output()
            .unwrap()
    }

    /// What a script prints; it must end well.
    fn says(&self, node: &str, script: &str) -> String {
        let output = self.ssh(node, script);
        assert!(output.status.success(), "{node}: {script}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_string()
    }

    fn states(&self) -> Vec<NodeState> {
        self.lab
            .status()
            .unwrap()
            .iter()
            .map(|status| status.state)
            .collect()
    }

    /// The processes of this computer whose command line names the lab's folder.
    fn processes(&self) -> Vec<i32> {
        let folder = self.folder.path().to_str().unwrap().to_string();
        let own = std::process::id().cast_signed();
        std::fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|pid| *pid != own)
            .filter(|pid| text(&format!("/proc/{pid}/cmdline")).contains(&folder))
            .collect()
    }

    /// Everything on this computer that names this lab.
    fn left(&self) -> Vec<String> {
        let mut left: Vec<String> = self
            .processes()
            .iter()
            .map(|pid| format!("process {pid}"))
            .collect();
        let folder = self.folder.path().join("lab/trial");
        left.extend(folder.exists().then(|| folder.display().to_string()));
        let folder = folder.to_str().unwrap().to_string();
        left.extend(
            text("/proc/self/mountinfo")
                .lines()
                .filter(|line| line.contains(&folder))
                .map(String::from),
        );
        let found = |program: &str, arguments: &[&str]| {
            let output = Command::new(program).args(arguments).output().unwrap();
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        let rules = found("nft", &["list", "ruleset"]);
        left.extend(
            rules
                .lines()
                .filter(|line| line.contains(self.networks))
                .map(String::from),
        );
        // Five characters stand in every name the lab gives; the nodes' shell processes know them.
        let tag = self.tag.get().cloned().unwrap_or_default();
        let links = found("ip", &["-brief", "link"]);
        left.extend(
            links
                .lines()
                .filter(|line| !tag.is_empty() && line.contains(&tag))
                .map(String::from),
        );
        let addresses = found("ip", &["-4", "-oneline", "address"]);
        left.extend(
            addresses
                .lines()
                .filter(|line| line.contains(self.networks))
                .map(String::from),
        );
        left
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        let _ = self.lab.down(&|_| ());
    }
}

fn trees() -> PathBuf {
    let cache = std::env::var_os("VENT_CACHE").map(PathBuf::from);
    cache
        .unwrap_or_else(|| Path::new(&std::env::var_os("HOME").unwrap()).join(".cache/vent"))
        .join("lab")
}

fn text(path: &str) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).replace('\0', " ")
}

fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let start = Instant::now();
    while !happened() {
        assert!(start.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn kill(pids: impl IntoIterator<Item = i32>) {
    for pid in pids {
        Command::new("kill")
            .args(["-9", &pid.to_string()])
            .status()
            .unwrap();
    }
}

/// When the node booted; numbers of namespaces come again.
const BOOTED: &str = "systemctl show -p UserspaceTimestampMonotonic";

/// What one lab must show while it is up.
const PARTS: [(&str, fn(&Trial)); 6] = [
    ("nodes are machines", nodes_are_machines),
    ("nodes are apart", nodes_are_apart),
    ("a node gets packages", a_node_gets_packages),
    ("a rebooted node returns", a_rebooted_node_returns),
    ("kills are mended", kills_are_mended),
    ("a reset empties one node", a_reset_empties_one_node),
];

/// One test after the other: all use the same networks.
#[test]
#[ignore = "needs root: makes a lab"]
fn a_lab_makes_real_machines_and_leaves_nothing() {
    let trial = Trial::two_nodes();
    assert_eq!(trial.states(), [NodeState::Absent; 2]);
    trial.lab.up(&|text| println!("{text}")).unwrap();
    assert_eq!(trial.states(), [NodeState::Running; 2]);
    let tag = bridge().split('-').next().unwrap().to_string();
    assert!(tag.starts_with('v'), "{tag}");
    trial.tag.set(tag).unwrap();
    for (name, part) in PARTS {
        let start = Instant::now();
        part(&trial);
        println!("{name}: {:.1} s", start.elapsed().as_secs_f64());
    }
    trial.lab.down(&|_| ()).unwrap();
    assert_eq!(trial.left(), [""; 0]);
    a_down_after_kills_leaves_nothing(&trial);
}

fn nodes_are_machines(trial: &Trial) {
    assert_eq!(
        trial.says(
            "one",
            "systemctl is-system-running; systemctl --failed --no-legend"
        ),
        "running"
    );
    assert_eq!(trial.says("one", "cat /proc/1/comm; hostname"), "systemd\none");
    assert_eq!(
        trial.says("one", "command -v python3 python || echo none"),
        "none"
    );
    let addresses = trial.says("one", "ip -4 -brief address show scope global | awk '{print $3}'");
    assert_eq!(addresses, "10.77.0.10/24\n10.77.1.10/24");
    assert_eq!(
        trial.says("one", "getent hosts two | awk '{print $1}'"),
        "10.77.1.20"
    );
    assert_eq!(
        trial.says(
            "one",
            "wc -l </proc/swaps; cat /proc/sys/kernel/panic /proc/sys/vm/overcommit_memory"
        ),
        "1\n10\n1"
    );
    // Over the private bridge.
    trial.says("one", "exec 3<>/dev/tcp/10.77.1.20/22");
    let hosts = trial.lab.inventory().unwrap();
    assert_eq!(
        hosts[1].vars.get("private_ipv4"),
        Some(&Value::string("10.77.1.20"))
    );
    // Its changes, and nothing else, lie in the upper layer.
    trial.says("one", "echo hello >/etc/greeting");
    let upper = trial.lab.upper("one").unwrap();
    assert_eq!(
        std::fs::read_to_string(upper.join("etc/greeting")).unwrap(),
        "hello\n"
    );
    assert!(!upper.join("etc/passwd").exists());
}

/// A group made in one node is not seen in the other, in no hierarchy, and memory ends where it shall.
fn nodes_are_apart(trial: &Trial) {
    let own = "for c in $(find /sys/fs/cgroup -maxdepth 1 -mindepth 1 -type d); do \
               mountpoint -q $c && mkdir $c/probe-$(hostname) && echo made; done | sort -u; \
               [ -e /sys/fs/cgroup/cgroup.controllers ] && mkdir /sys/fs/cgroup/probe-$(hostname) && echo made; true";
    for node in ["one", "two"] {
        assert_eq!(trial.says(node, own), "made");
    }
    assert_eq!(
        trial.says("two", "find /sys/fs/cgroup -name 'probe-one' | wc -l"),
        "0"
    );
    assert_ne!(
        trial.says("two", "find /sys/fs/cgroup -name 'probe-two' | wc -l"),
        "0"
    );
    let greedy = "head -c 400M /dev/zero | tail -c 400M >/dev/null; echo $?";
    assert_eq!(trial.says("one", greedy), "0");
    assert_eq!(trial.says("two", greedy), "137");
    // What a runtime needs: namespaces and mounts, and a disk that is no overlay.
    trial.says(
        "one",
        "unshare --mount --pid --fork sh -c 'mount -t tmpfs none /mnt'",
    );
    assert_ne!(
        trial.says("one", "stat -f -c %T /var/lib/containerd"),
        "overlayfs"
    );
}

fn a_node_gets_packages(trial: &Trial) {
    let output = trial.ssh(
        "one",
        "apt-get update && apt-get install -y --no-install-recommends busybox-static",
    );
    assert!(output.status.success(), "{output:?}");
    assert_eq!(trial.says("one", "busybox echo here"), "here");
}

fn a_rebooted_node_returns(trial: &Trial) {
    let before = trial.says("one", BOOTED);
    trial.ssh("one", "systemctl reboot");
    wait_until("one is back", || {
        let output = trial.ssh("one", BOOTED);
        output.status.success() && String::from_utf8_lossy(&output.stdout).trim() != before
    });
    trial.says("one", "test -e /etc/greeting && exec 3<>/dev/tcp/10.77.1.20/22");
}

/// The bridge with the public address is called TAG-public.
fn bridge() -> String {
    let script = "ip -o -4 addr | awk '/10.77.0.1/ {print $2}'";
    let output = Command::new("sh").args(["-c", script]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_string()
}

/// Whatever is killed, `up` makes it whole, and what still runs is not disturbed.
fn kills_are_mended(trial: &Trial) {
    let before = trial.says("two", BOOTED);
    kill(trial.processes());
    trial.lab.up(&|_| ()).unwrap();
    assert_eq!(trial.states(), [NodeState::Running; 2]);
    // The processes that boot a node again were killed; there are new ones.
    trial.ssh("two", "systemctl reboot");
    wait_until("two is back", || {
        let output = trial.ssh("two", BOOTED);
        output.status.success() && String::from_utf8_lossy(&output.stdout).trim() != before
    });
    Command::new("ip")
        .args(["link", "delete", &bridge()])
        .status()
        .unwrap();
    trial.lab.up(&|_| ()).unwrap();
    assert_eq!(trial.states(), [NodeState::Running; 2]);
}

fn a_reset_empties_one_node(trial: &Trial) {
    trial.says("two", "echo stays >/etc/greeting");
    trial.lab.reset(&["one".into()], &|_| ()).unwrap();
    assert_eq!(trial.says("one", "test -e /etc/greeting || echo empty"), "empty");
    assert_eq!(trial.says("two", "cat /etc/greeting"), "stays");
}

/// `up` is killed at several moments, then everything that is left of it.
fn a_down_after_kills_leaves_nothing(trial: &Trial) {
    let inventory = trial.folder.path().join("lab.yml");
    let settings = "plugin: lab\nname: trial\npublic_cidr: 10.77.0.0/24\nprivate_cidr: 10.77.1.0/24\nmemory: 512M\n\
                    nodes: {one: {address: 10}, two: {address: 20}}\n";
    std::fs::write(&inventory, settings).unwrap();
    let vent = |verb: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vent"));
        command.args(["lab", "-i", inventory.to_str().unwrap(), verb]);
        command
            .env("VENT_STATE", trial.folder.path())
            .env("VENT_CACHE", trees().parent().unwrap());
        command
    };
    for wait in [100, 400, 900, 2500] {
        let mut up = vent("up").spawn().unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        up.kill().unwrap();
        up.wait().unwrap();
        if wait == 400 {
            assert!(vent("up").status().unwrap().success());
        }
        if wait == 900 {
            kill(trial.processes());
        }
        assert!(vent("down").status().unwrap().success());
        assert_eq!(trial.left(), [""; 0], "after {wait} ms");
    }
}

/// On an overlay, as in a container, the nodes lie in a file system of their own, which leaves with them.
#[test]
#[ignore = "needs root: makes a lab"]
fn a_state_folder_on_an_overlay_gets_a_file_system() {
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    let script = format!(
        "set -e; cd {}; mkdir lower upper work state; \
         mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work state; \
         export VENT_STATE=$PWD/state VENT_CACHE={}; trap '{vent} down; umount state' EXIT; \
         printf '%s' \"$INVENTORY\" >lab.yml; {vent} up; {vent} ssh one -- stat -f -c %T /var/lib/containerd; \
         {vent} down; losetup --all; ls state/lab",
        folder.path().display(),
        trees().parent().unwrap().display(),
        vent = format_args!("{} lab -i lab.yml", env!("CARGO_BIN_EXE_vent")),
    );
    let output = Command::new("unshare")
        .args(["--mount", "bash", "-c", &script])
        .env("INVENTORY", "plugin: lab\nname: overlaid\npublic_cidr: 10.78.0.0/24\nmemory: 256M\nnodes: {one: {address: 10}}\n")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{output:?}");
    assert!(
        said.contains("lies on an overlay, which cannot carry the nodes"),
        "{said}"
    );
    assert_eq!(String::from_utf8_lossy(&output.stdout), "ext2/ext3\n", "{said}");
}

/// In a network namespace of its own: a firewall that drops what is forwarded (twice), and forwarding that is off.
#[test]
#[ignore = "needs root: makes a lab"]
fn foreign_drops_are_cured_and_forwarding_is_restored() {
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    let output = Command::new("unshare")
        .args([
            "--net",
            "--mount",
            "bash",
            "tests/lab/firewall.sh",
            env!("CARGO_BIN_EXE_vent"),
        ])
        .arg(folder.path())
        .env("VENT_CACHE", trees().parent().unwrap())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A user namespace without a mapping is nobody's.
#[test]
fn who_is_not_root_learns_what_to_do() {
    let output = Command::new("unshare")
        .args(["--user", env!("CARGO_BIN_EXE_vent"), "lab", "up"])
        .output()
        .unwrap();
    let said = "error: the lab needs root: it makes bridges, mounts and machines\n  \
                help: run the same command with sudo, or name another inventory with -i\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), said);
    assert_eq!(output.status.code(), Some(1));
}
