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
        "task_started" => format!("{kind} {}", text("task")),
        "included" => format!("{kind} {}", text("included").rsplit('/').next().unwrap()),
        "host_started" => format!("{kind} {}", text("host")),
        "item_ended" => format!("{kind} {} {} {}", text("host"), text("item"), text("status")),
        "task_ended" => format!("{kind} {} {}", text("host"), text("status")),
        "retried" => format!("{kind} {} {} {}", text("host"), event["attempt"], event["left"]),
        "notified" => format!("{kind} {} {}", text("host"), text("handler_name")),
        "async_polled" | "async_ok" | "async_failed" => format!("{kind} {}", text("host")),
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
        "included more.yml",
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
        "task_started meta",
        "meta",
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

const JOBS: &str = r#"
- hosts: all
  gather_facts: false
  tasks:
    - name: Ends
      shell: sleep 1.5
      async: 30
      poll: 1
      changed_when: false
    - name: Fails
      command: "false"
      async: 30
      poll: 1
      retries: 1
      delay: 0
      until: false
      ignore_errors: true
    - name: Lasts
      command: sleep 30
      async: 2
      poll: 1
      ignore_errors: true
    - name: Each
      shell: sleep {{ item }}
      async: 30
      loop: [0, 0.1]
    - name: Folder
      file: {path: FOLDER/made, state: directory}
      async: 30
    - name: Goes on
      command: "true"
      async: 30
      poll: 0
    - name: Secret
      command: echo x
      async: 30
      no_log: true
"#;

#[test]
fn jobs_are_polled_and_end_before_their_tasks() {
    let folder = playbook(JOBS);
    std::fs::write(folder.path().join("hosts.ini"), "a ansible_connection=local\n").unwrap();
    let all = told(folder.path());
    let told: Vec<String> = all.iter().map(brief).collect();
    // Of Ansible's polls the first ones alone are certain: how many follow hangs on how fast the computer is.
    let mut once = told.clone();
    once.dedup();
    let wanted = [
        "run_started",
        "playbook_started",
        "play_started",
        "task_started Ends",
        "host_started a",
        "async_polled a",
        "async_ok a",
        "task_ended a ok",
        "task_started Fails",
        "host_started a",
        "async_failed a",
        "retried a 1 1",
        "async_failed a",
        "task_ended a ignored",
        "task_started Lasts",
        "host_started a",
        "async_polled a",
        "async_failed a",
        "task_ended a ignored",
        "task_started Each",
        "host_started a",
        "async_ok a",
        "item_ended a 0 changed",
        "async_ok a",
        "item_ended a 0.1 changed",
        "task_ended a changed",
        "task_started Folder",
        "host_started a",
        "async_ok a",
        "task_ended a changed",
        "task_started Goes on",
        "host_started a",
        "task_ended a changed",
        "task_started Secret",
        "host_started a",
        "async_ok a",
        "task_ended a changed",
        "playbook_ended",
        "stats ok=7 failed=0 rescued=0",
        "run_ended",
    ];
    assert_eq!(once, wanted, "{told:#?}");

    let of = |kind: &str| all.iter().find(|event| event["event"] == kind).unwrap();
    let (polled, ended) = (of("async_polled"), of("async_ok"));
    assert_eq!(polled["job"], ended["job"]);
    assert_eq!(ended["job"], ended["result"]["ansible_job_id"]);
    assert_eq!(ended["result"]["finished"], true);
    assert_eq!(
        ended["result"]["changed"], true,
        "`changed_when` is not asked yet"
    );
    let hidden = all.iter().rfind(|event| event["event"] == "async_ok").unwrap();
    assert!(hidden["result"]["stdout"].is_null(), "{hidden:#?}");
    let jobs: std::collections::BTreeSet<_> = all.iter().filter_map(|event| event["job"].as_str()).collect();
    assert_eq!(jobs.len(), 8, "each try and each item is a job of its own");
}

#[test]
fn a_check_starts_no_job_and_polls_are_shown_to_who_wants_more_words() {
    let folder = playbook(JOBS);
    std::fs::write(folder.path().join("hosts.ini"), "a ansible_connection=local\n").unwrap();
    let run = |more: &[&str]| {
        let words = [&["run", "site.yml", "-i", "hosts.ini", "--output"], more].concat();
        String::from_utf8_lossy(&vent(folder.path(), &words).stdout).into_owned()
    };
    let check = run(&["json", "--check"]);
    assert!(
        check.contains("task_ended") && !check.contains("\"async_"),
        "{check}"
    );
    let more = run(&["plain", "-v"]);
    assert!(more.contains("note: [a] Ends: the job j"), "{more}");
}

const PROMPTS: &str = r#"
- hosts: all
  gather_facts: false
  vars_prompt:
    - {name: who, prompt: Who is it, default: nobody, private: false}
    - {name: secret, default: x}
    - {name: given}
  tasks: []
"#;

#[test]
fn what_is_asked_is_told_before_the_playbooks_begin_and_what_is_given_is_not_asked() {
    let folder = playbook(PROMPTS);
    std::fs::write(folder.path().join("hosts.ini"), "a ansible_connection=local\n").unwrap();
    // Without a terminal: the defaults stand.
    let output = std::process::Command::new("setsid")
        .args([
            "--wait",
            env!("CARGO_BIN_EXE_vent"),
            "run",
            "site.yml",
            "-i",
            "hosts.ini",
        ])
        .args(["-e", "given=1", "--output", "json"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let told: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let asked = |event: &Value| {
        format!(
            "{} {} {} {}",
            event["variable"], event["question"], event["private"], event["place"]
        )
    };
    assert_eq!(told[0]["event"], "run_started");
    assert_eq!(told[1]["event"], "vars_prompted");
    assert_eq!(asked(&told[1]), r#""who" "Who is it" false "site.yml:2""#);
    assert_eq!(asked(&told[2]), r#""secret" "secret" true "site.yml:2""#);
    assert_eq!(told[3]["event"], "playbook_started", "{text}");
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
