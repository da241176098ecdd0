//! Results as the callback prints them: JSON of Python's making, sorted, without what Ansible takes away.

use super::Display;
use crate::event::{Diff, Status, TaskEnded};
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};
use serde_json::{Map, Value};
use std::io::{Result, Write};

/// What is taken away of every result, and shown with `-vvv`.
const UNSHOWN: [&str; 2] = ["invocation", "diff"];
/// What the callback has told already, or is told by the first word of the line.
const TOLD: [&str; 5] = ["failed", "skipped", "exception", "warnings", "deprecations"];
/// What `debug` is not asked for.
const HIDDEN_IN_DEBUG: [&str; 6] = [
    "changed",
    "failed",
    "skipped",
    "invocation",
    "skip_reason",
    "ansible_loop_var",
];

/// How JSON is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// On lines of their own, indented by four.
    Lines,
    /// On one line.
    Line,
    /// On one line, without blanks behind commas.
    DenseLine,
}

/// The result of a task or an item as the callback `default` prints it.
pub fn result(task: &TaskEnded, display: &Display) -> String {
    let lines = match display.pretty_results {
        Some(pretty) => pretty,
        None => display.verbosity > 2 || task.shown && task.status != Status::Skipped && !task.looped,
    };
    let form = match lines {
        true => Form::Lines,
        false => Form::Line,
    };
    written(&shown(task, display.verbosity), form)
}

/// The result of a task as the other callbacks print it.
pub fn whole(task: &TaskEnded, form: Form, verbosity: u8) -> String {
    match task.status {
        // What `debug` is not asked for is told of its failures.
        Status::Failed | Status::Ignored | Status::Unreachable => {
            written(&kept(task, |name| is_kept(name, verbosity)), form)
        }
        _ => written(&shown(task, verbosity), form),
    }
}

/// JSON as Python writes it.
pub fn written(value: &Value, form: Form) -> String {
    let mut out = vec![];
    // None fails in memory.
    let _ = match form {
        Form::Lines => value.serialize(&mut Serializer::with_formatter(
            &mut out,
            PrettyFormatter::with_indent(b"    "),
        )),
        Form::Line => value.serialize(&mut Serializer::with_formatter(&mut out, OneLine(b", "))),
        Form::DenseLine => value.serialize(&mut Serializer::with_formatter(&mut out, OneLine(b","))),
    };
    String::from_utf8_lossy(&out).into_owned()
}

fn shown(task: &TaskEnded, verbosity: u8) -> Value {
    let debug = matches!(task.name.module.as_str(), "debug" | "ansible.builtin.debug");
    let message_alone = debug && task.result.get("msg").is_some();
    kept(task, |name| {
        is_kept(name, verbosity)
            && !(message_alone && name != "msg" || debug && HIDDEN_IN_DEBUG.contains(&name))
    })
}

/// False for what no callback prints of a result.
fn is_kept(name: &str, verbosity: u8) -> bool {
    !(TOLD.contains(&name) || name.starts_with("_ansible_") || verbosity < 3 && UNSHOWN.contains(&name))
}

/// The fields of a result that are kept, sorted.
fn kept(task: &TaskEnded, keep: impl Fn(&str) -> bool) -> Value {
    let Value::Object(fields) = &task.result else {
        return task.result.clone();
    };
    let kept = fields.iter().filter(|(name, _)| keep(name));
    sorted(&Value::Object(
        kept.map(|(name, value)| (name.clone(), value.clone())).collect(),
    ))
}

/// The same with the keys of all objects in order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut names: Vec<_> = fields.iter().collect();
            names.sort_by_key(|entry| entry.0);
            let fields = names
                .into_iter()
                .map(|(name, value)| (name.clone(), sorted(value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

/// JSON on one line, with this between members.
struct OneLine(&'static [u8]);

impl Formatter for OneLine {
    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> Result<()> {
        match first {
            true => Ok(()),
            false => out.write_all(self.0),
        }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> Result<()> {
        self.begin_array_value(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> Result<()> {
        out.write_all(b": ")
    }
}

/// A difference with the headers of Ansible; a file that was not there has no path in the first.
pub fn headed(diff: &Diff) -> String {
    let mut lines = diff.text.split('\n');
    let (Some(before), Some(after)) = (lines.next(), lines.next()) else {
        return diff.text.clone();
    };
    if !before.starts_with("--- ") || !after.starts_with("+++ ") {
        return diff.text.clone();
    }
    let rest: Vec<&str> = lines.collect();
    let side = |word: &str, is_there: bool| match is_there {
        true => format!("{word}: {}", diff.path),
        false => word.to_string(),
    };
    let made = rest.first().is_some_and(|line| line.starts_with("@@ -0,0 "));
    let gone = rest.first().is_some_and(|line| line.contains(" +0,0 "));
    format!(
        "--- {}\n+++ {}\n{}",
        side("before", !made),
        side("after", !gone),
        rest.join("\n")
    )
}
