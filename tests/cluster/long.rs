//! What takes long: `.ci/long` runs it.

use super::truth::NODES;
use super::{kills, scanners, upgrade, workers};

#[test]
#[ignore = "takes minutes: builds three clusters on a lab of its own"]
fn every_playbook_killed_at_its_first_and_its_middle_task_ends_where_an_undisturbed_one_does() {
    let text = std::fs::read_to_string("playbooks/all.yml").unwrap();
    let playbooks: Vec<_> = text
        .lines()
        .filter_map(|line| {
            line.trim()
                .strip_prefix("ansible.builtin.import_playbook: ")?
                .strip_suffix(".yml")
        })
        .collect();
    kills::compare(NODES, &playbooks, &playbooks);
}

#[test]
#[ignore = "needs the lab: the cluster that `vent run playbooks/all.yml` builds"]
fn a_worker_comes_and_goes() {
    workers::come_and_go();
}

#[test]
#[ignore = "takes minutes: builds a cluster with version 0.1.0, which the variable VENT_FORMER names"]
fn a_cluster_of_0_1_0_becomes_one_of_this_version_and_no_request_fails() {
    upgrade::from_0_1_0();
}

#[test]
#[ignore = "needs the lab: the cluster that `vent run playbooks/all.yml` builds; and checkov, from PyPI"]
fn scanned_by_checkov_the_cluster_shows_what_is_skipped() {
    scanners::checkov_finds_what_is_skipped();
}

#[test]
#[ignore = "needs the lab: the cluster that `vent run playbooks/all.yml` builds; and kube-hunter, from PyPI"]
fn scanned_by_kube_hunter_the_cluster_shows_no_weakness() {
    scanners::kube_hunter_finds_no_weakness();
}
