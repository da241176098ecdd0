//! `raw` and `script`: a line for the host's shell, a script of this computer.

use super::placed::missing;
use super::returns::{OUTPUT, Returns};
use super::{LocalFile, Module, Nature, Outcome, Step, Stop, View};
use crate::content::{byte_text, hexadecimal};
use crate::host::{Action, Attributes, Command, Performed, quote};
use crate::value::Value;
use schemars::JsonSchema;
use serde::Deserialize;

/// Runs a line as it is.
pub(super) struct Raw;
/// Runs a script of this computer.
pub(super) struct Script;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct RawArguments {
    /// The line.
    #[serde(alias = "_raw_params")]
    cmd: String,
    /// The shell to use.
    executable: Option<String>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct ScriptArguments {
    /// The script, searched in `files/`, and its arguments.
    #[serde(alias = "_raw_params")]
    cmd: String,
    /// Folder to run in.
    chdir: Option<String>,
    /// Skip if this file is there.
    creates: Option<String>,
    /// Skip if this file is not there.
    removes: Option<String>,
    /// The interpreter to use.
    executable: Option<String>,
}

fn outcome(performed: &Performed, view: &View<'_>) -> Outcome {
    let outcome = Outcome::new().changed(true);
    if performed.unknown {
        let names = ["rc", "stdout", "stderr", "stdout_lines", "stderr_lines"];
        return names
            .into_iter()
            .fold(outcome, |outcome, name| outcome.with(name, view.unknown()));
    }
    let code = performed.output.code;
    let stdout = performed.output.text();
    let stderr = byte_text::text_of(&performed.output.stderr);
    let lines = |text: &str| Value::list(text.lines().map(Value::string));
    let outcome = outcome
        .with("rc", i64::from(code))
        .with("stdout_lines", lines(&stdout))
        .with("stderr_lines", lines(&stderr))
        .with("stdout", stdout)
        .with("stderr", stderr);
    match code {
        0 => outcome,
        _ => outcome.failed("non-zero return code"),
    }
}

impl Module for Raw {
    const NAMES: &'static [&'static str] = &["ansible.builtin.raw", "raw"];
    type Arguments = RawArguments;
    // As in Ansible, which looks at those it knows.
    const OPEN: bool = true;
    const FREE_FORM: Option<&'static str> = Some("cmd");
    const RETURNS: &'static [Returns] = &[OUTPUT];
    const NATURE: Nature = Nature::OF_A_COMMAND;

    fn step(arguments: &RawArguments, view: &View<'_>) -> Result<Step, Stop> {
        if let Some(performed) = view.performed().first() {
            return Ok(Step::done(outcome(performed, view)));
        }
        Ok(Step::Act(vec![Action::Run(Command {
            script: arguments.cmd.clone(),
            interpreter: arguments.executable.clone(),
            ..Command::default()
        })]))
    }
}

impl Module for Script {
    const NAMES: &'static [&'static str] = &["ansible.builtin.script", "script"];
    type Arguments = ScriptArguments;
    const FREE_FORM: Option<&'static str> = Some("cmd");
    const NATURE: Nature = Nature {
        can_go_on: false,
        ..Nature::OF_A_COMMAND
    };
    const IGNORED: &'static [&'static str] = &["decrypt"];
    const RETURNS: &'static [Returns] = &[OUTPUT];

    fn step(arguments: &ScriptArguments, view: &View<'_>) -> Result<Step, Stop> {
        if let Some(performed) = view.performed().get(1) {
            return Ok(Step::done(outcome(performed, view)));
        }
        for (path, there) in [(&arguments.creates, true), (&arguments.removes, false)] {
            if let Some(path) = path
                && view.stat(path, true)?.is_some() == there
            {
                let end = if there {
                    "exists, matching creates"
                } else {
                    "does not exist, matching removes"
                };
                return Ok(Step::done(Outcome::new().skipped(format!("{path} {end} option"))));
            }
        }
        let words = shlex::split(&arguments.cmd).unwrap_or_default();
        let Some((name, rest)) = words.split_first() else {
            return Err(Stop::failed("no script given"));
        };
        let path = view
            .control_node()
            .find("files", name)
            .map_err(|tried| missing(name, &tried))?;
        let LocalFile::File(content) = view.control_node().file(&path) else {
            return Err(missing(name, &[path]));
        };
        let there = format!(
            "/tmp/.vent-script-{}",
            hexadecimal(&view.control_node().random()[..8])
        );
        let mut line: Vec<String> = arguments.executable.iter().cloned().collect();
        line.push(there.clone());
        line.extend(rest.iter().map(|word| quote(word)));
        let list = |path: &Option<String>| path.iter().cloned().collect();
        let write = Action::WriteFile {
            path: there.clone(),
            content,
            attributes: Attributes {
                mode: Some(0o700),
                ..Attributes::default()
            },
            validate: None,
            backup: false,
            unsafe_writes: false,
        };
        let run = Action::Run(Command {
            script: line.join(" "),
            folder: arguments.chdir.clone(),
            creates: list(&arguments.creates),
            removes: list(&arguments.removes),
            ..Command::default()
        });
        Ok(Step::Act(vec![write, run, Action::Remove { path: there }]))
    }
}
