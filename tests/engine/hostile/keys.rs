//! Keys for SSH that root makes in the home of an account, which puts links in the way.

use super::super::playbook;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::Command;

const NAME: &str = "vent-key-owner";

/// An account with a home below a folder; gone when it is dropped.
struct Account;

impl Account {
    fn new(home: &Path) -> Account {
        let made = Command::new("useradd")
            .args(["-m", "-d"])
            .arg(home)
            .arg(NAME)
            .status()
            .unwrap();
        assert!(made.success());
        Account
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let _ = Command::new("userdel").args(["-r", "-f", NAME]).output();
    }
}

fn run(file: &str) -> (String, bool) {
    run_with(file, "false")
}

fn run_with(file: &str, force: &str) -> (String, bool) {
    let folder = playbook(&format!(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - user: {{name: {NAME}, generate_ssh_key: true, ssh_key_type: ed25519, ssh_key_file: {file}, force: {force}}}\n"
    ));
    let output = Command::new(env!("CARGO_BIN_EXE_vent"))
        .current_dir(folder.path())
        .args(["run", "site.yml"])
        .output()
        .unwrap();
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        output.status.success(),
    )
}

#[test]
#[ignore = "needs root: makes an account"]
fn a_key_is_made_in_no_folder_that_a_link_leads_to() {
    let folder = tempfile::Builder::new().prefix("vent-keys").tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let home = folder.path().join("home");
    let account = Account::new(&home);
    let roots = folder.path().join("roots");
    std::fs::create_dir(&roots).unwrap();
    symlink(&roots, home.join(".ssh")).unwrap();
    let (text, well) = run(".ssh/id");
    assert!(!well && text.contains("became a link to"), "{text}");
    assert_eq!(std::fs::read_dir(&roots).unwrap().count(), 0);
    assert_eq!(roots.metadata().unwrap().uid(), 0);
    std::fs::remove_file(home.join(".ssh")).unwrap();
    // The name of the key leads to a file of root's.
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "root's").unwrap();
    std::fs::create_dir(home.join("keys")).unwrap();
    symlink(folder.path().join("new"), home.join("keys/id")).unwrap();
    let (text, well) = run("keys/id");
    assert!(!well, "{text}");
    assert!(!folder.path().join("new").exists());
    let uid = home.metadata().unwrap().uid();
    for file in [".ssh/id", "a/b/id"] {
        let (text, well) = run(file);
        assert!(well && text.contains("changed=1"), "{text}");
        let key = home.join(file);
        for (path, mode) in [(key.clone(), 0o600), (key.with_extension("pub"), 0o644)] {
            let here = path.metadata().unwrap();
            assert_eq!(
                (here.uid(), here.mode() & 0o777),
                (uid, mode),
                "{}",
                path.display()
            );
        }
        let above = key.parent().unwrap().metadata().unwrap();
        assert_eq!((above.uid(), above.mode() & 0o777), (uid, 0o700));
        assert_eq!(std::fs::read_dir(key.parent().unwrap()).unwrap().count(), 2);
        let (text, _) = run(file);
        assert!(text.contains("changed=0"), "{text}");
    }
    // With `force` a new key takes the place of what is there, and nothing is written through a link.
    let public = home.join(".ssh/id.pub");
    let key = std::fs::read(home.join(".ssh/id")).unwrap();
    std::fs::remove_file(&public).unwrap();
    symlink(&secret, &public).unwrap();
    let (text, well) = run_with(".ssh/id", "true");
    assert!(well && text.contains("changed=1"), "{text}");
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "root's");
    assert!(public.symlink_metadata().unwrap().is_file() && public.metadata().unwrap().uid() == uid);
    assert_ne!(std::fs::read(home.join(".ssh/id")).unwrap(), key);
    drop(account);
}
