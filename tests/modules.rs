//! Modules by cases: arguments and pretended answers give actions and results (`tests/modules/NAME/*.yml`); what results
//! hold is what the documentation of the modules says; and tasks that are really carried out in a folder of this computer
//! change nothing the second time (`tests/local/*.yml`).

mod carry_out;
mod cases;
mod desk;
mod hostile;
mod pretended;
mod real;
mod returned;
mod run;
mod shown;

use serde_json::Value as Json;
use std::path::{Path, PathBuf};
use vent::source::Source;
use vent::vault::Vault;

/// The YAML files below a folder of the project, in the order of their names.
fn files_of(folder: &str) -> Vec<PathBuf> {
    let mut found = vec![];
    let mut folders = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path),
            }
        }
    }
    found.retain(|path| path.extension().is_some_and(|ending| ending == "yml"));
    found.sort();
    found
}

/// What a YAML file holds, templates as they are written.
fn read(path: &Path, text: &str) -> Json {
    let source = Source::file(path, text.to_string());
    let (node, _) = vent::yaml::parse_one(&source).unwrap_or_else(|errors| panic!("{errors}"));
    let value = node
        .unwrap()
        .value(&Vault::default())
        .unwrap_or_else(|error| panic!("{error}"));
    Json::from(&value)
}

/// The lines `NAME: reason` of a file beside the cases.
fn reasons(name: &str) -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/modules")
        .join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let reasons: Vec<_> = lines
        .map(|line| {
            line.split_once(": ")
                .unwrap_or_else(|| panic!("{name}: `{line}` gives no reason"))
        })
        .map(|(name, reason)| (name.to_string(), reason.to_string()))
        .collect();
    println!("{name}: {} lines", reasons.len());
    reasons
}
