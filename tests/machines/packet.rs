//! Packet: from nothing to three workers and back to nothing, and what is told in between.

use super::project::Project;
use crate::fakes::boot::{Boot, free_port, ssh_servers};
use crate::fakes::packet::{BASE, Packet, TOKEN};
use crate::fakes::server::FaultKind;
use crate::fakes::specification::Specification;
use crate::fakes::{Reply, Server};
use serde_json::json;
use std::sync::{Arc, Mutex};

pub const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGvKVgHPsvPnHfZHzmLQYvNcGhrEvGnRlCIFRYRRmxQf me@here";

/// What machines were given at their start: name and user data.
pub type Given = Arc<Mutex<Vec<(String, String)>>>;

/// A service whose machines answer at 127.0.NET.1 and so on.
pub fn service(net: u8) -> (Server, u16, Given) {
    let (port, given) = (free_port(), Given::default());
    (behind(ssh_servers(net, port, given.clone())), port, given)
}

/// A service whose machines are started so.
pub fn behind(boot: Boot) -> Server {
    let mut fake = Packet::new(&["Cluster One", "other"]);
    fake.boot = Some(boot);
    Server::start(fake, Some(Specification::packet()))
}

pub fn inventory(server: &Server, port: u16, workers: usize, more: &str) -> String {
    format!(
        "plugin: packet
url: {}
cluster: demo
machines:
  project: Cluster One
  management_cidrs: [192.0.2.0/24]
  ssh_keys: [{KEY}]
  ssh_port: {port}
  metro: am
  image: debian_12
  plan: c3.small.x86
  wait: 20
{more}
  sets:
    - {{role: controller, count: 1}}
    - {{role: worker, count: {workers}, tags: [rack-1]}}
",
        server.url(BASE)
    )
}

pub fn project(text: &str) -> Project {
    Project::new(text, &[("METAL_AUTH_TOKEN", TOKEN.to_string())])
}

const MAKE: &[&str] = &["run", "playbooks/00-machines.yml"];

#[test]
fn machines_are_planned_made_scaled_and_removed() {
    let (server, port, given) = service(11);
    let project = project(&inventory(&server, port, 1, ""));

    let check = project.run(&[MAKE, &["--check", "--diff"]].concat()).well();
    for part in [
        "would create the public key demo-0 in the project Cluster One",
        "would create controller-0 (c3.small.x86 in am, debian_12, tags demo controller)",
        "+worker-0 (c3.small.x86 in am, debian_12, tags demo worker rack-1)",
        "changed: [localhost]",
    ] {
        assert!(check.contains(part), "{part} is missing in:\n{check}");
    }
    assert_eq!(server.count("POST"), 0, "a check makes nothing");

    let made = project.run(MAKE).well();
    assert!(made.contains("worker-0 answers at 127.0.11."), "{made}");
    assert_eq!(server.count(&format!("POST {BASE}/projects/")), 3);
    let data = given.lock().unwrap()[0].1.clone();
    assert!(
        data.contains(KEY) && data.contains("ssh_deletekeys: true"),
        "{data}"
    );

    let again = project.run(MAKE).well();
    assert!(again.contains("changed=0"), "{again}");
    let host = project.run(&["inventory", "--host", "worker-0"]).well();
    for part in [
        "HostKeyAlias=worker-0.demo",
        "StrictHostKeyChecking=yes",
        "192.0.2.0/24",
        "10.80.11.",
    ] {
        assert!(host.contains(part), "{part} is missing in:\n{host}");
    }

    project.write(&inventory(&server, port, 3, ""));
    let scaled = project.run(MAKE).well();
    assert!(
        scaled.contains("done: create worker-2") && !scaled.contains("create worker-0"),
        "{scaled}"
    );
    assert_eq!(given.lock().unwrap().len(), 4);
    let graph = project.run(&["inventory", "--graph", "workers"]).well();
    assert_eq!(graph.matches("worker-").count(), 3, "{graph}");

    project.write(&inventory(&server, port, 1, ""));
    let less = project.run(MAKE).well();
    assert!(
        less.contains("worker-2 has the tag demo, but `machines` does not ask for it"),
        "{less}"
    );
    assert_eq!(server.count("DELETE"), 0, "nothing is removed unasked");

    removal(&server, &project);
}

/// Listed first, refused without the name of the cluster, then nothing is left.
fn removal(server: &Server, project: &Project) {
    const REMOVE: &[&str] = &["run", "playbooks/99-remove-machines.yml"];
    let refused = project.run(REMOVE);
    assert!(
        refused.code == Some(2) && refused.text.contains("-e remove=CLUSTER"),
        "{}",
        refused.text
    );
    let other = project.run(&[REMOVE, &["-e", "remove=other"]].concat());
    assert!(
        other.code == Some(2) && other.text.contains("its clusters are: demo"),
        "{}",
        other.text
    );
    let one = [REMOVE, &["-e", "remove=demo", "-e", "only=worker-2"]].concat();
    let listed = project.run(&[&one[..], &["--check"]].concat()).well();
    assert!(
        listed.contains("would remove worker-2") && !listed.contains("would remove worker-1"),
        "{listed}"
    );
    assert_eq!(server.count("DELETE"), 0, "a check removes nothing");
    project.run(&one).well();
    assert_eq!(server.count("DELETE"), 1);
    let gone = project.run(&[REMOVE, &["-e", "remove=demo"]].concat()).well();
    let (first, last) = (
        gone.find("is to remove controller-0"),
        gone.find("done: remove controller-0"),
    );
    assert!(first.is_some() && first < last, "{gone}");
    assert_eq!(
        server.count("DELETE"),
        5,
        "three machines and the key, and one before"
    );
    assert_eq!(
        std::fs::read_to_string(project.path(".vent/machines/demo/known_hosts")).unwrap(),
        ""
    );
    let empty = project.run(&["machines", "plan"]).well();
    assert!(empty.contains("would create controller-0"), "{empty}");
}

#[test]
fn hosts_that_are_not_there_yet_are_undecided_in_one_line() {
    let (server, port, _) = service(12);
    let project = project(&inventory(&server, port, 2, ""));
    let site = "- import_playbook: playbooks/00-machines.yml\n\
        - hosts: workers\n  gather_facts: false\n  name: Look\n  tasks:\n    - {name: One, ansible.builtin.ping: }\n    \
        - {name: Two, ansible.builtin.ping: }\n\
        - hosts: localhost\n  gather_facts: false\n  tasks:\n    - name: Address\n      ansible.builtin.debug: {msg: \"{{ hostvars['worker-0'].private_ipv4 }}\"}\n    \
        - name: There\n      ansible.builtin.ping:\n      delegate_to: worker-1\n";
    std::fs::write(project.path("site.yml"), site).unwrap();
    let told = project.run(&["run", "site.yml", "--check"]).well();
    assert_eq!(told.matches("undecided: [worker-0]").count(), 1, "{told}");
    assert!(told.contains("decided by making the machine worker-0"), "{told}");
    assert!(told.contains("undecided: [localhost] site | There"), "{told}");
    // In a run that makes them, later plays see them; nobody can log in to these.
    let ran = project.run(&["run", "site.yml"]);
    assert_eq!(ran.code, Some(4), "{}", ran.text);
    assert!(
        ran.text.contains("[worker-1]") && !ran.text.contains("host key"),
        "{}",
        ran.text
    );
}

/// The whole cluster, checked before there is a machine: each play tells each of its hosts in one line.
#[test]
fn a_check_of_everything_needs_no_machine() {
    let (server, port, _) = service(10);
    let project = project(&inventory(&server, port, 2, ""));
    for name in ["templates", "artifacts", "inventory/group_vars"] {
        let from = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        std::os::unix::fs::symlink(from, project.path(name)).unwrap();
    }
    let told = project.run(&["run", "playbooks/all.yml", "--check", "--diff"]);
    println!("{}", told.text);
    let told = told.well();
    assert_eq!(server.count("POST"), 0, "a check makes nothing");
    let lines: Vec<&str> = told.lines().filter(|line| line.contains("[worker-0]")).collect();
    let (plays, end) = lines.split_at(lines.len() - 1);
    let whole = |line: &&str| line.starts_with("undecided: [worker-0] ") && line.contains("| every task of ");
    assert!(plays.len() > 10 && plays.iter().all(whole), "{plays:#?}");
    let last = "  [worker-0] every task: decided by making the machine worker-0";
    assert!(end[0].starts_with(last), "{end:?}");
    assert!(
        !told.contains("no hosts matched"),
        "machines are found by their names too: {told}"
    );
}

#[test]
fn what_packet_has_besides_reaches_its_api() {
    let (server, port, _) = service(13);
    let more = "  global_ip: true\n  bgp: true\n  bgp_md5: Aa0123456789\n  spot_price: 0.25\n  \
        reservations: [next-available]\n  billing_cycle: hourly\n";
    let project = project(&inventory(&server, port, 1, more));
    let made = project.run(&["machines", "apply"]).well();
    for part in [
        "done: create a global IPv4 address",
        "done: create local BGP with the number 65000",
        "done: create the BGP session of worker-0",
        "at most 0.25 USD an hour",
    ] {
        assert!(made.contains(part), "{part} is missing in:\n{made}");
    }
    for (method, part) in [
        ("POST", "\"spot_instance\":true,\"spot_price_max\":0.25"),
        ("POST", "\"hardware_reservation_id\":\"next-available\""),
        ("POST", "\"billing_cycle\":\"hourly\""),
        ("POST", "\"fail_on_approval_required\":true"),
        ("POST", "\"md5\":\"Aa0123456789\""),
    ] {
        assert!(server.sent(method, part), "{part} was not sent");
    }
    nothing_twice_and_nothing_left(&project);
}

/// A second run changes nothing; a removal leaves nothing, and a second one finds nothing.
pub fn nothing_twice_and_nothing_left(project: &Project) {
    let again = project.run(&["machines", "apply"]).well();
    assert!(again.contains("nothing is to be done"), "{again}");
    project.run(&["machines", "remove", "--cluster", "demo"]).well();
    for more in [&["--check"][..], &[]] {
        let left = project.run(&[&["machines", "remove", "--cluster", "demo"], more].concat());
        let left = left.well();
        assert!(left.contains("nothing is to be done"), "{left}");
    }
}

#[test]
fn devices_stand_in_facilities_and_on_reservations_of_their_own() {
    let (server, port, _) = service(19);
    let text = inventory(&server, port, 2, "")
        .replace("  metro: am\n", "  facility: [ams1, ny5]\n")
        .replace("tags: [rack-1]", "reservations: [one, two]");
    let project = project(&text);
    project.run(&["machines", "apply"]).well();
    for part in [
        "\"facility\":[\"ams1\",\"ny5\"]",
        "\"hardware_reservation_id\":\"one\"",
        "\"hardware_reservation_id\":\"two\"",
    ] {
        assert!(server.sent("POST", part), "{part} was not sent");
    }
    assert!(!server.sent("POST", "metro"));
    nothing_twice_and_nothing_left(&project);
}

#[test]
fn a_name_that_no_machine_has_is_told_and_removes_nothing() {
    let (server, port, _) = service(20);
    let project = project(&inventory(&server, port, 1, ""));
    project.run(&["machines", "apply"]).well();
    let only = ["machines", "remove", "--cluster", "demo", "--only", "worker-9"];
    for more in [&["--check"][..], &[]] {
        let told = project.run(&[&only[..], more].concat()).well();
        assert!(told.contains("demo has no machine worker-9"), "{told}");
    }
    assert_eq!(server.count("DELETE"), 0);
}

#[test]
fn a_half_made_set_is_told_and_continued() {
    let (server, port, given) = service(14);
    let project = project(&inventory(&server, port, 3, ""));
    let refusal = Reply::json(422, json!({"errors": ["plan is not available in this location"]}));
    server.fault("POST", "/devices", 2, FaultKind::Answer(refusal));
    let failed = project.run(&["machines", "apply"]);
    assert_eq!(failed.code, Some(1), "{}", failed.text);
    for part in [
        "cannot create the device",
        "`plan` (sent: \"c3.small.x86\"): plan is not available in this location",
        "also failed: create",
        "done before: create the public key demo-0",
        "still to be done: create",
        "run again to go on, or remove it with `vent run playbooks/99-remove-machines.yml -e remove=demo`",
    ] {
        assert!(
            failed.text.contains(part),
            "{part} is missing in:\n{}",
            failed.text
        );
    }
    assert_eq!(given.lock().unwrap().len(), 2);
    project.run(&["machines", "apply"]).well();
    assert_eq!(given.lock().unwrap().len(), 4);
}

#[test]
fn an_answer_that_is_lost_makes_no_second_machine() {
    let (server, port, given) = service(15);
    let project = project(&inventory(&server, port, 2, ""));
    server.fault("POST", "/devices", 1, FaultKind::Lost);
    let mut busy = Reply::json(503, json!({"error": "busy"}));
    busy.headers.push(("Retry-After".into(), "1".into()));
    server.fault("GET", "/devices", 2, FaultKind::Answer(busy));
    project.run(&["machines", "apply"]).well();
    assert_eq!(given.lock().unwrap().len(), 3);
}

#[test]
fn a_doubtful_answer_makes_no_second_machine() {
    let (server, port, given) = service(25);
    let project = project(&inventory(&server, port, 2, ""));
    let mut busy = Reply::json(503, json!({"error": "busy"}));
    busy.headers.push(("Retry-After".into(), "1".into()));
    server.fault("POST", "/devices", 1, FaultKind::Doubtful(busy));
    project.run(&["machines", "apply"]).well();
    assert_eq!(given.lock().unwrap().len(), 3);
}

#[test]
fn another_host_key_than_the_given_one_is_not_taken() {
    let (port, given) = (free_port(), Given::default());
    let mut boot = ssh_servers(17, port, given);
    let mut fake = Packet::new(&["Cluster One"]);
    // Every machine gets the key of another.
    let mut first = None;
    fake.boot = Some(Box::new(move |name, data| {
        let key = first.get_or_insert_with(|| data.to_string());
        boot(name, key)
    }));
    let server = Server::start(fake, Some(Specification::packet()));
    let text = inventory(&server, port, 1, "").replace("wait: 20", "wait: 5");
    let failed = project(&text).run(&["machines", "apply"]);
    assert_eq!(failed.code, Some(1), "{}", failed.text);
    assert!(
        failed.text.contains("another host key than the one it was given"),
        "{}",
        failed.text
    );
}

#[test]
fn what_is_wrong_below_machines_is_told_with_its_place() {
    let (server, port, _) = service(18);
    let text = inventory(&server, port, 1, "")
        .replace("management_cidrs: [192.0.2.0/24]", "management_cidrs: []")
        .replace("metro: am", "metrp: am")
        .replace("role: worker", "role: worker, spot_price: 0")
        .replace("project: Cluster One", "ssh_keyz: []");
    let told = project(&text).run(&["machines", "plan"]).text;
    for part in [
        "`management_cidrs` is not given",
        "cloud.yml:6:21",
        "did you mean `metro`?",
        "did you mean `ssh_keys`?",
    ] {
        assert!(told.contains(part), "{part} is missing in:\n{told}");
    }
    let text = inventory(&server, port, 1, "")
        .replace("metro: am", "facility: []")
        .replace("role: worker", "role: worker, spot_price: 0, reservations: []")
        .replace("project: Cluster One", "global_ip: false");
    let told = project(&text).run(&["machines", "plan"]).text;
    for part in [
        "in which project",
        "either `metro` or `facility`",
        "`spot_price` must be more than nothing",
    ] {
        assert!(told.contains(part), "{part} is missing in:\n{told}");
    }
}
