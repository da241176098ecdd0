//! Values, hosts and files against the controller: what `docs/security.md` guarantees of each. The program is run as users run it.

mod budgets;
mod faults;
mod hosts;
mod values;

use std::path::Path;
use std::process::{Command, Output};

/// Runs `vent` in a folder.
fn vent(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vent"))
        .current_dir(folder)
        .args(arguments)
        .env("COLUMNS", "200")
        .output()
        .unwrap()
}

/// A folder with a playbook `site.yml`.
fn playbook(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("site.yml"), text).unwrap();
    folder
}

/// What a run printed, and its exit code.
fn ended(output: &Output) -> (String, i32) {
    let text = [&output.stdout[..], &output.stderr].concat();
    (
        String::from_utf8_lossy(&text).into_owned(),
        output.status.code().unwrap_or(-1),
    )
}
