//! A worker put into the inventory and taken out of it again.

use super::machines::Cluster;
use std::collections::BTreeSet;
use vent::event::Status;

const NEW: &str = "  worker-2:\n    address: 22\n    groups: [workers]\n";

/// What others may change when the inventory does: names and rules.
const OTHERS: [&str; 6] = [
    "Know the other machines by name",
    "Write the rules",
    "Order the rules to be taken away in a minute",
    "Load the rules",
    "Take back the order over a new connection",
    "Write the kubeconfig of the kubelet",
];

/// All of it, one after the other.
pub fn come_and_go() {
    let without = Cluster::of_the_project();
    let with = Cluster::with_nodes(NEW);

    let run = with.run("all", &[]).succeeded();
    assert_eq!(
        others(&run.with(Status::Changed)),
        expected(),
        "worker-2 was added"
    );
    assert!(with.kubectl(&["get", "nodes", "worker-2"]).contains(" Ready"));

    let run = without.run("all", &[]).succeeded();
    let changed = run.with(Status::Changed);
    assert!(
        changed.iter().all(|task| !task.starts_with("worker-2")),
        "{changed:#?}"
    );
    assert_eq!(others(&changed), expected(), "worker-2 was taken out");
    let named = run
        .tasks()
        .filter(|task| task.name.task == "Name the nodes that the inventory does not know")
        .any(|task| {
            task.result["msg"]
                .as_str()
                .is_some_and(|text| text.contains("worker-2: in the cluster, but not"))
        });
    assert!(named, "worker-2 is not named");
    assert!(with.kubectl(&["get", "nodes"]).contains("worker-2"));

    // A pod that the drain must move.
    with.kubectl(&[
        "--namespace=vent-smoke",
        "scale",
        "deployment/web",
        "--replicas=4",
    ]);
    with.kubectl(&[
        "--namespace=vent-smoke",
        "rollout",
        "status",
        "--timeout=120s",
        "deployment/web",
    ]);
    let run = with.run("remove-node", &["-e", "node=worker-2"]).succeeded();
    let order: Vec<_> = run
        .tasks()
        .filter(|task| task.status == Status::Changed && task.name.host == "localhost")
        .map(|task| task.name.task.as_str())
        .collect();
    assert_eq!(
        order,
        ["Move its pods to other nodes", "Let the cluster forget the node"]
    );
    assert!(!with.kubectl(&["get", "nodes"]).contains("worker-2"));
    // What DaemonSets had on the node goes when the controller manager next collects pods without a node.
    let pods = || with.kubectl(&["--namespace=vent-smoke", "get", "pods", "--output=wide"]);
    let gone = (0..90).any(|_| {
        std::thread::sleep(std::time::Duration::from_secs(2));
        !pods().contains("worker-2")
    });
    assert!(gone, "{}", pods());
    let processes = with.on(
        "worker-2",
        "pgrep -l '^(kube|flanneld|containerd)'; ls /usr/local/bin /etc/kubernetes 2>/dev/null",
    );
    assert_eq!(
        processes.replace("/usr/local/bin:", "").trim(),
        "",
        "something is left on worker-2"
    );
    with.kubectl(&[
        "--namespace=vent-smoke",
        "scale",
        "deployment/web",
        "--replicas=2",
    ]);

    let run = without.run("all", &[]).succeeded();
    assert_eq!(
        run.with(Status::Changed),
        BTreeSet::new(),
        "after worker-2 was removed"
    );
}

/// What changed on the machines that were there before.
fn others(changed: &BTreeSet<String>) -> BTreeSet<String> {
    let old = |task: &&String| !task.starts_with("worker-2: ") && !task.starts_with("localhost: ");
    changed.iter().filter(old).cloned().collect()
}

fn expected() -> BTreeSet<String> {
    let hosts = ["controller-0", "worker-0", "worker-1"];
    hosts
        .iter()
        .flat_map(|host| OTHERS[..5].iter().map(move |task| format!("{host}: {task}")))
        .collect()
}
