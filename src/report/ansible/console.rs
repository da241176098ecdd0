//! Where Ansible's callbacks write: results on standard output, what Vent has to say beside on standard error.

use super::{colour, dump, failure};
use crate::content::byte_text;
use crate::event::{Diff, Kind, TaskEnded};
use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

/// What is said of the `ansible.cfg` that was read to who wants more words.
pub fn file_used(file: Option<&Path>) -> String {
    match file {
        Some(file) => format!("Using {} as config file", file.display()),
        None => "No config file found; using defaults".to_string(),
    }
}

/// Where a text goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum To {
    Output,
    Errors,
}

impl To {
    /// Where failures go.
    pub fn of_failures(on_stderr: bool) -> To {
        match on_stderr {
            true => To::Errors,
            false => To::Output,
        }
    }
}

/// The two streams.
pub struct Console<W: Write + Send, E: Write + Send> {
    out: W,
    errors: E,
    coloured: bool,
    /// What was said and is not said again.
    said: HashSet<String>,
}

impl<W: Write + Send, E: Write + Send> Console<W, E> {
    /// Writes into `out`, and beside into `errors`.
    pub fn new(out: W, errors: E, coloured: bool) -> Console<W, E> {
        Console {
            out,
            errors,
            coloured,
            said: HashSet::new(),
        }
    }

    /// Writes a text and the end of its last line, each line in a colour.
    pub fn say(&mut self, to: To, colour: &str, text: &str) {
        let text = byte_text::shown(text).into_owned();
        let painted = match self.coloured && !colour.is_empty() && !text.is_empty() {
            true => {
                let lines = text
                    .split('\n')
                    .map(|line| format!("\x1b[{colour}m{line}\x1b[0m"));
                lines.collect::<Vec<_>>().join("\n")
            }
            false => text,
        };
        let line = match painted.ends_with('\n') {
            true => painted,
            false => painted + "\n",
        };
        // A reader that has gone away does not stop the run.
        let _ = match to {
            To::Output => self
                .out
                .write_all(line.as_bytes())
                .and_then(|()| self.out.flush()),
            To::Errors => self
                .errors
                .write_all(line.as_bytes())
                .and_then(|()| self.errors.flush()),
        };
    }

    /// `[WARNING]: ...`, once.
    pub fn warn(&mut self, text: &str) {
        let text = format!("[WARNING]: {text}");
        if self.said.insert(text.clone()) {
            self.say(To::Errors, colour::WARNING, &text);
        }
    }

    /// That check mode cannot decide a task, which Ansible has no word for.
    pub fn undecided(&mut self, task: &TaskEnded) {
        let origin = task.origin.as_deref().unwrap_or("what is not done yet");
        let name = &task.name;
        self.warn(&format!(
            "{} [{}] {} is undecided in check mode and counts as skipped: {origin} decides it",
            name.place, name.host, name.task
        ));
    }

    /// `[ERROR]: ...` with the place of a task that failed, once.
    pub fn error_block(&mut self, to: To, task: &TaskEnded) {
        let block = failure::block(task);
        if self.said.insert(block.clone()) {
            self.say(to, colour::ERROR, &(block + "\n"));
        }
    }

    /// What changed in files.
    pub fn diffs(&mut self, diffs: &[Diff]) {
        for diff in diffs {
            let mut text = String::new();
            for line in dump::headed(diff).lines() {
                let colour = match line.as_bytes().first() {
                    Some(b'+') => colour::OK,
                    Some(b'-') => colour::ERROR,
                    Some(b'@') if line.starts_with("@@") => colour::DIFF_LINES,
                    _ => "",
                };
                match self.coloured && !colour.is_empty() {
                    true => text.push_str(&format!("\x1b[{colour}m{line}\x1b[0m\n")),
                    false => text.push_str(&format!("{line}\n")),
                }
            }
            self.say(To::Output, "", &(text + "\n"));
        }
    }

    /// The configuration that was read.
    pub fn configuration(&mut self, file: Option<&str>) {
        self.say(To::Output, colour::VERBOSE, &file_used(file.map(Path::new)));
    }

    /// What no callback of Ansible's is told.
    pub fn beside(&mut self, kind: &Kind) {
        match kind {
            Kind::PlayBroken { report, .. } => {
                let text = format!("[ERROR]: {}", report.trim_start_matches("error: "));
                self.say(To::Errors, colour::ERROR, &text);
            }
            Kind::HostExpected { host, origin, .. } => {
                self.warn(&format!("nothing can be told of {host} yet: {origin} decides it"));
            }
            Kind::Warning { text, origin } => {
                let origin = origin.as_ref().map(failure::placed);
                self.warn(&format!("{text}{}", origin.unwrap_or_default()));
            }
            Kind::Notice { host, text } => {
                let host = host.as_ref().map(|host| format!("[{host}] "));
                self.warn(&format!("{}{text}", host.unwrap_or_default()));
            }
            _ => {}
        }
    }
}
