//! One run at a time per host, across processes.

use super::remote::{Lab, printed};
use crate::ssh_server::signal;

/// Two lines in a log with time between them, so that runs that do not wait are seen.
const SITE: &str = r#"
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.shell: echo begin >>FOLDER/log; sleep 4; echo end >>FOLDER/log
"#;

#[test]
#[ignore = "needs root: logs in at an sshd"]
fn two_runs_use_a_host_one_after_the_other() {
    let lab = Lab::new(&["web"]);
    lab.playbook("site.yml", SITE);
    let first = lab.start(&["site.yml"]);
    let id = first.id();
    lab.wait_for("log");
    let second = lab.run(&["site.yml"]);
    printed(&first.wait_with_output().unwrap());
    let text = printed(&second);
    assert_eq!(lab.text("log"), "begin\nend\nbegin\nend\n");
    assert!(
        text.contains("web is in use by `vent run site.yml` of root@"),
        "{text}"
    );
    assert!(
        text.contains(&format!(", process {id}; waiting for it")),
        "{text}"
    );
}

#[test]
#[ignore = "needs root: logs in at an sshd"]
fn a_check_waits_for_nobody() {
    let lab = Lab::new(&["web"]);
    lab.playbook("site.yml", &SITE.replace("sleep 4", "sleep 8"));
    let mut first = lab.start(&["site.yml"]);
    lab.wait_for("log");
    printed(&lab.run(&["site.yml", "--check"]));
    assert_eq!(lab.text("log"), "begin\n", "the check waited for the run");
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
#[ignore = "needs root: logs in at an sshd"]
fn a_run_waits_for_the_command_that_a_killed_one_left() {
    let lab = Lab::new(&["web"]);
    lab.playbook("site.yml", &SITE.replace("sleep 4", "sleep 5"));
    let mut first = lab.start(&["site.yml"]);
    lab.wait_for("log");
    signal("KILL", first.id());
    first.wait().unwrap();
    lab.playbook("next.yml", "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.shell: echo next >>FOLDER/log\n");
    let text = printed(&lab.run(&["next.yml"]));
    assert_eq!(lab.text("log"), "begin\nend\nnext\n");
    let told = format!(
        ", process {}, which has ended; waiting for the command",
        first.id()
    );
    assert!(
        text.contains("web still runs a command of `vent run site.yml`"),
        "{text}"
    );
    assert!(text.contains(&told), "{text}");
}

#[test]
#[ignore = "needs root: logs in at an sshd"]
fn a_host_with_two_names_does_not_wait_for_itself() {
    let lab = Lab::new(&["web=db"]);
    lab.playbook("site.yml", SITE);
    let text = printed(&lab.run(&["site.yml"]));
    assert_eq!(lab.text("log").lines().count(), 4);
    assert!(!text.contains("waiting"), "{text}");
}

#[test]
#[ignore = "needs root: logs in at an sshd"]
fn a_run_that_a_playbook_starts_has_the_locks_of_the_run_around_it() {
    let lab = Lab::new(&["web"]);
    let inner = "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.shell: echo inner >>FOLDER/log\n";
    lab.playbook("inner.yml", inner);
    let site = "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.command: vent run -i FOLDER/hosts.yml FOLDER/inner.yml\n      delegate_to: localhost\n";
    lab.playbook("site.yml", site);
    printed(&lab.run(&["site.yml"]));
    assert_eq!(lab.text("log"), "inner\n");
}

/// Each run uses the hosts in another order; each keeps the first while the other wants it.
#[test]
#[ignore = "needs root: logs in at an sshd"]
fn two_runs_never_wait_for_each_other() {
    let lab = Lab::new(&["a", "b"]);
    let play = |host: &str, log: &str| {
        format!(
            "- hosts: {host}\n  gather_facts: false\n  tasks:\n    - ansible.builtin.shell: echo on >>FOLDER/{log}; sleep 1\n"
        )
    };
    lab.playbook("one.yml", &[play("a", "one"), play("b", "one")].concat());
    lab.playbook("two.yml", &[play("b", "two"), play("a", "two")].concat());
    let one = lab.start(&["one.yml"]);
    lab.wait_for("one");
    let two = lab.start(&["two.yml"]);
    printed(&one.wait_with_output().unwrap());
    printed(&two.wait_with_output().unwrap());
    assert_eq!(
        (lab.text("one"), lab.text("two")),
        ("on\non\n".into(), "on\non\n".into())
    );
}

#[test]
#[ignore = "needs root: logs in at an sshd"]
fn wait_for_connection_waits_until_the_host_answers() {
    let lab = Lab::new(&["web"]);
    lab.playbook("site.yml", "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.file: {path: FOLDER/begun, state: touch, mode: '0600'}\n      delegate_to: localhost\n    - ansible.builtin.wait_for_connection: {connect_timeout: 1, timeout: 60}\n      register: r\n    - ansible.builtin.debug: {msg: 'after {{ r.elapsed }} seconds'}\n");
    let server = lab.servers[0].process();
    signal("STOP", server);
    let run = lab.start(&["site.yml"]);
    lab.wait_for("begun");
    std::thread::sleep(std::time::Duration::from_secs(2));
    signal("CONT", server);
    let text = printed(&run.wait_with_output().unwrap());
    assert!(
        text.contains("after ") && !text.contains("after 0 seconds"),
        "{text}"
    );
    lab.playbook("short.yml", "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.wait_for_connection: {connect_timeout: 1, timeout: 1}\n");
    signal("STOP", server);
    let output = lab.run(&["short.yml"]);
    signal("CONT", server);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("the host did not answer in time: web gave no answer in 1 seconds"),
        "{text}"
    );
    assert_eq!(output.status.code(), Some(2));
}
