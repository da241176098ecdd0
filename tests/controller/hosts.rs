//! Hosts and their names against the controller and against the other hosts.

use super::{ended, playbook};
use std::path::Path;
use std::process::Command;

/// Runs `site.yml` of a folder in at most 3 GB of memory, with the folder as home.
fn run(folder: &Path, path: Option<&Path>) -> (String, i32) {
    let mut command = Command::new("sh");
    let script = "ulimit -v 3000000; exec timeout 60 \"$0\" run site.yml -i hosts";
    command
        .args(["-c", script, env!("CARGO_BIN_EXE_vent")])
        .current_dir(folder)
        .env("HOME", folder);
    if let Some(path) = path {
        let usual = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{usual}", path.display()));
    }
    ended(&command.output().unwrap())
}

#[test]
fn a_host_that_answers_without_end_is_unreachable_and_the_others_go_on() {
    let folder = playbook(
        "- hosts: all\n  gather_facts: false\n  connection: local\n  tasks:\n    - stat: {path: /etc/hosts}\n      when: inventory_hostname == 'a'\n    \
         - command: echo behind it\n      register: said\n    - debug: {var: said.stdout}\n",
    );
    std::fs::write(folder.path().join("hosts"), "a\nb\n").unwrap();
    let bin = folder.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    std::fs::write(bin.join("stat"), "#!/bin/sh\nexec yes\n").unwrap();
    std::fs::set_permissions(
        bin.join("stat"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let (text, code) = run(folder.path(), Some(&bin));
    assert_eq!(code, 4, "{text}");
    assert!(
        text.contains("an answer of a is longer than 16777216 bytes"),
        "{text}"
    );
    assert!(text.contains("behind it"), "{text}");
}
