//! `replace`: every match of a regular expression in a file.

use super::place::{NO_FILE, Place, Wanted, no_file, refuse_folder, text_of};
use super::python_regex::{bad_escape, compile, search, substitute};
use super::returns::{BACKUP, Returns};
use super::{Module, Outcome, Step, Stop, View, WithFile};
use crate::content::Content;
use crate::value::Value;
use schemars::JsonSchema;
use serde::Deserialize;

/// Replaces all matches of a regular expression.
pub(super) struct Replace;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Own {
    /// The file.
    #[serde(alias = "dest", alias = "destfile", alias = "name")]
    path: String,
    /// The regular expression; `^` and `$` match at lines.
    regexp: String,
    /// What a match becomes; `\1` and `\g<name>` are its groups.
    #[serde(default)]
    replace: String,
    /// Look only behind the match of this expression.
    after: Option<String>,
    /// Look only before the match of this expression.
    before: Option<String>,
    /// Keep the old file beside the new one.
    #[serde(default)]
    backup: bool,
    /// A command with `%s` that must accept the new file.
    validate: Option<String>,
    /// Encoding of the file; only utf-8.
    encoding: Option<String>,
}

impl Own {
    /// The part of the text to look in.
    ///
    /// # Errors
    /// The inner one is the expression that matches nowhere.
    fn section(&self, text: &str) -> Result<Result<std::ops::Range<usize>, String>, Stop> {
        let pattern = match (&self.after, &self.before) {
            (None, None) => return Ok(Ok(0..text.len())),
            (Some(after), Some(before)) => format!("{after}(?P<subsection>.*?){before}"),
            (Some(after), None) => format!("{after}(?P<subsection>.*)"),
            (None, Some(before)) => format!("(?P<subsection>.*){before}"),
        };
        let regex = compile(&pattern, "s")?;
        let found = search(&regex, text)?;
        let part = found.and_then(|found| found.name("subsection").map(|part| part.range()));
        Ok(part.ok_or(pattern))
    }
}

impl Module for Replace {
    const NAMES: &'static [&'static str] = &["ansible.builtin.replace", "replace"];
    type Arguments = WithFile<Own>;
    const PATHS: &'static [&'static str] = &["path", "dest", "destfile", "name"];
    const IGNORED: &'static [&'static str] = &["attributes"];
    const RETURNS: &'static [Returns] = &[BACKUP, NO_FILE];

    fn step(arguments: &WithFile<Own>, view: &View<'_>) -> Result<Step, Stop> {
        let own = &arguments.own;
        if own
            .encoding
            .as_ref()
            .is_some_and(|name| !name.eq_ignore_ascii_case("utf-8"))
        {
            return Err(Stop::failed("encoding: only utf-8 is supported"));
        }
        let place = Place::new(&own.path, &arguments.file, view)
            .backup(own.backup)
            .validate(own.validate.as_deref());
        refuse_folder(&own.path, view)?;
        if let Some(wrong) = bad_escape(&own.replace) {
            return Err(Stop::failed(format!(
                "Unable to process replace due to error: {wrong}"
            )));
        }
        let Some(text) = text_of(&own.path, view)? else {
            return Err(no_file(format!("Path {} does not exist !", own.path)));
        };
        let outcome = Outcome::new().with("rc", Value::Int(0));
        let section = match own.section(&text)? {
            Ok(section) => section,
            Err(pattern) => {
                let message =
                    format!("Pattern for before/after params did not match the given file: {pattern}");
                return Ok(Step::done(outcome.with("msg", message)));
            }
        };
        let regex = compile(&own.regexp, "m")?;
        let (replaced, count) = substitute(&regex, &own.replace, &text[section.clone()])?;
        let edited = [&text[..section.start], &replaced, &text[section.end..]].concat();
        let (wanted, message) = match edited == text {
            true => (Wanted::Keep, String::new()),
            false => (
                Wanted::Write(Content::text(edited)),
                format!("{count} replacements made"),
            ),
        };
        let message = place.message(message, view)?;
        let actions = place.actions(wanted, view)?;
        Ok(Step::Finish(actions, outcome.with("msg", message)))
    }
}
