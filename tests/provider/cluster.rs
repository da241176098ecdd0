//! A cluster whose machines nobody connects to, beside the shipped playbooks.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A cluster of three machines that nobody connects to, beside the shipped playbooks.
pub struct Cluster {
    folder: tempfile::TempDir,
}

impl Cluster {
    pub fn new(more: &str) -> Cluster {
        let folder = tempfile::tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for name in ["playbooks", "templates"] {
            copy(&root.join(name), &folder.path().join(name));
        }
        copy(
            &root.join("inventory/group_vars"),
            &folder.path().join("group_vars"),
        );
        let hosts = "[controllers]\nc0 ansible_host=192.0.2.10 private_ipv4=10.0.0.10\nc1 ansible_host=192.0.2.11 private_ipv4=10.0.0.11\n\
            [workers]\nw0 ansible_host=192.0.2.20 private_ipv4=10.0.0.20\n";
        std::fs::write(folder.path().join("hosts"), hosts).unwrap();
        std::fs::write(
            folder.path().join("more.yml"),
            format!("dns_zone: example.org\nmanagement_cidrs: [192.0.2.0/24]\n{more}"),
        )
        .unwrap();
        Cluster { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A run of a playbook.
    pub fn command(&self, playbook: &str, options: &[&str], url: &str, key: (&str, &str)) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vent"));
        command
            .arg("run")
            .arg(self.path(playbook))
            .arg("-i")
            .arg(self.path("hosts"))
            .arg("-e")
            .arg(format!("@{}", self.path("more.yml").display()))
            .args(["--no-needs", "--diff"])
            .args(options)
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .env("HOME", self.folder.path())
            .env("AWS_ENDPOINT_URL_ROUTE_53", url)
            .env("AWS_ACCESS_KEY_ID", key.0)
            .env("AWS_SECRET_ACCESS_KEY", key.1)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a playbook; its output in plain lines.
    pub fn run(&self, playbook: &str, options: &[&str], url: &str, key: (&str, &str)) -> (bool, String) {
        let done = self.command(playbook, options, url, key).output().unwrap();
        let told = [done.stdout, done.stderr].concat();
        (done.status.success(), String::from_utf8(told).unwrap())
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(std::fs::copy(entry.path(), to).unwrap()),
        }
    }
}
