//! Which tasks are run: tags and `--start-at-task`.

use super::super::task::title;
use super::Run;
use crate::error::nearest;
use crate::model::{Item, Task};
use crate::template::{self, Scope};
use crate::value::Value;
use std::collections::HashSet;
use std::sync::atomic::Ordering;

impl Run {
    /// What is said if `--start-at-task` named a task that never came.
    pub(super) fn not_begun(&self) -> Option<String> {
        let wanted = self.settings.start_at_task.as_ref()?;
        if self.begun.load(Ordering::Relaxed) {
            return None;
        }
        let mut names = vec![];
        for play in self.graph.nodes.iter().flat_map(|node| &node.plays) {
            play.items().for_each(|items| names_in(items, &mut names));
        }
        let hint = match nearest(wanted, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`--list-tasks` shows all names".into(),
        };
        Some(format!("no task is named `{wanted}`, so nothing was run; {hint}"))
    }

    /// True if tags and `--start-at-task` choose the task.
    pub(in crate::engine) fn selects(&self, task: &Task, scope: impl FnOnce() -> Scope) -> bool {
        if self.begun.load(Ordering::Relaxed) {
            return self.tags_choose(task, scope);
        }
        let scope = scope();
        let title = title(task, &scope);
        let bare = title.split_once(" : ").map_or(title.as_str(), |(_, bare)| bare);
        if !self
            .settings
            .start_at_task
            .iter()
            .any(|wanted| wanted == &title || wanted == bare)
        {
            return false;
        }
        self.begun.store(true, Ordering::Relaxed);
        self.tags_choose(task, || scope)
    }

    /// True if tags choose the task.
    pub(in crate::engine) fn tags_choose(&self, task: &Task, scope: impl FnOnce() -> Scope) -> bool {
        let settings = &self.settings;
        let plain = settings.tags.is_empty() && settings.skip_tags.is_empty();
        if plain && task.tags().is_empty() {
            return true;
        }
        let scope = scope();
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
}

/// The names of the tasks in a list.
fn names_in(items: &[Item], names: &mut Vec<String>) {
    for item in items {
        match item {
            Item::Task(task) => names.extend(
                task.keywords
                    .name
                    .as_ref()
                    .and_then(|name| name.value.as_str())
                    .map(str::to_string),
            ),
            Item::Block(block) => names_in(&block.block, names),
            Item::Include(_) => {}
        }
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
