//! A whole run: the graph of playbooks, each started as soon as all it needs is done.

use super::host::{Host, Reach};
use super::play;
use super::settings::Settings;
use crate::connection::Stream;
use crate::error::{Error, Result};
use crate::event::{Diff, Ending, Events, Kind, Status, TaskEnded, TaskName};
use crate::graph::Graph;
use crate::model::load::Loader;
use crate::model::{Inventory, Task, pattern};
use crate::source::Place;
use crate::template::{self, Scope};
use crate::value::{MASK, Map, Value};
use futures::stream::{FuturesUnordered, StreamExt};
use indexmap::IndexMap;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// A run.
pub struct Run {
    pub(super) settings: Settings,
    pub(super) graph: Graph,
    pub(super) events: Events,
    pub(super) reach: Arc<dyn Reach>,
    pub(super) loader: Arc<Loader>,
    pub(super) forks: Semaphore,
    /// Start nothing new.
    pub(super) stop: CancellationToken,
    /// End what runs.
    pub(super) stop_now: CancellationToken,
    /// The account of this process.
    pub(super) local_user: Arc<str>,
    inventory: RwLock<Arc<Inventory>>,
    groups: Mutex<Option<Value>>,
    hosts: Mutex<IndexMap<Arc<str>, Arc<Host>>>,
    secrets: Mutex<HashSet<String>>,
    begun: AtomicBool,
    limited: Option<HashSet<Arc<str>>>,
    trouble: Mutex<Trouble>,
}

#[derive(Default)]
struct Trouble {
    failed: bool,
    unreachable: bool,
    wrong: bool,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Ansible's exit code: 0, 2 (a task failed), 4 (a host unreachable), 99 (stopped).
    pub code: i32,
}

/// Everything a run works with.
pub struct Parts {
    /// The choices of the user.
    pub settings: Settings,
    /// The playbooks.
    pub graph: Graph,
    /// The hosts.
    pub inventory: Inventory,
    /// Where events go.
    pub events: Events,
    /// How hosts are reached.
    pub reach: Arc<dyn Reach>,
    /// Reads files while running.
    pub loader: Arc<Loader>,
    /// Cancelled by the user: start nothing new.
    pub stop: CancellationToken,
    /// Cancelled by the user a second time: end what runs.
    pub stop_now: CancellationToken,
}

/// Runs the graph to its end.
///
/// # Errors
/// A `--limit` that matches nobody.
pub async fn run(parts: Parts) -> Result<Finished> {
    let started = Instant::now();
    let limited = match &parts.settings.limit {
        Some(limit) => Some(limit_of(&parts.inventory, limit)?),
        None => None,
    };
    let run = Arc::new(Run {
        forks: Semaphore::new(if parts.settings.forks == 0 {
            50
        } else {
            parts.settings.forks
        }),
        begun: AtomicBool::new(parts.settings.start_at_task.is_none()),
        settings: parts.settings,
        graph: parts.graph,
        events: parts.events,
        reach: parts.reach,
        loader: parts.loader,
        stop: parts.stop,
        stop_now: parts.stop_now,
        local_user: local_user().into(),
        inventory: RwLock::new(Arc::new(parts.inventory)),
        groups: Mutex::default(),
        hosts: Mutex::default(),
        secrets: Mutex::default(),
        limited,
        trouble: Mutex::default(),
    });
    run.learn_secrets();
    let playbooks = run.graph.nodes.iter().map(|node| node.name.clone()).collect();
    run.events.tell(Kind::RunStarted {
        check: run.settings.check,
        playbooks,
    });
    nodes(&run).await;
    let hosts: Vec<_> = run.hosts().values().cloned().collect();
    for host in hosts {
        host.close().await;
    }
    let code = run.code();
    run.events.tell(Kind::RunEnded {
        code,
        seconds: started.elapsed().as_secs_f64(),
    });
    Ok(Finished { code })
}

/// The name of the account of this process.
fn local_user() -> String {
    let uid = rustix::process::geteuid().as_raw();
    let line = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = line.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, id) = (fields.next()?, fields.next()?, fields.next()?);
        (id.parse() == Ok(uid)).then(|| name.to_string())
    });
    name.unwrap_or_else(|| uid.to_string())
}

fn limit_of(inventory: &Inventory, limit: &str) -> Result<HashSet<Arc<str>>> {
    pattern::limit(inventory, limit)
}

/// Starts every playbook as soon as all it needs is done.
async fn nodes(run: &Arc<Run>) {
    let count = run.graph.nodes.len();
    let mut endings: Vec<Option<Ending>> = vec![None; count];
    let mut started = vec![false; count];
    let mut running = FuturesUnordered::new();
    loop {
        for at in 0..count {
            if started[at] {
                continue;
            }
            let node = &run.graph.nodes[at];
            let cause = node.needs.iter().find(|need| {
                matches!(
                    endings[**need],
                    Some(Ending::Failed | Ending::Blocked | Ending::Stopped)
                )
            });
            let ready = node.needs.iter().all(|need| endings[*need] == Some(Ending::Done));
            if cause.is_none() && !ready {
                continue;
            }
            started[at] = true;
            let stopped = run.stop.is_cancelled();
            if cause.is_some() || stopped {
                let ending = if stopped { Ending::Stopped } else { Ending::Blocked };
                endings[at] = Some(ending);
                let cause = cause.map(|need| run.graph.nodes[*need].name.clone());
                run.events.tell(Kind::PlaybookEnded {
                    playbook: node.name.clone(),
                    ending,
                    cause,
                    seconds: 0.0,
                });
                continue;
            }
            let run = run.clone();
            running.push(tokio::spawn(async move { (at, self::node(&run, at).await) }));
        }
        match running.next().await {
            Some(Ok((at, ending))) => endings[at] = Some(ending),
            Some(Err(panic)) => std::panic::resume_unwind(panic.into_panic()),
            None if started.iter().all(|started| *started) => return,
            None => {}
        }
    }
}

async fn node(run: &Arc<Run>, at: usize) -> Ending {
    let started = Instant::now();
    let node = &run.graph.nodes[at];
    run.events.tell(Kind::PlaybookStarted {
        playbook: node.name.clone(),
    });
    let mut gone = HashSet::new();
    let mut ending = Ending::Done;
    for play in &node.plays {
        if run.stop.is_cancelled() {
            ending = Ending::Stopped;
            break;
        }
        let end = play::run(run, at, play, &gone).await;
        gone.extend(end.failed);
        if end.broken {
            run.trouble().wrong = true;
            ending = Ending::Failed;
            break;
        }
        // Ansible runs no further play of a playbook once all hosts of a batch failed.
        if end.over {
            break;
        }
    }
    if !gone.is_empty() {
        ending = Ending::Failed;
    }
    let seconds = started.elapsed().as_secs_f64();
    run.events.tell(Kind::PlaybookEnded {
        playbook: node.name.clone(),
        ending,
        cause: None,
        seconds,
    });
    ending
}

impl Run {
    fn trouble(&self) -> std::sync::MutexGuard<'_, Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn code(&self) -> i32 {
        let trouble = self.trouble();
        match (
            self.stop.is_cancelled(),
            trouble.unreachable,
            trouble.failed,
            trouble.wrong,
        ) {
            (true, ..) => 99,
            (_, true, ..) => 4,
            (_, _, true, _) => 2,
            (_, _, _, true) => 1,
            _ => 0,
        }
    }

    /// Counts a failure for the exit code.
    pub(super) fn count(&self, out: play::Out) {
        let mut trouble = self.trouble();
        trouble.failed |= out == play::Out::Failed;
        trouble.unreachable |= out == play::Out::Unreachable;
    }

    /// The inventory as it is now.
    pub(super) fn inventory(&self) -> Arc<Inventory> {
        self.inventory
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Changes the inventory (`add_host`, `group_by`).
    pub(super) fn change_inventory(&self, change: impl FnOnce(&mut Inventory)) {
        let mut inventory = self.inventory.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut inventory));
        *self.groups.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn hosts(&self) -> std::sync::MutexGuard<'_, IndexMap<Arc<str>, Arc<Host>>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The host of a name, made at its first use.
    pub(super) fn host(&self, name: &str) -> Arc<Host> {
        self.hosts()
            .entry(name.into())
            .or_insert_with(|| Arc::new(Host::new(name)))
            .clone()
    }

    /// True if the host was used in this run.
    pub(super) fn is_known(&self, name: &str) -> bool {
        self.hosts().contains_key(name)
    }

    /// True if `node` sees the variables that `other` made.
    pub(super) fn sees(&self, node: usize, other: usize) -> bool {
        self.graph.sees(node, other)
    }

    /// The magic variable `groups`.
    pub(super) fn groups(&self) -> Value {
        let mut kept = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(groups) = &*kept {
            return groups.clone();
        }
        let inventory = self.inventory();
        let groups = Value::map(inventory.groups.keys().map(|name| {
            let hosts = inventory.hosts_of(name).unwrap_or_default();
            (
                name.to_string(),
                Value::list(hosts.into_iter().map(|host| Value::String(host.name.clone()))),
            )
        }));
        *kept = Some(groups.clone());
        groups
    }

    /// The hosts of a pattern, those of `--limit` only.
    pub(super) fn resolve(&self, pattern: &Value, place: &Place) -> Result<Vec<Arc<str>>> {
        let inventory = self.inventory();
        let mut hosts = pattern::hosts(&inventory, pattern, place)?;
        if let Some(limited) = &self.limited {
            hosts.retain(|name| limited.contains(name));
        }
        Ok(hosts)
    }

    /// The variables of a host that tell how to reach it, rendered.
    pub(super) fn connection_variables(&self, scope: &Scope) -> Result<Map> {
        play::rendered(play::Context::known_names(), scope)
    }

    /// True if tags and `--start-at-task` choose the task.
    pub(super) fn selects(&self, task: &Task, scope: impl FnOnce() -> Scope) -> bool {
        let settings = &self.settings;
        let plain = settings.tags.is_empty() && settings.skip_tags.is_empty();
        if plain && self.begun.load(Ordering::Relaxed) {
            return true;
        }
        let scope = scope();
        if !self.begun.load(Ordering::Relaxed) {
            let title = super::task::title(task, &scope);
            let bare = title.split_once(" : ").map_or(title.as_str(), |(_, bare)| bare);
            if !settings
                .start_at_task
                .iter()
                .any(|wanted| wanted == &title || wanted == bare)
            {
                return false;
            }
            self.begun.store(true, Ordering::Relaxed);
        }
        let mut tags: HashSet<String> = HashSet::new();
        for placed in task.tags() {
            let rendered = template::render(&placed.value, &scope)
                .ok()
                .flatten()
                .map(|rendered| rendered.value);
            match rendered {
                Some(Value::List(items)) => {
                    tags.extend(items.iter().filter_map(Value::as_str).map(str::to_string))
                }
                Some(value) => tags.extend(
                    value
                        .as_str()
                        .unwrap_or_default()
                        .split(',')
                        .map(|tag| tag.trim().to_string()),
                ),
                None => {}
            }
        }
        chosen(&tags, &settings.tags, &settings.skip_tags)
    }

    /// Tells an error that no host is to blame for.
    pub(super) fn tell_error(&self, playbook: &str, play: &str, error: &Error) {
        self.trouble().wrong = true;
        let name = TaskName {
            playbook: playbook.into(),
            play: play.into(),
            host: "localhost".into(),
            task: play.into(),
            place: error.place().map(Place::short).unwrap_or_default(),
            ..TaskName::default()
        };
        self.events.tell(Kind::TaskEnded(Box::new(TaskEnded {
            name,
            item: None,
            looped: false,
            status: Status::Failed,
            message: Some(error.line()),
            result: serde_json::Value::Null,
            diffs: vec![],
            digests: vec![],
            report: Some(error.to_string()),
            origin: None,
            seconds: 0.0,
        })));
    }

    /// Lines of a running command.
    pub(super) fn watch(&self, name: &TaskName, stream: Stream, bytes: &[u8]) {
        for line in String::from_utf8_lossy(bytes).lines() {
            self.events.tell(Kind::Output {
                host: name.host.clone(),
                task: name.task.clone(),
                error: stream == Stream::Stderr,
                line: self.mask(line),
            });
        }
    }

    /// Collects the secrets of the inventory and of `-e`, so that they are masked wherever they appear.
    fn learn_secrets(&self) {
        let inventory = self.inventory();
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        for host in inventory.hosts.values() {
            for (name, placed) in host.variables.iter() {
                collect(name, &placed.value, &mut secrets);
            }
        }
        for (name, value) in self.settings.extra.iter() {
            collect(name, value, &mut secrets);
        }
    }

    /// Replaces every secret in a text.
    pub(super) fn mask(&self, text: &str) -> String {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = text.to_string();
        for secret in secrets.iter() {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), MASK);
            }
        }
        text
    }

    pub(super) fn mask_diff(&self, diff: &Diff) -> Diff {
        Diff {
            path: diff.path.clone(),
            text: self.mask(&diff.text),
        }
    }

    pub(super) fn mask_json(&self, value: serde_json::Value) -> serde_json::Value {
        match value {
            serde_json::Value::String(text) => self.mask(&text).into(),
            serde_json::Value::Array(items) => items.into_iter().map(|item| self.mask_json(item)).collect(),
            serde_json::Value::Object(map) => serde_json::Value::Object(
                map.into_iter()
                    .map(|(key, value)| (key, self.mask_json(value)))
                    .collect(),
            ),
            other => other,
        }
    }
}

/// Vaulted texts, and the passwords of connections.
fn collect(name: &str, value: &Value, secrets: &mut HashSet<String>) {
    match value {
        Value::Secret(text) => keep(text, secrets),
        Value::String(text) if name.starts_with("ansible_") && name.contains("pass") => keep(text, secrets),
        Value::List(items) => items.iter().for_each(|item| collect("", item, secrets)),
        Value::Map(map) => map.iter().for_each(|(name, item)| collect(name, item, secrets)),
        _ => {}
    }
}

/// Texts of a few characters would mask half of everything.
fn keep(text: &str, secrets: &mut HashSet<String>) {
    let text = text.trim();
    if text.chars().count() >= 4 {
        secrets.insert(text.to_string());
    }
}

/// Ansible's choice by tags: `always`, `never`, `tagged`, `untagged`, `all`.
fn chosen(tags: &HashSet<String>, only: &[String], skip: &[String]) -> bool {
    let has = |tag: &str| tags.contains(tag);
    let any = |wanted: &[String]| wanted.iter().any(|tag| has(tag));
    let named = |wanted: &[String], word: &str| wanted.iter().any(|tag| tag == word);
    let wanted = if only.is_empty() {
        !has("never")
    } else {
        any(only)
            || has("always")
            || named(only, "all") && !has("never")
            || named(only, "tagged") && !tags.is_empty() && !has("never")
            || named(only, "untagged") && tags.is_empty()
    };
    let skipped = any(skip)
        || named(skip, "all") && (!has("always") || named(skip, "always"))
        || named(skip, "tagged") && !tags.is_empty()
        || named(skip, "untagged") && tags.is_empty();
    wanted && !skipped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_chosen(tags: &[&str], only: &[&str], skip: &[&str]) -> bool {
        let texts = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        chosen(
            &tags.iter().map(ToString::to_string).collect(),
            &texts(only),
            &texts(skip),
        )
    }

    #[test]
    fn tags_choose_as_in_ansible() {
        assert!(is_chosen(&[], &[], &[]));
        assert!(!is_chosen(&["never"], &[], &[]));
        assert!(is_chosen(&["never", "debug"], &["debug"], &[]));
        assert!(is_chosen(&["always"], &["other"], &[]));
        assert!(!is_chosen(&["always"], &["other"], &["always"]));
        assert!(!is_chosen(&["a"], &["b"], &[]));
        assert!(is_chosen(&[], &["untagged"], &[]));
        assert!(!is_chosen(&["a"], &[], &["a"]));
    }
}
