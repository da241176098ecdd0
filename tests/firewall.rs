//! The rules of a machine, as `templates/configs/firewall.nft.j2` writes them, in force: who gets through, and who does not. All of it
//! happens in namespaces of the network.

use crate::anew;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Set where this test is started anew inside a namespace.
const INSIDE: &str = "VENT_TEST_FIREWALL";

const HOSTS: &str = "
all:
  vars: {management_cidrs: [198.18.0.2/32, \"2001:db8::2/128\"]}
controllers:
  hosts:
    controller-0:
      ansible_connection: local
      public_ipv4: 198.18.0.1
      private_ipv4: 10.88.0.1
      nodeport_cidrs: [198.18.0.2/32]
workers:
  hosts:
    worker-0: {public_ipv4: 198.18.0.9, private_ipv4: 10.88.0.2}
";

const PLAY: &str = "
- hosts: controller-0
  gather_facts: false
  tasks:
    - name: Write the rules
      ansible.builtin.template:
        src: \"{{ project }}/templates/configs/firewall.nft.j2\"
        dest: \"{{ playbook_dir }}/firewall.nft\"
        mode: \"0644\"
        validate: nft --check --file %s
";

/// Who calls from where, to which address, and at which ports of those below somebody answers.
const CALLS: &[(&str, &str, &str, &[u16])] = &[
    ("the manager", "198.18.0.2", "198.18.0.1", &[22, 6443, 30080]),
    ("the manager, by IPv6", "2001:db8::2", "[2001:db8::1]", &[22]),
    ("a stranger", "198.18.0.3", "198.18.0.1", &[6443]),
    ("a stranger, by IPv6", "2001:db8::3", "[2001:db8::1]", &[]),
    (
        "a machine, privately",
        "10.88.0.2",
        "10.88.0.1",
        &[22, 2379, 6443, 10250, 30080],
    ),
    ("a machine, publicly", "10.88.0.2", "198.18.0.1", &[6443]),
    ("a pod", "10.200.7.7", "10.88.0.1", &[6443, 10250, 30080]),
];

/// SSH, etcd, the API server, the kubelet, a NodePort.
const PORTS: [u16; 5] = [22, 2379, 6443, 10250, 30080];

fn run(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{program} {words:?}\n{text}");
    text
}

#[test]
#[ignore = "needs root: namespaces of the network, nft"]
fn only_those_get_through_who_may() {
    if std::env::var_os(INSIDE).is_some() {
        return inside();
    }
    let name = "firewall::only_those_get_through_who_may";
    anew::start(name, &["unshare", "--net", "--"], (INSIDE, "1"));
}

/// Another computer at the end of a cable: a process in a network namespace of its own.
struct Other(Child);

impl Other {
    fn start() -> Other {
        let mut words = Command::new("unshare");
        let child = words
            .args(["--net", "sleep", "600"])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let own = std::fs::read_link("/proc/self/ns/net").unwrap();
        let place = format!("/proc/{}/ns/net", child.id());
        while std::fs::read_link(&place).is_ok_and(|there| there == own) {
            std::thread::yield_now();
        }
        Other(child)
    }

    fn run(&self, words: &[&str]) -> Option<i32> {
        Command::new("nsenter")
            .arg(format!("--net=/proc/{}/ns/net", self.0.id()))
            .args(words)
            .output()
            .unwrap()
            .status
            .code()
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn inside() {
    let other = Other::start();
    let process = other.0.id().to_string();
    run("ip", &["link", "set", "lo", "up"]);
    run(
        "ip",
        &[
            "link", "add", "cable", "type", "veth", "peer", "name", "end", "netns", &process,
        ],
    );
    for address in ["198.18.0.1/24", "10.88.0.1/24", "2001:db8::1/64"] {
        run("ip", &["address", "add", address, "dev", "cable", "nodad"]);
    }
    run("ip", &["link", "set", "cable", "up"]);
    run("ip", &["route", "add", "10.200.0.0/16", "dev", "cable"]);
    let theirs = [
        "198.18.0.2/24",
        "198.18.0.3/24",
        "10.88.0.2/24",
        "10.200.7.7/32",
        "2001:db8::2/64",
        "2001:db8::3/64",
    ];
    for address in theirs {
        let add = ["ip", "address", "add", address, "dev", "end", "nodad"];
        assert_eq!(other.run(&add), Some(0), "{address}");
    }
    assert_eq!(other.run(&["ip", "link", "set", "end", "up"]), Some(0));

    let answering: Vec<_> = PORTS
        .into_iter()
        .map(|port| TcpListener::bind(("::", port)).unwrap())
        .collect();
    for listener in answering {
        std::thread::spawn(move || listener.incoming().for_each(drop));
    }
    load_rules();
    for (who, from, to, wanted) in CALLS {
        let reached = |port: &&u16| {
            let address = format!("http://{to}:{port}/");
            let call = [
                "curl",
                "--silent",
                "--interface",
                from,
                "--max-time",
                "3",
                &address,
            ];
            // Refused, or no answer in time; any other end of it began with a connection.
            !matches!(other.run(&call), Some(7 | 28))
        };
        let through: Vec<u16> = PORTS.iter().filter(reached).copied().collect();
        assert_eq!(through, *wanted, "{who} ({from} to {to})");
    }
}

/// Writes the rules as the step does, and loads them.
fn load_rules() {
    let folder = tempfile::tempdir().unwrap();
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let at = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(at("hosts.yml"), HOSTS).unwrap();
    std::fs::write(at("play.yml"), PLAY).unwrap();
    std::os::unix::fs::symlink(project.join("inventory/group_vars"), at("group_vars")).unwrap();
    let given = format!("project={}", project.display());
    let words = ["run", &at("play.yml"), "-i", &at("hosts.yml"), "-e", &given];
    run(env!("CARGO_BIN_EXE_vent"), &words);
    run("nft", &["--file", &at("firewall.nft")]);
}
