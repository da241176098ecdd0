//! What is done to the cluster that the README's first command has built.

use super::accounts;
use super::cis;
use super::damage;
use super::machines::Cluster;
use super::pods;
use std::collections::BTreeSet;
use vent::event::Status;

#[test]
#[ignore = "needs the lab: the cluster that `vent run playbooks/all.yml` builds"]
fn a_second_run_changes_nothing() {
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
#[ignore = "needs the lab: the cluster that `vent run playbooks/all.yml` builds"]
fn a_check_of_the_cluster_has_nothing_to_say() {
    let run = Cluster::of_the_project().run("all", &["--check"]).succeeded();
    for status in [Status::Changed, Status::Undecided, Status::Failed] {
        assert_eq!(run.with(status), BTreeSet::new(), "{status:?}");
    }
}

#[test]
#[ignore = "needs the lab: the cluster that `vent run playbooks/all.yml` builds"]
fn damage_is_repaired_and_only_what_depends_on_it_restarts() {
    damage::repaired();
}

#[test]
#[ignore = "needs the lab: the cluster that `vent run playbooks/all.yml` builds"]
fn pods_reach_no_shell_no_store_and_no_vxlan_of_any_machine() {
    pods::reach_no_shell_no_store_and_no_vxlan();
}

#[test]
#[ignore = "needs the lab: the cluster that `vent run playbooks/all.yml` builds"]
fn components_read_their_own_keys_alone() {
    accounts::components_read_their_own_keys_alone();
}

#[test]
#[ignore = "needs the lab: the cluster that `vent run playbooks/all.yml` builds"]
fn every_item_of_the_benchmark_passes_or_is_left_out() {
    cis::every_item_passes_or_is_left_out();
}

#[test]
fn every_item_of_the_benchmark_is_documented() {
    cis::every_item_is_documented();
}
