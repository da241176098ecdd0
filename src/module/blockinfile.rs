//! `blockinfile`: a block of lines between two marker lines.

use super::place::{NO_FILE, Place, Wanted, no_file, refuse_folder, text_of};
use super::python_regex::{compile, search};
use super::returns::{BACKUP, Returns};
use super::{Module, Outcome, Step, Stop, View, WithFile};
use crate::content::Content;
use schemars::JsonSchema;
use serde::Deserialize;

/// Keeps a marked block of lines in a file.
pub(super) struct Blockinfile;

/// Whether something should be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    #[default]
    Present,
    Absent,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Own {
    /// The file.
    #[serde(alias = "dest", alias = "destfile", alias = "name")]
    path: String,
    /// Whether the block should be there.
    #[serde(default)]
    state: State,
    /// The lines of the block.
    #[serde(default, alias = "content")]
    block: String,
    /// The marker lines; `{mark}` becomes the begin or end mark.
    #[serde(default = "marker")]
    marker: String,
    /// Mark of the first marker line.
    #[serde(default = "begin")]
    marker_begin: String,
    /// Mark of the last marker line.
    #[serde(default = "end")]
    marker_end: String,
    /// Where a new block goes: behind the last line that matches, or `EOF`.
    insertafter: Option<String>,
    /// Where a new block goes: before the last line that matches, or `BOF`.
    insertbefore: Option<String>,
    /// Make the file if it is not there.
    #[serde(default)]
    create: bool,
    /// Keep the old file beside the new one.
    #[serde(default)]
    backup: bool,
    /// A command with `%s` that must accept the new file.
    validate: Option<String>,
    /// An empty line behind the block.
    #[serde(default)]
    append_newline: bool,
    /// An empty line before the block.
    #[serde(default)]
    prepend_newline: bool,
}

fn marker() -> String {
    "# {mark} ANSIBLE MANAGED BLOCK".into()
}

fn begin() -> String {
    "BEGIN".into()
}

fn end() -> String {
    "END".into()
}

impl Own {
    /// Where a new block goes.
    fn position(&self, lines: &[String]) -> Result<usize, Stop> {
        let (pattern, after) = match (self.insertafter.as_deref(), self.insertbefore.as_deref()) {
            (Some(_), Some(_)) => {
                return Err(Stop::failed(
                    "parameters are mutually exclusive: insertbefore|insertafter",
                ));
            }
            (None, None) | (Some("EOF"), _) => return Ok(lines.len()),
            (_, Some("BOF")) => return Ok(0),
            (Some(pattern), _) => (pattern, true),
            (None, Some(pattern)) => (pattern, false),
        };
        let regex = compile(pattern, "")?;
        let mut last = None;
        for (at, line) in lines.iter().enumerate() {
            if search(&regex, line)?.is_some() {
                last = Some(at + usize::from(after));
            }
        }
        Ok(last.unwrap_or(lines.len()))
    }

    fn edited(&self, original: &str) -> Result<String, Stop> {
        let mark = |mark: &str| format!("{}\n", self.marker.replace("{mark}", mark));
        let (first, last) = (mark(&self.marker_begin), mark(&self.marker_end));
        let mut lines: Vec<String> = original.split_inclusive('\n').map(str::to_string).collect();
        let find = |marker: &str| {
            let same = |line: &String| line.trim_end_matches('\n') == marker.trim_end_matches('\n');
            lines.iter().rposition(same)
        };
        let at = match (find(&first), find(&last)) {
            (Some(start), Some(end)) => {
                let (start, end) = (start.min(end), start.max(end));
                lines.drain(start..=end);
                start
            }
            _ => self.position(&lines)?,
        };
        if self.state == State::Absent || self.block.is_empty() {
            return Ok(lines.concat());
        }
        if at > 0 && !lines[at - 1].ends_with('\n') {
            lines[at - 1].push('\n');
        }
        let mut block = vec![first];
        block.extend(self.block.split_inclusive('\n').map(str::to_string));
        if let Some(line) = block.last_mut().filter(|line| !line.ends_with('\n')) {
            line.push('\n');
        }
        block.push(last);
        if self.prepend_newline && at > 0 && lines[at - 1] != "\n" {
            block.insert(0, "\n".into());
        }
        if self.append_newline && lines.get(at).is_some_and(|line| line != "\n") {
            block.push("\n".into());
        }
        lines.splice(at..at, block);
        Ok(lines.concat())
    }
}

impl Module for Blockinfile {
    const NAMES: &'static [&'static str] = &["ansible.builtin.blockinfile", "blockinfile"];
    type Arguments = WithFile<Own>;
    const PATHS: &'static [&'static str] = &["path", "dest", "destfile", "name"];
    const IGNORED: &'static [&'static str] = &["attributes", "encoding"];
    const RETURNS: &'static [Returns] = &[BACKUP, NO_FILE];

    fn step(arguments: &WithFile<Own>, view: &View<'_>) -> Result<Step, Stop> {
        let own = &arguments.own;
        let place = Place::new(&own.path, &arguments.file, view)
            .backup(own.backup)
            .validate(own.validate.as_deref());
        refuse_folder(&own.path, view)?;
        let original = text_of(&own.path, view)?;
        if original.is_none() && !own.create {
            return Err(no_file(format!("Path {} does not exist !", own.path)));
        }
        let edited = own.edited(original.as_deref().unwrap_or_default())?;
        let message = match (original.as_deref(), own.state) {
            (None, _) => "File created",
            (Some(original), _) if original == edited => "",
            (_, State::Absent) => "Block removed",
            _ if own.block.is_empty() => "Block removed",
            _ => "Block inserted",
        };
        let message = place.message(message, view)?;
        let wanted = match original.as_deref() == Some(edited.as_str()) {
            true => Wanted::Keep,
            false => Wanted::Write(Content::text(edited)),
        };
        let actions = place.actions(wanted, view)?;
        Ok(Step::Finish(actions, Outcome::new().with("msg", message)))
    }
}
