//! The engine as users see it: the program on playbooks, here and over SSH.

mod accounts;
mod arguments;
mod bytes;
mod callbacks;
mod debts;
mod distance;
mod explain;
mod failures;
mod folders;
mod fresh;
mod half_made;
mod hostile;
mod interrupted;
mod late;
mod local;
mod locks;
mod patterns;
mod reach;
mod reboot;
mod remote;
mod secrets;
mod stop;
mod writing;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

/// Runs `vent` in a folder.
fn vent(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vent"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

/// A folder with a playbook in which FOLDER stands for the folder.
fn playbook(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("site.yml"),
        text.replace("FOLDER", &folder.path().display().to_string()),
    )
    .unwrap();
    folder
}

type Ended = BTreeMap<(String, String), (String, serde_json::Value)>;

/// (place, item) to (status, digests) of all tasks.
fn events(folder: &Path, more: &[&str]) -> Ended {
    let mut arguments = vec!["run", "site.yml", "--output", "json"];
    arguments.extend(more);
    let output = vent(folder, &arguments);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let ended = lines.filter(|event| event["event"] == "task_ended" || event["event"] == "item_ended");
    ended
        .map(|event| {
            let key = (event["place"].to_string(), event["item"].to_string());
            (
                key,
                (
                    event["status"].as_str().unwrap_or_default().to_string(),
                    event["digests"].clone(),
                ),
            )
        })
        .collect()
}
