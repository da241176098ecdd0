//! The one error type: what happened, where, why, and what to do.
//!
//! An error value is for wrong input and for faults of our own; what goes wrong on a host is an outcome
//! of its task (see `event`), never an `Error` that travels up.

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

    /// Adds what lies behind the error; the first cause added is the nearest.
    pub fn cause(mut self, cause: impl fmt::Display) -> Error {
        self.0.causes.push(cause.to_string());
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

    /// The bare sentence.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The place, if there is one.
    pub fn place(&self) -> Option<&Place> {
        self.0.place.as_ref()
    }

    /// The cure, if one is known.
    pub fn cure(&self) -> Option<&str> {
        self.0.help.as_deref()
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

/// Draws the line of `place` with carets under the range.
fn excerpt(out: &mut fmt::Formatter<'_>, place: &Place, text: &str) -> fmt::Result {
    let (line, column) = place.line_column();
    let shown = place.source.line(line);
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let room = shown.chars().count().saturating_sub(column - 1).max(1);
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
        .take(column - 1)
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

/// The name of `known` most like `word`, if it is like enough to be meant: "did you mean".
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    let near = known.into_iter().map(|name| (edits(word, name), name)).min()?;
    (near.0 <= limit).then_some(near.1)
}

/// Levenshtein distance.
fn edits(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at, a) in left.chars().enumerate() {
        let mut corner = row[0];
        row[0] = at + 1;
        for (column, b) in right.iter().enumerate() {
            let next = (corner + usize::from(a != *b))
                .min(row[column] + 1)
                .min(row[column + 1] + 1);
            corner = row[column + 1];
            row[column + 1] = next;
        }
    }
    row[right.len()]
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
    fn the_nearest_name_must_be_near() {
        assert_eq!(nearest("taks", ["tasks", "handlers"]), Some("tasks"));
        assert_eq!(nearest("zzzz", ["tasks", "handlers"]), None);
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
