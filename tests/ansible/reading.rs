//! The shipped playbooks are playbooks to Ansible and to its linter.

use super::{ansible, output, playbooks, project};
use crate::lists;
use std::collections::BTreeSet;
use std::path::Path;

const SKIPS: &str = "tests/ansible/skips.txt";

#[test]
#[ignore = "needs Ansible: tests/ansible/install.sh brings it from PyPI"]
fn ansible_reads_every_playbook() {
    let all = playbooks();
    assert!(all.len() > 15, "{all:?}");
    for playbook in all {
        output(
            ansible("ansible-playbook")
                .current_dir(project())
                .args(["--syntax-check", "--inventory", "localhost,"])
                .arg(playbook),
        );
    }
}

/// With the profile production, and no more than five places that it passes over.
#[test]
#[ignore = "needs Ansible: tests/ansible/install.sh brings it from PyPI"]
fn ansible_lint_finds_nothing() {
    output(
        ansible("ansible-lint")
            .current_dir(project())
            .args(["--offline", "--nocolor", "--strict", "--profile", "production"])
            .arg("playbooks"),
    );
}

/// `FILE RULE` of every skip, as written beside the task: nowhere else may one hide.
#[test]
fn what_the_linter_passes_over_is_listed_with_its_reason() {
    let listed = lists::read(SKIPS);
    assert!(listed.len() <= 5, "{listed:#?}");
    let listed: BTreeSet<_> = listed.into_iter().map(|entry| entry.0).collect();
    let mut written = BTreeSet::new();
    noqa(&project().join("playbooks"), &mut written);
    assert_eq!(written, listed, "left: in the playbooks, right: {SKIPS}");
    let settings = std::fs::read_to_string(project().join(".ansible-lint")).unwrap();
    assert_eq!(settings, "---\nprofile: production\n");
    for other in [
        ".ansible-lint-ignore",
        ".config/ansible-lint-ignore.txt",
        ".config/ansible-lint.yml",
    ] {
        assert!(!project().join(other).exists(), "{other}");
    }
}

fn noqa(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            noqa(&path, found);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(project()).unwrap().display();
        for (_, rules) in text.lines().filter_map(|line| line.split_once("noqa")) {
            let rules = rules.split_whitespace().filter(|word| *word != ":");
            found.extend(rules.map(|rule| format!("{name} {}", rule.trim_start_matches(':'))));
        }
        if text.contains("skip_ansible_lint") {
            found.insert(format!("{name} skip_ansible_lint"));
        }
    }
}
