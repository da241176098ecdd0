//! What is done to the run itself: hosts and groups that appear, pauses.

use super::host::Host;
use super::play::Context;
use super::result::TaskResult;
use crate::error::{Error, Result};
use crate::model::{self, Placed, Task};
use crate::module::Outcome;
use crate::template::Scope;
use crate::value::{self, Value};
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
    ("include_vars", super::include_vars::ARGUMENTS),
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
        scope: &Scope,
    ) -> Result<Option<TaskResult>> {
        let outcome = match task.action.short() {
            "add_host" => self.add_host(task, arguments)?,
            "group_by" => self.group_by(host, task, arguments)?,
            "include_vars" => self.include_vars(host, task, arguments, scope)?,
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
        // A name may have a port behind it, as in an inventory.
        let port = name.rsplit_once(':').and_then(|(host, port)| {
            let is_name = !host.contains(':') || host.starts_with('[') && host.ends_with(']');
            Some((host.to_string(), port.parse::<u16>().ok()?)).filter(|_| is_name)
        });
        let (name, port) = match port {
            Some((host, port)) => (host.trim_matches(['[', ']']).to_string(), Some(port)),
            None => (name, None),
        };
        let groups = words(
            ["groups", "group", "groupname"]
                .iter()
                .find_map(|name| arguments.get(name)),
        );
        let taken = ["name", "hostname", "host", "groups", "group", "groupname"];
        let mut variables: model::Variables = arguments
            .as_map()
            .into_iter()
            .flatten()
            .filter(|(name, _)| !taken.contains(&&***name))
            .map(|(name, value)| (name.clone(), Placed::new(value.clone(), &task.action.place)))
            .collect();
        if let Some(port) = port {
            let port = Placed::new(i64::from(port), &task.action.place);
            variables.entry("ansible_ssh_port".into()).or_insert(port);
        }
        let changed = self.run.add_host(&name, &groups, variables)?;
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
        let parents = words(arguments.get("parents"));
        let changed = self.run.change_inventory(|inventory| {
            let mut changed = false;
            for parent in &parents {
                changed |= inventory.hang(&key, parent)?;
            }
            let groups = std::slice::from_ref(&key);
            let loader = &self.run.loader;
            let joined = inventory.add(&host.name, groups, model::Variables::default(), loader)?;
            Ok::<_, Error>(changed | joined)
        })?;
        Ok(Outcome::new()
            .changed(changed)
            .with("add_group", key)
            .with("parent_groups", Value::list(parents.iter().map(Value::string))))
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
