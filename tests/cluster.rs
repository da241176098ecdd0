//! The cluster that `vent run playbooks/all.yml` has built on the lab: run again, checked, damaged, repaired.
//! The tests need that cluster, so they are run by name, one after the other: `.ci/run` shows how.

use std::process::{Command, Output};

fn vent(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vent"))
        .args(arguments)
        .output()
        .unwrap()
}

/// The task events of a run of the whole cluster: status, host, playbook, task.
fn run(more: &[&str]) -> Vec<[String; 4]> {
    let mut arguments = vec!["run", "playbooks/all.yml", "--output", "json"];
    arguments.extend(more);
    let output = vent(&arguments);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let events: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let field = |event: &serde_json::Value, name: &str| event[name].as_str().unwrap_or_default().to_string();
    let tasks: Vec<[String; 4]> = events
        .iter()
        .filter(|event| event["event"] == "task_ended" && event["item"].is_null())
        .map(|event| ["status", "host", "playbook", "task"].map(|name| field(event, name)))
        .collect();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}\n{:?}", of(&tasks, "failed"));
    if let Some(seconds) = events.last().and_then(|event| event["seconds"].as_f64()) {
        println!(
            "vent {}: {} task results in {seconds:.1} s",
            arguments.join(" "),
            tasks.len()
        );
    }
    tasks
}

fn of<'a>(tasks: &'a [[String; 4]], status: &str) -> Vec<&'a [String; 4]> {
    tasks.iter().filter(|task| task[0] == status).collect()
}

fn on(node: &str, command: &str) -> String {
    let output = vent(&["lab", "ssh", node, "--", command]);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
#[ignore = "needs the cluster that `vent run playbooks/all.yml` builds"]
fn a_second_run_changes_nothing() {
    let tasks = run(&[]);
    assert!(of(&tasks, "changed").is_empty(), "{:#?}", of(&tasks, "changed"));
    assert!(tasks.len() > 200, "only {} results", tasks.len());
}

#[test]
#[ignore = "needs the cluster that `vent run playbooks/all.yml` builds"]
fn a_check_of_the_cluster_has_nothing_to_say() {
    let tasks = run(&["--check"]);
    for status in ["changed", "undecided", "failed"] {
        assert!(of(&tasks, status).is_empty(), "{:#?}", of(&tasks, status));
    }
}

#[test]
#[ignore = "needs the cluster that `vent run playbooks/all.yml` builds"]
fn damage_is_repaired_and_only_what_depends_on_it_restarts() {
    on(
        "worker-0",
        "systemctl stop kube-proxy.service; echo '# by hand' >>/etc/containerd/config.toml",
    );
    let before = on(
        "worker-0",
        "systemctl show -p ActiveEnterTimestamp kubelet.service",
    );
    let tasks = run(&[]);
    let changed = of(&tasks, "changed");
    assert!(changed.iter().all(|task| task[1] == "worker-0"), "{changed:#?}");
    assert!(!changed.is_empty());
    assert!(!on("worker-0", "cat /etc/containerd/config.toml").contains("by hand"));
    assert_eq!(
        on("worker-0", "systemctl is-active kube-proxy.service").trim(),
        "active"
    );
    assert_eq!(
        before,
        on(
            "worker-0",
            "systemctl show -p ActiveEnterTimestamp kubelet.service"
        )
    );
}
