//! Accounts and groups that a killed program has written to one file and not to the other.

use super::{playbook, vent};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What mends the files of secrets mends all lines of them, so one test works on them at a time.
static FILES: Mutex<()> = Mutex::new(());

/// An account whose lines in the files of secrets are missing, and its home too; gone when it is dropped.
struct HalfMade {
    name: &'static str,
    _files: MutexGuard<'static, ()>,
}

impl HalfMade {
    fn new(name: &'static str) -> HalfMade {
        let files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
        let made = Command::new("useradd").args(["-M", "-U", name]).status().unwrap();
        assert!(made.success());
        edit("vipw", &format!("/^{name}:/d"));
        edit("vigr", &format!("/^{name}:/d"));
        HalfMade { name, _files: files }
    }
}

/// Edits a file of secrets by a program that takes the lock others wait for, and sees by its time that a file was changed.
fn edit(program: &str, expression: &str) {
    let editor = format!("sh -c 'sed -i {expression} \"$1\"; touch -d @1 \"$1\"' sh");
    let mut edited = Command::new(program);
    edited.args(["-s", "-q"]).env("EDITOR", editor);
    assert!(edited.output().unwrap().status.success());
}

impl Drop for HalfMade {
    fn drop(&mut self) {
        let _ = Command::new("userdel").args(["-r", "-f", self.name]).output();
        let _ = Command::new("groupdel").arg(self.name).output();
    }
}

fn line_in(file: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(format!("/etc/{file}")).unwrap();
    let mut lines = text.lines();
    let line = lines.find(|line| line.starts_with(&format!("{name}:")));
    line.map(str::to_string)
}

/// Runs the tasks on this computer and holds what the recap says against a text.
fn said(folder: &Path, recap: &str) {
    let output = vent(folder, &["run", "site.yml"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains(recap), "{text}");
}

#[test]
#[ignore = "needs root: makes an account"]
fn what_a_killed_useradd_has_left_undone_is_done() {
    const NAME: &str = "vent-half-made";
    let stands_in = |file: &str| line_in(file, NAME).is_some();
    let account = HalfMade::new(NAME);
    let folder = playbook(&format!(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - group: {{name: {NAME}}}\n    - user: {{name: {NAME}}}\n"
    ));
    assert!(!stands_in("shadow") && !stands_in("gshadow"));
    said(folder.path(), "changed=2");
    assert!(stands_in("shadow") && stands_in("gshadow"));
    let home = std::fs::metadata(format!("/home/{NAME}")).unwrap();
    assert_ne!(home.uid(), 0);
    assert_eq!(home.mode() & 0o022, 0);
    let skeleton = std::fs::metadata(format!("/home/{NAME}/.profile")).unwrap();
    assert_eq!(skeleton.uid(), home.uid());
    said(folder.path(), "changed=0");
    drop(account);
}

#[test]
#[ignore = "needs root: makes an account"]
fn a_membership_that_a_killed_usermod_wrote_to_one_file_gets_into_the_other() {
    const NAME: &str = "vent-half-member";
    let account = HalfMade::new(NAME);
    let group = format!("{NAME}-group");
    let of_group = Command::new("groupadd").arg(&group).status().unwrap();
    assert!(of_group.success());
    let tasks = |groups: &str| {
        playbook(&format!(
            "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - user: {{name: {NAME}, groups: [{groups}]}}\n"
        ))
    };
    let [member, alone] = [tasks(&group), tasks("")];
    said(member.path(), "changed=1");
    edit("vigr", &format!("s/^{group}:.*/{group}:!::/"));
    said(member.path(), "changed=1");
    let line = format!("{group}:!::{NAME}");
    assert_eq!(line_in("gshadow", &group).as_deref(), Some(line.as_str()));
    said(member.path(), "changed=0");
    // The other way: no member any more in one file, and still one in the other.
    said(alone.path(), "changed=1");
    edit("vigr", &format!("s/^{group}:.*/{group}:!::{NAME}/"));
    said(alone.path(), "changed=1");
    assert_eq!(line_in("gshadow", &group), Some(format!("{group}:!::")));
    said(alone.path(), "changed=0");
    let removed = Command::new("groupdel").arg(&group).status().unwrap();
    assert!(removed.success());
    drop(account);
}
