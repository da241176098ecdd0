//! From an error of the template engine to a place in the file the user wrote.

use super::evaluate::Span;
use crate::budget::STEPS;
use crate::error::cures::did_you_mean;
use crate::error::{Error, nearest};
use crate::source::{Place, Source};
use crate::yaml;
use minijinja::{Error as JinjaError, ErrorKind};
use std::error::Error as _;
use std::path::Path;

/// What went wrong in a template, with a range of bytes in its text.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    message: String,
    range: Option<Span>,
    undefined: bool,
    /// What to do about it.
    help: Option<String>,
    /// Set if it went wrong in a template that this one includes.
    inner: Option<Place>,
}

impl Problem {
    /// Reads an error of the engine.
    pub(super) fn of(error: &JinjaError) -> Problem {
        let mut nearest = error;
        let mut next = error.source();
        while let Some(source) = next {
            if let Some(inner) = source.downcast_ref::<JinjaError>() {
                nearest = inner;
            }
            next = source.source();
        }
        let included = !std::ptr::eq(nearest, error) && nearest.name() != error.name();
        Problem {
            message: sentence(nearest),
            range: error.range(),
            undefined: nearest.kind() == ErrorKind::UndefinedError,
            help: cure(nearest),
            inner: if included { place_in_file(nearest) } else { None },
        }
    }

    /// The same problem without its words, which may tell a secret that went into it.
    pub(super) fn hushed(mut self) -> Problem {
        self.message = "this fails; why is not shown, since a secret is part of it".into();
        self
    }

    /// The same problem with its range mapped.
    pub(super) fn moved(mut self, map: impl Fn(usize) -> usize) -> Problem {
        self.range = self.range.map(|range| {
            let start = map(range.start);
            start..map(range.end).max(start)
        });
        self
    }

    /// The error for the user; `place` is where the whole text stands.
    pub(super) fn located(&self, text: &str, place: Option<&Place>) -> Error {
        let shown = self.range.clone().and_then(|range| text.get(range));
        let message = match shown {
            Some(shown) if self.undefined && !shown.trim().is_empty() => {
                format!("'{}' is undefined", shown.trim())
            }
            _ => self.message.clone(),
        };
        let error = match self.undefined {
            true => Error::new(&message).of_undefined(last_name(&message).unwrap_or_default()),
            false => Error::new(message),
        };
        let error = error.at_some(self.inner.as_ref());
        let place = place.map(|place| inside(place, text, self.range.clone()));
        let error = match (&self.inner, &place) {
            (Some(_), Some(outer)) => error.note(outer, "included here"),
            _ => error.at_some(place.as_ref()),
        };
        match &self.help {
            _ if self.undefined => error.help(UNDEFINED_HELP),
            Some(help) => error.help(help.clone()),
            None => error,
        }
    }
}

/// What to do about something undefined.
pub(super) const UNDEFINED_HELP: &str =
    "check the name; a variable that may be missing is written `name | default(...)`";

/// What the writer probably meant.
fn cure(error: &JinjaError) -> Option<String> {
    let detail = error.detail()?;
    let similar = |names: Vec<&str>| nearest(detail.split(' ').nth(1)?, names).map(did_you_mean);
    match error.kind() {
        ErrorKind::UnknownFilter => similar(super::filters::names().chain(BUILTIN_FILTERS).collect()),
        ErrorKind::UnknownTest => similar(super::tests::names().chain(BUILTIN_TESTS).collect()),
        ErrorKind::SyntaxError => SLIPS
            .iter()
            .find(|(said, _)| detail.contains(said))
            .map(|(_, help)| (*help).to_string()),
        _ => None,
    }
}

/// What the engine says of usual slips, and their cure.
const SLIPS: &[(&str, &str)] = &[
    ("expected end of variable block", "close the expression with `}}`"),
    (
        "unexpected end of input, expected end of block",
        "close the block with `%}`",
    ),
    (
        "unexpected input after expression",
        "one expression ends here and another begins: `=` compares as `==`, texts are joined by `~`",
    ),
    (
        "unknown statement end",
        "this ends a block that was not begun, or another one than the last that was: `if` ends with `endif`, `for` with `endfor`",
    ),
    (
        "unexpected end of input",
        "a block was begun and not ended: `if` ends with `endif`, `for` with `endfor`",
    ),
    (
        "unexpected end of file",
        "a block was begun and not ended: `if` ends with `endif`, `for` with `endfor`",
    ),
];

/// The engine's own filters.
const BUILTIN_FILTERS: [&str; 14] = [
    "default",
    "join",
    "length",
    "lower",
    "upper",
    "replace",
    "split",
    "trim",
    "map",
    "select",
    "selectattr",
    "sort",
    "unique",
    "tojson",
];

/// The engine's own tests.
const BUILTIN_TESTS: [&str; 10] = [
    "defined",
    "undefined",
    "none",
    "string",
    "number",
    "mapping",
    "sequence",
    "iterable",
    "in",
    "sameas",
];

/// The error for something undefined.
pub(super) fn undefined_error(sentence: &str, place: Option<&Place>) -> Error {
    let name = last_name(sentence).unwrap_or_default();
    let error = Error::new(sentence).of_undefined(name);
    error.at_some(place).help(UNDEFINED_HELP)
}

/// The sentence of an error without the engine's own words around it.
fn sentence(error: &JinjaError) -> String {
    let detail = error.detail().map(str::to_string);
    let kind = error.kind().to_string();
    match (error.kind(), detail) {
        (ErrorKind::OutOfFuel, _) => STEPS.exceeded(),
        (ErrorKind::SyntaxError, Some(detail)) => format!("the template cannot be read: {detail}"),
        (ErrorKind::InvalidOperation | ErrorKind::UnknownFilter | ErrorKind::UnknownTest, Some(detail)) => {
            by_zero(&detail).map_or(detail, |told| format!("Error rendering template: {told}"))
        }
        (_, Some(detail)) => format!("{kind}: {detail}"),
        (_, None) => kind,
    }
}

/// What Python says where the engine says that something cannot be divided by zero.
fn by_zero(detail: &str) -> Option<&'static str> {
    let calculation = detail.strip_prefix("unable to calculate ")?;
    let left = calculation.strip_suffix(" 0")?;
    match left.rsplit(' ').next()? {
        "/" => Some("division by zero"),
        "//" | "%" => Some("integer division or modulo by zero"),
        _ => None,
    }
}

/// The path in the name of a loaded template.
pub(super) fn path_of(name: &str) -> &str {
    name.split('\u{0}').next().unwrap_or(name)
}

fn place_in_file(error: &JinjaError) -> Option<Place> {
    let path = Path::new(path_of(error.name()?));
    let text = std::fs::read_to_string(path).ok()?;
    let line = error.line()?;
    let start: usize = text
        .split_inclusive('\n')
        .take(line.checked_sub(1)?)
        .map(str::len)
        .sum();
    let length = text[start..].lines().next().map_or(0, str::len);
    let source = Source::file(path, text);
    Some(Place::new(&source, start..start + length))
}

/// The place of a range of the text of a scalar, in the file the scalar stands in.
pub(super) fn inside(place: &Place, text: &str, range: Option<Span>) -> Place {
    let covered = place.source.text.get(place.span.clone()).unwrap_or("");
    let span = range.map(|range| {
        if covered == text {
            return place.span.start + range.start..place.span.start + range.end;
        }
        let start = yaml::scalar_offset(place, range.start);
        start..yaml::scalar_offset(place, range.end).max(start)
    });
    match span {
        Some(span) => Place::new(
            &place.source,
            span.start..span.end.min(place.span.end).max(span.start),
        ),
        None => place.clone(),
    }
}

/// The name that one of our sentences about something undefined ends with.
fn last_name(sentence: &str) -> Option<&str> {
    sentence.rsplit('\'').nth(1)
}

/// The token in a template's text that an "is undefined" sentence is about: its last quoted name.
pub(super) fn undefined_token(text: &str, sentence: &str) -> Option<Span> {
    let name = last_name(sentence)?;
    let marked = marked(text).into_iter().find_map(|span| {
        let found = word(&text[span.clone()], name)?;
        Some(span.start + found.start..span.start + found.end)
    });
    marked.or_else(|| word(text, name))
}

/// What stands between the usual marks: the expressions and statements of a template.
fn marked(text: &str) -> Vec<Span> {
    let mut found = vec![];
    let mut at = 0;
    while let Some(begin) = text[at..].find(['{']).map(|begin| at + begin) {
        let end = match text.as_bytes().get(begin + 1) {
            Some(b'{') => "}}",
            Some(b'%') => "%}",
            Some(b'#') => "#}",
            _ => {
                at = begin + 1;
                continue;
            }
        };
        let close = text[begin + 2..]
            .find(end)
            .map_or(text.len(), |close| begin + 2 + close);
        if end != "#}" {
            found.push(begin + 2..close);
        }
        at = close;
    }
    found
}

/// As [`undefined_token`], in a template file that was included.
pub(super) fn undefined_in_file(path: &Path, sentence: &str) -> Option<Place> {
    let source = Source::file(path, std::fs::read_to_string(path).ok()?);
    let span = undefined_token(&source.text, sentence)?;
    Some(Place::new(&source, span))
}

/// Where a word stands in a text.
pub(super) fn word(text: &str, name: &str) -> Option<Span> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let found = text.match_indices(name).find(|(at, _)| {
        !name.is_empty() && !text[..*at].ends_with(word) && !text[at + name.len()..].starts_with(word)
    });
    found.map(|(at, _)| at..at + name.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_undefined_name_is_found_in_the_expression_not_in_the_text_around_it() {
        let text = "# port {# port #}\nport = {% if x %}{{ port }}{% endif %}\n";
        let at = text.rfind("port").unwrap();
        assert_eq!(undefined_token(text, "'port' is undefined"), Some(at..at + 4));
        assert_eq!(undefined_token("a b", "'b' is undefined"), Some(2..3));
    }
}
