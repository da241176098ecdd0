//! Providers that take half a second for every call: what can be asked at the same time is.

use super::project::Project;
use super::{exoscale, packet, proxmox};
use crate::fakes::Server;
use std::time::Duration;

const SLOW: Duration = Duration::from_millis(500);

/// The whole way: made, in the inventory, nothing to do, removed; `busiest` calls at least were under way at once.
fn whole_way(server: &Server, project: &Project, machines: usize, busiest: usize) {
    server.slow(SLOW);
    project.run(&["run", "playbooks/00-machines.yml"]).well();
    let making = server.busiest();
    assert!(making >= busiest, "{making} calls at once while making");
    let graph = project.run(&["inventory", "--graph", "workers"]).well();
    assert_eq!(graph.matches("|--worker-").count(), machines, "{graph}");
    let remove = ["run", "playbooks/99-remove-machines.yml", "-e", "remove=demo"];
    project.run(&remove).well();
    server.slow(Duration::ZERO);
    let left = project.run(&[&remove[..], &["--check"]].concat()).well();
    assert!(left.contains("changed=0"), "{left}");
}

#[test]
fn a_slow_packet_is_asked_in_parallel() {
    let (server, port, _) = packet::service(51);
    let project = packet::project(&packet::inventory(&server, port, 5, ""));
    whole_way(&server, &project, 5, 6);
}

#[test]
fn a_slow_exoscale_is_asked_in_parallel() {
    let (server, port, _) = exoscale::service(52, true);
    let project = exoscale::project(&server, &exoscale::inventory(port, 5, "  elastic_ip: true\n"));
    whole_way(&server, &project, 5, 6);
}

#[test]
fn a_slow_proxmox_is_asked_in_parallel() {
    let (server, port, _) = proxmox::service(53, true);
    let text = proxmox::inventory(port, 5)
        .replace("name: node, ", "")
        .replace("firewall: true", "firewall: false");
    let project = proxmox::project(&server, &text);
    whole_way(&server, &project, 5, 5);
}
