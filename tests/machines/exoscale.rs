//! Exoscale: instances with network, rules and addresses, a pool behind a load balancer.

use super::packet::{Given, KEY, nothing_twice_and_nothing_left};
use super::project::Project;
use crate::fakes::Server;
use crate::fakes::boot::{Boot, free_port, ssh_servers};
use crate::fakes::exoscale::{Exoscale, KEY as API_KEY, SECRET};
use crate::fakes::specification::Specification;

/// A service whose machines answer at 127.0.NET.1 and so on; it ends operations at once if it `hurries`.
pub fn service(net: u8, hurries: bool) -> (Server, u16, Given) {
    let (port, given) = (free_port(), Given::default());
    (
        behind(ssh_servers(net, port, given.clone()), hurries),
        port,
        given,
    )
}

/// A service whose machines are started so.
pub fn behind(boot: Boot, hurries: bool) -> Server {
    let mut fake = Exoscale::default();
    fake.hurries = hurries;
    fake.boot = Some(boot);
    Server::start(fake, Some(Specification::exoscale()))
}

pub fn inventory(port: u16, workers: usize, more: &str) -> String {
    format!(
        "plugin: exoscale
cluster: demo
machines:
  zone: ch-gva-2
  management_cidrs: [192.0.2.0/24]
  api_cidrs: [198.51.100.0/24]
  ssh_keys: [{KEY}]
  ssh_port: {port}
  image: Linux Debian 12 (Bookworm) 64-bit
  type: standard.medium
  wait: 30
  network: {{start: 10.0.0.10, end: 10.0.0.250, netmask: 255.255.255.0}}
{more}
  sets:
    - {{role: controller, count: 1}}
    - {{role: worker, count: {workers}, anti_affinity: true, tags: [rack=1]}}
"
    )
}

pub fn project(server: &Server, text: &str) -> Project {
    Project::new(
        text,
        &[
            ("EXOSCALE_API_KEY", API_KEY.to_string()),
            ("EXOSCALE_API_SECRET", SECRET.to_string()),
            ("EXOSCALE_API_ENDPOINT", server.url("")),
        ],
    )
}

const MAKE: &[&str] = &["run", "playbooks/00-machines.yml"];
const REMOVE: &[&str] = &["run", "playbooks/99-remove-machines.yml", "-e", "remove=demo"];

#[test]
fn instances_with_rules_and_network_are_made_scaled_and_removed() {
    let (server, port, given) = service(31, true);
    let more = "  elastic_ip: true\n  rules: [{protocol: udp, ports: 51820, from: [0.0.0.0/0]}]\n";
    let project = project(&server, &inventory(port, 1, more));
    let check = project.run(&[MAKE, &["--check", "--diff"]].concat()).well();
    for part in [
        "would open TCP 6443 from 198.51.100.0/24".to_string(),
        format!("would open TCP {port} from 192.0.2.0/24"),
        "would open UDP 51820 from 0.0.0.0/0".into(),
        "+UDP 1-65535 from the machines in demo".into(),
        "would create the private network demo (10.0.0.10 to 10.0.0.250".into(),
        "would create worker-0 (standard.medium in ch-gva-2".into(),
        "would create the anti-affinity group demo-worker".into(),
    ] {
        assert!(check.contains(&part), "{part} is missing in:\n{check}");
    }
    assert_eq!(server.count("POST"), 0, "a check makes nothing");

    project.run(MAKE).well();
    let host = project.run(&["inventory", "--host", "worker-0"]).well();
    for part in [
        "HostKeyAlias=worker-0.demo",
        "\"private_ipv4\": \"10.80.31.",
        "192.0.2.0/24",
    ] {
        assert!(host.contains(part), "{part} is missing in:\n{host}");
    }
    let graph = project.run(&["inventory", "--graph"]).well();
    assert!(graph.contains("@exo_label_rack_1"), "{graph}");
    assert!(project.run(MAKE).well().contains("changed=0"));

    project.write(&inventory(port, 3, more).replace("198.51.100.0/24", "198.51.100.7/32"));
    let scaled = project.run(MAKE).well();
    for part in [
        "done: create worker-2",
        "done: attach worker-2 to the private network demo",
        "done: open TCP 6443 from 198.51.100.7/32",
        "done: close TCP 6443 from 198.51.100.0/24",
    ] {
        assert!(scaled.contains(part), "{part} is missing in:\n{scaled}");
    }
    assert_eq!(given.lock().unwrap().len(), 4);
    assert!(project.run(MAKE).well().contains("changed=0"));

    let listed = project.run(&[REMOVE, &["--check"]].concat()).well();
    assert!(
        listed.contains("would remove the security group demo"),
        "{listed}"
    );
    project.run(REMOVE).well();
    assert!(
        project
            .run(&[REMOVE, &["--check"]].concat())
            .well()
            .contains("changed=0")
    );
}

#[test]
fn a_pool_stands_behind_a_load_balancer_and_its_members_share_a_host_key() {
    let (server, port, given) = service(32, true);
    let pool = |count: usize| {
        inventory(port, 1, "  nlb: true\n").replace(
            "{role: controller, count: 1}",
            &format!("{{role: controller, count: {count}, pool: true}}"),
        )
    };
    let project = project(&server, &pool(2));
    let made = project.run(&["machines", "apply"]).well();
    for part in [
        "did create the instance pool demo-controller (2 of standard.medium",
        "did create the load balancer demo",
        "did create the service of the load balancer for demo-controller",
    ] {
        assert!(made.contains(part), "{part} is missing in:\n{made}");
    }
    // Machines are made side by side, so that the first may be any.
    let is_controller = |given: &&(String, String)| given.0.starts_with("demo-controller-");
    let name = given
        .lock()
        .unwrap()
        .iter()
        .find(is_controller)
        .unwrap()
        .0
        .clone();
    let graph = project.run(&["inventory", "--graph", "controllers"]).well();
    assert_eq!(graph.matches("demo-controller-").count(), 2, "{graph}");
    let list = project.run(&["inventory", "--list"]).well();
    assert_eq!(list.matches("HostKeyAlias=demo-controller-").count(), 2, "{list}");
    project.write(&pool(3));
    let scaled = project.run(&["machines", "apply"]).well();
    assert!(
        scaled.contains("did scale the instance pool demo-controller from 2 to 3"),
        "{scaled}"
    );
    project.write(&pool(1));
    let less = project.run(&["machines", "plan"]).well();
    assert!(
        less.contains("nothing is to be done") && less.contains("it is never made smaller"),
        "{less}"
    );
    // One that is named goes, and the pool is smaller by it.
    let only = format!("only={name}");
    let one = [REMOVE, &["-e", &only]].concat();
    let gone = project.run(&one).well();
    assert!(gone.contains(&format!("done: remove {name}")), "{gone}");
    assert_eq!(
        server.count("PUT /v2/instance-pool/"),
        2,
        "scaled once, evicted once"
    );
    project.write(&pool(2));
    nothing_twice_and_nothing_left(&project);
}

#[test]
fn an_elastic_address_is_held_by_a_pool() {
    let (server, port, _) = service(35, true);
    let pool = |more: &str| {
        inventory(port, 1, more).replace(
            "{role: controller, count: 1}",
            "{role: controller, count: 2, pool: true}",
        )
    };
    let project = project(&server, &pool(""));
    project.run(&["machines", "apply"]).well();
    project.write(&pool("  elastic_ip: true\n"));
    let given = project.run(&["machines", "apply"]).well();
    assert!(
        given.contains("did give the elastic address to the instance pool demo-controller"),
        "{given}"
    );
    nothing_twice_and_nothing_left(&project);
    project.run(&["machines", "apply"]).well();
    assert!(
        server.sent("POST", "\"elastic-ips\":[{\"id\":"),
        "given when the pool is made"
    );
    nothing_twice_and_nothing_left(&project);
}

#[test]
fn what_the_file_does_not_ask_for_any_more_goes_with_the_rest() {
    let (server, port, _) = service(36, true);
    let project = project(&server, &inventory(port, 1, ""));
    project.run(&["machines", "apply"]).well();
    // Neither the anti-affinity group nor the template is wanted any more, and the template is gone.
    let text = inventory(port, 1, "").replace("anti_affinity: true, ", "");
    project.write(&text.replace("Linux Debian 12 (Bookworm) 64-bit", "Linux Debian 99"));
    let plan = project.run(&["machines", "plan"]).well();
    assert!(plan.contains("nothing is to be done"), "{plan}");
    project.run(&["machines", "remove", "--cluster", "demo"]).well();
    assert_eq!(server.count("DELETE /v2/anti-affinity-group/"), 1);
    let told = project.run(&["machines", "plan"]);
    assert!(
        told.code == Some(1) && told.text.contains("has no template `Linux Debian 99`"),
        "{}",
        told.text
    );
}

#[test]
fn a_network_that_is_named_twice_is_opened_once_and_other_settings_are_told() {
    let (server, port, _) = service(37, true);
    let more = "  rules: [{protocol: tcp, ports: 6443, from: [198.51.100.0/24, 203.0.113.0/24]}]\n";
    let project = project(&server, &inventory(port, 1, more));
    let made = project.run(&["machines", "apply"]).well();
    assert_eq!(
        made.matches("did open TCP 6443 from 198.51.100.0/24").count(),
        1,
        "{made}"
    );
    let text = inventory(port, 1, more).replace("10.0.0.250", "10.0.0.200");
    project.write(&text);
    let plan = project.run(&["machines", "plan"]).well();
    assert!(
        plan.contains("has the last address 10.0.0.250 where 10.0.0.200 is asked for"),
        "{plan}"
    );
}

#[test]
fn operations_that_take_their_time_are_waited_for() {
    let (server, port, given) = service(33, false);
    let project = project(&server, &inventory(port, 1, ""));
    project.run(&["machines", "apply"]).well();
    assert_eq!(given.lock().unwrap().len(), 2);
    assert!(server.count("GET /v2/operation/") > 10);
}

#[test]
fn what_is_wrong_below_machines_is_told() {
    let (server, port, _) = service(34, true);
    let text = inventory(
        port,
        9,
        "  nlb: true\n  rules: [{protocol: tcpp, ports: x, form: []}]\n",
    )
    .replace("zone: ch-gva-2", "disk: 5")
    .replace("end: 10.0.0.250", "end: 10.0.0.1");
    let told = project(&server, &text).run(&["machines", "plan"]).text;
    for part in [
        "in which zone machines are made",
        "`disk: 5` is less than the 10 GiB",
        "a first and a last IPv4 address",
        "`protocol: tcpp` is neither tcp nor udp",
        "`ports: x` is neither",
        "`form` is not an option here",
        "did you mean `from`?",
        "takes 8 instances, not 9",
        "`nlb` needs controllers that are a pool",
    ] {
        assert!(told.contains(part), "{part} is missing in:\n{told}");
    }
    let text = inventory(port, 1, "").replace("standard.medium", "standard.medum");
    let told = project(&server, &text).run(&["machines", "plan"]).text;
    assert!(told.contains("did you mean `standard.medium`?"), "{told}");
}
