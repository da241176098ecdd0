//! Vent and Ansible, one after the other, on the same keys, certificates and kubeconfigs: what one has made, the other finds done.

use super::{ansible, output, project};
use std::path::{Path, PathBuf};
use std::process::Command;

/// From the certificates to the kubeconfigs, and the key that stands between them and etcd.
const STEPS: [&str; 3] = [
    "playbooks/03-certificates.yml",
    "playbooks/04-kubeconfigs.yml",
    "playbooks/05-encryption-key.yml",
];

/// Machines that no step may call: all of this happens on this computer.
const HOSTS: &str = "\
all:
  vars:
    ansible_connection: local
  children:
    controllers:
      hosts:
        controller-0: {ansible_host: 192.0.2.10, private_ipv4: 198.51.100.10}
    workers:
      hosts:
        worker-0: {ansible_host: 192.0.2.20, private_ipv4: 198.51.100.20, container_runtime: crio}
";

/// A copy of the shipped playbooks with an inventory of its own, and what `vent inventory --export` makes of it.
struct Trial {
    folder: tempfile::TempDir,
    exported: PathBuf,
}

impl Trial {
    fn new() -> Trial {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("project");
        std::fs::create_dir_all(root.join("inventory")).unwrap();
        for part in ["playbooks", "templates", "inventory/group_vars"] {
            let copied = Command::new("cp")
                .arg("--recursive")
                .args([project().join(part), root.join(part)])
                .status();
            assert!(copied.unwrap().success());
        }
        std::fs::write(root.join("inventory/hosts.yml"), HOSTS).unwrap();
        // It lies in a folder of its own, so that Ansible sees no group_vars beside it.
        let exported = folder.path().join("exported.yml");
        let trial = Trial { folder, exported };
        let text = output(
            trial
                .vent()
                .args(["inventory", "-i", "inventory/hosts.yml", "--export"]),
        );
        std::fs::write(&trial.exported, text).unwrap();
        trial
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    fn vent(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vent"));
        command.current_dir(self.root());
        command
    }

    /// The lines of the recap, of all steps.
    fn run_vent(&self) -> Vec<String> {
        let run = |step| {
            output(
                self.vent()
                    .args(["run", "-i", "inventory/hosts.yml", "--no-needs", step]),
            )
        };
        STEPS.into_iter().flat_map(|step| recap(&run(step))).collect()
    }

    fn run_ansible(&self) -> Vec<String> {
        recap(&output(
            ansible("ansible-playbook")
                .current_dir(self.root())
                .arg("--inventory")
                .arg(&self.exported)
                .args(STEPS),
        ))
    }

    /// Path and digest of every file that the steps made.
    fn made(&self) -> String {
        let list = "find . -type f -exec sha256sum {} + | sort --key=2 && find . -printf '%p %m\\n' | sort";
        let folder = self.root().join(".vent");
        output(Command::new("sh").args(["-c", list]).current_dir(folder))
    }
}

fn recap(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| line.contains(" changed="));
    lines.map(str::to_string).collect()
}

/// True if every host was there, and nothing changed on any.
fn nothing_changed(recap: &[String]) -> bool {
    let has = |host: &str| recap.iter().any(|line| line.starts_with(host));
    ["controller-0", "worker-0", "localhost"].into_iter().all(has)
        && recap
            .iter()
            .all(|line| line.contains(" changed=0 ") && line.contains(" failed=0 "))
}

fn keys_are_pkcs8(root: &Path) {
    let pki = root.join(".vent/vent/pki");
    let keys: Vec<_> = std::fs::read_dir(pki)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with("-key.pem"))
        .collect();
    assert!(keys.len() > 10, "{keys:?}");
    for key in keys {
        let text = std::fs::read_to_string(&key).unwrap();
        assert!(text.starts_with("-----BEGIN PRIVATE KEY-----\n"), "{key:?}");
    }
}

#[test]
#[ignore = "needs Ansible: tests/ansible/install.sh brings it from PyPI"]
fn ansible_finds_done_what_vent_has_made() {
    let trial = Trial::new();
    let first = trial.run_vent();
    assert!(!nothing_changed(&first), "{first:#?}");
    keys_are_pkcs8(&trial.root());
    let made = trial.made();
    let second = trial.run_ansible();
    assert!(nothing_changed(&second), "{second:#?}");
    assert_eq!(trial.made(), made);
}

#[test]
#[ignore = "needs Ansible: tests/ansible/install.sh brings it from PyPI"]
fn vent_finds_done_what_ansible_has_made() {
    let trial = Trial::new();
    let first = trial.run_ansible();
    assert!(!nothing_changed(&first), "{first:#?}");
    keys_are_pkcs8(&trial.root());
    let made = trial.made();
    let second = trial.run_vent();
    assert!(nothing_changed(&second), "{second:#?}");
    assert_eq!(trial.made(), made);
}
