//! Modules that Vent does not have: those of Python's through ansible-core, which `tests/ansible/install.sh` installs, and those in
//! other languages, which need nothing.

mod genuine;
mod hosts;
mod inventories;
mod plugins;
mod programs;
mod python;

use crate::ansible::installed;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A project in a folder of its own, with a cache and a home of its own.
struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    /// A project of these files; those that begin with `#!` may be run. FOLDER stands for the folder.
    fn new(files: &[(&str, &str)]) -> Project {
        let project = Project {
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir(project.path("home")).unwrap();
        for (name, text) in files {
            project.write(name, text);
        }
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let folder = self.folder.path().display().to_string();
        std::fs::write(&path, text.replace("FOLDER", &folder)).unwrap();
        if text.starts_with("#!") {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
    }

    /// A program that sees neither the user's settings nor, unless `path` names them, Ansible and its Python.
    fn program(&self, program: &Path, path: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path())
            .env("PATH", path)
            .env("HOME", self.path("home"))
            .env("VENT_CACHE", self.path("cache"))
            .env("ANSIBLE_HOME", self.path("home/.ansible"))
            .env("ANSIBLE_REMOTE_TMP", self.path("tmp"))
            .env("ANSIBLE_COLLECTIONS_PATH", installed_or_none(path))
            .env_remove("ANSIBLE_CONFIG")
            .env_remove("VENT_ANSIBLE_PYTHON");
        command
    }

    /// `vent` where there is no Python at all.
    fn bare(&self, arguments: &[&str]) -> Said {
        let bin = self.path("bin");
        if !bin.exists() {
            std::fs::create_dir(&bin).unwrap();
            for name in TOOLS {
                let found = ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(name));
                let found = found.iter().find(|path| path.exists()).unwrap();
                std::os::unix::fs::symlink(found, bin.join(name)).unwrap();
            }
        }
        let mut command = self.program(Path::new(env!("CARGO_BIN_EXE_vent")), bin.to_str().unwrap());
        Said::of(&command.args(arguments).output().unwrap())
    }

    /// `vent` with ansible-core.
    fn vent(&self, arguments: &[&str]) -> Said {
        let mut command = self.program(Path::new(env!("CARGO_BIN_EXE_vent")), &with_ansible());
        Said::of(&command.args(arguments).output().unwrap())
    }

    /// The genuine program on the same playbook.
    fn ansible(&self, arguments: &[&str]) -> Said {
        let program = installed().join("venv/bin/ansible-playbook");
        Said::of(
            &self
                .program(&program, &with_ansible())
                .args(arguments)
                .output()
                .unwrap(),
        )
    }
}

/// What a shell of Vent's on this computer calls.
const TOOLS: [&str; 27] = [
    "sh",
    "env",
    "setsid",
    "cat",
    "id",
    "mkdir",
    "find",
    "sha256sum",
    "mktemp",
    "rm",
    "chmod",
    "mv",
    "head",
    "stat",
    "dd",
    "sync",
    "timeout",
    "wc",
    "tr",
    "cp",
    "ls",
    "sleep",
    "perl",
    "sed",
    "date",
    "touch",
    "kill",
];

/// The search path with the installed Ansible before everything else.
fn with_ansible() -> String {
    let programs = installed().join("venv/bin");
    format!("{}:{}", programs.display(), std::env::var("PATH").unwrap())
}

/// Where collections lie, for a search path with Ansible.
fn installed_or_none(path: &str) -> PathBuf {
    match path.contains("venv") {
        true => installed().to_path_buf(),
        false => PathBuf::from("/nowhere"),
    }
}

/// What a command said, standard error first, and its exit code.
struct Said {
    text: String,
    code: i32,
}

impl Said {
    fn of(output: &Output) -> Said {
        let text = [&output.stderr, &output.stdout].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        Said {
            text: text.concat(),
            code: output.status.code().unwrap(),
        }
    }

    fn holds(&self, all: &[&str]) -> &Said {
        for part in all {
            assert!(self.text.contains(part), "no `{part}` in: {}", self.text);
        }
        self
    }

    fn lacks(&self, part: &str) -> &Said {
        assert!(!self.text.contains(part), "`{part}` in: {}", self.text);
        self
    }

    fn ended(&self, code: i32) -> &Said {
        assert_eq!(self.code, code, "{}", self.text);
        self
    }
}

const PLAY: &str = "- hosts: localhost\n  gather_facts: false\n  tasks:\n";

/// Waits until a process has ended, for twenty seconds at most. One that nobody has asked for its end yet has ended.
fn assert_ends(pid: &str) {
    let began = std::time::Instant::now();
    let goes_on = || {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat"));
        state.is_ok_and(|state| !state.rsplit(") ").next().unwrap_or("").starts_with('Z'))
    };
    while goes_on() {
        assert!(began.elapsed().as_secs() < 20, "{pid} goes on");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}
