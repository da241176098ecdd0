//! A host far away: what the coming tasks ask travels with what the current one asks, and no task is told anything that
//! is no longer so.

use super::remote::{Lab, printed};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// One way.
const DELAY: Duration = Duration::from_millis(15);

/// A long line to a port of this computer: everything arrives late, nothing waits for what is before it.
struct Line {
    port: u16,
    /// How often the other side spoke after this one had.
    trips: Arc<AtomicUsize>,
}

impl Line {
    fn to(port: u16) -> Line {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        let trips = Arc::new(AtomicUsize::new(0));
        let counted = trips.clone();
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let far = TcpStream::connect(("127.0.0.1", port)).unwrap();
                let asking = Arc::new(AtomicBool::new(false));
                late(near.try_clone().unwrap(), far.try_clone().unwrap(), {
                    let asking = asking.clone();
                    move || asking.store(true, Ordering::SeqCst)
                });
                let counted = counted.clone();
                late(far, near, move || {
                    if asking.swap(false, Ordering::SeqCst) {
                        counted.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        Line { port: own, trips }
    }
}

/// Carries bytes one way, each chunk after the delay.
fn late(mut from: TcpStream, mut to: TcpStream, seen: impl Fn() + Send + 'static) {
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            seen();
            let _ = sender.send((Instant::now() + DELAY, buffer[..read].to_vec()));
        }
    });
    std::thread::spawn(move || {
        for (due, bytes) in receiver {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}

/// A host with two names, and an inventory `far.yml` in which the line lies before it.
fn lab() -> (Lab, Line) {
    let lab = Lab::new(&["web=alias"]);
    let server = &lab.servers[0];
    let line = Line::to(server.port);
    let pins = [server.port, line.port].map(|port| format!("[127.0.0.1]:{port} {}\n", server.host_key()));
    server.write("known_hosts", &pins.concat());
    let near = lab.text("hosts.yml");
    let port = format!("ansible_port: {}\n", server.port);
    std::fs::write(
        lab.path("far.yml"),
        near.replace(&port, &format!("ansible_port: {}\n", line.port)),
    )
    .unwrap();
    (lab, line)
}

/// How each task ended: (place, item) to its status and the message of a `debug`.
fn ended(lab: &Lab, inventory: &str, more: &[&str]) -> BTreeMap<(String, String), (String, String)> {
    let arguments = ["-i", inventory, "site.yml", "--limit", "web", "--output", "json"];
    let output = lab.run(&[&arguments, more].concat());
    let text = printed(&output);
    let events = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    events
        .filter(|event| event["event"] == "task_ended" || event["event"] == "item_ended")
        .map(|event| {
            let key = (event["place"].to_string(), event["item"].to_string());
            (
                key,
                (event["status"].to_string(), event["result"]["msg"].to_string()),
            )
        })
        .collect()
}

const MANY: &str = r#"
- hosts: web
  gather_facts: false
  tasks:
    - ansible.builtin.file: {path: "FOLDER/made", state: directory, mode: "0755"}
    - ansible.builtin.copy: {content: "{{ item }}\n", dest: "FOLDER/made/{{ item }}", mode: "0644"}
      loop: "{{ range(20) | map('string') | list }}"
    - ansible.builtin.lineinfile: {path: FOLDER/made/lines, line: more, create: true, mode: "0644"}
    - ansible.builtin.file: {src: FOLDER/made/1, dest: FOLDER/made/link, state: link}
    - name: A block
      when: true
      block:
        - ansible.builtin.copy: {content: a, dest: FOLDER/made/a, mode: "0600"}
        - ansible.builtin.copy: {content: b, dest: FOLDER/made/b, mode: "0600"}
      always:
        - ansible.builtin.stat: {path: FOLDER/made/c}
    - ansible.builtin.copy: {content: skipped, dest: FOLDER/made/skipped}
      when: false
    - ansible.builtin.blockinfile: {path: FOLDER/made/block, block: "one\ntwo", create: true, mode: "0644"}
    - community.general.ini_file: {path: FOLDER/made/ini, section: s, option: o, value: v, mode: "0644"}
    - ansible.builtin.replace: {path: FOLDER/made/3, regexp: three, replace: four}
    - ansible.builtin.group: {name: root}
    - ansible.builtin.user: {name: root}
    - ansible.builtin.file: {path: FOLDER/made/4, mode: "0644"}
    - ansible.builtin.copy: {content: "{{ lookup('pipe', 'echo run >>FOLDER/lookups; echo x') }}", dest: FOLDER/made/d, mode: "0600"}
"#;

#[test]
#[ignore = "needs root: logs in at an sshd"]
fn a_run_that_changes_nothing_makes_few_trips() {
    let (lab, line) = lab();
    lab.playbook("site.yml", MANY);
    ended(&lab, "far.yml", &[]);
    std::fs::remove_file(lab.path("lookups")).unwrap();

    let (before, tasks) = (line.trips.load(Ordering::SeqCst), ended(&lab, "far.yml", &[]));
    let trips = line.trips.load(Ordering::SeqCst) - before;
    let changed: Vec<_> = tasks
        .iter()
        .filter(|(_, (status, _))| status.contains("changed"))
        .collect();
    assert!(changed.is_empty(), "{changed:?}");
    // Connecting takes about ten of them, whatever the run does.
    println!("{} tasks and items in {trips} trips", tasks.len());
    assert!(
        tasks.len() > 30 && trips < tasks.len() - 10,
        "{} tasks and items took {trips} trips",
        tasks.len()
    );
    assert_eq!(
        lab.text("lookups"),
        "run\n",
        "a lookup that runs a program was not run once"
    );

    let (before, checked) = (
        line.trips.load(Ordering::SeqCst),
        ended(&lab, "far.yml", &["--check"]),
    );
    let trips = line.trips.load(Ordering::SeqCst) - before;
    assert!(trips < checked.len() - 10, "the check took {trips} trips");
    assert_eq!(ended(&lab, "hosts.yml", &["--check"]), checked);
}

/// Long enough quiet at first that all the rest is looked up ahead.
const MOVING: &str = r#"
- hosts: web
  gather_facts: false
  tasks:
    - ansible.builtin.stat: {path: "FOLDER/quiet{{ item }}"}
      loop: [1, 2, 3, 4, 5, 6]
    - ansible.builtin.stat: {path: FOLDER/shell}
      register: before
    - ansible.builtin.shell: echo shell >FOLDER/shell
      changed_when: false
    - ansible.builtin.stat: {path: FOLDER/shell}
      register: after
    - ansible.builtin.debug: {msg: "{{ before.stat.exists }} {{ after.stat.exists }}"}
    - ansible.builtin.stat: {path: "FOLDER/again{{ item }}"}
      loop: [1, 2, 3, 4, 5, 6]
    - ansible.builtin.file: {path: "FOLDER/{{ item }}", state: directory, mode: "0755"}
      loop: [folder, folder, other]
    - ansible.builtin.copy: {content: x, dest: FOLDER/folder/x, mode: "0644"}
    - ansible.builtin.stat: {path: "FOLDER/again{{ item }}"}
      loop: [1, 2, 3, 4, 5, 6]
    - ansible.builtin.stat: {path: FOLDER/alias}
    - ansible.builtin.copy: {content: x, dest: FOLDER/alias, mode: "0644"}
      delegate_to: alias
    - ansible.builtin.copy: {content: x, dest: FOLDER/alias, mode: "0644"}
    - ansible.builtin.stat: {path: FOLDER/alias}
      register: alias
    - ansible.builtin.debug: {msg: "{{ alias.stat.exists }}"}
    - ansible.builtin.stat: {path: "FOLDER/again{{ item }}"}
      loop: [1, 2, 3, 4, 5, 6]
    - ansible.builtin.shell: sleep 1; echo late >FOLDER/late
      async: 30
      poll: 0
    - ansible.builtin.stat: {path: FOLDER/late}
      register: early
    - ansible.builtin.wait_for: {path: FOLDER/late, timeout: 30}
    - ansible.builtin.stat: {path: FOLDER/late}
      register: late
    - ansible.builtin.debug: {msg: "{{ early.stat.exists }} {{ late.stat.exists }}"}
"#;

#[test]
#[ignore = "needs root: logs in at an sshd"]
fn no_task_sees_what_is_no_longer_so() {
    let (lab, _line) = lab();
    lab.playbook("site.yml", MOVING);
    let clean = || {
        for name in ["shell", "alias", "late"] {
            let _ = std::fs::remove_file(lab.path(name));
        }
        for name in ["folder", "other"] {
            let _ = std::fs::remove_dir_all(lab.path(name));
        }
    };
    let near = ended(&lab, "hosts.yml", &[]);
    clean();
    let far = ended(&lab, "far.yml", &[]);
    assert_eq!(near, far);
    let said: Vec<_> = far
        .values()
        .map(|(_, said)| said.as_str())
        .filter(|said| said.to_lowercase().contains("true"))
        .collect();
    assert_eq!(said, ["\"False True\"", "true", "\"False True\""]);
}

/// Somebody else changes the host between the looking and the doing.
#[test]
#[ignore = "needs root: logs in at an sshd"]
fn what_somebody_else_did_is_seen_before_anything_is_changed() {
    let (lab, _line) = lab();
    lab.playbook(
        "site.yml",
        r#"
- hosts: web
  gather_facts: false
  tasks:
    - ansible.builtin.stat: {path: "FOLDER/quiet{{ item }}"}
      loop: [1, 2, 3, 4, 5, 6]
    - ansible.builtin.debug: {msg: "{{ lookup('pipe', 'echo mine >FOLDER/theirs') }}"}
    - ansible.builtin.copy: {content: "mine\n", dest: FOLDER/theirs, mode: "0644", force: false}
"#,
    );
    let far = ended(&lab, "far.yml", &[]);
    assert!(
        far.values().all(|(status, _)| !status.contains("changed")),
        "{far:?}"
    );
}

/// A host that answers soon is asked by every task, whatever an earlier one was told a moment before.
#[test]
#[ignore = "needs root: logs in at an sshd"]
fn a_near_host_is_asked_by_every_task() {
    let (lab, _line) = lab();
    lab.playbook(
        "site.yml",
        r#"
- hosts: web
  gather_facts: false
  tasks:
    - ansible.builtin.stat: {path: "FOLDER/quiet{{ item }}"}
      loop: [1, 2, 3]
    - ansible.builtin.stat: {path: FOLDER/theirs}
    - ansible.builtin.debug: {msg: "{{ lookup('pipe', 'echo theirs >FOLDER/theirs') }}"}
    - ansible.builtin.stat: {path: FOLDER/theirs}
      register: theirs
    - ansible.builtin.debug: {msg: "{{ theirs.stat.exists }}"}
"#,
    );
    let near = ended(&lab, "hosts.yml", &[]);
    assert!(near.values().any(|(_, said)| said == "true"), "{near:?}");
}

/// What a result tells of a file as it is afterwards comes with the change.
#[test]
#[ignore = "needs root: logs in at an sshd"]
fn a_changed_file_is_described_without_another_trip() {
    let (lab, line) = lab();
    lab.playbook(
        "site.yml",
        r#"
- hosts: web
  gather_facts: false
  tasks:
    - ansible.builtin.copy: {content: "{{ item }}\n", dest: "FOLDER/{{ item }}", mode: "0644"}
      loop: "{{ range(10) | map('string') | list }}"
      register: copied
    - ansible.builtin.file: {path: "FOLDER/{{ item }}", mode: "0600"}
      loop: "{{ range(10) | map('string') | list }}"
    - ansible.builtin.file: {path: "FOLDER/folder{{ item }}", state: directory, mode: "0700"}
      loop: "{{ range(10) | map('string') | list }}"
      register: made
    - ansible.builtin.file: {src: "{{ item }}", dest: "FOLDER/link{{ item }}", state: link}
      loop: "{{ range(10) | map('string') | list }}"
      register: linked
    - ansible.builtin.debug:
        msg: "{{ copied.results[9].size }} {{ made.results[9].mode }} {{ made.results[9].state }} {{ linked.results[9].state }}"
"#,
    );
    let (before, tasks) = (line.trips.load(Ordering::SeqCst), ended(&lab, "far.yml", &[]));
    let trips = line.trips.load(Ordering::SeqCst) - before;
    println!("40 changes in {trips} trips");
    assert!(
        tasks
            .values()
            .any(|(_, said)| said == "\"2 0700 directory link\""),
        "{tasks:?}"
    );
    assert!(trips < 130, "40 changes took {trips} trips");
}
