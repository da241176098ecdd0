//! What tests need: whoever needs more than this computer says so, and every file of tests is a module of the one program.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// All files with tests.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The needs that docs/tests.md explains: the first cells of its first table.
fn explained() -> Vec<String> {
    let text = std::fs::read_to_string("docs/tests.md").unwrap();
    let rows = text
        .lines()
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1)
        .take_while(|line| line.starts_with('|'));
    rows.map(|row| row.split('|').nth(1).unwrap().trim().to_string())
        .collect()
}

#[test]
fn what_is_left_out_says_what_it_needs() {
    let explained = explained();
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    let mut all = vec![];
    for folder in ["src", "tests"] {
        files(Path::new(folder), &mut all);
    }
    let (attribute, own) = (concat!("#[", "ignore"), Path::new("tests/needs.rs"));
    for path in all.iter().filter(|path| *path != own) {
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let Some((_, reason)) = line.split_once(attribute) else {
                continue;
            };
            let reason = reason.trim_start_matches([' ', '=', '"']);
            let need = explained.iter().find(|need| reason.starts_with(&***need));
            let need =
                need.unwrap_or_else(|| panic!("{}: {line}: not a need of docs/tests.md", path.display()));
            *count.entry(need).or_default() += 1;
        }
    }
    println!("{count:?}");
    assert_eq!(
        count.len(),
        explained.len(),
        "docs/tests.md explains a need that no test has"
    );
}

#[test]
fn every_file_of_tests_belongs_to_the_program() {
    let main = std::fs::read_to_string("tests/main.rs").unwrap();
    for entry in std::fs::read_dir("tests").unwrap().flatten() {
        let path = entry.path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if path.extension().is_some_and(|ending| ending == "rs") && name != "main" {
            let named = main.lines().any(|line| line == format!("mod {name};"));
            assert!(named, "tests/main.rs does not name {name}, so it is not run");
        }
    }
}
