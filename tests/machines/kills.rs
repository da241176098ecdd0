//! `kill -9` when an API call was performed and not yet answered, for every call in turn: the next run
//! converges, with nothing made twice and nothing left over.

use super::project::{Project, ran};
use super::{exoscale, packet, proxmox};
use crate::fakes::Server;

/// Runs the program and kills it after `calls` calls; false if it ended before.
fn run_and_kill(project: &Project, server: &Server, words: &[&str], calls: usize) -> bool {
    server.kill_after(calls);
    let child = project.start(words);
    server.killed(child.id());
    let end = ran(child.wait_with_output().unwrap());
    server.spare();
    if let Some(code) = end.code {
        assert_eq!(code, 0, "{}", end.text);
    }
    end.code.is_none()
}

/// Every `step`-th call in turn, of making and of removing; `made` begins the calls that make something.
fn at_calls(project: &Project, server: &Server, step: usize, made: &str, wanted: usize) {
    const REMOVE: &[&str] = &["machines", "remove", "--cluster", "demo"];
    let mut calls = 1;
    loop {
        let before = server.count(made);
        let killed = run_and_kill(project, server, &["machines", "apply"], calls);
        project.run(&["machines", "apply"]).well();
        assert_eq!(
            server.count(made) - before,
            wanted,
            "killed at call {calls}: made twice"
        );
        let plan = project.run(&["machines", "plan"]).well();
        assert!(
            plan.contains("nothing is to be done"),
            "killed at call {calls}: {plan}"
        );
        let killed_too = run_and_kill(project, server, REMOVE, calls);
        project.run(REMOVE).well();
        let left = project.run(&[REMOVE, &["--check"]].concat()).well();
        assert!(
            left.contains("nothing is to be done"),
            "killed at call {calls}: {left}"
        );
        let kept = project.files(".vent/machines/demo");
        assert!(
            kept.iter()
                .all(|(name, text)| ["lock", "known_hosts"].contains(&name.as_str()) && text.is_empty()),
            "killed at call {calls}: {kept:?}"
        );
        if !killed && !killed_too {
            break;
        }
        calls += step;
    }
    println!("killed at calls up to {}, every {step}", calls - 1);
    assert!(calls > 10);
}

fn packet(net: u8, step: usize) {
    let (server, port, _) = packet::service(net);
    let more = "  global_ip: true\n  bgp: true\n";
    let project = packet::project(&packet::inventory(&server, port, 2, more));
    // BGP of a project stays enabled.
    project.run(&["machines", "apply"]).well();
    project.run(&["machines", "remove", "--cluster", "demo"]).well();
    // A key, an address, three devices and their sessions.
    at_calls(&project, &server, step, "POST", 8);
}

#[test]
fn packet_converges_after_a_kill() {
    packet(21, 7);
}

#[test]
#[ignore = "takes minutes: a kill at every call"]
fn packet_converges_after_a_kill_at_every_call() {
    packet(22, 1);
}

fn exoscale(net: u8, step: usize) {
    let (server, port, _) = exoscale::service(net, true);
    let project = exoscale::project(&server, &exoscale::inventory(port, 2, "  elastic_ip: true\n"));
    // A key, a security group with four rules, a network, a group, an address, three instances.
    at_calls(&project, &server, step, "POST", 12);
}

#[test]
fn exoscale_converges_after_a_kill() {
    exoscale(23, 11);
}

#[test]
#[ignore = "takes minutes: a kill at every call"]
fn exoscale_converges_after_a_kill_at_every_call() {
    exoscale(24, 1);
}

fn proxmox(net: u8, step: usize) {
    let (server, port, _) = proxmox::service(net, true);
    let project = proxmox::project(&server, &proxmox::inventory(port, 2));
    // Three clones, each set up, opened for three, and started.
    at_calls(&project, &server, step, "POST", 18);
}

#[test]
fn proxmox_converges_after_a_kill() {
    proxmox(25, 17);
}

#[test]
#[ignore = "takes minutes: a kill at every call"]
fn proxmox_converges_after_a_kill_at_every_call() {
    proxmox(26, 1);
}
