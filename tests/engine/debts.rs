//! No lost restart: a run that is killed between a change and its handler leaves a debt, and the next run pays it.

use super::accounts::{Accounts, ONE};
use super::remote::{Lab, printed};
use crate::ssh_server::signal;

const SITE: &str = r#"
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.copy: {content: "new\n", dest: FOLDER/conf, mode: "0600"}
      notify: Restart
    - ansible.builtin.shell: echo begun >>FOLDER/begun; sleep 30
      when: wait is defined
  handlers:
    - name: Restart
      ansible.builtin.shell: echo restarted >>FOLDER/restarts
"#;

/// The debts on the host.
fn debts(lab: &Lab) -> String {
    lab.inside("cd /var/lib/vent && ls debts 2>/dev/null; :")
}

fn killed_before_its_handler() -> Lab {
    let lab = Lab::new(&["web"]);
    lab.playbook("site.yml", SITE);
    let mut first = lab.start(&["site.yml", "-e", "wait=1"]);
    lab.wait_for("begun");
    signal("KILL", first.id());
    first.wait().unwrap();
    lab.kill_sleepers();
    assert_eq!(lab.text("conf"), "new\n");
    assert_eq!(lab.text("restarts"), "", "the handler ran before the kill");
    assert_eq!(debts(&lab), "site.Restart\n");
    lab
}

#[test]
#[ignore = "needs root: logs in at an sshd"]
fn the_next_run_pays_what_a_killed_one_owes() {
    let lab = killed_before_its_handler();
    let announced = "an earlier run ended before the handler `Restart`";

    let text = printed(&lab.run(&["site.yml", "--check"]));
    assert!(text.contains(announced), "{text}");
    assert!(
        text.contains("undecided=1") || text.contains("changed=1"),
        "{text}"
    );
    assert_eq!(
        (lab.text("restarts"), debts(&lab)),
        (String::new(), "site.Restart\n".into())
    );

    let text = printed(&lab.run(&["site.yml"]));
    assert!(text.contains(announced), "{text}");
    assert_eq!(
        (lab.text("restarts"), debts(&lab)),
        ("restarted\n".into(), String::new())
    );

    let text = printed(&lab.run(&["site.yml"]));
    assert!(!text.contains(announced), "{text}");
    assert!(text.contains("changed=0"), "{text}");
    assert_eq!(lab.text("restarts"), "restarted\n");
}

#[test]
#[ignore = "needs root: logs in at an sshd"]
fn a_handler_that_fails_stays_owed() {
    let lab = killed_before_its_handler();
    lab.playbook(
        "site.yml",
        &SITE.replace("echo restarted", "test -e FOLDER/mended && echo restarted"),
    );
    assert_eq!(lab.run(&["site.yml"]).status.code(), Some(2));
    assert_eq!(debts(&lab), "site.Restart\n");
    std::fs::write(lab.path("mended"), "").unwrap();
    printed(&lab.run(&["site.yml"]));
    assert_eq!(
        (lab.text("restarts"), debts(&lab)),
        ("restarted\n".into(), String::new())
    );
}

#[test]
#[ignore = "needs root: logs in at an sshd"]
fn a_task_that_changes_nothing_after_all_owes_nothing() {
    let lab = Lab::new(&["web"]);
    lab.playbook(
        "site.yml",
        r#"
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.command: "true"
      changed_when: 1 == 2
      notify: Restart
    - ansible.builtin.shell: exit 1
      ignore_errors: true
      notify: [Restart, of a list]
    - ansible.builtin.shell: echo {{ item }}
      loop: [1, 2]
      register: looped
      changed_when: false
      notify: Restart
    - ansible.builtin.command: "true"
      notify: of a list
  handlers:
    - name: Restart
      ansible.builtin.shell: echo restarted >>FOLDER/restarts
    - name: Listens
      listen: [of a list, of nobody]
      ansible.builtin.shell: echo heard >>FOLDER/restarts
"#,
    );
    for runs in 1..=2 {
        let text = printed(&lab.run(&["site.yml"]));
        assert!(!text.contains("an earlier run ended"), "{text}");
        assert_eq!(lab.text("restarts"), "heard\n".repeat(runs));
        assert_eq!(debts(&lab), "");
    }
}

#[test]
#[ignore = "needs root: logs in at an sshd"]
fn a_handler_of_another_account_crosses_out_its_debt() {
    let lab = Lab::new(&["web"]);
    lab.playbook(
        "site.yml",
        r#"
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.copy: {content: "new\n", dest: FOLDER/conf, mode: "0600"}
      notify: Restart
  handlers:
    - name: Restart
      ansible.builtin.command: "true"
      become: true
      become_method: su
      become_user: nobody
      become_flags: -s /bin/sh
"#,
    );
    let text = printed(&lab.run(&["site.yml"]));
    assert!(text.contains("changed=2"), "{text}");
    assert_eq!(debts(&lab), "");
    let text = printed(&lab.run(&["site.yml"]));
    assert!(text.contains("changed=0"), "{text}");
}

/// What the handler needs is made by a task behind the one that notified it, which the killed run never came to.
#[test]
#[ignore = "needs root: logs in at an sshd"]
fn what_is_owed_is_paid_behind_the_tasks_that_notify_it() {
    let lab = Lab::new(&["web"]);
    lab.playbook(
        "site.yml",
        r#"
- hosts: all
  gather_facts: false
  pre_tasks:
    - ansible.builtin.shell: echo before >>FOLDER/order
      changed_when: false
  tasks:
    - ansible.builtin.copy: {content: "new\n", dest: FOLDER/conf, mode: "0600"}
      notify: Restart
    - ansible.builtin.shell: echo begun >>FOLDER/begun; sleep 30
      when: wait is defined
    - ansible.builtin.shell: echo unit >>FOLDER/order
      notify: Restart
      when: not (flush | default(false))
    - ansible.builtin.meta: flush_handlers
      when: flush | default(false)
    - ansible.builtin.shell: echo behind >>FOLDER/order
  handlers:
    - name: Restart
      ansible.builtin.shell: echo restarted >>FOLDER/order
"#,
    );
    for (options, order) in [
        (&[][..], "before\nunit\nbehind\nrestarted\n"),
        // An order to run handlers runs those that are owed to tasks before it.
        (&["-e", "{flush: true}"], "before\nrestarted\nbehind\n"),
        // The task that notified is not run any more.
        (&["--tags", "never"], "restarted\n"),
    ] {
        for file in ["conf", "begun", "order"] {
            std::fs::remove_file(lab.path(file)).ok();
        }
        let mut first = lab.start(&["site.yml", "-e", "wait=1"]);
        lab.wait_for("begun");
        signal("KILL", first.id());
        first.wait().unwrap();
        lab.kill_sleepers();
        std::fs::remove_file(lab.path("order")).unwrap();
        printed(&lab.run(&[&["site.yml"], options].concat()));
        assert_eq!((lab.text("order"), debts(&lab)), (order.into(), String::new()));
    }
}

/// Only the task became root; the handler, and the play, are the login user's.
#[test]
#[ignore = "needs root: makes users, logs in at an sshd"]
fn what_root_wrote_down_is_found_for_a_handler_of_the_login_user() {
    let _accounts = Accounts::new();
    let lab = Lab::new(&["web"]);
    lab.open();
    lab.playbook(
        "site.yml",
        r#"
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.copy: {content: "new\n", dest: FOLDER/conf, mode: "0600"}
      become: true
      notify: Restart
    - ansible.builtin.shell: echo begun >>FOLDER/open/begun; sleep 30
      when: wait is defined
  handlers:
    - name: Restart
      ansible.builtin.shell: echo restarted >>FOLDER/open/restarts
"#,
    );
    let mut first = lab.run_as(ONE, &["-e", "wait=1"]);
    lab.wait_for("open/begun");
    signal("KILL", first.id());
    first.wait().unwrap();
    lab.kill_sleepers();
    printed(&lab.run_as(ONE, &[]).wait_with_output().unwrap());
    assert_eq!(lab.text("open/restarts"), "restarted\n");
}
