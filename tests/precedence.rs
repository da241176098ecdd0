//! Every level of Ansible's precedence of variables, in one project: `tests/precedence/expected.json` and
//! `expected-extra.json` are what ansible-playbook 2.19 wrote for it, without and with `-e @extra.json`.

use std::path::Path;
use std::process::Command;

fn run(arguments: &[&str]) -> serde_json::Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/precedence");
    let private = tempfile::tempdir().unwrap();
    let out = private.path().join("out.json");
    let output = Command::new(env!("CARGO_BIN_EXE_vent"))
        .current_dir(&folder)
        .args(["run", "-i", "inventory", "site.yml", "-e"])
        .arg(format!("out={}", out.display()))
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{error}");
    serde_json::from_str(&std::fs::read_to_string(out).unwrap()).unwrap()
}

fn expected(name: &str) -> serde_json::Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/precedence")
        .join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn variables_win_over_each_other_as_in_ansible() {
    assert_eq!(run(&[]), expected("expected.json"));
}

#[test]
fn what_the_command_line_says_wins_over_all() {
    assert_eq!(run(&["-e", "@extra.json"]), expected("expected-extra.json"));
}
