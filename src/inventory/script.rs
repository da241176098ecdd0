//! Programs as inventories: they print JSON when called with `--list`.

use super::builder::Builder;
use crate::error::{Error, Result};
use crate::model::Placed;
use crate::source::{Place, Source};
use crate::value::Value;
use serde_json::Value as Json;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// True if the file is a program: it may be executed, and begins like a script or an ELF binary.
pub(super) fn is_program(path: &Path) -> bool {
    let executable = path
        .metadata()
        .is_ok_and(|data| data.permissions().mode() & 0o111 != 0);
    let mut start = [0; 4];
    let read = std::fs::File::open(path)
        .and_then(|mut file| file.read(&mut start))
        .unwrap_or(0);
    executable && (start[..read].starts_with(b"#!") || start[..read] == *b"\x7fELF")
}

/// Runs the program and takes over its hosts and groups.
pub(super) fn read(path: &Path, builder: &mut Builder) -> Result<()> {
    let (list, place) = run(path, &["--list"], builder)?;
    let mut seen = vec![];
    for (group, content) in list.as_object().into_iter().flatten() {
        if group == "_meta" {
            continue;
        }
        builder.add_group(group);
        let hosts = content.get("hosts").unwrap_or(content);
        for host in texts(hosts) {
            builder.add_host(host, group, Some(&place));
            seen.push(host.to_string());
        }
        for (name, value) in content
            .get("vars")
            .and_then(Json::as_object)
            .into_iter()
            .flatten()
        {
            builder.set_group_variable(group, name, Placed::new(trusted(value), &place))?;
        }
        for child in texts(content.get("children").unwrap_or(&Json::Null)) {
            builder.add_child(group, child, Some(&place))?;
        }
    }
    match list.pointer("/_meta/hostvars").and_then(Json::as_object) {
        Some(all) => {
            for (host, variables) in all {
                take_over(host, variables, &place, builder);
            }
        }
        None => {
            for host in seen {
                let (variables, place) = run(path, &["--host", &host], builder)?;
                take_over(&host, &variables, &place, builder);
            }
        }
    }
    Ok(())
}

fn take_over(host: &str, variables: &Json, place: &Place, builder: &mut Builder) {
    for (name, value) in variables.as_object().into_iter().flatten() {
        builder.set_host_variable(host, name, Placed::new(trusted(value), place));
    }
}

fn texts(list: &Json) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Json::as_str)
}

/// The user's own program is trusted as the user's own files are.
fn trusted(value: &Json) -> Value {
    match value {
        Json::String(text) => Value::trusted(text, None),
        Json::Array(items) => Value::list(items.iter().map(trusted)),
        Json::Object(entries) => Value::map(entries.iter().map(|(key, value)| (key, trusted(value)))),
        other => other.clone().into(),
    }
}

fn run(path: &Path, arguments: &[&str], builder: &mut Builder) -> Result<(Json, Place)> {
    let shown = format!("{} {}", path.display(), arguments.join(" "));
    let failed = || Error::new(format!("the inventory program `{shown}` failed"));
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let output = Command::new(absolute)
        .args(arguments)
        .output()
        .map_err(|error| failed().cause(error))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(failed().cause(output.status).cause(complaint.trim()));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let source = Source::named(&shown, text);
    if !complaint.trim().is_empty() {
        builder.note(format!(
            "the inventory program `{shown}` says: {}",
            complaint.trim()
        ));
    }
    let json = serde_json::from_str::<Json>(&source.text).map_err(|error| {
        Error::new(format!("the inventory program `{shown}` does not print JSON")).cause(error)
    })?;
    if !json.is_object() {
        return Err(Error::new(format!(
            "the inventory program `{shown}` prints no JSON object"
        )));
    }
    Ok((json, Place::new(&source, 0..0)))
}
