//! Every task looks at the host as it is then, not as an earlier task saw it.

use super::playbook;
use std::process::{Command, Stdio};

#[test]
fn what_an_earlier_task_saw_is_asked_again() {
    let folder = playbook(
        r#"
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.stat: {path: FOLDER/there}
      register: before
    - ansible.builtin.file: {path: FOLDER/asked, state: touch, mode: "0600"}
    - ansible.builtin.wait_for: {path: FOLDER/there}
    - ansible.builtin.stat: {path: FOLDER/there}
      register: after
    - ansible.builtin.file: {path: FOLDER/tried, state: touch, mode: "0600"}
    - ansible.builtin.stat: {path: FOLDER/later}
      register: later
      until: later.stat.exists
      retries: 100
      delay: 0.1
    - ansible.builtin.debug: {msg: "{{ before.stat.exists }} {{ after.stat.exists }} {{ later.stat.exists }}"}
"#,
    );
    let run = Command::new(env!("CARGO_BIN_EXE_vent"))
        .current_dir(folder.path())
        .args(["run", "site.yml"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    for (seen, made) in [("asked", "there"), ("tried", "later")] {
        while !folder.path().join(seen).exists() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        std::thread::sleep(std::time::Duration::from_millis(500));
        std::fs::write(folder.path().join(made), "").unwrap();
    }
    let output = run.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("False True True"), "{text}");
}
