//! Proxmox: clones of a template, set up by cloud-init, guarded by the firewall, known by their guest agent.

use super::packet::{Given, KEY};
use super::project::Project;
use crate::fakes::Server;
use crate::fakes::boot::{Boot, free_port, ssh_servers};
use crate::fakes::proxmox::{BASE, Proxmox, SECRET, TOKEN_ID, USER};

/// A service whose machines answer at 127.0.NET.1 and so on; it ends tasks at once if it `hurries`.
pub fn service(net: u8, hurries: bool) -> (Server, u16, Given) {
    let (port, given) = (free_port(), Given::default());
    (
        behind(ssh_servers(net, port, given.clone()), hurries),
        port,
        given,
    )
}

/// A service with a template and two machines of somebody else, whose machines are started so.
pub fn behind(boot: Boot, hurries: bool) -> Server {
    let mut fake = Proxmox::default();
    fake.hurries = hurries;
    fake.boot = Some(boot);
    fake.add(9000, "debian-12", "qemu", true, "");
    let disk = serde_json::json!("local:base-9000-disk-0,size=3G");
    let template = fake.guests.get_mut(&9000).unwrap();
    template.config.insert("scsi0".into(), disk);
    fake.add(150, "somebody-elses", "qemu", false, "worker");
    fake.add(151, "worker-1", "qemu", false, "other");
    Server::start(fake, None)
}

pub fn inventory(port: u16, workers: usize) -> String {
    format!(
        "plugin: proxmox
cluster: demo
exclude_nodes: true
machines:
  management_cidrs: [192.0.2.0/24]
  ssh_keys: [{KEY}]
  ssh_port: {port}
  template: debian-12
  bridge: vmbr0
  user: debian
  disk: 20
  wait: 30
  firewall: true
  cluster_cidrs: [10.0.10.0/24]
  sets:
    - {{role: controller, count: 1, addresses: [10.0.10.11/24], gateway: 10.0.10.1}}
    - {{role: worker, count: {workers}, name: node, vmid: 300, memory: 8192}}
"
    )
}

pub fn project(server: &Server, text: &str) -> Project {
    Project::new(
        text,
        &[
            ("PROXMOX_URL", server.url("")),
            ("PROXMOX_TOKEN_ID", format!("{USER}!{TOKEN_ID}")),
            ("PROXMOX_TOKEN_SECRET", SECRET.to_string()),
        ],
    )
}

const MAKE: &[&str] = &["run", "playbooks/00-machines.yml"];
const REMOVE: &[&str] = &["run", "playbooks/99-remove-machines.yml", "-e", "remove=demo"];

#[test]
fn clones_are_set_up_guarded_started_scaled_and_removed() {
    let (server, port, given) = service(41, true);
    let project = project(&server, &inventory(port, 1));
    let check = project.run(&[MAKE, &["--check", "--diff"]].concat()).well();
    for part in [
        "would create node-0 (debian-12, 2 cores, 8192 MiB, 20 GiB, tags demo worker)",
        "+node-0: TCP 6443 from 192.0.2.0/24",
        "+controller-0: everything from 10.0.10.0/24",
    ] {
        assert!(check.contains(part), "{part} is missing in:\n{check}");
    }
    assert_eq!(server.count("POST"), 0, "a check makes nothing");

    let made = project.run(MAKE).well();
    for part in [
        "done: make scsi0 of node-0 20 GiB large",
        "done: turn the firewall of node-0 on",
        "done: start controller-0",
        "node-0 answers at 127.0.41.",
    ] {
        assert!(made.contains(part), "{part} is missing in:\n{made}");
    }
    assert_eq!(
        server.count(&format!("POST {BASE}/nodes/pve1/qemu/9000/clone")),
        2
    );
    let host = project.run(&["inventory", "--host", "node-0"]).well();
    for part in ["HostKeyAlias=node-0.demo", "192.0.2.0/24", "proxmox_vmid\": 300"] {
        assert!(host.contains(part), "{part} is missing in:\n{host}");
    }
    assert!(project.run(MAKE).well().contains("changed=0"));
    project.write(&inventory(port, 3));
    project.run(MAKE).well();
    assert_eq!(given.lock().unwrap().len(), 4);
    let graph = project.run(&["inventory", "--graph", "workers"]).well();
    assert_eq!(graph.matches("node-").count(), 3, "{graph}");

    project.run(REMOVE).well();
    assert_eq!(server.count("DELETE"), 4, "only what carries the tag");
    assert!(
        project
            .run(&[REMOVE, &["--check"]].concat())
            .well()
            .contains("changed=0")
    );
}

#[test]
fn a_machine_that_only_has_the_name_is_not_taken() {
    let (server, port, given) = service(42, true);
    let project = project(&server, &inventory(port, 2).replace("name: node, ", ""));
    project.run(&["machines", "apply"]).well();
    assert_eq!(given.lock().unwrap().len(), 3);
    project.run(&["machines", "remove", "--cluster", "demo"]).well();
    assert_eq!(server.count(&format!("DELETE {BASE}/nodes/pve1/qemu/151")), 0);
}

#[test]
fn tasks_that_take_their_time_are_waited_for() {
    let (server, port, given) = service(43, false);
    let project = project(&server, &inventory(port, 1));
    project.run(&["machines", "apply"]).well();
    assert_eq!(given.lock().unwrap().len(), 2);
}

#[test]
fn what_is_wrong_below_machines_is_told() {
    let (server, port, _) = service(44, true);
    let text = inventory(port, 2)
        .replace("bridge: vmbr0", "user_data: x")
        .replace("cluster_cidrs: [10.0.10.0/24]", "cluster_cidrs: []")
        .replace("memory: 8192", "addresses: [10.0.10.12]");
    let told = project(&server, &text).run(&["machines", "plan"]).text;
    for part in [
        "would keep the machines from each other",
        "`user_data` cannot reach a machine",
        "`firewall` needs `bridge`",
        "`addresses` names 1 for 2 machines",
        "`10.0.10.12` in `addresses` is not an address with a prefix",
    ] {
        assert!(told.contains(part), "{part} is missing in:\n{told}");
    }
    let text = inventory(port, 1).replace("debian-12", "debian-13");
    let told = project(&server, &text).run(&["machines", "apply"]).text;
    assert!(told.contains("did you mean `debian-12`?"), "{told}");
}
