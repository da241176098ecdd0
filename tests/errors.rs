//! Every error as a user sees it, letter by letter: one folder per case below `tests/errors`.
//!
//! A case is a folder with the files of a project, `command` (a line for the shell, `vent run site.yml` if it is
//! missing) and `expected.txt`: what the command prints and its exit code. Cases whose `prepare` is a script for the
//! shell run it first, in the folder. Each runs in a copy of its folder, with `vent` on the path and PROJECT (the folder of
//! Vent's own playbooks) in the environment. Cases with a file `needs-root` find there also PORT, KEY and KNOWN_HOSTS of a
//! running sshd that lets root in, and FULL (a file system without room).
//!
//! After a change that was meant: `VENT_REWRITE=1 cargo test errors:: -- --include-ignored`, then read the difference.

use crate::ssh_server::{self, Server};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the cases that need root share.
struct World {
    server: Server,
    full: Full,
}

impl World {
    /// Variables for a case, with what stands for their values in what is printed.
    fn variables(&self) -> Vec<(&'static str, String)> {
        let key = self.server.path("key");
        vec![
            ("KEY", key.display().to_string()),
            (
                "KNOWN_HOSTS",
                self.server.target().known_hosts[0].display().to_string(),
            ),
            ("FULL", self.full.0.path().display().to_string()),
            (
                "FINGERPRINT_OF_KEY",
                ssh_server::fingerprint(&key.with_extension("pub")),
            ),
            (
                "FINGERPRINT_OF_HOST",
                ssh_server::fingerprint(&self.server.path("host.pub")),
            ),
            ("PORT", self.server.port.to_string()),
        ]
    }
}

/// A file system that has no room left; gone when it is dropped.
struct Full(tempfile::TempDir);

impl Full {
    fn mount() -> Full {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        ssh_server::run("mount", &["-t", "tmpfs", "-o", "size=64k,mode=755", "full", path]);
        let _ = std::fs::write(folder.path().join("filling"), vec![0; 1 << 20]);
        Full(folder)
    }
}

impl Drop for Full {
    fn drop(&mut self) {
        ssh_server::run("umount", &[self.0.path().to_str().unwrap()]);
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

/// What a case prints, with what differs from one run to the next replaced by its name in capitals.
fn outcome(case: &Path, programs: &Path, world: Option<&World>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    copy(case, folder);
    let command = std::fs::read_to_string(case.join("command"));
    let command = command.unwrap_or_else(|_| "vent run site.yml".into());
    let prepare = std::fs::read_to_string(case.join("prepare")).unwrap_or_default();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let variables = world.map(World::variables).unwrap_or_default();
    let output = Command::new("sh")
        .args([
            "-c",
            &format!("set -e\n{prepare}\nset +e\nexec 2>&1\n{}", command.trim_end()),
        ])
        .current_dir(folder)
        .env("PATH", path)
        .env("HOME", folder.join(".home"))
        .env("XDG_STATE_HOME", folder.join(".state"))
        .env("XDG_CACHE_HOME", folder.join(".cache"))
        .envs(variables.iter().map(|(name, value)| (*name, value)))
        .env("PROJECT", env!("CARGO_MANIFEST_DIR"))
        .env_remove("VENT_MIRROR")
        .env_remove("VENT_CACHE")
        .env_remove("SSH_AUTH_SOCK")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    let mut names = vec![
        (folder.display().to_string(), "FOLDER"),
        (env!("CARGO_MANIFEST_DIR").to_string(), "PROJECT"),
    ];
    if world.is_none() {
        names.push((format!(" {}@", ssh_server::run("id", &["-un"]).trim()), " USER@"));
    }
    let found = variables.into_iter().map(|(name, value)| (value, name));
    for (found, name) in names.into_iter().chain(found).chain([(kernel(), "KERNEL")]) {
        text = text.replace(&found, name);
    }
    // How long a task took is shown from one second on.
    let times = fancy_regex::Regex::new(r"(?m)^\d+\.\d s$").unwrap();
    let text = times.replace_all(&text, "N s").into_owned();
    let times = fancy_regex::Regex::new(r"(?m) \d+\.\d s$").unwrap();
    let text = times.replace_all(&text, "").into_owned();
    let others = fancy_regex::Regex::new("SHA256:[A-Za-z0-9+/]{43}").unwrap();
    let text = others.replace_all(&text, "FINGERPRINT").into_owned();
    format!("{text}exit code {}\n", output.status.code().unwrap_or(-1))
}

fn difference(expected: &str, shown: &str) -> String {
    let same = expected.lines().zip(shown.lines()).take_while(|(a, b)| a == b);
    let first = same.count() + 1;
    format!("differs from line {first} on; all that was shown:\n{shown}")
}

fn kernel() -> String {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease");
    release.unwrap_or_default().trim().to_string()
}

/// Compares the cases that need root, with a world, or the others.
fn compare(world: Option<&World>) {
    let programs = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_vent"), programs.path().join("vent")).unwrap();
    let rewrite = std::env::var_os("VENT_REWRITE").is_some();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors");
    let entries = std::fs::read_dir(&root).unwrap();
    let mut cases: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    cases.retain(|case| case.is_dir() && case.join("needs-root").exists() == world.is_some());
    cases.sort();
    let mut wrong = vec![];
    for case in &cases {
        let shown = outcome(case, programs.path(), world);
        let written = case.join("expected.txt");
        let expected = std::fs::read_to_string(&written).unwrap_or_default();
        if shown == expected {
            continue;
        }
        if rewrite {
            std::fs::write(&written, shown).unwrap();
            continue;
        }
        let name = case.file_name().unwrap().to_string_lossy();
        wrong.push(format!("{name}/expected.txt {}", difference(&expected, &shown)));
    }
    println!("{} cases", cases.len());
    assert!(
        wrong.is_empty(),
        "{}\n{} of {} cases differ; if that is meant: VENT_REWRITE=1 cargo test errors:: -- --include-ignored",
        wrong.join("\n"),
        wrong.len(),
        cases.len()
    );
}

#[test]
fn every_error_is_shown_as_it_was_written_down() {
    compare(None);
}

#[test]
#[ignore = "needs root: mounts, makes users, and logs in at an sshd"]
fn every_error_of_hosts_and_disks_is_shown_as_it_was_written_down() {
    // Mounted first, so that the server sees it.
    let full = Full::mount();
    let server = Server::apart("");
    compare(Some(&World { server, full }));
}
