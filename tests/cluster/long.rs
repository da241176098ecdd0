//! What takes long: `.ci/long` runs it.

use super::kills;
use super::truth::NODES;

#[test]
#[ignore = "builds three clusters on a lab of its own, about ten minutes"]
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
