//! Ctrl-C: once finishes what runs, twice ends it; both end with Ansible's exit code 99.

use super::playbook;
use crate::ssh_server::signal;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

/// Starts `vent run` and waits until a file of the folder is there.
fn started(folder: &Path, arguments: &[&str], file: &str) -> Child {
    let child = Command::new(env!("CARGO_BIN_EXE_vent"))
        .current_dir(folder)
        .arg("run")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while !folder.join(file).exists() {
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

/// What a run prints that is interrupted so often, and how it ends; one that goes on for a minute has no exit code.
fn interrupted(child: Child, times: usize) -> (Option<i32>, String) {
    for _ in 0..times {
        signal("INT", child.id());
        std::thread::sleep(Duration::from_millis(300));
    }
    let process = child.id();
    let (done, waiting) = std::sync::mpsc::channel::<()>();
    std::thread::spawn(move || {
        if waiting.recv_timeout(Duration::from_secs(60)) == Err(RecvTimeoutError::Timeout) {
            signal("KILL", process);
        }
    });
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().unwrap();
    drop(done);
    let text = [stdout, stderr].concat();
    (status.code(), String::from_utf8_lossy(&text).into_owned())
}

const LOOP: &str = r#"
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.command: touch FOLDER/changed
      notify: Restart
    - ansible.builtin.shell: touch FOLDER/begun; sleep {{ nap }}; echo {{ item }} >>FOLDER/items
      loop: [1, 2, 3, 4, 5, 6, 7, 8]
    - ansible.builtin.command: touch FOLDER/behind
  handlers:
    - name: Restart
      ansible.builtin.command: touch FOLDER/restarted
"#;

#[test]
fn once_finishes_what_runs_and_loses_no_restart_of_this_computer() {
    let folder = playbook(LOOP);
    let child = started(folder.path(), &["site.yml", "-e", "nap=2"], "begun");
    let (code, text) = interrupted(child, 1);
    assert_eq!(code, Some(99), "{text}");
    let items = std::fs::read_to_string(folder.path().join("items")).unwrap();
    assert_eq!(items, "1\n", "{text}");
    assert!(text.contains("stopped before item 2 of 8"), "{text}");
    assert!(text.contains("stopped: site, before its end"), "{text}");
    assert!(text.contains("type the same command again to go on"), "{text}");
    assert!(folder.path().join("restarted").exists(), "{text}");
    assert!(!folder.path().join("behind").exists(), "{text}");
}

#[test]
fn twice_ends_what_runs() {
    let folder = playbook(LOOP);
    let child = started(folder.path(), &["site.yml", "-e", "nap=600"], "begun");
    let (code, text) = interrupted(child, 2);
    assert_eq!(code, Some(99), "{text}");
    assert!(!folder.path().join("items").exists(), "{text}");
    assert!(text.contains("stopped: site, before its end"), "{text}");
}

#[test]
fn twice_ends_the_waiting_for_a_host_that_says_nothing() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let folder = playbook(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - ansible.builtin.command: touch FOLDER/begun\n      check_mode: false\n\
         - hosts: silent\n  gather_facts: false\n  tasks:\n    - ansible.builtin.command: \"true\"\n",
    );
    let host =
        format!("silent ansible_host=127.0.0.1 ansible_port={port} ansible_timeout=3000 ansible_user=root\n");
    std::fs::write(folder.path().join("hosts"), host).unwrap();
    let child = started(folder.path(), &["site.yml", "-i", "hosts", "--check"], "begun");
    // A run would wait for the lock of the host; a check waits for the host itself.
    silent.accept().unwrap();
    let before = Instant::now();
    let (code, text) = interrupted(child, 2);
    assert_eq!(code, Some(99), "{text}");
    println!("ended after {:?}", before.elapsed());
}

#[test]
fn a_check_of_the_needs_that_is_stopped_runs_nothing() {
    let folder = playbook(
        "- hosts: localhost\n  gather_facts: false\n  vars: {vent_needs: [first]}\n  tasks:\n    \
         - ansible.builtin.command: touch FOLDER/ran\n",
    );
    let first = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - ansible.builtin.shell: touch FOLDER/begun; sleep 3\n      \
                 changed_when: false\n      check_mode: false\n    - ansible.builtin.command: touch FOLDER/due\n";
    let first = first.replace("FOLDER", &folder.path().display().to_string());
    std::fs::write(folder.path().join("first.yml"), first).unwrap();
    let child = started(folder.path(), &["site.yml"], "begun");
    let (code, text) = interrupted(child, 1);
    assert_eq!(code, Some(99), "{text}");
    assert!(!folder.path().join("ran").exists(), "{text}");
    assert!(
        text.contains("stopped while the needs of this playbook were looked at"),
        "{text}"
    );
}
