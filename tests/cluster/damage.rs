//! What somebody breaks by hand, the next run repairs: that and nothing else.

use super::machines::Cluster;
use super::services;
use std::collections::{BTreeMap, BTreeSet};
use vent::event::Status;

const NODES: [&str; 3] = ["controller-0", "worker-0", "worker-1"];

/// A certificate deleted, a service stopped, a unit edited, a line added to a configuration: one run.
pub fn repaired() {
    let cluster = Cluster::of_the_project();
    let before = started(&cluster);
    std::fs::remove_file(cluster.folder().join("pki/kube-proxy.pem")).unwrap();
    cluster.on("worker-1", "systemctl stop flanneld.service");
    cluster.on(
        "worker-0",
        "echo '# by hand' >>/etc/systemd/system/kubelet.service",
    );
    cluster.on("controller-0", "echo '# added' >>/etc/kubernetes/admission.yaml");

    let run = cluster.run("all", &["--diff"]).succeeded();
    let mut expected: BTreeSet<String> = [
        "localhost: Issue each certificate",
        "localhost: Write the kubeconfigs",
        "worker-1: Start flannel, now and at every start of the machine",
        "worker-0: Write the unit of the kubelet",
        "worker-0: Restart the kubelet",
        "controller-0: Write what the API server asks before it admits something",
        "controller-0: Restart the API server",
    ]
    .map(String::from)
    .into();
    for node in NODES {
        expected.insert(format!("{node}: Give kube-proxy its kubeconfig"));
        expected.insert(format!("{node}: Restart kube-proxy"));
    }
    assert_eq!(run.with(Status::Changed), expected);

    let shown: String = run
        .tasks()
        .flat_map(|task| &task.diffs)
        .map(|diff| format!("{}\n{}\n", diff.path, diff.text))
        .collect();
    for line in ["-# by hand", "-# added", "/etc/kubernetes/kube-proxy.kubeconfig"] {
        assert!(shown.contains(line), "{line} is not in the diff:\n{shown}");
    }
    assert!(
        !shown.contains("PRIVATE KEY") && !shown.contains("client-key-data"),
        "a secret is shown"
    );

    let after = started(&cluster);
    let restarted: BTreeSet<_> = after
        .iter()
        .filter(|(unit, time)| before.get(*unit) != Some(time))
        .map(|(unit, _)| unit.as_str())
        .collect();
    let expected = [
        "controller-0 kube-proxy.service",
        "controller-0 kube-apiserver.service",
        "worker-0 kube-proxy.service",
        "worker-0 kubelet.service",
        "worker-1 flanneld.service",
        "worker-1 kube-proxy.service",
    ];
    assert_eq!(restarted, expected.into());
    for node in NODES {
        let old = services::older_than_their_files(&cluster, node, &cluster.upper(node));
        assert!(old.is_empty(), "{old:#?}");
    }
}

fn started(cluster: &Cluster) -> BTreeMap<String, String> {
    NODES
        .iter()
        .flat_map(|node| {
            services::started(cluster, node, &cluster.upper(node))
                .into_iter()
                .map(move |(unit, time)| (format!("{node} {unit}"), time.to_string()))
        })
        .collect()
}
