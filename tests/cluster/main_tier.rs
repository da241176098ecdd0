//! What `.ci/run` runs, one test after the other, on the cluster that the README's first command has built, or on
//! labs of their own.

use super::cluster::Cluster;
use super::{damage, kills, truth, workers};
use std::collections::BTreeSet;
use vent::event::Status;

#[test]
#[ignore = "needs the cluster that `vent run playbooks/all.yml` builds"]
fn a1_a_second_run_changes_nothing() {
    let run = Cluster::of_the_project().run("all", &[]).succeeded();
    assert_eq!(run.with(Status::Changed), BTreeSet::new());
    assert!(run.tasks().count() > 200);
    println!(
        "second run: {:.1} s with the smoke test, {:.1} s without",
        run.seconds(),
        run.seconds() - run.seconds_of("smoke-test")
    );
}

#[test]
#[ignore = "needs the cluster that `vent run playbooks/all.yml` builds"]
fn a2_a_check_of_the_cluster_has_nothing_to_say() {
    let run = Cluster::of_the_project().run("all", &["--check"]).succeeded();
    for status in [Status::Changed, Status::Undecided, Status::Failed] {
        assert_eq!(run.with(status), BTreeSet::new(), "{status:?}");
    }
}

#[test]
#[ignore = "needs the cluster that `vent run playbooks/all.yml` builds"]
fn b_damage_is_repaired_and_only_what_depends_on_it_restarts() {
    damage::repaired();
}

#[test]
#[ignore = "needs the cluster that `vent run playbooks/all.yml` builds"]
fn c_a_worker_comes_and_goes() {
    workers::come_and_go();
}

#[test]
#[ignore = "builds a cluster on a lab of its own"]
fn d_a_check_on_bare_machines_tells_the_truth() {
    truth::check_then_run();
}

#[test]
#[ignore = "runs on a lab of its own"]
fn e_a_run_after_a_kill_ends_where_an_undisturbed_one_does() {
    kills::compare(
        "  controller-0: {address: 10, groups: [controllers]}\n",
        &["00-hosts", "02-artifacts", "03-certificates", "06-etcd"],
        &["06-etcd"],
    );
}
