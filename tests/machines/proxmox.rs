//! Proxmox: clones of a template, set up by cloud-init, guarded by the firewall, known by their guest agent.

use super::packet::{Given, KEY, nothing_twice_and_nothing_left};
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
    Server::start(fake(boot, hurries), None)
}

fn fake(boot: Boot, hurries: bool) -> Proxmox {
    let mut fake = Proxmox::default();
    fake.hurries = hurries;
    fake.boot = Some(boot);
    fake.add(9000, "debian-12", "qemu", true, "");
    let disk = serde_json::json!("local:base-9000-disk-0,size=3G");
    let template = fake.guests.get_mut(&9000).unwrap();
    template.config.insert("scsi0".into(), disk);
    fake.add(150, "somebody-elses", "qemu", false, "worker");
    fake.add(151, "worker-1", "qemu", false, "other");
    fake
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
fn what_proxmox_has_besides_reaches_its_api() {
    let (server, port, _) = service(45, true);
    let text = inventory(port, 2).replace(
        "  disk: 20\n",
        "  disk: 20\n  node: pve2\n  storage: ssd\n  pool: lab\n  vlan: 7\n  nameserver: 10.0.10.1\n  searchdomain: example.org\n  \
         cicustom: vendor=local:snippets/agent.yml\n  tags: [rack-1]\n",
    );
    let project = project(&server, &text);
    project.run(&["machines", "apply"]).well();
    for part in [
        "target=pve2\n",
        "storage=ssd\n",
        "pool=lab\n",
        "full=1\n",
        "net0=virtio,bridge=vmbr0,firewall=1,tag=7\n",
        "ipconfig0=ip=10.0.10.11/24,gw=10.0.10.1\n",
        "ipconfig0=ip=dhcp\n",
        "nameserver=10.0.10.1\n",
        "searchdomain=example.org\n",
        "cicustom=vendor=local:snippets/agent.yml\n",
        "ciuser=debian\n",
        "sshkeys=ssh-ed25519%20AAAA",
        "memory=8192\n",
        "cores=2\n",
        "tags=demo;worker;rack-1\n",
    ] {
        assert!(server.sent("POST", part), "{part} was not sent");
    }
    let text = text.replace("memory: 8192", "memory: 4096, cores: 4");
    project.write(&text);
    let plan = project.run(&["machines", "plan"]).well();
    for part in [
        "node-0 has 8192 MiB of memory where 4096",
        "node-1 has 2 cores where 4",
    ] {
        assert!(plan.contains(part), "{part} is missing in:\n{plan}");
    }
    nothing_twice_and_nothing_left(&project);
}

/// A service whose clones take their time, and a run that was killed when it had begun one.
fn killed_while_cloning(net: u8) -> (Server, Project) {
    let (port, given) = (free_port(), Given::default());
    let mut fake = fake(ssh_servers(net, port, given), false);
    fake.polls = Some(4);
    let server = Server::start(fake, None);
    let project = project(&server, &inventory(port, 1));
    let mut child = project.start(&["machines", "apply"]);
    while server.count(&format!("POST {BASE}/nodes/pve1/qemu/9000/clone")) == 0 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    server.spare();
    (server, project)
}

#[test]
fn a_clone_that_outlives_its_run_is_waited_for() {
    let (server, project) = killed_while_cloning(46);
    let begun = server.count(&format!("POST {BASE}/nodes/pve1/qemu/9000/clone"));
    let made = project.run(&["machines", "apply"]).well();
    assert!(
        made.contains(&format!("waiting for {begun} clones that an earlier run began")),
        "{made}"
    );
    assert_eq!(
        server.count(&format!("POST {BASE}/nodes/pve1/qemu/9000/clone")),
        2
    );
    nothing_twice_and_nothing_left(&project);
}

#[test]
fn a_clone_that_outlives_its_run_is_removed_with_the_rest() {
    let (server, project) = killed_while_cloning(47);
    let begun = server.count(&format!("POST {BASE}/nodes/pve1/qemu/9000/clone"));
    project.run(&["machines", "remove", "--cluster", "demo"]).well();
    assert_eq!(server.count("DELETE"), begun);
}

#[test]
fn a_firewall_that_is_off_for_the_datacenter_is_told() {
    let (port, given) = (free_port(), Given::default());
    let mut fake = fake(ssh_servers(48, port, given), true);
    fake.unguarded = true;
    let server = Server::start(fake, None);
    let project = project(&server, &inventory(port, 1));
    let plan = project.run(&[MAKE, &["--check"]].concat()).well();
    assert!(plan.contains("the firewall of the datacenter is off"), "{plan}");
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
