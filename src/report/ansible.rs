//! What Ansible's own callback `default` writes, letter by letter, since people and programs search it: banners and results on standard
//! output, what Vent has to say beside on standard error.

mod banner;
mod console;
mod dump;
mod failure;
mod minimal;
mod recap;
mod tree;

use super::Reporter;
use crate::event::{Event, Kind, Status, TaskEnded, TaskName};
use banner::banner;
pub use console::file_used;
use console::{Console, To};
use dump::Form;
pub use failure::warning;
pub use minimal::{Minimal, Style};
use std::io::Write;
pub use tree::Tree;

/// Who writes standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Callback {
    /// Banners, results, a recap.
    #[default]
    Default,
    /// Results alone.
    Minimal,
    /// A line for each result.
    OneLine,
}

impl Callback {
    /// The one of a name.
    pub fn of_name(name: &str) -> Option<Callback> {
        Some(match name.strip_prefix("ansible.builtin.").unwrap_or(name) {
            "default" => Callback::Default,
            "minimal" => Callback::Minimal,
            "oneline" => Callback::OneLine,
            _ => return None,
        })
    }
}

/// How it is shown: the options of the callback, and of Ansible's display.
#[derive(Clone, Debug)]
pub struct Display {
    /// How many `-v`.
    pub verbosity: u8,
    /// With colours.
    pub colour: bool,
    /// Columns of a banner.
    pub columns: usize,
    /// `display_skipped_hosts`.
    pub skipped_hosts: bool,
    /// `display_ok_hosts`.
    pub ok_hosts: bool,
    /// `display_failed_stderr`: failures on standard error.
    pub failed_on_stderr: bool,
    /// `show_per_host_start`.
    pub per_host_start: bool,
    /// `check_mode_markers`.
    pub check_mode_markers: bool,
    /// `show_task_path_on_failure`.
    pub task_path_on_failure: bool,
    /// `pretty_results`: results on several lines, or never; else as the result wants.
    pub pretty_results: Option<bool>,
    /// The configuration that was read, which `-v` names.
    pub config_file: Option<String>,
}

impl Default for Display {
    fn default() -> Display {
        Display {
            verbosity: 0,
            colour: false,
            columns: 79,
            skipped_hosts: true,
            ok_hosts: true,
            failed_on_stderr: false,
            per_host_start: false,
            check_mode_markers: false,
            task_path_on_failure: false,
            pretty_results: None,
            config_file: None,
        }
    }
}

/// The colours of Ansible, as the numbers of the terminal's sequences.
mod colour {
    pub const OK: &str = "0;32";
    pub const CHANGED: &str = "0;33";
    pub const SKIP: &str = "0;36";
    pub const ERROR: &str = "0;31";
    pub const UNREACHABLE: &str = "1;31";
    pub const INCLUDED: &str = "0;36";
    pub const VERBOSE: &str = "0;34";
    pub const WARNING: &str = "1;35";
    pub const DEBUG: &str = "1;30";
    pub const DIFF_LINES: &str = "0;36";
}

/// Modules whose results are never printed: facts are too many.
const NEVER_DUMPED: [&str; 2] = ["setup", "gather_facts"];

/// Writes as Ansible does.
pub struct Ansible<W: Write + Send, E: Write + Send> {
    console: Console<W, E>,
    display: Display,
    check: bool,
    /// The task whose banner was written last.
    banner: Option<TaskKey>,
    /// The task that was begun last, for a banner that waits for a result worth showing.
    begun: Option<TaskName>,
}

/// A task of a play, whatever the host.
type TaskKey = (String, String, String, bool);

fn key(name: &TaskName) -> TaskKey {
    (
        name.playbook.clone(),
        name.place.clone(),
        name.task.clone(),
        name.handler,
    )
}

impl<W: Write + Send, E: Write + Send> Ansible<W, E> {
    /// Writes into `out`, and beside into `errors`.
    pub fn new(out: W, errors: E, display: Display) -> Ansible<W, E> {
        Ansible {
            console: Console::new(out, errors, display.colour),
            display,
            check: false,
            banner: None,
            begun: None,
        }
    }

    fn say(&mut self, to: To, colour: &str, text: &str) {
        self.console.say(to, colour, text);
    }

    fn banner(&mut self, text: &str) {
        let banner = banner(text, self.display.columns);
        self.say(To::Output, "", &banner);
    }

    fn marker(&self) -> &'static str {
        match self.check && self.display.check_mode_markers {
            true => " [CHECK MODE]",
            false => "",
        }
    }

    fn task_banner(&mut self, name: &TaskName) {
        let word = match name.handler {
            true => "RUNNING HANDLER",
            false => "TASK",
        };
        self.banner(&format!("{word} [{}{}]", name.task.trim(), self.marker()));
        if self.display.verbosity >= 2 {
            let path = format!("task path: {}", failure::path(name));
            self.say(To::Output, colour::DEBUG, &path);
        }
        self.banner = Some(key(name));
    }

    /// The banner of a task of which something is shown, if it was not the last one.
    fn task_banner_once(&mut self, name: &TaskName) {
        if self.banner.as_ref() == Some(&key(name)) {
            return;
        }
        // The name as the first host saw it, where that was told.
        let begun = self.begun.as_ref();
        let begun = begun.filter(|begun| begun.place == name.place && begun.handler == name.handler);
        let name = begun.unwrap_or(name).clone();
        self.task_banner(&name);
    }

    fn dump(&self, task: &TaskEnded) -> String {
        dump::result(task, &self.display)
    }

    fn is_verbose(&self, task: &TaskEnded) -> bool {
        let module = task.name.module.rsplit('.').next().unwrap_or_default();
        (self.display.verbosity > 0 || task.shown) && !NEVER_DUMPED.contains(&module)
    }

    fn ended(&mut self, task: &TaskEnded) {
        let changed = task.result.get("changed").and_then(|value| value.as_bool()) == Some(true);
        match task.status {
            Status::Ok | Status::Changed => self.ok(task, changed || task.status == Status::Changed),
            Status::Skipped | Status::Undecided => self.skipped(task),
            Status::Failed | Status::Ignored => self.failed(task),
            Status::Unreachable => self.unreachable(task),
        }
    }

    fn ok(&mut self, task: &TaskEnded, changed: bool) {
        if !changed && !self.display.ok_hosts {
            return;
        }
        self.task_banner_once(&task.name);
        if changed {
            self.console.diffs(&task.diffs);
        }
        if task.looped {
            return;
        }
        let (word, colour) = match changed {
            true => ("changed", colour::CHANGED),
            false => ("ok", colour::OK),
        };
        let mut line = format!("{word}: [{}]", label(&task.name));
        if let Some(item) = &task.item {
            line.push_str(&format!(" => (item={item})"));
        }
        if self.is_verbose(task) {
            line.push_str(&format!(" => {}", self.dump(task)));
        }
        self.say(To::Output, colour, &line);
    }

    fn skipped(&mut self, task: &TaskEnded) {
        if task.status == Status::Undecided {
            self.console.undecided(task);
        }
        if !self.display.skipped_hosts {
            return;
        }
        self.task_banner_once(&task.name);
        let mut line = format!("skipping: [{}]", task.name.host);
        if let Some(item) = &task.item {
            line.push_str(&format!(" => (item={item}) "));
        }
        if self.is_verbose(task) && (self.display.verbosity > 0 || task.status != Status::Skipped) {
            line.push_str(&format!(" => {}", self.dump(task)));
        }
        self.say(To::Output, colour::SKIP, &line);
    }

    fn failed(&mut self, task: &TaskEnded) {
        self.task_banner_once(&task.name);
        let to = To::of_failures(self.display.failed_on_stderr);
        // Its items were told one by one.
        if !told_by_items(task) {
            let items = task.looped && task.result.get("results").is_some();
            // An include of what cannot be read has a reason in its result, and is told of by that alone.
            let has_reason = task.result.get("reason").is_some() && task.result.get("msg").is_none();
            if !items && !has_reason {
                self.console.error_block(to, task);
            }
            let label = label(&task.name);
            let line = match &task.item {
                Some(item) => format!("failed: [{label}] (item={item}) => {}", self.dump(task)),
                None => format!("fatal: [{label}]: FAILED! => {}", self.dump(task)),
            };
            if task.item.is_none() && self.display.task_path_on_failure && self.display.verbosity < 2 {
                let path = format!("task path: {}", failure::path(&task.name));
                self.say(To::Output, colour::DEBUG, &path);
            }
            self.say(to, colour::ERROR, &line);
        }
        if task.status == Status::Ignored && task.item.is_none() {
            self.say(To::Output, colour::SKIP, "...ignoring");
        }
    }

    fn unreachable(&mut self, task: &TaskEnded) {
        self.task_banner_once(&task.name);
        let line = format!(
            "fatal: [{}]: UNREACHABLE! => {}",
            label(&task.name),
            self.dump(task)
        );
        let to = To::of_failures(self.display.failed_on_stderr);
        self.console.error_block(to, task);
        self.say(to, colour::UNREACHABLE, &line);
    }

    fn meta(&mut self, host: &str, text: &str, skipped: Option<&str>) {
        if self.display.verbosity > 1 {
            self.say(To::Output, colour::VERBOSE, &format!("META: {text}"));
        }
        if let Some(message) = skipped.filter(|_| self.display.skipped_hosts) {
            let mut line = format!("skipping: [{host}]");
            if self.display.verbosity > 0 {
                let result = serde_json::json!({"msg": message, "skip_reason": text});
                let form = match self.display.pretty_results.unwrap_or(self.display.verbosity > 2) {
                    true => Form::Lines,
                    false => Form::Line,
                };
                line.push_str(&format!(" => {}", dump::written(&result, form)));
            }
            self.say(To::Output, colour::SKIP, &line);
        }
    }

    fn play(&mut self, play: &str) {
        let marker = self.marker();
        let text = match play.trim() {
            "" => format!("PLAY{marker}"),
            name => format!("PLAY [{name}]{marker}"),
        };
        self.banner(&text);
        self.banner = None;
    }
}

/// The host, and who does the task for it.
fn label(name: &TaskName) -> String {
    match &name.delegate {
        Some(delegate) => format!("{} -> {delegate}", name.host),
        None => name.host.clone(),
    }
}

/// True for the end of a loop whose items were told before. What `debug` leaves of a result has none.
fn told_by_items(task: &TaskEnded) -> bool {
    let debug = matches!(task.name.module.as_str(), "debug" | "ansible.builtin.debug");
    task.looped && task.result.get("results").is_some() && !debug
}

impl<W: Write + Send, E: Write + Send> Reporter for Ansible<W, E> {
    fn event(&mut self, event: &Event) {
        match &event.kind {
            Kind::RunStarted { check, .. } => {
                self.check = *check;
                if self.display.verbosity > 0 {
                    self.console.configuration(self.display.config_file.as_deref());
                }
            }
            Kind::PlayStarted { play, .. } | Kind::BatchStarted { play, .. } => self.play(play),
            Kind::NoHostsMatched { play, .. } => {
                self.play(play);
                self.say(To::Output, colour::SKIP, "skipping: no hosts matched");
            }
            Kind::NoHostsRemaining { .. } => self.banner("NO MORE HOSTS LEFT"),
            Kind::TaskStarted(name) => {
                self.begun = Some(name.clone());
                self.banner = None;
                if self.display.skipped_hosts && self.display.ok_hosts {
                    self.task_banner(name);
                }
            }
            Kind::HostStarted(name) if self.display.per_host_start => {
                let line = format!(" [started TASK: {} on {}]", name.task, name.host);
                self.say(To::Output, colour::OK, &line);
            }
            Kind::ItemEnded(task) | Kind::TaskEnded(task) => self.ended(task),
            Kind::Included {
                included,
                hosts,
                item,
                ..
            } => {
                let mut line = format!("included: {included} for {}", hosts.join(", "));
                if let Some(item) = item {
                    line.push_str(&format!(" => (item={item})"));
                }
                self.say(To::Output, colour::INCLUDED, &line);
            }
            Kind::Retried { name, left, .. } => {
                let line = format!(
                    "FAILED - RETRYING: [{}]: {} ({left} retries left).",
                    name.host, name.task
                );
                self.say(To::Output, colour::DEBUG, &line);
            }
            Kind::AsyncPolled { name, job } => {
                let line = format!(
                    "ASYNC POLL on {}: jid={job} started=True finished=False",
                    name.host
                );
                self.say(To::Output, colour::DEBUG, &line);
            }
            Kind::AsyncOk(job) => {
                let line = format!("ASYNC OK on {}: jid={}", job.name.host, job.job);
                self.say(To::Output, colour::DEBUG, &line);
            }
            Kind::AsyncFailed(job) => {
                let line = format!("ASYNC FAILED on {}: jid={}", job.name.host, job.job);
                self.say(To::Output, colour::DEBUG, &line);
            }
            Kind::Notified { name, handler_name } if self.display.verbosity > 1 => {
                let line = format!("NOTIFIED HANDLER {handler_name} for {}", name.host);
                self.say(To::Output, colour::VERBOSE, &line);
            }
            Kind::Meta { host, text, skipped } => self.meta(host, text, skipped.as_deref()),
            Kind::UnreachableIgnored { .. } => self.say(To::Output, colour::SKIP, "...ignoring"),
            Kind::Stats { hosts } => {
                self.banner("PLAY RECAP");
                for (host, counts) in hosts {
                    let line = recap::line(host, counts, self.display.colour);
                    self.say(To::Output, "", &line);
                }
                self.say(To::Output, "", "");
                if self.check && self.display.check_mode_markers {
                    self.banner("DRY RUN");
                }
            }
            other => self.console.beside(other),
        }
    }
}
