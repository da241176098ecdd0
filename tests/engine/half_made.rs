//! Accounts and groups that a killed program has written to one file and not to the other.

use super::{playbook, vent};
use std::os::unix::fs::MetadataExt;
use std::process::Command;

const NAME: &str = "vent-half-made";

/// An account whose lines in the files of secrets are missing, and its home too; gone when it is dropped.
struct HalfMade;

impl HalfMade {
    fn new() -> HalfMade {
        let made = Command::new("useradd").args(["-M", "-U", NAME]).status().unwrap();
        assert!(made.success());
        // These take the lock that other programs wait for, and see by its time that a file was changed.
        for program in ["vipw", "vigr"] {
            let editor = format!("sh -c 'sed -i /^{NAME}:/d \"$1\"; touch -d @1 \"$1\"' sh");
            let mut cut = Command::new(program);
            cut.args(["-s", "-q"]).env("EDITOR", editor);
            assert!(cut.output().unwrap().status.success());
        }
        HalfMade
    }
}

impl Drop for HalfMade {
    fn drop(&mut self) {
        let _ = Command::new("userdel").args(["-r", "-f", NAME]).output();
        let _ = Command::new("groupdel").arg(NAME).output();
    }
}

fn stands_in(file: &str) -> bool {
    let text = std::fs::read_to_string(format!("/etc/{file}")).unwrap();
    text.lines().any(|line| line.starts_with(&format!("{NAME}:")))
}

#[test]
#[ignore = "needs root: makes an account"]
fn what_a_killed_useradd_has_left_undone_is_done() {
    let account = HalfMade::new();
    let folder = playbook(&format!(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - group: {{name: {NAME}}}\n    - user: {{name: {NAME}}}\n"
    ));
    assert!(!stands_in("shadow") && !stands_in("gshadow"));
    let said = |changed: &str| {
        let output = vent(folder.path(), &["run", "site.yml"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains(changed), "{text}");
    };
    said("changed=2");
    assert!(stands_in("shadow") && stands_in("gshadow"));
    let home = std::fs::metadata(format!("/home/{NAME}")).unwrap();
    assert_ne!(home.uid(), 0);
    assert_eq!(home.mode() & 0o022, 0);
    let skeleton = std::fs::metadata(format!("/home/{NAME}/.profile")).unwrap();
    assert_eq!(skeleton.uid(), home.uid());
    said("changed=0");
    drop(account);
}
