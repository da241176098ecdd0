//! Which tasks are run: tags and `--start-at-task`.

use super::title;
use crate::engine::state::run::RunState;
use crate::model::Task;
use crate::template::{self, Scope};
use crate::value::Value;
use std::collections::HashSet;
use std::sync::atomic::Ordering;

/// True if tags and `--start-at-task` choose the task.
pub fn selects(run: &RunState, task: &Task, scope: impl FnOnce() -> Scope) -> bool {
    if run.begun.load(Ordering::Relaxed) {
        return tags_choose(run, task, scope);
    }
    let scope = scope();
    let title = title(task, &scope);
    let bare = title.split_once(" : ").map_or(title.as_str(), |(_, bare)| bare);
    if !run
        .settings
        .start_at_task
        .iter()
        .any(|wanted| wanted == &title || wanted == bare)
    {
        return false;
    }
    run.begun.store(true, Ordering::Relaxed);
    tags_choose(run, task, || scope)
}

/// True if tags choose the task.
pub fn tags_choose(run: &RunState, task: &Task, scope: impl FnOnce() -> Scope) -> bool {
    let settings = &run.settings;
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
