//! Events: what happens in a run, as plain data. The engine writes them, reporters and the journal read them.

use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc::UnboundedSender;

/// Something that happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Seconds since 1970.
    pub time: f64,
    /// What.
    #[serde(flatten)]
    pub kind: Kind,
}

/// What happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Kind {
    /// The run begins.
    RunStarted {
        /// Check mode.
        check: bool,
        /// The playbooks in the order of the page.
        playbooks: Vec<String>,
    },
    /// A playbook begins.
    PlaybookStarted {
        /// Its name.
        playbook: String,
    },
    /// A playbook has ended.
    PlaybookEnded {
        /// Its name.
        playbook: String,
        /// How.
        ending: Ending,
        /// What blocked it.
        cause: Option<String>,
        /// Seconds.
        seconds: f64,
    },
    /// A play begins.
    PlayStarted {
        /// Name of its playbook.
        playbook: String,
        /// Its name or host pattern.
        play: String,
        /// `file:line`.
        place: String,
        /// Its hosts.
        hosts: Vec<String>,
    },
    /// A task begins on a host.
    TaskStarted(TaskName),
    /// A line of output of a running command.
    Output {
        /// The host.
        host: String,
        /// The task.
        task: String,
        /// True for standard error.
        error: bool,
        /// The line without its end.
        line: String,
    },
    /// A task, or one item of its loop, has ended on a host.
    TaskEnded(Box<TaskEnded>),
    /// Something the user should know: a lock waited for, a retry, a debt paid.
    Notice {
        /// The host it is about.
        host: Option<String>,
        /// The sentence.
        text: String,
    },
    /// Something in the files or options that is probably not meant.
    Warning {
        /// The sentence.
        text: String,
    },
    /// A failure of this host was taken back by a `rescue`.
    Rescued {
        /// The host.
        host: String,
    },
    /// The run has ended.
    RunEnded {
        /// Exit code of the program.
        code: i32,
        /// Seconds.
        seconds: f64,
    },
}

/// How a playbook ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// All of it ran.
    Done,
    /// A task failed or a host could not be reached.
    Failed,
    /// Something it needs failed, so it did not run.
    Blocked,
    /// The user stopped the run before it began.
    Stopped,
}

/// Which task, where.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TaskName {
    /// Name of its playbook.
    pub playbook: String,
    /// Its play.
    pub play: String,
    /// The host.
    pub host: String,
    /// The host that does it, if it is another.
    pub delegate: Option<String>,
    /// Its name.
    pub task: String,
    /// The module.
    pub module: String,
    /// `file:line`.
    pub place: String,
    /// True for a handler.
    pub handler: bool,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Hash, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing had to be done.
    Ok,
    /// Something was done (in check mode: would be done).
    Changed,
    /// A condition did not hold.
    Skipped,
    /// In check mode: only applying can tell.
    Undecided,
    /// It failed.
    Failed,
    /// It failed, and the failure is ignored.
    Ignored,
    /// The host could not be reached.
    Unreachable,
}

/// A task on a host, or one item of its loop, with its result.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TaskEnded {
    /// Which.
    #[serde(flatten)]
    pub name: TaskName,
    /// The item of the loop; the whole task has none.
    pub item: Option<String>,
    /// True for the end of a whole task with a loop: its items were told before.
    pub looped: bool,
    /// How.
    pub status: Status,
    /// What the module or condition says.
    pub message: Option<String>,
    /// The registered result, secrets masked; empty with `no_log`.
    pub result: serde_json::Value,
    /// What changed in files.
    pub diffs: Vec<Diff>,
    /// SHA-256 of files that were written.
    pub digests: Vec<(String, String)>,
    /// What a person would type, for `vent explain`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
    /// For a failure: an excerpt of the place, the causes and the cure.
    pub report: Option<String>,
    /// For an undecided task: what would decide it.
    pub origin: Option<String>,
    /// Seconds.
    pub seconds: f64,
}

/// What changed in one file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Diff {
    /// The file.
    pub path: String,
    /// Unified diff, or a sentence where the content is not to be shown.
    pub text: String,
}

/// Where events go.
#[derive(Clone)]
pub struct Events(UnboundedSender<Event>);

impl Events {
    /// Events into a channel.
    pub fn new(sender: UnboundedSender<Event>) -> Events {
        Events(sender)
    }

    /// Tells what happened; a reader that is gone does not stop the work.
    pub fn tell(&self, kind: Kind) {
        let time = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0.0, |time| time.as_secs_f64());
        let _ = self.0.send(Event { time, kind });
    }
}
