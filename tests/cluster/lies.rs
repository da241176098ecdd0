//! The join must catch whoever lies: tasks planted here announce what they do not do, and do what they do not announce.

use super::events::Run;
use super::join;
use super::tree::{Digests, Exceptions, differences};
use std::collections::BTreeSet;
use std::process::Command;

/// Each task lies in its own way; the first and the last are honest.
const LIARS: &str = r#"
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Honest
      ansible.builtin.copy: {content: here, dest: "{{ playbook_dir }}/honest", mode: "0644"}
    - name: Does what it did not announce
      ansible.builtin.command: touch {{ playbook_dir }}/unannounced
      changed_when: not ansible_check_mode
    - name: Announces what it does not do
      ansible.builtin.command: "true"
      changed_when: ansible_check_mode
    - name: Announces another content
      ansible.builtin.copy: {content: "{{ ansible_check_mode }}", dest: "{{ playbook_dir }}/content", mode: "0644"}
    - name: Is announced as skipped
      ansible.builtin.copy: {content: here, dest: "{{ playbook_dir }}/late", mode: "0644"}
      when: not ansible_check_mode
    - name: Says nothing of its item
      ansible.builtin.file: {path: "{{ playbook_dir }}/{{ item }}", state: directory, mode: "0755"}
      loop: "{{ ['a'] if ansible_check_mode else ['a', 'b'] }}"
    - name: Tell the time
      ansible.builtin.command: date
      register: time
    - name: Is left open
      ansible.builtin.file: {path: "{{ playbook_dir }}/a", mode: "{{ '0755' if time.stdout else '0700' }}"}
    - name: Also honest
      ansible.builtin.file: {path: "{{ playbook_dir }}/honest", mode: "0644"}
"#;

/// A task that works while it should only look.
const WORKER: &str = r#"
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Works in check mode
      ansible.builtin.command: touch {{ playbook_dir }}/touched
      check_mode: false
"#;

fn run(folder: &std::path::Path, more: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vent"));
    command
        .current_dir(folder)
        .args(["run", "site.yml", "--output", "json"]);
    Run::of(&command.args(more).output().unwrap()).succeeded()
}

#[test]
fn every_lie_is_caught_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("site.yml"), LIARS).unwrap();
    let check = run(folder.path(), &["--check"]);
    let real = run(folder.path(), &[]);
    let joined = join::join(&check.events, &real.events);
    let caught: BTreeSet<_> = joined
        .lies
        .iter()
        .map(|lie| lie.split_once(": ").unwrap().1)
        .map(|lie| {
            lie.split(" with digest")
                .next()
                .unwrap()
                .replace(folder.path().to_str().unwrap(), "")
        })
        .collect();
    let expected = [
        "Does what it did not announce: announced Ok, was Changed",
        "Announces what it does not do: announced Changed, was Ok",
        "Announces another content: announced /content",
        "Is announced as skipped: announced Skipped, was Changed",
        "Says nothing of its item (b): announced nothing, was Changed",
    ];
    assert_eq!(caught, expected.map(String::from).into());
    assert_eq!(
        joined.undecided.iter().collect::<Vec<_>>(),
        ["site.yml: Is left open"]
    );
}

#[test]
fn a_check_that_touches_something_is_caught() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("site.yml"), WORKER).unwrap();
    let mut digests = Digests::default();
    let before = digests.tree(folder.path());
    run(folder.path(), &["--check"]);
    let after = digests.tree(folder.path());
    assert_eq!(
        differences(&before, &after, &Exceptions::of([])),
        ["/touched: new"]
    );
}
