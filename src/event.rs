//! Events: what happens in a run, as plain data. The engine writes them, reporters and the journal read them. They hold
//! what Ansible tells its callbacks (`v2_...`), in its order, and more.

use indexmap::IndexMap;
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
    /// A variable of `vars_prompt` was asked for, before the run began (`v2_playbook_on_vars_prompt`).
    VarsPrompted {
        /// Name of its playbook.
        playbook: String,
        /// `file:line` of its play.
        place: String,
        /// Its name.
        variable: String,
        /// The question.
        question: String,
        /// What was typed was not shown.
        private: bool,
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
    /// A play begins (`v2_playbook_on_play_start`).
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
    /// A further batch of a play begins, by `serial` (`v2_playbook_on_play_start` again).
    BatchStarted {
        /// Name of its playbook.
        playbook: String,
        /// Its name or host pattern.
        play: String,
        /// `file:line`.
        place: String,
        /// The hosts of the batch.
        hosts: Vec<String>,
    },
    /// A play has no hosts (`v2_playbook_on_no_hosts_matched`).
    NoHostsMatched {
        /// Name of its playbook.
        playbook: String,
        /// Its name or host pattern.
        play: String,
        /// Why, and what to do.
        text: String,
    },
    /// More hosts of a batch failed than `max_fail_percentage` allows, so that the rest of the playbook is not run
    /// (`v2_playbook_on_no_hosts_remaining`).
    NoHostsRemaining {
        /// Name of its playbook.
        playbook: String,
        /// The play.
        play: String,
    },
    /// A task or handler begins for the whole play (`v2_playbook_on_task_start`,
    /// `v2_playbook_on_handler_task_start`); its name is as the first host sees it, and names no host.
    TaskStarted(TaskName),
    /// A task begins on a host (`v2_runner_on_start`).
    HostStarted(TaskName),
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
    /// How far long work within a task is.
    Progress {
        /// The host.
        host: String,
        /// The task.
        task: String,
        /// How many parts are done.
        done: usize,
        /// Of how many.
        total: usize,
        /// The part that is worked at.
        text: String,
    },
    /// A task is tried again (`v2_runner_retry`).
    Retried {
        /// Which.
        #[serde(flatten)]
        name: TaskName,
        /// How often it was tried so far.
        attempt: usize,
        /// How many tries are left.
        left: usize,
    },
    /// The job of an `async` task goes on (`v2_runner_on_async_poll`): told every `poll` seconds, if there are any.
    AsyncPolled {
        /// Which.
        #[serde(flatten)]
        name: TaskName,
        /// The job, as `ansible_job_id` of the result.
        job: String,
    },
    /// The job of an `async` task that is polled has ended well (`v2_runner_on_async_ok`); what the task makes of it is told
    /// behind it.
    AsyncOk(Box<JobEnded>),
    /// Such a job has failed, or was not done in time (`v2_runner_on_async_failed`).
    AsyncFailed(Box<JobEnded>),
    /// One item of a task's loop has ended on a host (`v2_runner_item_on_ok`, `_failed`, `_skipped`).
    ItemEnded(Box<TaskEnded>),
    /// A handler was notified (`v2_playbook_on_notify`).
    Notified {
        /// The task that notifies.
        #[serde(flatten)]
        name: TaskName,
        /// The handler.
        handler_name: String,
    },
    /// A file of tasks or a role was included for some hosts (`v2_playbook_on_include`).
    Included {
        /// The task that includes it; its host is the first.
        #[serde(flatten)]
        name: TaskName,
        /// The file, by its whole path, or the role.
        included: String,
        /// The file or the role as the task names it.
        #[serde(default)]
        given: String,
        /// The item of the including task's loop.
        item: Option<String>,
        /// The hosts.
        hosts: Vec<String>,
    },
    /// A task has ended on a host (`v2_runner_on_ok`, `_failed`, `_skipped`, `_unreachable`).
    TaskEnded(Box<TaskEnded>),
    /// Nothing of a play can be told for a host that check mode would make.
    HostExpected {
        /// Name of the playbook.
        playbook: String,
        /// The play.
        play: String,
        /// `file:line` of the play.
        place: String,
        /// The host.
        host: String,
        /// What would decide everything about it.
        origin: String,
    },
    /// Something that no host is to blame for keeps a play from running.
    PlayBroken {
        /// Name of its playbook.
        playbook: String,
        /// The play.
        play: String,
        /// `file:line`.
        place: String,
        /// What, in one line.
        message: String,
        /// The same with place, causes and cure.
        report: String,
    },
    /// Something the user should know: a lock waited for, a debt paid.
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
        /// Where it stands, if that is told apart.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        origin: Option<Origin>,
    },
    /// What came of a `meta` task on a host.
    Meta {
        /// The host.
        host: String,
        /// In Ansible's words.
        text: String,
        /// Its conditions do not hold (`v2_runner_on_skipped`): the message of the result.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        skipped: Option<String>,
    },
    /// That this host could not be reached was ignored (`ignore_unreachable`).
    UnreachableIgnored {
        /// The host.
        host: String,
    },
    /// A failure of this host was taken back by a `rescue`.
    Rescued {
        /// The host.
        host: String,
    },
    /// Tasks whose modules Vent does not have, and which were run as programs of others, and calls of plugins that it does not have: told
    /// at the end of a run with such.
    Bridged {
        /// How many tasks (and items) they were.
        tasks: usize,
        /// How often each module was run.
        modules: IndexMap<String, usize>,
        /// How often each filter, test and lookup was called.
        plugins: IndexMap<String, usize>,
    },
    /// How often each host was ok, changed, failed (`v2_playbook_on_stats`), at the end of the whole run.
    Stats {
        /// The counts by host, sorted by name.
        hosts: IndexMap<String, Counts>,
    },
    /// The run has ended.
    RunEnded {
        /// Exit code of the program.
        code: i32,
        /// Seconds.
        seconds: f64,
    },
}

/// Counts of one host, as Ansible's recap has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Tasks that succeeded, changed ones included.
    pub ok: usize,
    /// Tasks that changed something.
    pub changed: usize,
    /// Tasks that could not reach the host.
    pub unreachable: usize,
    /// Tasks that failed.
    pub failed: usize,
    /// Tasks that were skipped.
    pub skipped: usize,
    /// Failures that a rescue took back.
    pub rescued: usize,
    /// Failures that were ignored.
    pub ignored: usize,
    /// Tasks that only applying can decide.
    pub undecided: usize,
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
    /// The column there, from 1.
    #[serde(default)]
    pub column: usize,
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
    /// The result is what the task is for, and is shown whatever the verbosity (Ansible's `_ansible_verbose_always`).
    #[serde(default)]
    pub shown: bool,
    /// For a failure: an excerpt of the place, the causes and the cure.
    pub report: Option<String>,
    /// For a failure: the line of the task behind those above, secrets masked; none with `no_log`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// For a failure that is no module's: where it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caused: Option<Caused>,
    /// For an undecided task: what would decide it.
    pub origin: Option<String>,
    /// Seconds.
    pub seconds: f64,
}

/// A place in a file that is told with its lines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// `file:line`.
    pub place: String,
    /// The column there, from 1.
    pub column: usize,
    /// The line there behind those above, secrets masked.
    pub lines: Vec<String>,
}

/// Where a failure comes from that is no module's, such as an argument that cannot be rendered; in Ansible's words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Caused {
    /// What failed, of the task.
    pub doing: String,
    /// Why.
    pub message: String,
    /// `file:line` of what could not be rendered.
    pub place: String,
    /// The column there, from 1.
    pub column: usize,
    /// The line there behind those above, secrets masked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
}

/// Lines of a file that are told of a place, as Ansible shows them.
pub const LINES: usize = 3;

/// The end of the job of an `async` task, before `changed_when`, `failed_when` and `until` are asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JobEnded {
    /// Which.
    #[serde(flatten)]
    pub name: TaskName,
    /// The job, as `ansible_job_id` of the result.
    pub job: String,
    /// The result so far, secrets masked; empty with `no_log`.
    pub result: serde_json::Value,
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
