//! Events hold what Ansible tells its callbacks, in its order; and hosts do not wait for each other within a task.

use super::{playbook, vent};
use serde_json::Value;

/// Every event of a run of `site.yml`.
fn told(folder: &std::path::Path) -> Vec<Value> {
    let output = vent(
        folder,
        &["run", "site.yml", "-i", "hosts.ini", "--output", "json"],
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// An event in a few words.
fn brief(event: &Value) -> String {
    let text = |name: &str| event[name].as_str().unwrap_or_default().to_string();
    let kind = text("event");
    match kind.as_str() {
        "task_started" | "included" => format!("{kind} {}{}", text("task"), text("included")),
        "host_started" => format!("{kind} {}", text("host")),
        "item_ended" => format!("{kind} {} {} {}", text("host"), text("item"), text("status")),
        "task_ended" => format!("{kind} {} {}", text("host"), text("status")),
        "retried" => format!("{kind} {} {} {}", text("host"), event["attempt"], event["left"]),
        "notified" => format!("{kind} {} {}", text("host"), text("handler_name")),
        "rescued" => format!("{kind} {}", text("host")),
        "stats" => format!(
            "{kind} ok={} failed={} rescued={}",
            event["hosts"]["a"]["ok"], event["hosts"]["a"]["failed"], event["hosts"]["a"]["rescued"]
        ),
        _ => kind,
    }
}

const SITE: &str = r#"
- hosts: all
  gather_facts: false
  tasks:
    - name: Each
      debug: {msg: "{{ item }}"}
      loop: [x, y]
      changed_when: item == 'y'
      notify: Restart
    - include_tasks: more.yml
    - block:
        - name: Fails
          command: "false"
      rescue:
        - name: Saves
          debug: {msg: saved}
    - meta: flush_handlers
  handlers:
    - name: Restart
      debug: {msg: restarted}
- hosts: nobody
  tasks: []
"#;

#[test]
fn events_come_in_the_order_of_ansibles_callbacks() {
    let folder = playbook(SITE);
    std::fs::write(
        folder.path().join("hosts.ini"),
        "a ansible_connection=local\n[nobody]\n",
    )
    .unwrap();
    let more = "- name: Again\n  command: 'false'\n  register: r\n  until: r.rc == 0\n  retries: 1\n  delay: 0\n  ignore_errors: true\n";
    std::fs::write(folder.path().join("more.yml"), more).unwrap();
    let told: Vec<String> = told(folder.path()).iter().map(brief).collect();
    let wanted = [
        "run_started",
        "playbook_started",
        "play_started",
        "task_started Each",
        "host_started a",
        "item_ended a x ok",
        "item_ended a y changed",
        "notified a Restart",
        "task_ended a changed",
        "task_started include_tasks",
        "included include_tasksmore.yml",
        "task_started Again",
        "host_started a",
        "retried a 1 1",
        "task_ended a ignored",
        "task_started Fails",
        "host_started a",
        "task_ended a failed",
        "rescued a",
        "task_started Saves",
        "host_started a",
        "task_ended a ok",
        "task_started Restart",
        "host_started a",
        "task_ended a ok",
        "no_hosts_matched",
        "playbook_ended",
        "stats ok=5 failed=0 rescued=1",
        "run_ended",
    ];
    assert_eq!(told, wanted, "{told:#?}");
}

/// Each host's lookup waits for those of all others: they come to an end only if they run side by side.
const TOGETHER: &str = r#"
- hosts: all
  gather_facts: false
  tasks:
    - debug:
        msg: "{{ lookup('pipe', 'touch FOLDER/' ~ inventory_hostname ~ '; for i in $(seq 300); do [ -e FOLDER/a ] && [ -e FOLDER/b ] && [ -e FOLDER/c ] && [ -e FOLDER/d ] && exit 0; sleep 0.1; done; exit 1') }}"
"#;

#[test]
fn a_slow_lookup_of_one_host_does_not_hold_up_the_others() {
    let folder = playbook(TOGETHER);
    std::fs::write(folder.path().join("hosts.ini"), "[all]\na\nb\nc\nd\n").unwrap();
    let told = told(folder.path());
    let ended: Vec<_> = told
        .iter()
        .filter(|event| event["event"] == "task_ended")
        .collect();
    assert_eq!(ended.len(), 4);
    assert!(ended.iter().all(|event| event["status"] == "ok"), "{ended:#?}");
}
