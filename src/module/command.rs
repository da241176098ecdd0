//! `command` and `shell`: a command of the user's.

use super::returns::{OUTPUT, Returns};
use super::{Module, Nature, Outcome, Step, Stop, View};
use crate::content::byte_text;
use crate::host::{Action, Command as Run, Performed, Resource, quote};
use crate::value::Value;
use jiff::Span;
use schemars::JsonSchema;
use serde::Deserialize;

/// What is told of a command.
const RETURNS: &[Returns] = &[
    OUTPUT,
    &[
        ("cmd", "The command: a list of words, or the text for a shell."),
        (
            "start",
            "When it began, by the clock of this computer: `2026-11-28 12:57:33.951815`.",
        ),
        ("end", "When it ended."),
        ("delta", "How long that took: `0:00:00.010540`."),
    ],
];

/// Arguments that are paths.
const PATHS: &[&str] = &["chdir", "creates", "removes"];

/// Runs a command without a shell.
pub(super) struct Command;
/// Runs a command through a shell.
pub(super) struct Shell;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// The command as one text.
    #[serde(alias = "_raw_params")]
    cmd: Option<String>,
    /// The command as a list of words.
    argv: Option<Vec<Value>>,
    /// Folder to run in.
    chdir: Option<String>,
    /// Skip if something matches this pattern.
    creates: Option<String>,
    /// Skip if nothing matches this pattern.
    removes: Option<String>,
    /// Standard input.
    stdin: Option<String>,
    /// End the standard input with a newline.
    #[serde(default = "yes")]
    stdin_add_newline: bool,
    /// Remove newlines at the end of the output.
    #[serde(default = "yes")]
    strip_empty_ends: bool,
    /// Expand variables of the environment in the words of `command`.
    #[serde(default = "yes")]
    expand_argument_vars: bool,
    /// The shell to use.
    executable: Option<String>,
}

fn yes() -> bool {
    true
}

impl Module for Command {
    const NAMES: &'static [&'static str] = &["ansible.builtin.command", "command"];
    type Arguments = Arguments;
    const PATHS: &'static [&'static str] = PATHS;
    const FREE_FORM: Option<&'static str> = Some("cmd");
    const NATURE: Nature = Nature::OF_A_COMMAND;
    const IGNORED: &'static [&'static str] = &["warn"];
    const RETURNS: &'static [Returns] = RETURNS;

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let words = match (&arguments.cmd, &arguments.argv) {
            (Some(_), Some(_)) => {
                return Err(Stop::failed(
                    "parameters are mutually exclusive: _raw_params|cmd|argv",
                ));
            }
            (Some(text), None) => {
                let words = shlex::split(text);
                words.ok_or_else(|| {
                    Stop::failed(format!("the quotes of the command are not closed: {text}"))
                })?
            }
            (None, Some(argv)) => argv.iter().map(word).collect::<Result<_, _>>()?,
            (None, None) => vec![],
        };
        if words.is_empty() {
            return Err(Stop::failed("no command given"));
        }
        let script = words
            .iter()
            .map(|word| argument(word, arguments.expand_argument_vars))
            .collect::<Vec<_>>()
            .join(" ");
        let shown = Value::list(words.iter().map(Value::string));
        run(arguments, script, &words[0], shown, view)
    }
}

impl Module for Shell {
    const NAMES: &'static [&'static str] = &["ansible.builtin.shell", "shell"];
    type Arguments = Arguments;
    const PATHS: &'static [&'static str] = PATHS;
    const FREE_FORM: Option<&'static str> = Some("cmd");
    const NATURE: Nature = Nature::OF_A_COMMAND;
    const IGNORED: &'static [&'static str] = &["warn"];
    const RETURNS: &'static [Returns] = RETURNS;

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let Some(text) = arguments.cmd.as_deref().filter(|text| !text.trim().is_empty()) else {
            return Err(Stop::failed("no command given"));
        };
        run(arguments, text.to_string(), "", Value::string(text), view)
    }
}

fn word(value: &Value) -> Result<String, Stop> {
    match value {
        Value::Unknown(unknown) => Err(Stop::Undecided(unknown.clone())),
        value => Ok(value
            .as_str()
            .map_or_else(|| crate::value::repr(value), str::to_string)),
    }
}

/// A word of a command without a shell: quoted, but for `$NAME`, and `~` and `~NAME` at its beginning, which Ansible expands.
pub(super) fn argument(word: &str, expand: bool) -> String {
    if !expand {
        return quote(word);
    }
    let Some(below) = word.strip_prefix('~') else {
        return with_variables(word);
    };
    let (name, rest) = match below.find('/') {
        Some(at) => below.split_at(at),
        None => (below, ""),
    };
    let home = match name {
        "" => "\"$HOME\"".to_string(),
        _ if name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) =>
        {
            // An account that is not there leaves the word as it is written.
            format!("\"$(h=$(getent passwd {name} | cut -d: -f6); printf %s \"${{h:-~{name}}}\")\"")
        }
        _ => return with_variables(word),
    };
    match rest.strip_prefix('/') {
        Some(rest) => format!("{home}/{}", with_variables(rest)),
        None => home,
    }
}

/// A quoted word in which variables of the environment are expanded.
fn with_variables(word: &str) -> String {
    let names = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let dollar = word.match_indices('$').any(|(at, _)| {
        let rest = word[at + 1..].trim_start_matches('{');
        rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
    });
    if !dollar {
        return quote(word);
    }
    let mut out = String::from("\"");
    let mut rest = word;
    while let Some(at) = rest.find('$') {
        escape(&mut out, &rest[..at]);
        let after = &rest[at + 1..];
        let (name, length) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, _)) => (name, name.len() + 2),
            None => {
                let end = after.find(|c| !names(c)).unwrap_or(after.len());
                (&after[..end], end)
            }
        };
        if !name.is_empty() && name.chars().all(names) && !name.starts_with(|c: char| c.is_ascii_digit()) {
            // What is not set stays as it is written, as Python's expandvars does.
            let written = after[..length].replace('}', "\\}");
            out.push_str(&format!("${{{name}-\\${written}}}"));
        } else {
            out.push_str("\\$");
            escape(&mut out, &after[..length]);
        }
        rest = &after[length..];
    }
    escape(&mut out, rest);
    out.push('"');
    out
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '`' | '$') {
            out.push('\\');
        }
        out.push(c);
    }
}

fn run(
    arguments: &Arguments,
    script: String,
    program: &str,
    shown: Value,
    view: &View<'_>,
) -> Result<Step, Stop> {
    if let Some(performed) = view.performed().first() {
        return Ok(Step::done(outcome(arguments, performed, shown, view)));
    }
    if let Some(outcome) = skipped(arguments, &shown, view)? {
        return Ok(Step::done(outcome));
    }
    let input = arguments.stdin.as_ref().map(|text| {
        let end = if arguments.stdin_add_newline && !text.ends_with('\n') {
            "\n"
        } else {
            ""
        };
        format!("{text}{end}").into_bytes()
    });
    let simple = |pattern: &Option<String>| {
        pattern
            .iter()
            .filter(|text| !text.contains(['*', '?', '[']))
            .cloned()
            .collect()
    };
    let line = Some(script.clone());
    // A program that is not there gives Ansible's code 2, where a shell would say 127.
    let script = if program.is_empty() || program.contains('$') {
        script
    } else {
        let program = quote(program);
        format!(
            "command -v {program} >/dev/null 2>&1 || {{ printf '%s\\n' \"[Errno 2] No such file or directory: \"{} >&2; exit 2; }}; exec {script}",
            quote(&format!("b'{}'", program.trim_matches('\'')))
        )
    };
    Ok(Step::Act(vec![Action::Run(Run {
        script,
        interpreter: arguments.executable.clone(),
        folder: arguments.chdir.clone(),
        environment: vec![],
        input,
        timeout: None,
        creates: simple(&arguments.creates),
        removes: simple(&arguments.removes),
        reads_only: false,
        line,
        background: None,
    })]))
}

/// The skip of `creates` and `removes`; both are patterns, seen from `chdir`.
fn skipped(arguments: &Arguments, shown: &Value, view: &View<'_>) -> Result<Option<Outcome>, Stop> {
    for (pattern, removes) in [(&arguments.creates, false), (&arguments.removes, true)] {
        let Some(pattern) = pattern else { continue };
        let path = match &arguments.chdir {
            Some(folder) if !pattern.starts_with('/') => format!("{folder}/{pattern}"),
            _ => pattern.clone(),
        };
        if exists(&path, view)? != removes {
            let message = format!(
                "Did not run command since '{pattern}' {}",
                if removes { "does not exist" } else { "exists" }
            );
            let stdout = format!(
                "skipped, since {pattern} {}",
                if removes { "does not exist" } else { "exists" }
            );
            let lines = Value::list([Value::string(&stdout)]);
            let outcome = Outcome::new()
                .changed(false)
                .with("start", Value::Null)
                .with("end", Value::Null)
                .with("cmd", shown.clone())
                .with("rc", Value::Int(0))
                .with("stdout", stdout)
                .with("stderr", "")
                .with("stdout_lines", lines)
                .with("stderr_lines", vec![])
                .with("msg", message)
                .with("delta", Value::Null);
            return Ok(Some(outcome));
        }
    }
    Ok(None)
}

fn exists(pattern: &str, view: &View<'_>) -> Result<bool, Stop> {
    if !pattern.contains(['*', '?', '[']) {
        let answer = view.stat(pattern, true);
        // In check mode a path that an earlier command creates is there, whatever else is unknown of it.
        return match answer {
            Err(Stop::Undecided(_)) => Ok(true),
            answer => Ok(answer?.is_some()),
        };
    }
    let script = format!(
        "for f in {}; do [ -e \"$f\" ] && echo y && break; done",
        glob(pattern)
    );
    let folder = pattern.split(['*', '?', '[']).next().unwrap_or("/");
    let folder = folder.rsplit_once('/').map_or("/", |split| split.0);
    let about = Resource::Path(if folder.is_empty() {
        "/".into()
    } else {
        folder.into()
    });
    Ok(!view.probe(&script, &[about])?.stdout.is_empty())
}

/// A pattern for `sh`: everything quoted but the pattern's own marks.
fn glob(pattern: &str) -> String {
    let special = |c: char| matches!(c, '*' | '?' | '[' | ']' | '/' | '-' | '!');
    pattern
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || special(c) {
                c.to_string()
            } else {
                quote(&c.to_string())
            }
        })
        .collect()
}

fn outcome(arguments: &Arguments, performed: &Performed, shown: Value, view: &View<'_>) -> Outcome {
    let base = Outcome::new().changed(true).with("cmd", shown);
    if performed.unknown {
        let names = [
            "rc",
            "stdout",
            "stderr",
            "stdout_lines",
            "stderr_lines",
            "start",
            "end",
            "delta",
        ];
        return names
            .into_iter()
            .fold(base, |outcome, name| outcome.with(name, view.unknown()));
    }
    let text = |bytes: &[u8]| {
        let text = byte_text::text_of(bytes);
        if arguments.strip_empty_ends {
            text.trim_end_matches(['\r', '\n']).to_string()
        } else {
            text
        }
    };
    let lines = |text: &str| Value::list(text.lines().map(Value::string));
    let (stdout, stderr) = (text(&performed.output.stdout), text(&performed.output.stderr));
    let code = performed.output.code;
    let base = base
        .with("rc", i64::from(code))
        .with("stdout_lines", lines(&stdout))
        .with("stderr_lines", lines(&stderr))
        .with("stdout", stdout)
        .with("stderr", stderr);
    let base = times(base, performed);
    match (performed.timed_out, code) {
        (true, _) => Outcome {
            timed_out: true,
            ..base.failed("the command was stopped at its time-out")
        },
        (_, 0) => base.with("msg", ""),
        _ => base.failed("non-zero return code"),
    }
}

/// Begin, end and duration in Python's words.
fn times(outcome: Outcome, performed: &Performed) -> Outcome {
    let microseconds = (performed.seconds * 1e6) as i64;
    let (seconds, rest) = (microseconds / 1_000_000, microseconds % 1_000_000);
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let days = match hours / 24 {
        0 => String::new(),
        1 => "1 day, ".into(),
        days => format!("{days} days, "),
    };
    let delta = format!("{days}{}:{minutes:02}:{:02}.{rest:06}", hours % 24, seconds % 60);
    let end = performed
        .started
        .checked_add(Span::new().microseconds(microseconds));
    let moment = |time: jiff::civil::DateTime| time.strftime("%Y-%m-%d %H:%M:%S.%6f").to_string();
    outcome
        .with("start", moment(performed.started))
        .with("end", end.map_or(Value::Null, |end| moment(end).into()))
        .with("delta", delta)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_python_writes_them() {
        let performed = Performed {
            started: jiff::civil::datetime(2026, 11, 28, 23, 59, 59, 951_815_000),
            seconds: 90_061.5,
            ..Performed::default()
        };
        let outcome = times(Outcome::new(), &performed);
        assert_eq!(outcome.fields["start"], Value::from("2026-11-28 23:59:59.951815"));
        assert_eq!(outcome.fields["end"], Value::from("2026-11-30 01:01:01.451815"));
        assert_eq!(outcome.fields["delta"], Value::from("1 day, 1:01:01.500000"));
    }

    #[test]
    fn words_are_quoted_but_for_what_ansible_expands() {
        assert_eq!(argument("plain", true), "plain");
        assert_eq!(argument("a b'c", true), r#"'a b'"'"'c'"#);
        assert_eq!(argument("$HOME/x", true), "\"${HOME-\\$HOME}/x\"");
        assert_eq!(argument("${HOME}/x", true), "\"${HOME-\\${HOME\\}}/x\"");
        assert_eq!(argument("~/$x", true), "\"$HOME\"/\"${x-\\$x}\"");
        assert_eq!(argument("$HOME/x", false), "'$HOME/x'");
        assert_eq!(argument("cost $5", true), "'cost $5'");
        assert_eq!(argument("~/x", true), "\"$HOME\"/x");
    }
}
