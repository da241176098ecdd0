//! Folders of a host: names that mean something to programs, modes of all that is in them, archives, links. Each with the
//! programs of this computer and with those of busybox.

mod links;
mod members;
mod modes;
mod names;

use super::playbook;
use std::ffi::OsStr;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the programs of hosts come from: this computer's, and busybox's before them.
fn programs() -> Vec<Option<tempfile::TempDir>> {
    let busybox = Path::new("/usr/bin/busybox");
    let busybox = if busybox.exists() {
        busybox
    } else {
        Path::new("/bin/busybox")
    };
    let mut all = vec![None];
    if busybox.exists() {
        let folder = tempfile::tempdir().unwrap();
        for name in "sh find stat sort chmod chown chgrp xargs tr wc readlink head cut sed cat rm mv rmdir ls"
            .split(' ')
        {
            symlink(busybox, folder.path().join(name)).unwrap();
        }
        all.push(Some(folder));
    }
    all
}

/// Runs the playbook of a folder; its exit code and what it told.
fn run(folder: &Path, programs: Option<&tempfile::TempDir>) -> (Option<i32>, String) {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(programs) = programs {
        path = [programs.path().as_os_str(), OsStr::new(":"), &path]
            .into_iter()
            .collect();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_vent"))
        .current_dir(folder)
        .env("PATH", path)
        .args(["run", "site.yml"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (
        output.status.code(),
        text + &String::from_utf8_lossy(&output.stderr),
    )
}

fn site(tasks: &str) -> tempfile::TempDir {
    playbook(&format!(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n{tasks}"
    ))
}

fn mode(path: impl AsRef<Path>) -> u32 {
    std::fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn make(path: impl AsRef<Path>, content: &str, mode: u32) -> PathBuf {
    let path = path.as_ref().to_path_buf();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, content).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}
