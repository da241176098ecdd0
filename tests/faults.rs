//! Faults at random moments of a run: the next run ends where an undisturbed one does, whatever happened to the first.
//!
//! A round draws a kind of fault, a node and a moment from the seed and its own number, so that it can be had again:
//! `VENT_FAULTS=SEED:ROUND` goes on from there, `VENT_FAULTS=SEED` begins with this seed.

mod disturbance;
mod made;
mod rounds;
mod watcher;

use rounds::{Machines, Scenario, all};

/// Three machines with disks of their own, for the playbook of forty tasks.
const APPS: &str = "
  one: {address: 10, groups: [apps], disk: 512M, memory: 512M}
  two: {address: 20, groups: [apps], disk: 512M, memory: 512M}
  three: {address: 21, groups: [apps], disk: 512M, memory: 512M}
";

/// The nodes of the project's own lab, each with a disk of its own.
const CLUSTER: &str = "
  controller-0: {address: 10, groups: [controllers], disk: 8G}
  worker-0: {address: 20, groups: [workers], disk: 8G, vars: {container_runtime: containerd}}
  worker-1: {address: 21, groups: [workers], disk: 8G, vars: {container_runtime: crio}}
";

#[test]
#[ignore = "takes minutes: faults on a lab of its own"]
fn a_run_after_a_fault_ends_where_an_undisturbed_one_does() {
    let made = made::files();
    all(
        &Scenario::Release { made: made.path() },
        &Machines::new("faults", APPS),
        20,
    );
}

#[test]
#[ignore = "takes minutes: faults on a lab of its own"]
fn a_cluster_that_is_built_after_a_fault_is_as_an_undisturbed_one() {
    all(&Scenario::Cluster, &Machines::new("cluster-faults", CLUSTER), 3);
}
