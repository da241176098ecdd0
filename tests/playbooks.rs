//! The shipped playbooks are read by people who learn: each says what it brings about and why, in sentences, and ends with a play that
//! verifies (that all are named, ansible-lint sees to). And each works under `--limit NODE,localhost`, so none asks for what was gathered on another host.

use std::path::PathBuf;

/// Playbook and text of each, in the order of their names; those of `playbooks/tasks` behind them.
fn files(folder: &str) -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut all: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yml"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    all.sort();
    assert!(!all.is_empty());
    all
}

/// The sentences of the comment that a file opens with.
fn opening(text: &str) -> usize {
    let lines: Vec<_> = text
        .lines()
        .skip_while(|line| *line == "---")
        .map_while(|line| line.strip_prefix("# "))
        .collect();
    let words = lines.join(" ");
    let ends = words.matches(". ").count() + words.matches(": vent run").count();
    ends + usize::from(!words.is_empty())
}

#[test]
fn each_opens_with_two_sentences() {
    for (name, text) in files("playbooks") {
        assert!(
            opening(&text) >= 2,
            "{name} opens with {} sentences",
            opening(&text)
        );
    }
}

#[test]
fn each_ends_with_a_play_that_verifies() {
    for (name, text) in files("playbooks") {
        // All the others; nothing but refusals; nothing but verifying, and behind it how to use what was verified.
        if ["all.yml", "preflight.yml", "13-smoke-test.yml"].contains(&&*name) {
            continue;
        }
        let last = text
            .lines()
            .filter_map(|line| line.strip_prefix("- name: "))
            .next_back()
            .unwrap();
        assert!(last.starts_with("Verify "), "{name} ends with the play `{last}`");
    }
}

#[test]
fn none_asks_for_facts_of_another_host() {
    for folder in ["playbooks", "playbooks/tasks", "inventory/group_vars"] {
        for (name, text) in files(folder) {
            for (at, line) in text.lines().enumerate() {
                let other = line.contains("hostvars") && line.contains("ansible_facts");
                assert!(!other, "{name}:{}: {line}", at + 1);
            }
        }
    }
}
