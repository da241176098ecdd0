//! The one error type: what happened, where, why, and what to do.
//!
//! An error value is for wrong input and for faults of our own; what goes wrong on a host is an outcome
//! of its task (see `event`), never an `Error` that travels up.

pub mod cures;
pub mod fault;
mod kind;
mod nearest;

pub use kind::{ErrorKind, INTERRUPTED};
pub use nearest::nearest;

use crate::source::Place;
use std::fmt;

/// A problem with its place, its causes and its cure.
#[derive(Clone, Debug, PartialEq)]
pub struct Error(Box<Parts>);

#[derive(Clone, Debug, PartialEq)]
struct Parts {
    message: String,
    place: Option<Place>,
    causes: Vec<String>,
    notes: Vec<(Place, String)>,
    help: Option<String>,
    kind: Option<ErrorKind>,
    undefined: Option<String>,
    course: Vec<(String, Place)>,
}

/// The usual result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error that says `message`: one sentence, lower case, without a full stop.
    pub fn new(message: impl Into<String>) -> Error {
        let message = message.into();
        Error(Box::new(Parts {
            message,
            place: None,
            causes: vec![],
            notes: vec![],
            help: None,
            kind: None,
            undefined: None,
            course: vec![],
        }))
    }

    /// The same error, pointing at `place`. A place that is already known is kept: it is nearer.
    pub fn at(mut self, place: &Place) -> Error {
        self.0.place.get_or_insert_with(|| place.clone());
        self
    }

    /// Like [`Error::at`], for a place that may be missing.
    pub fn at_some(self, place: Option<&Place>) -> Error {
        match place {
            Some(place) => self.at(place),
            None => self,
        }
    }

    /// Says that it came to this at `place`: the place if none is known, else a second one, unless both are in
    /// the same file.
    pub fn within(self, place: &Place, text: &str) -> Error {
        match &self.0.place {
            None => self.at(place),
            Some(nearer) if nearer.source.name == place.source.name => self,
            Some(_) => self.note(place, text),
        }
    }

    /// Adds what lies behind the error; the first cause added is the nearest.
    pub fn cause(mut self, cause: impl fmt::Display) -> Error {
        self.0.causes.push(without_number(cause.to_string()));
        self
    }

    /// Says what was being done, and where it stands, in Ansible's words (none: `""`); what is said first is the nearest.
    pub fn doing(mut self, what: impl Into<String>, place: &Place) -> Error {
        self.0.course.push((what.into(), place.clone()));
        self
    }

    /// Says of what kind it is, unless it is said already: who is nearer knows better.
    pub fn of_kind(mut self, kind: ErrorKind) -> Error {
        self.0.kind.get_or_insert(kind);
        self
    }

    /// Says that a variable or an attribute of this name is not defined.
    pub fn of_undefined(mut self, name: impl Into<String>) -> Error {
        self.0.undefined = Some(name.into());
        self
    }

    /// Adds a second place with what is to be seen there.
    pub fn note(mut self, place: &Place, text: impl Into<String>) -> Error {
        self.0.notes.push((place.clone(), text.into()));
        self
    }

    /// Says what to do about it.
    pub fn help(mut self, help: impl Into<String>) -> Error {
        self.0.help = Some(help.into());
        self
    }

    /// The same with another sentence.
    pub fn renamed(mut self, message: impl Into<String>) -> Error {
        self.0.message = message.into();
        self
    }

    /// The bare sentence.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Of what kind it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind.unwrap_or_default()
    }

    /// The name of the variable or attribute that is not defined, if that is what is wrong.
    pub fn undefined(&self) -> Option<&str> {
        self.0.undefined.as_deref()
    }

    /// The place, if there is one.
    pub fn place(&self) -> Option<&Place> {
        self.0.place.as_ref()
    }

    /// What was being done, the nearest first, as [`Error::doing`] was told.
    pub fn course(&self) -> &[(String, Place)] {
        &self.0.course
    }

    /// The cure, if one is known.
    pub fn cure(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// The drawing without the word `error` and the end of its last line: for a warning, or inside another text.
    pub fn drawn(&self) -> String {
        let drawn = self.to_string();
        drawn
            .strip_prefix("error: ")
            .unwrap_or(&drawn)
            .trim_end()
            .to_string()
    }

    /// Message and causes in one line, for where there is no room for an excerpt.
    pub fn line(&self) -> String {
        let mut line = self.0.message.clone();
        for cause in &self.0.causes {
            line.push_str(": ");
            line.push_str(cause);
        }
        line
    }
}

/// A cause without the number of the system's error, which says nothing to a reader.
fn without_number(mut text: String) -> String {
    if let Some(at) = text.find(" (os error ")
        && let Some(length) = text[at..].find(')')
    {
        text.replace_range(at..at + length + 1, "");
    }
    text
}

/// Characters of a line that are shown before the place and from it on; longer lines are cut.
const SHOWN: (usize, usize) = (100, 80);

/// A text as it may be shown: nothing in it moves a cursor, colours or turns around what follows.
pub fn harmless(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let shown = |c: char| match c {
        '\n' | '\t' => c,
        c if c.is_control() || turns(c) => '\u{b7}',
        c => c,
    };
    text.chars().map(shown).collect()
}

/// Draws the line of `place` with carets under the range.
fn excerpt(out: &mut fmt::Formatter<'_>, place: &Place, text: &str) -> fmt::Result {
    let (line, column) = place.line_column();
    if place.source.vaulted {
        let note = if text.is_empty() { "" } else { ": " };
        return writeln!(
            out,
            " --> {place} (vaulted, so the line is not shown){note}{text}"
        );
    }
    let whole = harmless(place.source.line(line));
    let cut = (column - 1).saturating_sub(SHOWN.0);
    let mut shown: String = whole.chars().skip(cut).take(SHOWN.0 + SHOWN.1).collect();
    let mut before = column - 1 - cut;
    if whole.chars().count() > cut + SHOWN.0 + SHOWN.1 {
        shown.push_str("...");
    }
    if cut > 0 {
        shown.insert_str(0, "...");
        before += 3;
    }
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let room = shown.chars().count().saturating_sub(before).max(1);
    let covered = place.source.text.get(place.span.clone()).unwrap_or("");
    let width = covered
        .split('\n')
        .next()
        .unwrap_or("")
        .trim_end()
        .chars()
        .count()
        .clamp(1, room);
    let lead: String = shown
        .chars()
        .take(before)
        .map(|c| if c == '\t' { '\t' } else { ' ' })
        .collect();
    writeln!(out, "{margin}--> {place}")?;
    writeln!(out, "{margin} |")?;
    writeln!(out, "{number} | {shown}")?;
    write!(out, "{margin} | {lead}{}", "^".repeat(width))?;
    if !text.is_empty() {
        write!(out, " {text}")?;
    }
    writeln!(out)
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = &self.0;
        writeln!(out, "error: {}", parts.message)?;
        if let Some(place) = &parts.place {
            excerpt(out, place, "")?;
        }
        for (place, text) in &parts.notes {
            excerpt(out, place, text)?;
        }
        for cause in &parts.causes {
            writeln!(out, "  cause: {}", cause.replace('\n', "\n         "))?;
        }
        if let Some(help) = &parts.help {
            writeln!(out, "  help: {}", help.replace('\n', "\n        "))?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// Several errors of one file or one load, in the order they were found; never empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Errors(pub Vec<Error>);

impl fmt::Display for Errors {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            if at > 0 {
                writeln!(out)?;
            }
            write!(out, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Errors {}

impl Errors {
    /// The exit code the program ends with.
    pub fn exit_code(&self) -> u8 {
        let codes = self.0.iter().map(|error| error.kind().exit_code());
        codes.max().unwrap_or(ErrorKind::Wrong.exit_code())
    }

    /// Says of what kind every error is of which that is not said yet.
    pub fn of_kind(self, kind: ErrorKind) -> Errors {
        Errors(self.0.into_iter().map(|error| error.of_kind(kind)).collect())
    }
}

impl From<Error> for Errors {
    fn from(error: Error) -> Errors {
        Errors(vec![error])
    }
}

/// Several errors where only one can be told: the first, with the others as its causes.
impl From<Errors> for Error {
    fn from(errors: Errors) -> Error {
        let mut all = errors.0.into_iter();
        let first = all.next().unwrap_or_else(|| Error::new("something is wrong"));
        all.fold(first, |first, other| {
            let place = other
                .place()
                .map(|place| format!("{place}: "))
                .unwrap_or_default();
            first.cause(format!("{place}{}", other.line()))
        })
    }
}

/// Collects the errors of a load so that the user sees all of them at once.
#[derive(Debug, Default)]
pub struct Collector(Vec<Error>);

impl Collector {
    /// Notes an error and goes on.
    pub fn push(&mut self, error: impl Into<Errors>) {
        self.0.extend(error.into().0);
    }

    /// The value of a result, or `None` after noting its errors.
    pub fn take<T, E: Into<Errors>>(&mut self, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// True while nothing was noted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `value` if nothing was noted, else all errors.
    pub fn finish<T>(self, value: T) -> Result<T, Errors> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(Errors(self.0))
        }
    }
}

/// Folders that were searched, in words: the current one is a dot.
pub fn listed(folders: &[std::path::PathBuf]) -> String {
    let shown = folders.iter().map(|folder| match folder.as_os_str().is_empty() {
        true => ".".to_string(),
        false => folder.display().to_string(),
    });
    shown.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    #[test]
    fn an_error_draws_place_excerpt_cause_and_help() {
        let source = Source::named("play.yml", "- hosts: all\n  taks: []\n".into());
        let start = source.text.find("taks").unwrap();
        let error = Error::new("`taks` is not a keyword of a play")
            .at(&Place::new(&source, start..start + 4))
            .cause("nothing reads it")
            .help("did you mean `tasks`?");
        let drawn = "error: `taks` is not a keyword of a play\n \
                     --> play.yml:2:3\n  |\n2 |   taks: []\n  |   ^^^^\n  cause: nothing reads it\n  help: did you mean `tasks`?\n";
        assert_eq!(error.to_string(), drawn);
    }

    #[test]
    fn what_is_shown_of_a_line_is_short_and_harmless() {
        let text = format!("{}\u{1b}[31m!{}", "a".repeat(200), "b".repeat(200));
        let source = Source::named("x", text);
        let drawn = Error::new("m").at(&Place::new(&source, 205..206)).to_string();
        let lines: Vec<&str> = drawn.lines().collect();
        let shown = format!("1 | ...{}·[31m!{}...", "a".repeat(95), "b".repeat(79));
        assert_eq!(lines[3], shown);
        assert_eq!(
            lines[4].chars().position(|c| c == '^'),
            shown.chars().position(|c| c == '!')
        );
    }

    #[test]
    fn errors_of_the_system_are_told_without_their_number() {
        let error = std::io::Error::from_raw_os_error(2);
        assert_eq!(
            Error::new("m").cause(error).line(),
            "m: No such file or directory"
        );
    }

    #[test]
    fn the_exit_code_follows_from_the_kind_that_is_said_first() {
        let wrong = || Error::new("m").of_kind(ErrorKind::Wrong);
        let errors = Errors::from(wrong()).of_kind(ErrorKind::Unreadable);
        assert_eq!(errors.exit_code(), 1);
        assert_eq!(Errors::from(Error::new("m")).exit_code(), 1);
        let errors = Errors(vec![wrong(), Error::new("m")]).of_kind(ErrorKind::Unreadable);
        assert_eq!(errors.exit_code(), 4);
    }

    #[test]
    fn what_was_meant_is_asked_in_place_of_the_cure_for_when_nothing_is_near() {
        let error = |word| {
            let error = Error::new("m").help("`vent modules` lists what there is");
            error.did_you_mean(nearest(word, ["copy", "debug"]))
        };
        assert_eq!(error("cpoy").cure(), Some("did you mean `copy`?"));
        assert_eq!(error("zzzzz").cure(), Some("`vent modules` lists what there is"));
    }

    #[test]
    fn the_first_place_is_kept() {
        let source = Source::named("x", "ab".into());
        let error = Error::new("m")
            .at(&Place::new(&source, 0..1))
            .at(&Place::new(&source, 1..2));
        assert_eq!(error.place().map(|place| place.span.start), Some(0));
    }
}
