//! One run from nothing against each provider, whose machines are nodes of a lab: made, in the inventory, reached
//! by a playbook over SSH, scaled from one worker to three, removed.

use super::project::Project;
use super::{exoscale, packet, proxmox};
use crate::fakes::boot::{Addresses, Boot, cloud_config};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use vent::lab::Lab;
use vent::value::Value;

const NODES: usize = 4;

/// A lab of bare nodes, ended whatever happens.
struct Nodes {
    lab: Lab,
    _folder: tempfile::TempDir,
}

impl Nodes {
    fn start() -> Nodes {
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        let node = |at: usize| {
            (
                format!("node-{at}"),
                json!({"address": 10 + at, "memory": "384M"}),
            )
        };
        let nodes: serde_json::Map<String, serde_json::Value> = (0..NODES).map(node).collect();
        let settings = json!({"plugin": "lab", "name": "providers", "public_cidr": "10.105.0.0/24",
            "private_cidr": "10.105.1.0/24", "nodes": nodes});
        let cache = std::env::var_os("VENT_CACHE").map(PathBuf::from);
        let home = || Path::new(&std::env::var_os("HOME").unwrap()).join(".cache/vent");
        let trees = cache.unwrap_or_else(home).join("lab");
        let lab = Lab::load_in(
            &Value::from(settings),
            &folder.path().join("lab/providers"),
            &trees,
        )
        .unwrap();
        // Made first, so that nodes that do not start are ended too.
        let nodes = Nodes { lab, _folder: folder };
        nodes.lab.up(&|_| {}).unwrap();
        nodes
    }

    /// What cloud-init does at a machine's first start: its name, its host key, who may log in.
    fn set_up(&self, at: usize, name: &str, user_data: &str) -> Addresses {
        let node = format!("node-{at}");
        let config = cloud_config(user_data);
        let key = config.get("ssh_keys").unwrap().get("ed25519_private").unwrap();
        let keys = config.get("ssh_authorized_keys").unwrap().as_list().unwrap();
        let keys: Vec<&str> = keys.iter().filter_map(Value::as_str).collect();
        let script = format!(
            "set -e\nhostname {name}\ncat > /root/.ssh/authorized_keys2 <<'END'\n{}\nEND\n\
             cat > /etc/ssh/ssh_host_ed25519_key <<'END'\n{}END\nssh-keygen -y -f /etc/ssh/ssh_host_ed25519_key > /etc/ssh/ssh_host_ed25519_key.pub\n\
             systemctl restart ssh\n",
            keys.join("\n"),
            key.as_str().unwrap()
        );
        // The lab knows its nodes by other keys after this.
        let line = self.lab.ssh(&node).unwrap();
        let mut child = Command::new(&line[0])
            .args([
                "-o",
                "StrictHostKeyChecking=no",
                "-o",
                "UserKnownHostsFile=/dev/null",
                "-o",
                "LogLevel=ERROR",
            ])
            .args(&line[1..])
            .arg("sh")
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "{node}");
        let host = self.lab.inventory().unwrap().swap_remove(at);
        let text = |name: &str| host.vars[name].as_str().unwrap().to_string();
        Addresses {
            public: text("public_ipv4"),
            private: text("private_ipv4"),
        }
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        let _ = self.lab.down(&|_| {});
    }
}

/// Starts machines on the nodes in turn. The test alone holds the nodes, so that they end with it: what stands in
/// for a provider lives as long as the process.
fn on_nodes(nodes: &Arc<Nodes>) -> Boot {
    let nodes = Arc::downgrade(nodes);
    let mut next = 0;
    Box::new(move |name, user_data| {
        next += 1;
        nodes.upgrade().unwrap().set_up(next - 1, name, user_data)
    })
}

fn new_key(folder: &Path) -> PathBuf {
    let path = folder.join("login");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&path)
        .status();
    assert!(made.unwrap().success());
    path
}

/// From nothing to three workers and back; `text` makes the inventory for a number of workers.
fn from_nothing(provider: &str, project: &Project, text: &dyn Fn(usize) -> String) {
    let site = "- ansible.builtin.import_playbook: playbooks/00-machines.yml\n\
        - name: Use the machines\n  hosts: controllers:workers\n  gather_facts: false\n  tasks:\n    \
        - name: Leave a mark\n      ansible.builtin.copy: {dest: /tmp/mark, content: \"{{ inventory_hostname }} of PROVIDER\\n\"}\n    \
        - name: Ask for the name\n      ansible.builtin.command: hostname\n      register: said\n      changed_when: false\n      \
        failed_when: said.stdout != inventory_hostname\n";
    std::fs::write(project.path("site.yml"), site.replace("PROVIDER", provider)).unwrap();
    project.write(&text(1));
    let check = project.run(&["run", "site.yml", "--check"]).well();
    assert_eq!(check.matches("undecided: [").count(), 2, "{provider}: {check}");
    let made = project.run(&["run", "site.yml"]).well();
    assert_eq!(made.matches("| Leave a mark").count(), 2, "{provider}: {made}");
    project.write(&text(3));
    let scaled = project.run(&["run", "site.yml"]).well();
    assert_eq!(
        scaled.matches("changed: [").count(),
        3,
        "two marks and the machines, {provider}: {scaled}"
    );
    let again = project.run(&["run", "site.yml"]).well();
    assert_eq!(again.matches("changed: [").count(), 0, "{provider}: {again}");
    let remove = ["run", "playbooks/99-remove-machines.yml", "-e", "remove=demo"];
    project.run(&remove).well();
    let graph = project.run(&["inventory", "--graph"]).well();
    assert!(!graph.contains("worker-"), "{provider}: {graph}");
}

#[test]
#[ignore = "needs root: makes a lab"]
fn every_provider_makes_machines_that_a_playbook_reaches() {
    let nodes = Arc::new(Nodes::start());
    let keys = tempfile::tempdir().unwrap();
    let login = new_key(keys.path());
    let complete = |text: String| {
        let known = format!("{}.pub", login.display());
        let login = format!(
            "compose:\n  ansible_user: \"'root'\"\n  ansible_ssh_private_key_file: \"'{}'\"\n",
            login.display()
        );
        text.replace(packet::KEY, &known).replace("wait: 20", "wait: 60") + &login
    };
    let server = packet::behind(on_nodes(&nodes));
    let text = |workers: usize| complete(packet::inventory(&server, 22, workers, ""));
    from_nothing("Packet", &packet::project(&text(1)), &text);

    let server = exoscale::behind(on_nodes(&nodes), true);
    let text = |workers: usize| complete(exoscale::inventory(22, workers, ""));
    from_nothing("Exoscale", &exoscale::project(&server, &text(1)), &text);

    let server = proxmox::behind(on_nodes(&nodes), true);
    let text = |workers: usize| {
        let text = proxmox::inventory(22, workers)
            .replace("name: node, ", "")
            .replace("worker-1", "other");
        complete(text.replace(", addresses: [10.0.10.11/24], gateway: 10.0.10.1", ""))
    };
    from_nothing("Proxmox", &proxmox::project(&server, &text(1)), &text);
}
