//! `async_status`: what became of a command, or a module that is a program, which goes on by itself.

use super::returns::{OUTPUT, Returns};
use super::{Module, ModuleOutput, Nature, Outcome, Step, Stop, View};
use crate::content::byte_text;
use crate::host::{Action, Effect, Output, Resource, quote};
use crate::value::Value;
use schemars::JsonSchema;
use serde::Deserialize;

/// Tells what became of a command that goes on by itself, or forgets it.
pub(super) struct AsyncStatus;

/// The folder of such commands, below the home of their account.
pub const ASYNC_FOLDER: &str = ".ansible_async";

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// The job, as `ansible_job_id` of the task that started it.
    jid: String,
    /// What is wanted of it.
    #[serde(default)]
    mode: Mode,
}

/// What is wanted of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Mode {
    /// Its status.
    #[default]
    Status,
    /// That its files are removed.
    Cleanup,
}

impl Module for AsyncStatus {
    const NAMES: &'static [&'static str] = &["ansible.builtin.async_status", "async_status"];
    type Arguments = Arguments;
    const NATURE: Nature = Nature {
        asks_in_turn: true,
        ..Nature::OF_A_HOST
    };
    const RETURNS: &'static [Returns] = &[
        OUTPUT,
        &[
            ("ansible_job_id", "Name of the job."),
            ("started", "Whether the job was started."),
            ("finished", "Whether it has come to an end."),
            ("results_file", "The job's folder on the host."),
            ("erased", "The job's folder, if it was asked to be removed."),
        ],
    ];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let job = arguments.jid.as_str();
        let base = told(job, arguments.mode);
        if job.is_empty() || job.contains('/') || job == "." || job == ".." {
            return Ok(Step::done(lost(base)));
        }
        let about = Resource::Other(format!("the job {job}"));
        let state = view.probe(&state_script(job), std::slice::from_ref(&about))?;
        if state.code != 0 {
            return Ok(Step::done(lost(base)));
        }
        if arguments.mode == Mode::Status {
            return Ok(Step::done(status(base, &state)));
        }
        let removal = Action::Script {
            script: format!("rm -rf {}", folder(job)),
            explain: format!("rm -rf ~/{ASYNC_FOLDER}/{}", quote(job)),
            effects: vec![Effect::Forgets(about)],
        };
        Ok(Step::Finish(vec![removal], base))
    }
}

/// The fields that are there in any case.
fn told(job: &str, mode: Mode) -> Outcome {
    let path = format!("~/{ASYNC_FOLDER}/{job}");
    let is_status = mode == Mode::Status;
    let none = || Value::list([]);
    Outcome::new()
        .changed(false)
        .with("started", is_status)
        .with("finished", false)
        .with("stdout", "")
        .with("stdout_lines", none())
        .with("stderr", "")
        .with("stderr_lines", none())
        .with("ansible_job_id", job)
        .with(if is_status { "results_file" } else { "erased" }, path)
}

/// Nobody knows the job.
fn lost(base: Outcome) -> Outcome {
    base.with("started", true)
        .with("finished", true)
        .failed("could not find job")
}

/// The folder of a job, as shell text.
fn folder(job: &str) -> String {
    format!("\"${{HOME:-/tmp}}\"/{ASYNC_FOLDER}/{}", quote(job))
}

/// Prints what became of a job: `running`, `lost`, or `done CODE LENGTH` before its output and error output; `module` in place of `done`
/// if the output is the result of a module.
/// Exit status 4: nobody knows it.
fn state_script(job: &str) -> String {
    format!(
        "d={}; [ -d \"$d\" ] || exit 4\n\
         if [ -f \"$d/code\" ]; then k=done; [ -f \"$d/module\" ] && k=module; printf '%s %s %s\\n' $k \"$(cat \"$d/code\")\" \"$(wc -c <\"$d/out\")\"; cat \"$d/out\" \"$d/err\"\n\
         elif [ ! -f \"$d/pid\" ] || kill -0 \"$(cat \"$d/pid\")\" 2>/dev/null; then echo running; else echo lost; fi",
        folder(job)
    )
}

/// The exit status of `timeout` where it had to end a job.
const TIMED_OUT: i64 = 124;

/// The result of a module that is a program, with what tells of the job.
fn of_module(base: Outcome, stdout: &[u8], stderr: &[u8], code: &str) -> Outcome {
    let code = code.parse().unwrap_or(-1);
    let mut outcome = ModuleOutput { stdout, stderr, code }.result().outcome;
    let job = base
        .fields
        .into_iter()
        .filter(|(name, _)| !name.starts_with("std"));
    for (name, value) in job.collect::<Vec<_>>() {
        outcome.fields.entry(name).or_insert(value);
    }
    outcome.with("finished", true)
}

/// What [`state_script`] printed.
fn status(base: Outcome, state: &Output) -> Outcome {
    let printed = &state.stdout;
    let end = printed
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(printed.len());
    let line = String::from_utf8_lossy(&printed[..end]);
    let words: Vec<&str> = line.split(' ').collect();
    let [kind @ ("done" | "module"), code, length] = words[..] else {
        return match words[..] {
            ["running"] => base,
            _ => base
                .with("finished", true)
                .failed("the job was killed on the host: its exit status is not known"),
        };
    };
    let rest = printed.get(end + 1..).unwrap_or_default();
    let (stdout, stderr) = rest.split_at(length.parse().unwrap_or(0).min(rest.len()));
    if kind == "module" && code.parse() != Ok(TIMED_OUT) {
        return of_module(base, stdout, stderr, code);
    }
    let text = |bytes: &[u8]| {
        byte_text::text_of(bytes)
            .trim_end_matches(['\r', '\n'])
            .to_string()
    };
    let (stdout, stderr) = (text(stdout), text(stderr));
    let lines = |text: &str| Value::list(text.lines().map(Value::string));
    let code: i64 = code.parse().unwrap_or(-1);
    let outcome = base
        .changed(true)
        .with("finished", true)
        .with("rc", code)
        .with("stdout_lines", lines(&stdout))
        .with("stderr_lines", lines(&stderr))
        .with("stdout", stdout)
        .with("stderr", stderr);
    match code {
        0 => outcome,
        TIMED_OUT => outcome.failed("the job was stopped at its time-out"),
        _ => outcome.failed("non-zero return code"),
    }
}
