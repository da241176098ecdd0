//! What the plays of a run are made of, without running anything: Ansible's `--list-hosts`, `--list-tasks`, `--list-tags`.

use super::super::play;
use super::super::state::run::{Parts, RunState};
use super::super::task::scope;
use super::super::task::selection;
use crate::error::Result;
use crate::inventory::pattern;
use crate::model::{Item, Play, Task};
use crate::template::Scope;
use crate::value::{Value, repr};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// A playbook.
#[derive(Clone, Debug)]
pub struct ListedPlaybook {
    /// Its file, as it was named.
    pub path: PathBuf,
    /// Its plays, those of imported playbooks too.
    pub plays: Vec<ListedPlay>,
}

/// A play.
#[derive(Clone, Debug)]
pub struct ListedPlay {
    /// The name it was given, else its patterns joined by commas.
    pub name: String,
    /// The parts of its host pattern, as they stand in the list (or in the text) of `hosts`; none: the pattern is omitted.
    pub patterns: Option<Vec<String>>,
    /// Its own tags, in the order they are written.
    pub tags: Vec<String>,
    /// The hosts that the pattern and `--limit` leave.
    pub hosts: Vec<Arc<str>>,
    /// The tasks that tags leave, those of roles and imported files too. As in Ansible none of `rescue` and `always`.
    pub tasks: Vec<ListedTask>,
}

/// A task.
#[derive(Clone, Debug)]
pub struct ListedTask {
    /// Its role and name, else its module.
    pub name: String,
    /// The tags of the task, of all around it and of the play.
    pub tags: BTreeSet<String>,
}

/// The plays of all playbooks.
///
/// # Errors
/// A pattern, a tag or a `--limit` that cannot be read.
pub fn listing(parts: Parts) -> Result<Vec<ListedPlaybook>> {
    let limited = match &parts.settings.limit {
        Some(limit) => Some(pattern::limit(&parts.inventory, limit)?),
        None => None,
    };
    let run = Arc::new(RunState::new(parts, limited));
    let roots = run.graph.roots.iter().enumerate();
    roots
        .map(|(number, root)| {
            let nodes = run.graph.nodes.iter().filter(|node| node.root == number);
            let plays = nodes.flat_map(|node| &node.plays).map(|play| listed(&run, play));
            Ok(ListedPlaybook {
                path: root.path.clone(),
                plays: plays.collect::<Result<_>>()?,
            })
        })
        .collect()
}

fn listed(run: &Arc<RunState>, play: &Play) -> Result<ListedPlay> {
    let (pattern, hosts) = play::hosts::chosen(run, play)?;
    let patterns: Option<Vec<String>> = match &pattern {
        Value::Null => None,
        Value::List(items) => Some(items.iter().map(text).collect()),
        value => Some(vec![text(value)]),
    };
    let given = play.keywords().name.as_ref();
    let given = given
        .map(|name| text(&name.value))
        .filter(|name| !name.is_empty());
    let unnamed = || match (&play.hosts.value, &pattern) {
        // Ansible takes the name before it renders the pattern, and renders the name.
        (Value::Template(_), Value::List(_)) => repr(&pattern),
        _ => patterns
            .as_ref()
            .map(|patterns| patterns.join(","))
            .unwrap_or_default(),
    };
    let localhost = run.hosts.host("localhost");
    let scope = scope::of_play_pattern(run, &localhost, play);
    let mut tasks = vec![];
    for items in play.items() {
        add(run, items, &scope, &mut tasks)?;
    }
    let tags = &play.keywords().tags;
    let tags = tags.iter().map(|placed| selection::tags_of(placed, &scope));
    Ok(ListedPlay {
        name: given.unwrap_or_else(unnamed),
        patterns,
        tags: tags.collect::<Result<Vec<_>>>()?.concat(),
        hosts,
        tasks,
    })
}

fn add(run: &RunState, items: &[Item], scope: &Scope, tasks: &mut Vec<ListedTask>) -> Result<()> {
    for item in items {
        let task = match item {
            Item::Block(block) => {
                add(run, &block.block, scope, tasks)?;
                continue;
            }
            Item::Task(task) => task,
            Item::Include(include) => &include.task,
        };
        let tags = task.tags().into_iter();
        let tags = tags.map(|placed| selection::tags_of(placed, scope));
        let tags: BTreeSet<String> = tags.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
        if selection::chosen(&tags, &run.settings.tags, &run.settings.skip_tags) {
            tasks.push(ListedTask {
                name: name(task),
                tags,
            });
        }
    }
    Ok(())
}

/// A task without a name is listed by its module alone, without its role; `include_role` has its name alone.
fn name(task: &Task) -> String {
    let given = task.keywords.name.as_ref().map(|name| text(&name.value));
    let role = task.role().filter(|_| task.action.short() != "include_role");
    match (given.filter(|name| !name.is_empty()), role) {
        (Some(name), Some(role)) => format!("{} : {name}", role.name),
        (Some(name), None) => name,
        (None, _) => task.action.module.to_string(),
    }
}

/// A text as it is written, template or not.
fn text(value: &Value) -> String {
    match value {
        Value::Template(template) => template.text.to_string(),
        value => value.as_str().map_or_else(|| repr(value), str::to_string),
    }
}
