//! What Ansible's callbacks `minimal` and `oneline` write: `HOST | SUCCESS => {...}` for each result, no banners, no recap.

use super::console::{Console, To};
use super::dump::{self, Form};
use super::{Display, colour};
use crate::event::{Event, Kind, Status, TaskEnded, TaskName};
use crate::report::Reporter;
use serde_json::json;
use std::io::Write;

/// Modules whose output is shown as it is, and not as JSON.
const COMMANDS: [&str; 3] = ["command", "shell", "raw"];

/// What `oneline` says of a failure whose traceback nobody has.
const NO_TRACEBACK: &str = "An exception occurred during task execution. To see the full traceback, use -vvv. The error was: \
                            (traceback unavailable)";

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A result on as many lines as it takes.
    Minimal,
    /// A result on one line.
    OneLine,
}

/// Writes as they do.
pub struct Minimal<W: Write + Send, E: Write + Send> {
    console: Console<W, E>,
    display: Display,
    style: Style,
}

impl<W: Write + Send, E: Write + Send> Minimal<W, E> {
    /// Writes into `out`, and beside into `errors`.
    pub fn new(out: W, errors: E, display: Display, style: Style) -> Minimal<W, E> {
        Minimal {
            console: Console::new(out, errors, display.colour),
            display,
            style,
        }
    }

    fn form(&self) -> Form {
        match self.style {
            Style::Minimal => Form::Lines,
            Style::OneLine => Form::DenseLine,
        }
    }

    fn dump(&self, task: &TaskEnded) -> String {
        dump::whole(task, self.form(), self.display.verbosity)
    }

    fn ended(&mut self, task: &TaskEnded) {
        if self.style == Style::Minimal {
            self.console.diffs(&task.diffs);
        }
        let changed = task.result.get("changed").and_then(|value| value.as_bool()) == Some(true);
        match task.status {
            Status::Ok | Status::Changed => self.ok(task, changed || task.status == Status::Changed),
            Status::Skipped => self.skipped(task),
            Status::Undecided => {
                self.console.undecided(task);
                self.skipped(task);
            }
            Status::Failed | Status::Ignored => self.failed(task),
            Status::Unreachable => self.unreachable(task),
        }
    }

    fn ok(&mut self, task: &TaskEnded, changed: bool) {
        let (word, colour) = match changed {
            true => ("CHANGED", colour::CHANGED),
            false => ("SUCCESS", colour::OK),
        };
        let is_job = task.result.get("ansible_job_id").is_some();
        let text = match is_command(&task.name) && !is_job {
            true => self.command(task, word),
            false => format!("{} | {word} => {}", task.name.host, self.dump(task)),
        };
        self.console.say(To::Output, colour, &text);
    }

    fn skipped(&mut self, task: &TaskEnded) {
        let text = format!("{} | SKIPPED", task.name.host);
        self.console.say(To::Output, colour::SKIP, &text);
    }

    fn failed(&mut self, task: &TaskEnded) {
        if self.style == Style::Minimal {
            self.console.error_block(To::Output, task);
        }
        let command = is_command(&task.name).then(|| self.command(task, "FAILED"));
        let whole = || format!("{} | FAILED! => {}", task.name.host, self.dump(task));
        let text = match (self.style, command) {
            (Style::Minimal, Some(command)) => command,
            (Style::Minimal, None) => whole(),
            // As it is there, a failed command is told twice.
            (Style::OneLine, Some(command)) => format!("{command}\n{}", whole()),
            (Style::OneLine, None) => format!("{NO_TRACEBACK}\n{}", whole()),
        };
        self.console.say(To::Output, colour::ERROR, &text);
    }

    fn unreachable(&mut self, task: &TaskEnded) {
        let text = match self.style {
            Style::Minimal => {
                self.console.error_block(To::Output, task);
                format!("{} | UNREACHABLE! => {}", task.name.host, self.dump(task))
            }
            Style::OneLine => format!("{} | UNREACHABLE!: {}", task.name.host, text(task, "msg")),
        };
        self.console.say(To::Output, colour::UNREACHABLE, &text);
    }

    /// What a command wrote.
    fn command(&self, task: &TaskEnded, word: &str) -> String {
        let code = task
            .result
            .get("rc")
            .map_or_else(|| "-1".into(), ToString::to_string);
        let begin = format!("{} | {word} | rc={code}", task.name.host);
        let (stdout, stderr) = (text(task, "stdout"), text(task, "stderr"));
        match self.style {
            Style::Minimal => format!("{begin} >>\n{stdout}{stderr}{}\n", text(task, "msg")),
            Style::OneLine => {
                let line = |text: &str| text.replace('\n', "\\n").replace('\r', "\\r");
                let stderr = match stderr {
                    "" => String::new(),
                    stderr => format!(" (stderr) {}", line(stderr)),
                };
                format!("{begin} | (stdout) {}{stderr}", line(stdout))
            }
        }
    }

    /// What includes tell of themselves.
    fn included(&mut self, name: &TaskName, included: &str, hosts: &[String]) {
        let result = match name.module.ends_with("include_role") {
            true => json!({"changed": false, "include_args": {"name": included}}),
            false => json!({"changed": false, "include": included, "include_args": {}}),
        };
        let result = dump::written(&result, self.form());
        for host in hosts {
            let text = format!("{host} | SUCCESS => {result}");
            self.console.say(To::Output, colour::OK, &text);
        }
    }
}

/// A text of a result.
fn text<'a>(task: &'a TaskEnded, name: &str) -> &'a str {
    let value = task.result.get(name).and_then(|value| value.as_str());
    value.unwrap_or_default()
}

fn is_command(name: &TaskName) -> bool {
    let module = name.module.strip_prefix("ansible.builtin.");
    COMMANDS.contains(&module.unwrap_or(&name.module))
}

impl<W: Write + Send, E: Write + Send> Reporter for Minimal<W, E> {
    fn event(&mut self, event: &Event) {
        match &event.kind {
            Kind::RunStarted { .. } if self.display.verbosity > 0 => {
                self.console.configuration(self.display.config_file.as_deref());
            }
            Kind::TaskEnded(task) => self.ended(task),
            Kind::Included {
                name, given, hosts, ..
            } => self.included(name, given, hosts),
            other => self.console.beside(other),
        }
    }
}
