//! How failures of some hosts end a play for others, compared with ansible-playbook 2.19 on the same playbooks.

use super::{playbook, vent};

/// A line in the log.
fn log(word: &str) -> String {
    format!("    - ansible.builtin.shell: echo {{{{ inventory_hostname }}}} {word} >>FOLDER/log\n")
}

/// Fails on some hosts.
fn fail(hosts: &str) -> String {
    format!("    - ansible.builtin.shell: exit 1\n      when: inventory_hostname in '{hosts}'\n")
}

fn play(head: &str, tasks: &[String]) -> String {
    let head: String = head.lines().map(|line| format!("  {line}\n")).collect();
    format!(
        "- hosts: all\n  gather_facts: false\n  connection: local\n{head}  tasks:\n{}",
        tasks.concat()
    )
}

/// What stands in the log after a play and another one behind it: each host with its words.
fn logged(first: &str) -> String {
    let text = format!("{first}{}", play("", &[log("second")]));
    let folder = playbook(&text);
    std::fs::write(folder.path().join("hosts"), "a\nb\nc\nd\n").unwrap();
    let output = vent(folder.path(), &["run", "site.yml", "-i", "hosts"]);
    let mut hosts: std::collections::BTreeMap<String, String> = Default::default();
    for line in std::fs::read_to_string(folder.path().join("log"))
        .unwrap_or_default()
        .lines()
    {
        let (host, word) = line.split_once(' ').unwrap();
        hosts
            .entry(host.into())
            .or_default()
            .push_str(&format!(" {word}"));
    }
    let lines = hosts.iter().map(|(host, words)| format!("{host}:{words}\n"));
    format!(
        "{}rc={}",
        lines.collect::<String>(),
        output.status.code().unwrap()
    )
}

fn indented(items: &[String]) -> String {
    items
        .concat()
        .lines()
        .map(|line| format!("    {line}\n"))
        .collect()
}

fn block(items: &[String], more: &[(&str, &[String])]) -> String {
    let mut text = format!("    - block:\n{}", indented(items));
    for (word, items) in more {
        text.push_str(&format!("      {word}:\n{}", indented(items)));
    }
    text
}

#[test]
fn max_fail_percentage_ends_the_playbook_for_all() {
    let tasks = |hosts: &str| [log("t1"), fail(hosts), log("t2")];
    for (head, hosts, expected) in [
        ("serial: 2\nmax_fail_percentage: 30", "a", "a: t1\nb: t1\nrc=2"),
        (
            "serial: 2\nmax_fail_percentage: 50",
            "a",
            "a: t1\nb: t1 t2 second\nc: t1 t2 second\nd: t1 t2 second\nrc=2",
        ),
        ("max_fail_percentage: 0", "a", "a: t1\nb: t1\nc: t1\nd: t1\nrc=2"),
        (
            "max_fail_percentage: 25",
            "a",
            "a: t1\nb: t1 t2 second\nc: t1 t2 second\nd: t1 t2 second\nrc=2",
        ),
        (
            "serial: 2\nmax_fail_percentage: 60",
            "ac",
            "a: t1\nb: t1 t2 second\nc: t1\nd: t1 t2 second\nrc=2",
        ),
    ] {
        assert_eq!(logged(&play(head, &tasks(hosts))), expected, "{head}");
    }
}

#[test]
fn a_rescued_failure_does_not_count() {
    let tasks = [block(&[fail("a")], &[("rescue", &[log("rescue")])]), log("t2")];
    assert_eq!(
        logged(&play("max_fail_percentage: 0", &tasks)),
        "a: rescue t2 second\nb: t2 second\nc: t2 second\nd: t2 second\nrc=0"
    );
}

#[test]
fn any_errors_fatal_counts_for_handlers_too() {
    let notify = format!("{}      notify: h\n    - meta: flush_handlers\n", log("t1"));
    let handler = "  handlers:\n    - name: h\n      ansible.builtin.shell: echo {{ inventory_hostname }} h >>FOLDER/log; [ {{ inventory_hostname }} != a ]\n";
    for head in ["any_errors_fatal: true", "max_fail_percentage: 0"] {
        let text = play(head, &[notify.clone(), log("t2")]) + handler;
        assert_eq!(
            logged(&text),
            "a: t1 h\nb: t1 h\nc: t1 h\nd: t1 h\nrc=2",
            "{head}"
        );
    }
}

#[test]
fn always_is_run_on_hosts_that_failed() {
    let always: &[(&str, &[String])] = &[("always", &[log("always")])];
    let tasks = [block(&[fail("a"), log("in")], always), log("t2")];
    assert_eq!(
        logged(&play("", &tasks)),
        "a: always\nb: in always t2 second\nc: in always t2 second\nd: in always t2 second\nrc=2"
    );
    assert_eq!(
        logged(&play("any_errors_fatal: true", &tasks)),
        "a: always\nb: always\nc: always\nd: always\nrc=2"
    );
    let both: &[(&str, &[String])] = &[
        ("rescue", &[log("rescue"), fail("a")]),
        ("always", &[log("always")]),
    ];
    let tasks = [block(&[fail("ab")], both), log("t2")];
    assert_eq!(
        logged(&play("", &tasks)),
        "a: rescue always\nb: rescue always t2 second\nc: always t2 second\nd: always t2 second\nrc=2"
    );
}

#[test]
fn end_play_ends_all_batches_and_end_batch_one() {
    for (word, expected) in [
        (
            "end_play",
            "a: t1 second\nb: t1 second\nc: second\nd: second\nrc=0",
        ),
        (
            "end_batch",
            "a: t1 second\nb: t1 second\nc: t1 second\nd: t1 second\nrc=0",
        ),
    ] {
        let tasks = [log("t1"), format!("    - meta: {word}\n"), log("t2")];
        assert_eq!(logged(&play("serial: 2", &tasks)), expected);
    }
}
