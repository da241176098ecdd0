//! Machines and the folder of a cluster: those that `vent run playbooks/all.yml` made, or some of the test's own.

use super::events::Run;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// The program that is tested: the one named by `VENT`, so that a release need not be built twice, or the one built with the test.
fn program() -> PathBuf {
    std::env::var_os("VENT").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_vent")), PathBuf::from)
}

/// Where vent finds its machines, and what it keeps about them on this computer.
pub struct Cluster {
    /// The folder with the inventory, if it is not the project's own.
    inventory: Option<TempDir>,
    /// Ends the lab, and removes the cluster's folder, with the value.
    own: Option<TempDir>,
    name: String,
}

impl Cluster {
    /// What the README's first command has made.
    pub fn of_the_project() -> Cluster {
        Cluster {
            inventory: None,
            own: None,
            name: "vent".into(),
        }
    }

    /// The project's own cluster with more nodes in its inventory.
    pub fn with_nodes(nodes: &str) -> Cluster {
        let own = std::fs::read_to_string("inventory/lab.yml").unwrap();
        Cluster {
            inventory: Some(inventory("lab.yml", &format!("{own}\n{nodes}"))),
            own: None,
            name: "vent".into(),
        }
    }

    /// A lab and a cluster of the test's own, which are gone with the value.
    pub fn trial(name: &str, nodes: &str) -> Cluster {
        let text = format!("plugin: lab\nname: {name}\nmemory: 3G\nnodes:\n{nodes}");
        let cluster = Cluster {
            inventory: Some(inventory("lab.yml", &text)),
            own: Some(tempfile::tempdir_in("/var/tmp").unwrap()),
            name: name.into(),
        };
        cluster.lab(&["up"]);
        cluster
    }

    /// Hosts that are this computer under other names: enough for what happens on this computer alone.
    pub fn without_machines(name: &str, hosts: &str) -> Cluster {
        let _ = std::fs::remove_dir_all(format!(".vent/{name}"));
        Cluster {
            inventory: Some(inventory("hosts.ini", hosts)),
            own: Some(tempfile::tempdir().unwrap()),
            name: name.into(),
        }
    }

    /// What this computer keeps of the cluster.
    pub fn folder(&self) -> PathBuf {
        Path::new(".vent").join(&self.name)
    }

    /// Where the lab lies.
    pub fn state(&self) -> PathBuf {
        match &self.own {
            Some(own) => own.path().to_path_buf(),
            None => std::env::var_os("VENT_STATE").map_or_else(
                || Path::new(&std::env::var_os("HOME").unwrap()).join(".local/state/vent"),
                PathBuf::from,
            ),
        }
    }

    /// Where all folders of a node lie.
    pub fn disk(&self, node: &str) -> PathBuf {
        self.state().join("lab").join(&self.name).join("nodes").join(node)
    }

    /// All that was changed on a node since it was made.
    pub fn upper(&self, node: &str) -> PathBuf {
        self.disk(node).join("upper")
    }

    /// `vent` with these arguments and the inventory.
    pub fn vent(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(arguments).env("VENT_STATE", self.state());
        if let Some(folder) = &self.inventory {
            let file = ["lab.yml", "hosts.ini"].map(|name| folder.path().join(name));
            command
                .arg("-i")
                .arg(file.iter().find(|file| file.is_file()).unwrap());
        }
        command
    }

    /// `vent run` of a playbook of the project.
    pub fn playbook(&self, playbook: &str, more: &[&str]) -> Command {
        let path = format!("playbooks/{playbook}.yml");
        let name = format!("cluster_name={}", self.name);
        let mut command = self.vent(&["run", &path, "--output", "json"]);
        command.args(more).args(["-e", &name]);
        command
    }

    /// Runs a playbook to its end.
    pub fn run(&self, playbook: &str, more: &[&str]) -> Run {
        let run = Run::of(&self.playbook(playbook, more).output().unwrap());
        println!("{playbook} {}: {:.1} s", more.join(" "), run.seconds());
        run
    }

    /// Runs a playbook and kills vent when it says that the task of this number begins. True if it came to that.
    pub fn kill_at(&self, playbook: &str, more: &[&str], number: usize) -> bool {
        let mut command = self.playbook(playbook, more);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut begun = lines
            .map_while(Result::ok)
            .filter(|line| line.contains(r#""event":"host_started""#));
        let reached = begun.nth(number.saturating_sub(1)).is_some();
        child.kill().unwrap();
        child.wait().unwrap();
        reached
    }

    /// Runs `vent lab`; it must succeed.
    pub fn lab(&self, arguments: &[&str]) -> Output {
        let mut line = vec!["lab"];
        line.extend(arguments);
        let output = self.vent(&line).output().unwrap();
        assert!(
            output.status.success(),
            "{line:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output
    }

    /// What a script says on a node.
    pub fn on(&self, node: &str, script: &str) -> String {
        let mut command = self.vent(&["lab", "ssh"]);
        let output = command.args([node, "--", script]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The inventory of the test's own, with variables from elsewhere.
    pub fn inventory_with(&self, variables: &Path) -> TempDir {
        let own = self.inventory.as_ref().unwrap().path().join("lab.yml");
        inventory_of("lab.yml", &std::fs::read_to_string(own).unwrap(), variables)
    }

    /// The address of a node in the public network of the lab, and in the private one.
    pub fn addresses(&self, node: &str) -> [String; 2] {
        ["host0", "priv0"].map(|interface| {
            let script = format!("ip -oneline -4 address show dev {interface} | awk '{{print $4}}'");
            let said = self.on(node, &script);
            said.split('/').next().unwrap().to_string()
        })
    }

    /// What the API server says.
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        let kubeconfig = self.folder().join("kubeconfigs/admin.kubeconfig");
        let output = Command::new(self.folder().join("bin/kubectl"))
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .args(arguments)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.own.is_none() {
            return;
        }
        if self.state().join("lab").is_dir() {
            let _ = self.vent(&["lab", "down"]).output();
        }
        let _ = std::fs::remove_dir_all(self.folder());
    }
}

/// A folder with an inventory that sees the project's variables.
fn inventory(name: &str, text: &str) -> TempDir {
    inventory_of(name, text, Path::new("inventory/group_vars"))
}

fn inventory_of(name: &str, text: &str, variables: &Path) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), text).unwrap();
    let variables = std::fs::canonicalize(variables).unwrap();
    std::os::unix::fs::symlink(variables, folder.path().join("group_vars")).unwrap();
    folder
}
