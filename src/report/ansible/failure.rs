//! The block of an error on standard error: what failed, where it stands, and the lines there.

use crate::error::Error;
use crate::event::{LINES, Origin, Status, TaskEnded, TaskName};
use std::path::PathBuf;

/// Modules that Ansible does on the control node, as actions.
const ACTIONS: [&str; 8] = [
    "assert",
    "debug",
    "fail",
    "group_by",
    "include_vars",
    "pause",
    "set_fact",
    "validate_argument_spec",
];

/// `/path/of/file:line` of a task.
pub fn path(name: &TaskName) -> String {
    let (file, line) = place(name);
    format!("{}:{line}", file.display())
}

fn place(name: &TaskName) -> (PathBuf, usize) {
    parsed(&name.place)
}

/// A file, by its whole path, and a line of `file:line`.
fn parsed(place: &str) -> (PathBuf, usize) {
    let (file, line) = place.rsplit_once(':').unwrap_or((place, "0"));
    let file = std::path::absolute(file).unwrap_or_else(|_| file.into());
    (file, line.parse().unwrap_or(0))
}

/// The block of a failed task or item.
pub fn block(task: &TaskEnded) -> String {
    let message = task.result.get("msg").and_then(|message| message.as_str());
    let message = message.unwrap_or_default();
    let own = origin(&task.name.place, task.name.column, &task.lines);
    if task.status == Status::Unreachable {
        return format!("[ERROR]: Task failed: {message}\n{own}");
    }
    if let Some(caused) = &task.caused {
        let nearer = origin(&caused.place, caused.column, &caused.lines);
        let doing = match is_typed(&task.name.place) {
            // The task and its module were typed apart.
            true => format!(
                "Task failed.\n{own}\n<<< caused by >>>\n\n{}\nOrigin: <CLI option '-m'>\n\n{}\n",
                caused.doing.trim_start_matches("Task failed: "),
                task.name.module
            ),
            false => format!("{}\n{own}", caused.doing),
        };
        return format!(
            "[ERROR]: {message}\n\n{doing}\n<<< caused by >>>\n\n{}\n{nearer}",
            caused.message
        );
    }
    let module = task.name.module.rsplit('.').next().unwrap_or_default();
    let who = match ACTIONS.contains(&module) {
        true => "Action failed",
        false => "Module failed",
    };
    let head = match (message.starts_with("Task failed: "), message) {
        (true, whole) => whole.to_string(),
        (false, "") => "Task failed: Action failed.".to_string(),
        (false, message) => format!("Task failed: {who}: {message}"),
    };
    format!("[ERROR]: {head}\n{own}")
}

/// A warning about a file, with the lines there.
pub fn warning(warning: &Error) -> String {
    let message = warning.message();
    let Some(place) = warning.place() else {
        return format!("[WARNING]: {message}");
    };
    let lines: Vec<String> = place.lines(LINES).into_iter().map(str::to_string).collect();
    let origin = origin(&place.short(), place.line_column().1, &lines);
    format!("[WARNING]: {message}\n{origin}")
}

/// The lines of a place, below a warning.
pub fn placed(told: &Origin) -> String {
    format!("\n{}\n", origin(&told.place, told.column, &told.lines))
}

/// A place with its lines, if they may be shown.
fn origin(place: &str, column: usize, lines: &[String]) -> String {
    let (file, line) = parsed(place);
    if is_typed(place) {
        let name = place.rsplit_once(':').map_or(place, |parts| parts.0);
        let text = lines.iter().map(|line| format!("{line}\n"));
        return format!("Origin: {name}\n\n{}", text.collect::<String>());
    }
    let excerpt = match lines {
        [] => String::new(),
        lines => excerpt(lines, line, column),
    };
    format!("Origin: {}:{line}:{column}\n\n{excerpt}", file.display())
}

/// True for what was typed on the command line, which has no line.
fn is_typed(place: &str) -> bool {
    place.starts_with('<')
}

/// The lines with their numbers, of which the last is `line`.
fn excerpt(lines: &[String], line: usize, column: usize) -> String {
    let width = line.to_string().len();
    let first = (line + 1).saturating_sub(lines.len());
    let mut out: String = (first..)
        .zip(lines)
        .map(|(number, text)| format!("{}\n", format!("{number:>width$} {text}").trim_end()))
        .collect();
    let blanks = " ".repeat(width + column);
    out.push_str(&format!("{blanks}^ column {column}\n"));
    out
}
