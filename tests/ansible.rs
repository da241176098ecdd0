//! Ansible itself and the shipped playbooks. What is needed is installed from PyPI by `tests/ansible/install.sh`; `.ci/run` runs
//! these tests, which need no machines.

mod engines;
mod random;
mod reading;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The folder of the project.
fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder with everything installed.
pub fn installed() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let script = project().join("tests/ansible/install.sh");
        PathBuf::from(output(&mut Command::new(script)).trim())
    })
}

/// A program of Ansible's, which sees the installed collections and nothing of the user's own settings.
fn ansible(program: &str) -> Command {
    let folder = installed();
    let programs = folder.join("venv/bin");
    let mut command = Command::new(programs.join(program));
    let path = std::env::var("PATH").unwrap();
    command
        .env("PATH", format!("{}:{path}", programs.display()))
        .env("ANSIBLE_CONFIG", project().join("tests/ansible/ansible.cfg"))
        .env("ANSIBLE_HOME", folder.join("home"))
        .env("ANSIBLE_COLLECTIONS_PATH", folder)
        .env("ANSIBLE_PYTHON_INTERPRETER", programs.join("python3"));
    command
}

/// Runs a command that must succeed; what it printed.
fn output(command: &mut Command) -> String {
    let done = command.output().unwrap();
    let told = String::from_utf8_lossy(&done.stderr);
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{command:?}\n{text}\n{told}");
    text
}

/// The shipped playbooks, in the order of their names.
fn playbooks() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(project().join("playbooks")).unwrap();
    let mut all: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yml"))
        .collect();
    all.sort();
    all
}
