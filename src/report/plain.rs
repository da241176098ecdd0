//! Plain lines, for logs and for a terminal above the live view.

use super::duration::duration;
use super::{Recap, Reporter};
use crate::error::harmless;
use crate::event::{Event, Kind, Status, TaskEnded};
use std::fmt::Write as _;
use std::io::Write;

/// What lines are written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Choice {
    /// How many `-v`.
    pub verbosity: u8,
    /// With colours.
    pub colour: bool,
}

/// Writes one line for every task and host.
pub struct Plain<W: Write + Send> {
    out: W,
    choice: Choice,
    recap: Recap,
}

impl<W: Write + Send> Plain<W> {
    /// Writes into `out`.
    pub fn new(out: W, verbosity: u8, colour: bool) -> Plain<W> {
        Plain {
            out,
            choice: Choice { verbosity, colour },
            recap: Recap::default(),
        }
    }
}

impl<W: Write + Send> Reporter for Plain<W> {
    fn event(&mut self, event: &Event) {
        self.recap.event(event);
        let text = lines(event, self.choice, &self.recap);
        // A reader that has gone away does not stop the run.
        let _ = self.out.write_all(text.as_bytes());
        let _ = self.out.flush();
    }
}

/// The text of an event; empty if it is not shown.
pub(super) fn lines(event: &Event, choice: Choice, recap: &Recap) -> String {
    let mut out = String::new();
    match &event.kind {
        Kind::PlayStarted {
            playbook,
            play,
            hosts,
            ..
        } => {
            let _ = writeln!(
                out,
                "\n{} [{play}] {} host{}",
                painted(playbook, 1, choice),
                hosts.len(),
                plural(hosts.len())
            );
        }
        Kind::TaskEnded(task) => self::task(&mut out, task, choice),
        Kind::Output { host, line, .. } if choice.verbosity >= 1 => {
            let _ = writeln!(out, "  {host} | {}", harmless(line));
        }
        Kind::Warning { text } => {
            let _ = writeln!(out, "[WARNING]: {}", harmless(text));
        }
        Kind::Notice { host, text } => {
            let host = host.as_ref().map(|host| format!("[{host}] ")).unwrap_or_default();
            let _ = writeln!(out, "note: {host}{}", harmless(text));
        }
        Kind::RunEnded { .. } => out.push_str(&recap.text()),
        _ => {}
    }
    out
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// True if the line of a task says nothing that other lines have not said.
fn is_quiet(task: &TaskEnded, choice: Choice) -> bool {
    // That a file was included shows in what its tasks say.
    let included = module(task).starts_with("include_") && task.status == Status::Ok;
    let quiet = (included || task.status == Status::Skipped) && choice.verbosity == 0;
    // The items of a loop were told one by one.
    let told = task.looped
        && !matches!(
            task.status,
            Status::Failed | Status::Unreachable | Status::Undecided
        );
    let loop_end = task.looped
        && task
            .result
            .get("results")
            .is_some_and(|results| results.as_array().is_some_and(|items| !items.is_empty()));
    quiet || told || loop_end
}

/// The module without its collection.
fn module(task: &TaskEnded) -> &str {
    task.name.module.rsplit('.').next().unwrap_or_default()
}

fn painted(text: &str, colour: u8, choice: Choice) -> String {
    match choice.colour && colour > 0 {
        true => format!("\x1b[{colour}m{text}\x1b[0m"),
        false => text.to_string(),
    }
}

fn task(out: &mut String, task: &TaskEnded, choice: Choice) {
    if is_quiet(task, choice) {
        return;
    }
    let (word, colour) = match task.status {
        Status::Ok => ("ok", 32),
        Status::Changed => ("changed", 33),
        Status::Skipped => ("skipped", 36),
        Status::Undecided => ("undecided", 35),
        Status::Failed => ("failed", 31),
        Status::Ignored => ("ignored", 36),
        Status::Unreachable => ("unreachable", 31),
    };
    let item = task.item.as_ref().map(|item| format!(" (item={})", short(item)));
    let seconds = (task.seconds >= 1.0).then(|| format!(" {}", duration(task.seconds)));
    let _ = writeln!(
        out,
        "{}: [{}] {} | {}{}{}",
        painted(word, colour, choice),
        task.name.host,
        task.name.playbook,
        harmless(&task.name.task),
        item.unwrap_or_default(),
        seconds.unwrap_or_default()
    );
    details(out, task, choice);
}

/// What stands below the line of a task.
fn details(out: &mut String, task: &TaskEnded, choice: Choice) {
    if task.status == Status::Undecided
        && let Some(origin) = &task.origin
    {
        let _ = writeln!(out, "  decided by {origin}");
    }
    if matches!(
        task.status,
        Status::Failed | Status::Unreachable | Status::Ignored
    ) {
        let text = task.report.as_ref().or(task.message.as_ref());
        let text = text.map(|text| harmless(text)).unwrap_or_default();
        for line in text.lines() {
            let _ = writeln!(out, "  {line}");
        }
    }
    if module(task) == "debug" && task.status == Status::Ok {
        shown(out, task);
    } else if choice.verbosity >= 2 {
        let _ = writeln!(out, "  {}", task.result);
    }
    for diff in &task.diffs {
        for line in harmless(&diff.text).lines() {
            let colour = match line.as_bytes().first() {
                Some(b'+') => 32,
                Some(b'-') => 31,
                _ => 0,
            };
            let _ = writeln!(out, "{}", painted(line, colour, choice));
        }
    }
}

/// What `debug` shows: a text as it is, everything else as JSON.
fn shown(out: &mut String, task: &TaskEnded) {
    let fields = task.result.as_object().into_iter().flatten();
    for (name, value) in fields
        .filter(|(name, _)| !matches!(name.as_str(), "changed" | "failed" | "ansible_loop_var" | "item"))
    {
        let text = match value {
            serde_json::Value::String(text) => harmless(text),
            other => serde_json::to_string_pretty(other).unwrap_or_default(),
        };
        let name = if name == "msg" {
            String::new()
        } else {
            format!("{name}: ")
        };
        for line in format!("{name}{text}").lines() {
            let _ = writeln!(out, "  {line}");
        }
    }
}

/// An item in at most 60 characters.
fn short(item: &str) -> String {
    let line = harmless(item).replace('\n', " ");
    if line.chars().count() > 60 {
        format!("{}...", line.chars().take(57).collect::<String>())
    } else {
        line
    }
}
