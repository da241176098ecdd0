//! `reboot`: a task's own `check_mode: true` starts nothing anew in a run that is no check.

use super::remote::{Lab, printed};

/// A machine that counts how often it was told to go down, and is another one each time.
const SITE: &str = r#"
- hosts: all
  gather_facts: false
  tasks:
    - name: Start it anew
      reboot:
        reboot_command: echo down >>FOLDER/downs
        boot_time_command: wc -l <FOLDER/downs
      check_mode: CHECK
      register: r
    - assert: {that: r is changed and r.rebooted}
"#;

#[test]
#[ignore = "needs root: logs in at an sshd"]
fn a_task_that_is_only_to_be_planned_reboots_nothing() {
    let lab = Lab::new(&["web"]);
    std::fs::write(lab.path("downs"), "").unwrap();
    lab.playbook("site.yml", &SITE.replace("CHECK", "true"));
    printed(&lab.run(&["site.yml"]));
    assert_eq!(lab.text("downs"), "", "the machine was told to go down");
    lab.playbook("site.yml", &SITE.replace("CHECK", "false"));
    printed(&lab.run(&["site.yml"]));
    assert_eq!(lab.text("downs"), "down\n");
}
