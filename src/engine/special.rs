//! What is done to the run itself: hosts and groups that appear, files of variables, pauses.

use super::host::Host;
use super::play::Context;
use super::result::TaskResult;
use super::scope;
use crate::error::{Error, Result};
use crate::model::{self, Inventory, Placed, Task};
use crate::module::Outcome;
use crate::value::{self, Map, Value};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The modules that the engine does itself, with their arguments.
pub const SPECIAL: &[(&str, &[&str])] = &[
    (
        "add_host",
        &["name", "hostname", "host", "groups", "group", "groupname"],
    ),
    ("async_status", &["jid", "mode"]),
    ("group_by", &["key", "parents"]),
    (
        "include_vars",
        &[
            "file",
            "dir",
            "name",
            "depth",
            "extensions",
            "files_matching",
            "hash_behaviour",
            "ignore_files",
            "ignore_unknown_extensions",
        ],
    ),
    ("meta", &[]),
    ("pause", &["seconds", "minutes", "prompt", "echo"]),
    (
        "reboot",
        &[
            "pre_reboot_delay",
            "post_reboot_delay",
            "reboot_timeout",
            "reboot_timeout_sec",
            "connect_timeout",
            "test_command",
            "msg",
            "search_paths",
            "boot_time_command",
            "reboot_command",
        ],
    ),
    ("vent_machines", super::machines::ARGUMENTS),
];

impl Context {
    /// The result of a module that the engine does itself; `None` for all others.
    ///
    /// # Errors
    /// Wrong arguments, with their place.
    pub(super) async fn special(
        self: &Arc<Context>,
        host: &Arc<Host>,
        task: &Task,
        arguments: &Value,
    ) -> Result<Option<TaskResult>> {
        let outcome = match task.action.short() {
            "add_host" => self.add_host(task, arguments)?,
            "group_by" => self.group_by(host, task, arguments)?,
            "include_vars" => self.include_vars(host, task, arguments)?,
            "pause" => self.pause(arguments).await,
            "vent_machines" => return self.machines(task, arguments).await.map(Some),
            _ => return Ok(None),
        };
        Ok(Some(TaskResult::done(outcome, Default::default())))
    }

    fn add_host(&self, task: &Task, arguments: &Value) -> Result<Outcome> {
        let text = |names: &[&str]| {
            names
                .iter()
                .find_map(|name| arguments.get(name)?.as_str())
                .map(str::to_string)
        };
        let name = text(&["name", "hostname", "host"])
            .ok_or_else(|| Error::new("`add_host` needs the name of the host").at(&task.action.place))?;
        let groups = words(
            ["groups", "group", "groupname"]
                .iter()
                .find_map(|name| arguments.get(name)),
        );
        let taken = ["name", "hostname", "host", "groups", "group", "groupname"];
        let variables: model::Variables = arguments
            .as_map()
            .into_iter()
            .flatten()
            .filter(|(name, _)| !taken.contains(&&***name))
            .map(|(name, value)| (name.clone(), Placed::new(value.clone(), &task.action.place)))
            .collect();
        let mut changed = false;
        self.run
            .change_inventory(|inventory| changed = add_host(inventory, &name, &groups, variables));
        Ok(Outcome::new()
            .changed(changed)
            .with("add_host", Value::map([("host_name", name.as_str().into())])))
    }

    fn group_by(&self, host: &Host, task: &Task, arguments: &Value) -> Result<Outcome> {
        let key = arguments
            .get("key")
            .and_then(Value::as_str)
            .map(|key| key.replace(' ', "-"));
        let key = key.ok_or_else(|| Error::new("`group_by` needs a key").at(&task.action.place))?;
        let mut changed = false;
        self.run.change_inventory(|inventory| {
            changed = add_host(
                inventory,
                &host.name,
                std::slice::from_ref(&key),
                model::Variables::default(),
            );
        });
        Ok(Outcome::new().changed(changed).with("add_group", key))
    }

    /// Variables out of a file or a folder of files.
    fn include_vars(self: &Arc<Context>, host: &Host, task: &Task, arguments: &Value) -> Result<Outcome> {
        let text = |name: &str| arguments.get(name).and_then(Value::as_str);
        let search = scope::search(self, Some(task));
        let find = |name: &str, folder: bool| -> Result<PathBuf> {
            let tried: Vec<PathBuf> = search
                .iter()
                .flat_map(|base| [base.join("vars").join(name), base.join(name)])
                .collect();
            let there = tried
                .iter()
                .find(|path| if folder { path.is_dir() } else { path.is_file() });
            there.cloned().ok_or_else(|| {
                let shown: Vec<String> = tried.iter().map(|path| format!("  {}", path.display())).collect();
                Error::new(format!(
                    "`include_vars` finds no `{name}`; looked for\n{}",
                    shown.join("\n")
                ))
                .at(&task.action.place)
            })
        };
        let files = match (text("dir"), text("file").or(text("_raw_params"))) {
            (Some(folder), _) => {
                let folder = find(folder, true)?;
                let entries = std::fs::read_dir(&folder)
                    .map_err(|error| Error::new(format!("cannot read {}", folder.display())).cause(error))?;
                let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
                let known = |path: &PathBuf| {
                    path.extension()
                        .is_some_and(|end| end == "yml" || end == "yaml" || end == "json")
                };
                files.retain(known);
                files.sort();
                files
            }
            (None, Some(name)) => vec![find(name, false)?],
            (None, None) => {
                return Err(Error::new("`include_vars` needs a file or a dir").at(&task.action.place));
            }
        };
        let mut map = Map::new();
        for file in &files {
            let read = self.run.loader.variables(file)?;
            map.extend(read.into_iter().map(|(name, placed)| (name, placed.value)));
        }
        if let Some(name) = text("name") {
            map = [(Arc::from(name), Value::Map(map.into()))].into_iter().collect();
        }
        let shown = Value::Map(Arc::new(map.clone()));
        host.data().included.push((self.node, Arc::new(map)));
        let names = Value::list(files.iter().map(|file| file.display().to_string().into()));
        Ok(Outcome::new()
            .changed(false)
            .with("ansible_facts", shown)
            .with("ansible_included_var_files", names))
    }

    async fn pause(&self, arguments: &Value) -> Outcome {
        let number = |name: &str| {
            arguments
                .get(name)
                .and_then(value::to_integer)
                .unwrap_or(0)
                .max(0) as u64
        };
        let seconds = number("seconds") + 60 * number("minutes");
        if let Some(prompt) = arguments.get("prompt").and_then(Value::as_str) {
            super::items::notice(self, None, prompt.to_string());
        }
        if !self.run.settings.check {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(seconds)) => {}
                () = self.run.stop.cancelled() => {}
            }
        }
        Outcome::new()
            .changed(false)
            .with("stdout", format!("Paused for {seconds} seconds"))
    }
}

/// Adds a host, or groups and variables to one that is there; true if that changes anything.
pub(super) fn add_host(
    inventory: &mut Inventory,
    name: &str,
    groups: &[String],
    variables: model::Variables,
) -> bool {
    let name: Arc<str> = name.into();
    let mut changed = !inventory.hosts.contains_key(&name);
    let all = inventory.shared.clone();
    let host = inventory
        .hosts
        .entry(name.clone())
        .or_insert_with(|| model::Host {
            name: name.clone(),
            variables: all,
            own: model::Variables::default(),
            groups: vec![],
            place: None,
        });
    for (key, placed) in variables {
        changed |= host.variables.get(&key).map(|known| &known.value) != Some(&placed.value);
        host.own.insert(key.clone(), placed.clone());
        Arc::make_mut(&mut host.variables).insert(key, placed);
    }
    for group in groups {
        let group: Arc<str> = group.as_str().into();
        if !host.groups.contains(&group) {
            host.groups.push(group.clone());
            host.groups.sort();
        }
        let entry = inventory
            .groups
            .entry(group.clone())
            .or_insert_with(|| model::Group {
                name: group.clone(),
                depth: 1,
                priority: 1,
                ..model::Group::default()
            });
        changed |= entry.hosts.insert(name.clone());
    }
    changed
}

/// A list of words: a list, or a text with commas.
pub(super) fn words(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::List(items)) => items
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_string)
            .collect(),
        Some(value) => value
            .as_str()
            .into_iter()
            .flat_map(|text| text.split(','))
            .map(|word| word.trim().to_string())
            .collect(),
        None => vec![],
    }
}
