//! Vent killed in the midst of a playbook; the next run ends where an undisturbed one does.

use super::machines::Cluster;
use super::services;
use super::tree::{Digests, Exceptions, Tree, differences};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

/// Trees by where they lie: each node, and what this computer keeps.
type Trees = BTreeMap<String, Tree>;

/// What an undisturbed run of a playbook left, how many tasks it began, and which files it made beside the keys.
struct Undisturbed {
    trees: Trees,
    started: usize,
    keys: BTreeSet<OsString>,
}

/// Runs playbooks one after the other on bare machines three times with the same keys: undisturbed; with those of
/// `killed` killed when their first task begins, and run again; and the same with the task in the middle.
pub fn compare(nodes: &str, playbooks: &[&str], killed: &[&str]) {
    let names: Vec<String> = nodes
        .lines()
        .filter_map(|line| Some(line.trim().split_once(':')?.0.to_string()))
        .collect();
    let trial = Trial {
        cluster: Cluster::trial("kills", nodes),
        names,
        aside: beside_the_cluster(),
    };
    // Keys and the networks' numbers are made once, so that all passes give the machines the same files.
    trial
        .cluster
        .run("05-encryption-key", &["--no-needs"])
        .succeeded();
    trial.cluster.run("03-certificates", &["--no-needs"]).succeeded();
    trial.empty();
    let mut expected = vec![];
    for playbook in playbooks {
        let before = trial.keys();
        let run = trial.cluster.run(playbook, &["--no-needs"]).succeeded();
        assert_eq!(trial.left_over(), Vec::<String>::new(), "after {playbook}");
        expected.push(Undisturbed {
            trees: trial.trees(),
            started: run.started(),
            keys: trial.keys().difference(&before).cloned().collect(),
        });
    }
    let but = Exceptions::read();
    for (which, part) in [("first", 0), ("middle", 2)] {
        trial.empty();
        for playbook in &expected {
            trial.put_aside(&playbook.keys);
        }
        for (playbook, expected) in playbooks.iter().zip(&expected) {
            trial.put_back(&expected.keys);
            if killed.contains(playbook) {
                let number = expected.started.checked_div(part).unwrap_or(1).max(1);
                let reached = trial.cluster.kill_at(playbook, &["--no-needs"], number);
                assert!(reached, "{playbook} ended before its task {number} began");
            }
            trial.cluster.run(playbook, &["--no-needs"]).succeeded();
            if killed.contains(playbook) {
                println!("{playbook}, killed at its {which} task, and run again: compared");
                trial.compare(playbook, &expected.trees, &but);
            }
        }
    }
}

fn beside_the_cluster() -> tempfile::TempDir {
    std::fs::create_dir_all(".vent").unwrap();
    tempfile::tempdir_in(".vent").unwrap()
}

struct Trial {
    cluster: Cluster,
    names: Vec<String>,
    /// Keys whose playbook has not run yet.
    aside: tempfile::TempDir,
}

impl Trial {
    /// Makes the machines bare again, and forgets what is not a key.
    fn empty(&self) {
        self.cluster.lab(&["reset"]);
        for folder in ["kubeconfigs", "artifacts", "bin"] {
            let _ = std::fs::remove_dir_all(self.cluster.folder().join(folder));
        }
    }

    /// The names of all files beside the keys.
    fn keys(&self) -> BTreeSet<OsString> {
        let entries = std::fs::read_dir(self.cluster.folder().join("pki")).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect()
    }

    fn put_aside(&self, keys: &BTreeSet<OsString>) {
        for key in keys {
            std::fs::rename(
                self.cluster.folder().join("pki").join(key),
                self.aside.path().join(key),
            )
            .unwrap();
        }
    }

    fn put_back(&self, keys: &BTreeSet<OsString>) {
        for key in keys {
            std::fs::rename(
                self.aside.path().join(key),
                self.cluster.folder().join("pki").join(key),
            )
            .unwrap();
        }
    }

    /// What no run may leave: services that are older than their files, processes, locks, temporary files. Looking for
    /// locks copies them into the tree of changed files, so it comes before each look at the trees.
    fn left_over(&self) -> Vec<String> {
        let found = self.names.iter().flat_map(|node| {
            let upper = self.cluster.upper(node);
            let mut found = services::older_than_their_files(&self.cluster, node, &upper);
            found.extend(services::remains(&self.cluster, node, &upper));
            found
        });
        found.collect()
    }

    fn trees(&self) -> Trees {
        let mut digests = Digests::default();
        let mut trees: Trees = self
            .names
            .iter()
            .map(|node| (node.clone(), digests.tree(&self.cluster.upper(node))))
            .collect();
        trees.insert("this computer".into(), digests.tree(&self.cluster.folder()));
        trees
    }

    fn compare(&self, playbook: &str, expected: &Trees, but: &Exceptions) {
        let mut wrong = self.left_over();
        for (place, tree) in self.trees() {
            let differ = differences(&expected[&place], &tree, but);
            wrong.extend(differ.into_iter().map(|line| format!("{place}: {line}")));
        }
        assert!(wrong.is_empty(), "after {playbook} was killed: {wrong:#?}");
    }
}
