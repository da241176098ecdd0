//! `ini_file`: one option in a section of an INI file.

use super::blockinfile::State;
use super::place::{NO_FILE, Place, Wanted, no_file, text_of};
use super::returns::{BACKUP, FILE, Returns};
use super::{Module, Outcome, Step, Stop, View, WithFile};
use crate::content::Content;
use schemars::JsonSchema;
use serde::Deserialize;

/// Keeps an option of an INI file.
pub(super) struct IniFile;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Own {
    /// The file.
    #[serde(alias = "dest")]
    path: String,
    /// The section; without it the lines before the first one.
    #[serde(default)]
    section: String,
    /// The option; without it the section as a whole.
    option: Option<String>,
    /// Its value.
    value: Option<String>,
    /// Its values, if the option stands several times.
    #[serde(default)]
    values: Vec<String>,
    /// Take away lines of the option with other values.
    #[serde(default = "yes")]
    exclusive: bool,
    /// Do not change a line that differs in spaces only.
    #[serde(default)]
    ignore_spaces: bool,
    /// Whether it should be there.
    #[serde(default)]
    state: State,
    /// No spaces around `=`.
    #[serde(default)]
    no_extra_spaces: bool,
    /// An option may stand without a value.
    #[serde(default)]
    allow_no_value: bool,
    /// Change a line that is commented out instead of adding one.
    #[serde(default = "yes")]
    modify_inactive_option: bool,
    /// Make the file if it is not there.
    #[serde(default = "yes")]
    create: bool,
    /// Keep the old file beside the new one.
    #[serde(default)]
    backup: bool,
}

fn yes() -> bool {
    true
}

impl Own {
    /// The lines of the option, one for each value.
    fn lines(&self, option: &str) -> Vec<String> {
        let values: Vec<&String> = self.value.iter().chain(&self.values).collect();
        if values.is_empty() {
            return vec![format!("{option}\n")];
        }
        let between = if self.no_extra_spaces { "=" } else { " = " };
        let line = |value: &&String| format!("{option}{between}{value}\n");
        values.iter().map(line).collect()
    }

    /// True if the two lines say the same to the module.
    fn same(&self, a: &str, b: &str) -> bool {
        let bare = |line: &str| -> String {
            let (option, value) = line.split_once('=').unwrap_or((line, ""));
            format!("{}={}", option.trim(), value.trim())
        };
        a == b || (self.ignore_spaces && bare(a) == bare(b))
    }

    /// Brings about that the option stands with each of its values in `start..end`; says what that is called.
    fn put(&self, lines: &mut Vec<String>, (start, mut end): (usize, usize), option: &str) -> &'static str {
        let mut wanted = self.lines(option);
        let mut others = vec![];
        for (at, held) in lines.iter().enumerate().take(end).skip(start) {
            if !Own::sets(held, option, false) {
                continue;
            }
            match wanted.iter().position(|line| self.same(line, held)) {
                Some(found) => drop(wanted.remove(found)),
                None => others.push(at),
            }
        }
        let mut free = if self.exclusive { others } else { vec![] };
        if self.modify_inactive_option && free.len() < wanted.len() {
            let inactive =
                |at: &usize| Own::sets(&lines[*at], option, true) && !Own::sets(&lines[*at], option, false);
            free.extend((start..end).find(inactive));
        }
        let mut needless = vec![];
        for at in free {
            match wanted.is_empty() {
                true => needless.push(at),
                false => lines[at] = wanted.remove(0),
            }
        }
        needless.sort_unstable();
        for at in needless.into_iter().rev() {
            if Own::sets(&lines[at], option, false) {
                lines.remove(at);
                end -= 1;
            }
        }
        // Behind the last line of the section that says something.
        while end > start && lines[end - 1].trim().is_empty() {
            end -= 1;
        }
        let message = match wanted.is_empty() {
            true => "option changed",
            false => "option added",
        };
        for line in wanted.into_iter().rev() {
            lines.insert(end, line);
        }
        message
    }

    /// True if the line sets the option; `inactive` allows a comment mark before it.
    fn sets(line: &str, option: &str, inactive: bool) -> bool {
        let line = line.trim_start();
        let line = match inactive {
            true => line.trim_start_matches(['#', ';', ' ', '\t']),
            false => line,
        };
        line.strip_prefix(option)
            .is_some_and(|rest| rest.trim().is_empty() || rest.trim_start().starts_with('='))
    }

    /// The file as it is wanted, and what was done if it is another one.
    fn edited(&self, text: &str) -> (String, &'static str) {
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_string).collect();
        if let Some(last) = lines.last_mut().filter(|line| !line.ends_with('\n')) {
            last.push('\n');
        }
        if lines.is_empty() {
            // As Ansible does, whose first line of an empty file is an empty one.
            lines.push("\n".into());
        }
        let header = |line: &String| {
            line.trim()
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
                .map(str::to_string)
        };
        let start = match self.section.as_str() {
            "" => Some(0),
            section => lines
                .iter()
                .position(|line| header(line).as_deref() == Some(section))
                .map(|at| at + 1),
        };
        let present = self.state == State::Present;
        let Some(start) = start else {
            if present {
                lines.push(format!("[{}]\n", self.section));
                lines.extend(self.option.iter().flat_map(|option| self.lines(option)));
            }
            let message = match self.option {
                Some(_) => "section and option added",
                None => "only section added",
            };
            return (lines.concat(), message);
        };
        let end = (start..lines.len())
            .find(|at| header(&lines[*at]).is_some())
            .unwrap_or(lines.len());
        let Some(option) = self.option.as_deref() else {
            if !present {
                lines.drain(start.saturating_sub(1)..end);
            }
            return (lines.concat(), "section removed");
        };
        if present {
            let message = self.put(&mut lines, (start, end), option);
            return (lines.concat(), message);
        }
        let given = self.value.is_some() || !self.values.is_empty();
        let only = (given && !self.exclusive).then(|| self.lines(option));
        for at in (start..end).rev() {
            let meant = only
                .as_ref()
                .is_none_or(|only| only.iter().any(|line| self.same(line, &lines[at])));
            if meant && Own::sets(&lines[at], option, false) {
                lines.remove(at);
            }
        }
        (lines.concat(), "option changed")
    }
}

impl Module for IniFile {
    const NAMES: &'static [&'static str] = &["community.general.ini_file", "ini_file"];
    type Arguments = WithFile<Own>;
    const PATHS: &'static [&'static str] = &["path", "dest"];
    const IGNORED: &'static [&'static str] = &["attributes", "follow"];
    const RETURNS: &'static [Returns] = &[FILE, BACKUP, NO_FILE, &[("path", "The file.")]];

    fn step(arguments: &WithFile<Own>, view: &View<'_>) -> Result<Step, Stop> {
        let own = &arguments.own;
        if own.state == State::Present && own.value.is_none() && own.values.is_empty() && !own.allow_no_value
        {
            return Err(Stop::failed(
                "Parameter 'value(s)' must be defined if state=present and allow_no_value=False.",
            ));
        }
        if own.value.is_some() && !own.values.is_empty() {
            return Err(Stop::failed("parameters are mutually exclusive: value|values"));
        }
        let place = Place::new(&own.path, &arguments.file, view).backup(own.backup);
        let text = text_of(&own.path, view)?;
        if text.is_none() && !own.create {
            return Err(no_file(format!("Destination {} does not exist!", own.path)));
        }
        let before = text.as_deref().unwrap_or_default();
        let (edited, message) = own.edited(before);
        let same = edited == before || edited.strip_suffix('\n') == Some(before);
        let message = if same { "OK" } else { message };
        let wanted = match same && text.is_some() {
            true => Wanted::Keep,
            false => Wanted::Write(Content::text(edited)),
        };
        let actions = place.actions(wanted, view)?;
        Ok(Step::Finish(
            actions,
            Outcome::new()
                .of(own.path.as_str())
                .with("msg", message)
                .with("path", own.path.as_str()),
        ))
    }
}
