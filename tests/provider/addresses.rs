//! Addresses as providers give them: an alias with a /31, IPv6 for SSH, both kinds for a cluster.

use super::cluster::Cluster;
use super::inventory::{Project, packet_options};
use crate::fakes::Server;
use crate::fakes::packet::Packet;
use crate::fakes::specification::Specification;
use crate::ssh_server;
use serde_json::json;
use std::path::Path;
use std::process::Command;

#[test]
#[ignore = "needs root: logs in at an sshd"]
fn a_machine_with_ipv6_only_is_connected_to() {
    let sshd = ssh_server::Server::apart("ListenAddress ::1");
    let mut fake = Packet::new(&["one"]);
    let id = fake.add(0, "six", &["worker"]);
    fake.change(&id, |device| {
        let addresses = device["ip_addresses"].as_array_mut().unwrap();
        addresses.retain(|address| address["address_family"] == 6);
        addresses[0]["address"] = json!("::1");
    });
    let server = Server::start(fake, Some(Specification::packet()));
    let known = format!("[::1]:{} {}\n", sshd.port, sshd.host_key());
    let more = format!(
        "compose:\n  ansible_port: {}\n  ansible_user: \"'root'\"\n  ansible_ssh_private_key_file: \"'{}'\"\n  \
         ansible_ssh_common_args: \"'-o UserKnownHostsFile={}'\"\n",
        sshd.port,
        sshd.path("key").display(),
        sshd.write("known_hosts", &known).display()
    );
    let project = Project::new(&packet_options(&server, &more));
    let play =
        "- hosts: workers\n  gather_facts: false\n  tasks:\n  - shell: echo \"from ${SSH_CONNECTION%% *}\"\n";
    std::fs::write(project.folder().join("play.yml"), play).unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_vent"))
        .args(["run", "play.yml", "-v", "-i", "cloud.yml"])
        .current_dir(project.folder())
        .env("HOME", project.folder())
        .output()
        .unwrap();
    let told = String::from_utf8([done.stdout, done.stderr].concat()).unwrap();
    assert!(done.status.success() && told.contains("from ::1"), "{told}");
}

/// Packet puts the private address onto an alias of the one interface, as one of two in a /31.
#[test]
#[ignore = "needs root: namespaces of the network"]
fn a_private_address_on_an_alias_is_the_machines_own_and_tells_the_size_of_packets() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks/11-flannel.yml");
    let shipped = std::fs::read_to_string(shipped).unwrap();
    let from = shipped.find("        cmd: >-\n          dev=$(ip").unwrap();
    let look = shipped[from..].split("      register:").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let play = format!(
        "- hosts: localhost\n  connection: local\n  vars:\n    private_ipv4: 10.99.0.1\n  tasks:\n  - assert:\n      that: \
         private_ipv4 in ansible_facts.all_ipv4_addresses\n  - shell:\n{look}\n    register: mtu\n  - assert:\n      that: mtu.stdout == '1460'\n"
    );
    std::fs::write(folder.path().join("play.yml"), play).unwrap();
    let script = "ip link add bond0 type bridge && ip link set bond0 mtu 1460 && ip address add 203.0.113.3/31 dev bond0 && \
        ip address add 10.99.0.1/31 dev bond0 label bond0:0 && ip link set bond0 up && exec \"$0\" run play.yml -v";
    let done = Command::new("unshare")
        .args(["--net", "sh", "-c", script, env!("CARGO_BIN_EXE_vent")])
        .current_dir(folder.path())
        .env("HOME", folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8([done.stdout, done.stderr].concat()).unwrap();
    assert!(done.status.success(), "{told}");
}

#[test]
fn clusters_with_both_kinds_of_addresses_are_refused() {
    let key = ("", "");
    let cluster = Cluster::new("pod_cidr: 10.200.0.0/16,fd00:1::/56\n");
    let (fine, told) = cluster.run("playbooks/preflight.yml", &["--limit", "localhost"], "", key);
    assert!(
        !fine
            && told
                .contains("Clusters with IPv6, alone or beside IPv4, cannot be built with these playbooks."),
        "{told}"
    );
    let cluster = Cluster::new("");
    let text = std::fs::read_to_string(cluster.path("hosts")).unwrap();
    std::fs::write(cluster.path("hosts"), text.replace("10.0.0.20", "2001:db8::20")).unwrap();
    let (fine, told) = cluster.run("playbooks/preflight.yml", &["--limit", "localhost"], "", key);
    assert!(
        !fine && told.contains("The private_ipv4 of w0 is 2001:db8::20, which is no IPv4 address."),
        "{told}"
    );
    let cluster = Cluster::new("");
    let (fine, told) = cluster.run("playbooks/preflight.yml", &["--limit", "localhost"], "", key);
    assert!(fine, "{told}");
}
