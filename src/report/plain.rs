//! Plain lines, for logs and for a terminal above the live view.

use super::duration::duration;
use super::running::Running;
use super::{Recap, Reporter};
use crate::content::byte_text;
use crate::error::harmless;
use crate::event::{Event, Kind, Status, TaskEnded};
use std::fmt::Write as _;
use std::io::Write;
use std::time::{Duration, Instant};

/// A task of which no line was written for so long is told.
const SILENCE: Duration = Duration::from_secs(20);
/// At most so many tasks are told then: those that have run longest.
const MOST: usize = 3;

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
    running: Running,
}

impl<W: Write + Send> Plain<W> {
    /// Writes into `out`.
    pub fn new(out: W, verbosity: u8, colour: bool) -> Plain<W> {
        Plain {
            out,
            choice: Choice { verbosity, colour },
            recap: Recap::default(),
            running: Running::default(),
        }
    }

    fn write(&mut self, text: &str) {
        // A reader that has gone away does not stop the run.
        let _ = self.out.write_all(text.as_bytes());
        let _ = self.out.flush();
    }
}

impl<W: Write + Send> Reporter for Plain<W> {
    fn event(&mut self, event: &Event) {
        self.recap.event(event);
        self.running.note(event);
        let text = lines(event, self.choice, &self.recap);
        if !text.is_empty() {
            self.running.told(event, Instant::now());
        }
        self.write(&text);
    }

    fn tick(&mut self, now: Instant) {
        let text = still_running(&mut self.running, now);
        self.write(&text);
    }
}

/// What is told of tasks of which nothing else was for long.
fn still_running(running: &mut Running, now: Instant) -> String {
    let long = running.silent_for(SILENCE, now);
    let mut out = String::new();
    for task in long.iter().take(MOST) {
        let progress = task
            .progress
            .as_ref()
            .map(|text| format!(" ({})", harmless(text)));
        let _ = writeln!(
            out,
            "running for {}: [{}] {} | {}{}",
            duration(task.age(now).as_secs_f64()),
            task.name.host,
            task.name.playbook,
            harmless(&task.name.task),
            progress.unwrap_or_default()
        );
    }
    if let Some(more) = long.len().checked_sub(MOST).filter(|more| *more > 0) {
        let _ = writeln!(out, "and {more} more task{}", plural(more));
    }
    out
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
        Kind::TaskEnded(task) | Kind::ItemEnded(task) => self::task(&mut out, task, choice),
        Kind::HostExpected {
            playbook,
            play,
            host,
            origin,
            ..
        } => {
            let word = painted("undecided", 35, choice);
            let _ = writeln!(
                out,
                "{word}: [{host}] {playbook} | every task of {}",
                harmless(play)
            );
            let _ = writeln!(out, "  decided by {origin}");
        }
        Kind::PlayBroken {
            playbook,
            play,
            report,
            ..
        } => {
            let word = painted("failed", 31, choice);
            let _ = writeln!(out, "{word}: {playbook} | {}", harmless(play));
            for line in harmless(report).lines() {
                let _ = writeln!(out, "  {line}");
            }
        }
        Kind::NoHostsMatched { text, .. } => {
            let _ = writeln!(out, "note: {}", harmless(text));
        }
        Kind::Retried { name, left, .. } => {
            let task = harmless(&name.task);
            let _ = writeln!(
                out,
                "note: [{}] {task}: trying again ({left} tries left)",
                name.host
            );
        }
        Kind::AsyncPolled { name, job } if choice.verbosity >= 1 => {
            let task = harmless(&name.task);
            let _ = writeln!(out, "note: [{}] {task}: the job {job} goes on", name.host);
        }
        Kind::Progress {
            host,
            done,
            total,
            text,
            ..
        } => {
            let _ = writeln!(out, "note: [{host}] {done} of {total}: {}", harmless(text));
        }
        Kind::Output { host, line, .. } if choice.verbosity >= 1 => {
            let _ = writeln!(out, "  {host} | {}", harmless(line));
        }
        Kind::Warning { text, origin } => {
            let origin = origin.as_ref().map(|origin| format!(" ({})", origin.place));
            let _ = writeln!(
                out,
                "[WARNING]: {}{}",
                harmless(text),
                harmless(&origin.unwrap_or_default())
            );
        }
        Kind::Notice { host, text } => {
            let host = host.as_ref().map(|host| format!("[{host}] ")).unwrap_or_default();
            let _ = writeln!(out, "note: {host}{}", harmless(text));
        }
        Kind::RunEnded { .. } => out.push_str(&recap.text(choice.verbosity)),
        _ => {}
    }
    byte_text::shown(&out).into_owned()
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// True if the line of a task says nothing that other lines have not said.
fn is_quiet(task: &TaskEnded, choice: Choice) -> bool {
    let quiet = task.status == Status::Skipped && choice.verbosity == 0;
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
    // That all assertions passed is what `ok` says.
    let says_ok = matches!(task.name.module.as_str(), "assert" | "ansible.builtin.assert");
    if task.shown && task.status == Status::Ok && !says_ok {
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

/// A result that is what the task is for: a text as it is, everything else as JSON.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::TaskName;

    #[test]
    fn what_runs_for_long_is_told_when_nothing_else_is() {
        let mut plain = Plain::new(vec![], 0, false);
        let name = TaskName {
            host: "localhost".into(),
            playbook: "artifacts".into(),
            task: "Get the programs".into(),
            ..TaskName::default()
        };
        let progress = Kind::Progress {
            host: name.host.clone(),
            task: name.task.clone(),
            done: 2,
            total: 9,
            text: "kubelet".into(),
        };
        for kind in [Kind::HostStarted(name), progress] {
            plain.event(&Event { time: 0.0, kind });
        }
        plain.out.clear();
        plain.tick(Instant::now());
        assert_eq!(String::from_utf8_lossy(&plain.out), "");
        plain.tick(Instant::now() + 3 * SILENCE);
        let text = String::from_utf8_lossy(&plain.out).into_owned();
        assert!(text.starts_with("running for 1:00 min"), "{text}");
        assert!(
            text.ends_with(": [localhost] artifacts | Get the programs (2 of 9: kubelet)\n"),
            "{text}"
        );
        let told = plain.out.len();
        plain.tick(Instant::now());
        assert_eq!(plain.out.len(), told, "it was told just now");
    }
}
