//! The playbooks that name a cluster: made once, replaced, removed, continued after a kill.

use super::cluster::Cluster;
use crate::fakes::Server;
use crate::fakes::route53::{KEY, Route53 as Fake, SECRET};

const NAMES: &str = "playbooks/01-names.yml";
const REMOVE: &str = "playbooks/remove-names.yml";

#[test]
fn a_cluster_gets_its_names_once_and_loses_them() {
    let server = Server::start(Fake::with_zones(), None);
    let cluster = Cluster::new("");
    let url = server.url("");
    let names = "playbooks/01-names.yml";
    let (fine, told) = cluster.run(names, &["--check"], &url, (KEY, SECRET));
    assert!(fine, "{told}");
    for line in [
        "+vent.example.org. 60 IN A 192.0.2.10",
        "+vent.example.org. 60 IN A 192.0.2.11",
        "+vent-private.example.org. 60 IN A 10.0.0.11",
        "+vent-etcd0.example.org. 60 IN A 10.0.0.10",
        "+vent-etcd1.example.org. 60 IN A 10.0.0.11",
    ] {
        assert!(told.contains(line), "{line} in {told}");
    }
    assert_eq!(server.count("POST"), 0);
    let (fine, told) = cluster.run(names, &[], &url, (KEY, SECRET));
    assert!(fine, "{told}");
    assert_eq!(server.count("POST"), 4);
    for options in [vec!["--check"], vec![]] {
        let (fine, told) = cluster.run(names, &options, &url, (KEY, SECRET));
        assert!(fine && !told.contains("IN A"), "{told}");
        assert_eq!(server.count("POST"), 4);
    }
    let text = std::fs::read_to_string(cluster.path("hosts")).unwrap();
    std::fs::write(cluster.path("hosts"), text.replace("192.0.2.11", "192.0.2.12")).unwrap();
    let (fine, told) = cluster.run(names, &[], &url, (KEY, SECRET));
    assert!(fine, "{told}");
    assert!(told.contains("-vent.example.org. 60 IN A 192.0.2.11\n"), "{told}");
    assert_eq!(server.count("POST"), 5);
    let (fine, told) = cluster.run("playbooks/remove-names.yml", &[], &url, (KEY, SECRET));
    assert!(fine, "{told}");
    let (fine, told) = cluster.run("playbooks/remove-names.yml", &[], &url, (KEY, SECRET));
    assert!(fine, "{told}");
    assert_eq!(server.count("POST"), 9);
}

/// Runs a playbook and kills it after `calls` calls; false if it ended before.
fn run_and_kill(cluster: &Cluster, server: &Server, playbook: &str, calls: usize) -> bool {
    server.kill_after(calls);
    let child = cluster
        .command(playbook, &[], &server.url(""), (KEY, SECRET))
        .spawn()
        .unwrap();
    server.killed(child.id());
    let end = child.wait_with_output().unwrap();
    server.spare();
    assert!(end.status.code().is_none_or(|code| code == 0), "{end:?}");
    end.status.code().is_none()
}

/// Every `step`-th call in turn, of making and of removing.
fn at_calls(step: usize) {
    let server = Server::start(Fake::with_zones(), None);
    let cluster = Cluster::new("");
    let run = |playbook: &str, options: &[&str]| {
        let (fine, told) = cluster.run(playbook, options, &server.url(""), (KEY, SECRET));
        assert!(fine, "{told}");
        told
    };
    let mut calls = 1;
    loop {
        let killed = run_and_kill(&cluster, &server, NAMES, calls);
        run(NAMES, &[]);
        let told = run(NAMES, &["--check"]);
        assert!(!told.contains("IN A"), "killed at call {calls}: {told}");
        let killed_too = run_and_kill(&cluster, &server, REMOVE, calls);
        run(REMOVE, &[]);
        let told = run(REMOVE, &["--check"]);
        assert!(!told.contains("IN A"), "killed at call {calls}: {told}");
        if !killed && !killed_too {
            break;
        }
        calls += step;
    }
    println!("killed at calls up to {}, every {step}", calls - 1);
    assert!(calls > 8);
}

#[test]
fn names_converge_after_a_kill() {
    at_calls(4);
}

#[test]
#[ignore = "takes minutes: a kill at every call"]
fn names_converges_after_a_kill_at_every_call() {
    at_calls(1);
}

/// As with Ansible's own module, a key may stand in the `environment` of a play or a task, and is before that of the
/// process.
#[test]
fn a_key_may_stand_in_the_environment_of_a_task() {
    let server = Server::start(Fake::with_zones(), None);
    let cluster = Cluster::new("");
    let play = format!(
        "- hosts: localhost\n  connection: local\n  gather_facts: false\n  environment:\n    AWS_ACCESS_KEY_ID: AKIDWRONG\n  tasks:\n  \
         - amazon.aws.route53: {{state: present, zone: example.org, record: a.example.org, type: A, ttl: 60, value: 192.0.2.1}}\n    \
         environment: {{AWS_ACCESS_KEY_ID: {KEY}, AWS_SECRET_ACCESS_KEY: {SECRET}, AWS_ENDPOINT_URL_ROUTE_53: '{}'}}\n",
        server.url("")
    );
    std::fs::write(cluster.path("play.yml"), play).unwrap();
    let (fine, told) = cluster.run(
        "play.yml",
        &["--check"],
        "http://127.0.0.1:9",
        ("AKIDOTHER", "wrong"),
    );
    assert!(
        fine && told.contains("+a.example.org. 60 IN A 192.0.2.1"),
        "{told}"
    );
    let (fine, told) = cluster.run("play.yml", &[], "http://127.0.0.1:9", ("AKIDOTHER", "wrong"));
    assert!(fine && !told.contains(SECRET), "{told}");
    assert_eq!(server.count("POST"), 1);
    let (fine, told) = cluster.run("play.yml", &[], "http://127.0.0.1:9", ("AKIDOTHER", "wrong"));
    assert!(fine && told.contains("changed=0"), "{told}");
}
