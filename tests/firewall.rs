//! The rules of a machine, as `templates/configs/firewall.nft.j2` writes them, in force: who gets through, and who does not. All of it
//! happens in namespaces of the network: this computer's part is the machine with the rules, another one is everybody else, and a third a
//! pod behind the machine.

use crate::anew;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

/// Set where this test is started anew inside a namespace.
const INSIDE: &str = "VENT_TEST_FIREWALL";

/// Its value in the namespace that answers, and what is said there then.
const ANSWERS: &str = "answers";

const NAME: &str = "firewall::only_those_get_through_who_may";

const HOSTS: &str = "
all:
  vars: {management_cidrs: [198.18.0.2/32, 10.200.7.0/24, \"2001:db8::2/128\"]}
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
    (
        "a pod, although its network may manage",
        "10.200.7.7",
        "10.88.0.1",
        &[6443, 10250, 30080],
    ),
];

/// The same for a pod of the machine, whose packets leave the machine under the machine's own address.
const CALLS_OF_PODS: &[(&str, &str, &[u16])] = &[
    ("its machine", "10.88.0.1", &[6443, 10250, 30080]),
    ("another machine", "10.88.0.2", &[6443, 10250, 30080]),
    ("another machine, publicly", "198.18.0.9", &[6443, 10250, 30080]),
    ("another machine by a Service", "10.32.0.9", &[6443, 10250, 30080]),
    ("a stranger", "198.18.0.3", &PORTS),
];

/// Where VXLAN listens: who sends the datagram of a pod back.
const DATAGRAMS_OF_PODS: &[(&str, &str, bool)] = &[
    ("another machine", "10.88.0.2", false),
    ("another machine by a Service", "10.32.0.9", false),
    ("a stranger", "198.18.0.2", true),
];

/// Where VXLAN listens.
const VXLAN: u16 = 8472;

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
    match std::env::var_os(INSIDE) {
        None => anew::start(NAME, &["unshare", "--net", "--"], (INSIDE, "1")),
        Some(part) if part == ANSWERS => {
            let _datagrams = answer();
            println!("{ANSWERS}");
            loop {
                std::thread::park();
            }
        }
        Some(_) => inside(),
    }
}

/// Answers at every port of [`PORTS`], and sends datagrams back where VXLAN listens; these datagrams.
fn answer() -> Receiver<Vec<u8>> {
    for port in PORTS {
        let listener = TcpListener::bind(("::", port)).unwrap();
        std::thread::spawn(move || listener.incoming().for_each(drop));
    }
    let socket = UdpSocket::bind(("0.0.0.0", VXLAN)).unwrap();
    let (sender, received) = channel();
    std::thread::spawn(move || {
        let mut datagram = [0; 64];
        while let Ok((length, from)) = socket.recv_from(&mut datagram) {
            let _ = socket.send_to(&datagram[..length], from);
            let _ = sender.send(datagram[..length].to_vec());
        }
    });
    received
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

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net=/proc/{}/ns/net", self.0.id()))
            .args(words);
        command
    }

    fn run(&self, words: &[&str]) -> Option<i32> {
        self.command(words).output().unwrap().status.code()
    }

    /// Runs a command of `ip`, which must succeed.
    fn ip(&self, line: &str) {
        let words: Vec<_> = std::iter::once("ip").chain(line.split(' ')).collect();
        assert_eq!(self.run(&words), Some(0), "{line}");
    }

    /// The ports of [`PORTS`] at which `to` takes a connection.
    fn reached(&self, from: &[&str], to: &str) -> Vec<u16> {
        let reached = |port: &&u16| {
            let address = format!("http://{to}:{port}/");
            let call = ["curl", "--silent", "--max-time", "3"];
            // Refused, or no answer in time; any other end of it began with a connection.
            !matches!(self.run(&[&call[..], from, &[&address]].concat()), Some(7 | 28))
        };
        PORTS.iter().filter(reached).copied().collect()
    }

    /// Whether a datagram to where VXLAN listens at `to` comes back.
    fn is_sent_back(&self, to: &str) -> bool {
        let script = format!("exec 3<>/dev/udp/{to}/{VXLAN}; echo back >&3; timeout 1 head --bytes=4 <&3");
        let output = self.command(&["bash", "-c", &script]).output().unwrap();
        output.stdout == b"back"
    }

    /// Answers in this namespace as [`answer`] does in this computer's.
    fn answering(&self) -> Answering {
        let this = std::env::current_exe().unwrap();
        let test = [
            this.to_str().unwrap(),
            "--exact",
            NAME,
            "--include-ignored",
            "--nocapture",
        ];
        let mut command = self.command(&test);
        let mut child = command
            .env(INSIDE, ANSWERS)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == ANSWERS));
        Answering(child)
    }

    /// Lets this computer's end of a new cable, `name`, and this namespace's, `end`, be up.
    fn cable(&self, name: &str) {
        let process = self.0.id().to_string();
        let add = format!("link add {name} type veth peer name end netns {process}");
        run("ip", &add.split(' ').collect::<Vec<_>>());
        run("ip", &["link", "set", name, "up"]);
        self.ip("link set end up");
        self.ip("link set lo up");
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}

/// A process that is ended with the value.
struct Answering(Child);

impl Drop for Answering {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}

fn end(process: &mut Child) {
    let _ = process.kill();
    let _ = process.wait();
}

fn inside() {
    run("ip", &["link", "set", "lo", "up"]);
    run("sysctl", &["--quiet", "net.ipv4.ip_forward=1"]);
    let everybody = Other::start();
    everybody.cable("cable");
    for address in ["198.18.0.1/24", "10.88.0.1/24", "2001:db8::1/64"] {
        run("ip", &["address", "add", address, "dev", "cable", "nodad"]);
    }
    let theirs = [
        "198.18.0.2/24",
        "198.18.0.3/24",
        "198.18.0.9/24",
        "10.88.0.2/24",
        "10.200.7.7/32",
        "2001:db8::2/64",
        "2001:db8::3/64",
    ];
    for address in theirs {
        everybody.ip(&format!("address add {address} dev end nodad"));
    }
    run("ip", &["route", "add", "10.200.7.7", "dev", "cable"]);
    let pod = pod();
    let _answering = everybody.answering();
    let datagrams = answer();
    load_rules();

    for (who, from, to, wanted) in CALLS {
        let through = everybody.reached(&["--interface", from], to);
        assert_eq!(through, *wanted, "{who} ({from} to {to})");
    }
    for (whom, to, wanted) in CALLS_OF_PODS {
        assert_eq!(pod.reached(&[], to), *wanted, "a pod calls {whom} ({to})");
    }
    for (whom, to, wanted) in DATAGRAMS_OF_PODS {
        assert_eq!(pod.is_sent_back(to), *wanted, "a pod sends to {whom} ({to})");
    }
    everybody.is_sent_back("10.88.0.1");
    assert!(datagrams.try_recv().is_ok(), "a machine sends to another one");
    pod.is_sent_back("10.88.0.1");
    assert!(datagrams.try_recv().is_err(), "a pod sends to its machine");
    pod.ip("address add 10.88.0.2/32 dev end");
    pod.ip("route replace 10.88.0.1 via 10.200.8.1 src 10.88.0.2");
    pod.is_sent_back("10.88.0.1");
    assert!(datagrams.try_recv().is_err(), "a pod passes for a machine");
}

/// A pod of this machine: behind the bridge of pods, masqueraded, and with a Service before another machine.
fn pod() -> Other {
    let pod = Other::start();
    pod.cable("cni0");
    run("ip", &["address", "add", "10.200.8.1/24", "dev", "cni0"]);
    pod.ip("address add 10.200.8.8/24 dev end");
    pod.ip("route add default via 10.200.8.1");
    let rules = "table ip others {
        chain services {
            type nat hook prerouting priority dstnat
            ip daddr 10.32.0.9 dnat to 10.88.0.2
        }
        chain leaving {
            type nat hook postrouting priority srcnat
            ip saddr 10.200.8.0/24 oifname cable masquerade
        }
    }";
    run("nft", &[rules]);
    pod
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
