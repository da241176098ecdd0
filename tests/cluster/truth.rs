//! Check mode tells the truth: on bare machines it touches nothing, and announces just what the run then does. That run is
//! the one that builds the cluster for what is in `built`.

use super::join::{join, open_readers};
use super::machines::Cluster;
use super::tree::{Digests, Exceptions, Tree, differences};
use crate::lists;
use std::collections::BTreeSet;

/// The nodes of the project's own lab, for a lab of a test's own.
pub const NODES: &str = "
  controller-0: {address: 10, groups: [controllers]}
  worker-0: {address: 20, groups: [workers], vars: {container_runtime: containerd}}
  worker-1: {address: 21, groups: [workers], vars: {container_runtime: crio}}
";

/// A check of everything on bare machines, then the run. The first run of all starts the machines.
pub fn check_then_run() {
    let names = ["controller-0", "worker-0", "worker-1"];
    let cluster = Cluster::of_the_project();
    cluster.run("preflight", &["--check"]).succeeded();
    let mut digests = Digests::default();
    let mut look = || names.map(|node| digests.tree(&cluster.upper(node)));
    let before = look();
    let check = cluster.run("all", &["--check"]).succeeded();
    untouched(&before, &look(), &names);

    let real = cluster.run("all", &[]).succeeded();
    let joined = join(&check.events, &real.events);
    println!("{} results announced, {} left open", joined.all, joined.open);
    assert!(joined.lies.is_empty(), "{:#?}", joined.lies);
    assert!(joined.all > 500, "only {} results", joined.all);
    assert_eq!(open_readers(&check.events), [""; 0]);
    assert!(joined.open * 20 <= joined.all, "{:#?}", joined.undecided);
    let listed: BTreeSet<_> = lists::read("tests/undecided.txt")
        .into_iter()
        .map(|entry| entry.0)
        .collect();
    assert_eq!(
        joined.undecided, listed,
        "left: what the check left open, right: tests/undecided.txt"
    );
}

fn untouched(before: &[Tree], after: &[Tree], names: &[&str]) {
    // What runs on the machine without us writes there.
    let but = Exceptions::of(["/run/**", "/var/log/**", "/var/log"]);
    for ((before, after), name) in before.iter().zip(after).zip(names) {
        let touched = differences(before, after, &but);
        assert!(touched.is_empty(), "the check touched {name}: {touched:#?}");
    }
}
