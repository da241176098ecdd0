//! Which tasks are run: tags and `--start-at-task`.

use super::title;
use crate::engine::state::run::RunState;
use crate::error::Result;
use crate::model::{Placed, Task};
use crate::template::{self, Scope};
use crate::value::{self, Value};
use std::collections::BTreeSet;
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
    let tags = task.tags().into_iter();
    let tags = tags.filter_map(|placed| tags_of(placed, &scope).ok()).flatten();
    chosen(&tags.collect(), &settings.tags, &settings.skip_tags)
}

/// The tags that stand at one place: a list, or a text with commas.
///
/// # Errors
/// A template that cannot be rendered.
pub fn tags_of(placed: &Placed, scope: &Scope) -> Result<Vec<String>> {
    let rendered = template::render(&placed.value, scope).map_err(|error| error.at(&placed.place))?;
    let text = |value: &Value| value.as_str().map_or_else(|| value::repr(value), str::to_string);
    Ok(match rendered.map(|rendered| rendered.value) {
        Some(Value::List(items)) => items.iter().map(text).collect(),
        Some(value) => text(&value)
            .split(',')
            .map(|tag| tag.trim().to_string())
            .collect(),
        None => vec![],
    })
}

/// Ansible's choice by tags: `always`, `never`, `tagged`, `untagged`, `all`.
pub fn chosen(tags: &BTreeSet<String>, only: &[String], skip: &[String]) -> bool {
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
