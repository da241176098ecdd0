//! Playbooks of every kind end as `ansible-playbook` 2.19 ended them: the recap and every file they made
//! (`tests/compare/expected`, written by `tests/compare/record.sh`). What differs on purpose stands in
//! `tests/differences.txt` with its reason.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compare")
}

/// What a playbook left: exit code, recap, files.
fn ended(playbook: &str) -> String {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    std::fs::create_dir(&out).unwrap();
    // Without a terminal, where `vars_prompt` would wait for a person.
    let run = Command::new("setsid")
        .args(["--wait", env!("CARGO_BIN_EXE_vent")])
        .current_dir(folder())
        .args(["run", "-i", "hosts.ini", "--output", "plain", "-e"])
        .arg(format!("out={}", out.display()))
        .arg(playbook)
        .stdin(Stdio::null())
        .env("HOME", home.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    let mut all = format!("exit code {}\n", run.status.code().unwrap());
    for line in text.lines().filter(|line| line.contains(" ok=")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        all.push_str(&format!("{}\n", words.join(" ")));
    }
    let list = Command::new("sh")
        .arg(folder().join("files.sh"))
        .current_dir(&out)
        .output()
        .unwrap();
    all + &String::from_utf8_lossy(&list.stdout)
}

/// Lines `NAME: reason` of the file of differences, one a playbook.
fn differences() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(folder().join("../differences.txt")).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, reason) = line.split_once(": ").expect("a line is NAME: reason");
            (name.to_string(), reason.to_string())
        })
        .collect()
}

#[test]
fn playbooks_end_as_with_ansible() {
    let differences = differences();
    println!("{} known differences", differences.len());
    let mut wrong = vec![];
    let mut count = 0;
    for entry in std::fs::read_dir(folder().join("expected")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let wanted = std::fs::read_to_string(&path).unwrap();
        let got = ended(&format!("{name}.yml"));
        count += 1;
        if (got == wanted) == differences.contains_key(&name) {
            wrong.push(format!("{name}: wanted\n{wanted}\ngot\n{got}"));
        }
    }
    assert!(count > 20, "only {count} playbooks were compared");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
