//! Hosts that are reached over SSH: an sshd each, with a `/var/lib/vent` of its own.

use crate::ssh_server::{Server, run, signal};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// A folder with playbooks and an inventory of hosts.
pub struct Lab {
    folder: tempfile::TempDir,
    /// The hosts in the order of their names.
    pub servers: Vec<Server>,
}

impl Lab {
    /// One host for every name; names joined by `=` are names of the same host.
    pub fn new(names: &[&str]) -> Lab {
        let folder = tempfile::tempdir().unwrap();
        let mut text = String::from("all:\n  hosts:\n");
        let mut servers = vec![];
        for same in names {
            let server = Server::apart("");
            server.target();
            for name in same.split('=') {
                text.push_str(&format!(
                    "    {name}:\n      ansible_host: 127.0.0.1\n      ansible_port: {}\n      ansible_user: root\n      \
                     ansible_ssh_private_key_file: {}\n      \
                     ansible_ssh_common_args: -o UserKnownHostsFile={}\n",
                    server.port,
                    server.path("key").display(),
                    server.path("known_hosts").display(),
                ));
            }
            servers.push(server);
        }
        std::fs::write(folder.path().join("hosts.yml"), text).unwrap();
        Lab { folder, servers }
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a playbook in which FOLDER stands for the folder.
    pub fn playbook(&self, name: &str, text: &str) {
        let folder = self.folder.path().display().to_string();
        std::fs::write(self.path(name), text.replace("FOLDER", &folder)).unwrap();
    }

    /// `vent run` that goes on beside the test.
    pub fn start(&self, arguments: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_vent"))
            .current_dir(self.folder.path())
            .args(["run", "-i", "hosts.yml"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// `vent run` to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.start(arguments).wait_with_output().unwrap()
    }

    /// A run that logs in as an account.
    pub fn run_as(&self, account: &str, more: &[&str]) -> Child {
        let user = format!("ansible_user={account}");
        self.start(&[&["site.yml", "-e", &user], more].concat())
    }

    /// A folder in which every account of the host may write.
    pub fn open(&self) -> String {
        let path = self.path("open");
        std::fs::create_dir_all(&path).unwrap();
        for (path, mode) in [(path.parent().unwrap(), 0o755), (&path, 0o777)] {
            std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        }
        path.display().to_string()
    }

    /// Waits until a file of the folder is there.
    pub fn wait_for(&self, name: &str) {
        while !self.path(name).exists() {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What a script prints that sees `/var/lib/vent` as the sessions of the first host do.
    pub fn inside(&self, script: &str) -> String {
        let server = self.servers[0].process().to_string();
        run("nsenter", &["--mount", "--target", &server, "sh", "-c", script])
    }

    /// Ends the commands of the first host that a killed run left sleeping.
    pub fn kill_sleepers(&self) {
        let folder = self.folder.path().display().to_string();
        let out = Command::new("pgrep").args(["-f", &folder]).output().unwrap();
        for process in String::from_utf8_lossy(&out.stdout).lines() {
            signal("KILL", process.parse().unwrap());
        }
    }

    /// A file of the folder; empty if it is not there.
    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }
}

/// What a run printed, if it ended well.
pub fn printed(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    text
}
