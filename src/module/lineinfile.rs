//! `lineinfile`: one line in a file.

use super::blockinfile::State;
use super::place::{NO_FILE, Place, Wanted, no_file, refuse_folder, text_of};
use super::python_regex::{compile, expand, search};
use super::returns::Returns;
use super::{Module, Outcome, Step, Stop, View, WithFile};
use crate::content::Content;
use crate::value::Value;
use fancy_regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;

/// Keeps a line in a file, or out of it.
pub(super) struct Lineinfile;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Own {
    /// The file.
    #[serde(alias = "dest", alias = "destfile", alias = "name")]
    path: String,
    /// Whether the line should be there.
    #[serde(default)]
    state: State,
    /// The line.
    #[serde(alias = "value")]
    line: Option<String>,
    /// The last line that matches is replaced, or all that match are removed.
    #[serde(alias = "regex")]
    regexp: Option<String>,
    /// Like `regexp`, but a plain text.
    search_string: Option<String>,
    /// Fill the groups of the match into the line.
    #[serde(default, alias = "backref")]
    backrefs: bool,
    /// Where a new line goes: behind the last line that matches, or `EOF`.
    insertafter: Option<String>,
    /// Where a new line goes: before the last line that matches, or `BOF`.
    insertbefore: Option<String>,
    /// Take the first line that matches instead of the last.
    #[serde(default)]
    firstmatch: bool,
    /// Make the file if it is not there.
    #[serde(default)]
    create: bool,
    /// Keep the old file beside the new one.
    #[serde(default)]
    backup: bool,
    /// A command with `%s` that must accept the new file.
    validate: Option<String>,
}

/// How lines are looked for.
struct Wish<'a> {
    own: &'a Own,
    regex: Option<Regex>,
}

impl Wish<'_> {
    fn matches(&self, line: &str) -> Result<bool, Stop> {
        match (&self.regex, &self.own.search_string) {
            (Some(regex), _) => Ok(search(regex, line)?.is_some()),
            (None, Some(text)) => Ok(line.contains(text.as_str())),
            (None, None) => Ok(self.own.line.as_deref() == Some(line)),
        }
    }

    /// The line that matches: the last, or the first with `firstmatch`.
    fn find(&self, lines: &[String]) -> Result<Option<usize>, Stop> {
        let mut found = None;
        for (at, line) in lines.iter().enumerate() {
            if self.matches(bare(line))? {
                found = Some(at);
                if self.own.firstmatch {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Where a new line goes, if a line says so.
    fn anchor(&self, lines: &[String]) -> Result<Option<usize>, Stop> {
        let (pattern, after) = match (self.own.insertafter.as_deref(), self.own.insertbefore.as_deref()) {
            (Some(pattern), _) if !["EOF", "BOF"].contains(&pattern) => (pattern, true),
            (_, Some(pattern)) if pattern != "BOF" => (pattern, false),
            _ => return Ok(None),
        };
        let regex = compile(pattern, "")?;
        let mut found = None;
        for (at, line) in lines.iter().enumerate() {
            if search(&regex, bare(line))?.is_some() {
                found = Some(at + usize::from(after));
                if self.own.firstmatch {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Brings the line about; says what was done.
    fn present(&self, lines: &mut Vec<String>, line: &str) -> Result<&'static str, Stop> {
        // A line that is there already counts as found, whatever is looked for.
        let there = || match self.own.backrefs {
            true => None,
            false => lines.iter().position(|held| bare(held) == line),
        };
        let found = self.find(lines)?;
        if let Some(at) = found.or_else(there) {
            let wanted = match &self.regex {
                Some(regex) if self.own.backrefs && found.is_some() => match search(regex, bare(&lines[at]))?
                {
                    Some(found) => expand(line, &found),
                    None => line.to_string(),
                },
                _ => line.to_string(),
            };
            let wanted = format!("{wanted}\n");
            if lines[at] == wanted {
                return Ok("");
            }
            lines[at] = wanted;
            return Ok("line replaced");
        }
        if self.own.backrefs {
            return Ok("");
        }
        let start = [&self.own.insertafter, &self.own.insertbefore]
            .iter()
            .any(|place| place.as_deref() == Some("BOF"));
        let at = match (start, self.anchor(lines)?) {
            (true, _) => 0,
            (false, Some(at)) => at,
            (false, None) => lines.len(),
        };
        if at > 0 && !lines[at - 1].ends_with('\n') {
            lines[at - 1].push('\n');
        }
        lines.insert(at, format!("{line}\n"));
        Ok("line added")
    }
}

fn bare(line: &str) -> &str {
    line.trim_end_matches(['\r', '\n'])
}

impl Module for Lineinfile {
    const NAMES: &'static [&'static str] = &["ansible.builtin.lineinfile", "lineinfile"];
    type Arguments = WithFile<Own>;
    const PATHS: &'static [&'static str] = &["path", "dest", "destfile", "name"];
    const IGNORED: &'static [&'static str] = &["attributes", "encoding"];
    const RETURNS: &'static [Returns] = &[
        NO_FILE,
        &[
            ("backup", "Where the old file was kept; empty if none was."),
            ("found", "How many lines were removed."),
        ],
    ];

    fn step(arguments: &WithFile<Own>, view: &View<'_>) -> Result<Step, Stop> {
        let own = &arguments.own;
        if own.regexp.is_some() && own.search_string.is_some() {
            return Err(Stop::failed(
                "parameters are mutually exclusive: regexp|search_string",
            ));
        }
        if own.backrefs && own.search_string.is_some() {
            return Err(Stop::failed(
                "parameters are mutually exclusive: backrefs|search_string",
            ));
        }
        if own.insertafter.is_some() && own.insertbefore.is_some() {
            return Err(Stop::failed(
                "parameters are mutually exclusive: insertbefore|insertafter",
            ));
        }
        if own.backrefs && own.regexp.is_none() {
            return Err(Stop::failed("regexp is required with backrefs=true"));
        }
        let place = Place::new(&own.path, &arguments.file, view)
            .backup(own.backup)
            .validate(own.validate.as_deref());
        refuse_folder(&own.path, view)?;
        let original = text_of(&own.path, view)?;
        let wish = Wish {
            own,
            regex: own
                .regexp
                .as_deref()
                .map(|pattern| compile(pattern, ""))
                .transpose()?,
        };
        let text = original.as_deref().unwrap_or_default();
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_string).collect();
        let mut outcome = Outcome::new();
        let message = match (own.state, &own.line) {
            (State::Absent, _) => {
                if own.line.is_none() && own.regexp.is_none() && own.search_string.is_none() {
                    return Err(Stop::failed(
                        "one of line, search_string, or regexp is required with state=absent",
                    ));
                }
                if original.is_none() {
                    return Ok(Step::done(outcome.with("msg", "file not present")));
                }
                let before = lines.len();
                let mut kept = vec![];
                for line in lines.drain(..) {
                    if !wish.matches(bare(&line))? {
                        kept.push(line);
                    }
                }
                lines = kept;
                let found = before - lines.len();
                outcome = outcome.with("found", Value::Int(found as i64));
                match found {
                    0 => String::new(),
                    found => format!("{found} line(s) removed"),
                }
            }
            (State::Present, None) => return Err(Stop::failed("line is required with state=present")),
            (State::Present, Some(line)) => {
                if original.is_none() && !own.create {
                    return Err(no_file(format!("Destination {} does not exist !", own.path)));
                }
                wish.present(&mut lines, line)?.to_string()
            }
        };
        let message = place.message(message, view)?;
        let edited = lines.concat();
        let wanted = match original.as_deref() == Some(edited.as_str()) {
            true => Wanted::Keep,
            false => Wanted::Write(Content::text(edited)),
        };
        let actions = place.actions(wanted, view)?;
        Ok(Step::Finish(
            actions,
            outcome.with("msg", message).with("backup", ""),
        ))
    }
}
