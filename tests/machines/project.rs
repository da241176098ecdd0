//! A user's project: an inventory file, the shipped playbooks, the program.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

pub struct Project {
    folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

/// How a run of the program ended.
pub struct Ran {
    pub code: Option<i32>,
    pub text: String,
}

impl Ran {
    pub fn well(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.text);
        self.text
    }
}

impl Project {
    /// A project whose `inventory/cloud.yml` is `inventory`, with variables for the environment.
    pub fn new(inventory: &str, variables: &[(&str, String)]) -> Project {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        std::fs::create_dir(at.join("inventory")).unwrap();
        std::fs::write(at.join("inventory/cloud.yml"), inventory).unwrap();
        std::os::unix::fs::symlink(root().join("playbooks"), at.join("playbooks")).unwrap();
        Project {
            variables: variables
                .iter()
                .map(|(name, value)| (name.to_string(), value.clone()))
                .collect(),
            folder,
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The names and the contents of the files in a folder.
    pub fn files(&self, folder: &str) -> Vec<(String, String)> {
        let entries = std::fs::read_dir(self.path(folder)).unwrap();
        let read = |entry: std::fs::DirEntry| {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            (entry.file_name().into_string().unwrap(), text)
        };
        entries.map(|entry| read(entry.unwrap())).collect()
    }

    /// Writes the inventory anew.
    pub fn write(&self, inventory: &str) {
        std::fs::write(self.path("inventory/cloud.yml"), inventory).unwrap();
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vent"));
        command
            .args(words)
            .args(["-i", "inventory/cloud.yml"])
            .current_dir(self.folder.path())
            .env("XDG_STATE_HOME", self.path("state"))
            .env_remove("ANSIBLE_CONFIG")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts the program.
    pub fn start(&self, words: &[&str]) -> Child {
        self.command(words).spawn().unwrap()
    }

    /// Runs the program to its end.
    pub fn run(&self, words: &[&str]) -> Ran {
        ran(self.command(words).output().unwrap())
    }
}

pub fn ran(output: Output) -> Ran {
    let text = [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .concat();
    Ran {
        code: output.status.code(),
        text,
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
