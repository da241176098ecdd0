//! Syntax errors: what libyaml says, and what the writer probably meant.

use super::Node;
use super::events::Problem;
use crate::error::Error;
use crate::source::{Place, Source};
use std::sync::Arc;

/// The error for what libyaml found in the text from `base` on, and the offset up to which the text is spoilt.
pub(super) fn explain(source: &Arc<Source>, base: usize, found: &Problem) -> (Error, usize) {
    let text = &source.text;
    let offset = (found.offset + base).min(text.len());
    let place = point(source, offset);
    let mut error = Error::new(format!("YAML parsing failed: {}", plainer(&found.message)));
    let mut reached = offset;
    let context = found
        .context
        .as_ref()
        .map(|(said, at)| (said, (at + base).min(text.len())));
    let suspect = match unclosed(source, offset, found, context.as_ref().map(|context| context.1)) {
        Some(help) => {
            error = error.help(help);
            None
        }
        None => suspect_line(source, offset, context.as_ref().map(|context| context.1)),
    };
    error = error.at(&suspect.as_ref().map_or(place, |found| found.0.clone()));
    if let Some((said, at)) = context {
        if source.line_column(at).0 != source.line_column(offset).0 {
            error = error.note(&point(source, at), said.clone());
        }
        // What is open until the end of the text spoils only the place where it was opened.
        if offset == text.len() {
            reached = at;
        }
    }
    // A line that only comes too early is sound itself.
    let line_start = text[..reached].rfind('\n').map_or(0, |at| at + 1);
    if line_start > base && text[line_start..reached].trim().is_empty() {
        reached = line_start - 1;
    }
    if let Some((_, help)) = suspect {
        error = error.help(help);
    }
    (error, reached)
}

/// The error for a mapping or list as a key: mostly an unquoted `{{ x }}`.
pub(super) fn collection_as_key(key: &Node, value: &Node) -> Error {
    let source = &key.place.source;
    let start = key.place.span.start;
    let before = source.text[..start].trim_end();
    let braces = source.text[start..].starts_with('{') && before.ends_with('{') && before.len() + 2 > start;
    if braces && value.is_null() {
        let from = before.len() - 1;
        let line_end = source.text[from..]
            .find('\n')
            .map_or(source.text.len(), |at| from + at);
        let end = source.text[from..line_end]
            .find("}}")
            .map_or(line_end, |at| from + at + 2);
        return Error::new("a value that begins with `{{` needs quotes, or YAML takes it for a mapping")
            .at(&Place::new(source, from..end))
            .help(format!("write {}", quoted(&source.text[from..line_end])));
    }
    Error::new("a mapping or list cannot be a key").at(&key.place)
}

fn quoted(text: &str) -> String {
    let text = text.trim_end();
    if text.contains('"') {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        format!("\"{text}\"")
    }
}

/// libyaml's sentences in words that need no knowledge of its insides.
fn plainer(message: &str) -> &str {
    match message {
        "did not find expected key" => "a key of the mapping was expected here",
        "did not find expected '-' indicator" => "a `-` of the list was expected here",
        "mapping values are not allowed in this context" => "a `:` is not allowed here",
        "found character that cannot start any token" => "this character cannot begin a value",
        "could not find expected ':'" => "a `:` is missing",
        "found unexpected end of stream" => "the text ends inside quotes",
        "did not find expected ',' or ']'" => "a `,` or `]` is missing",
        "did not find expected ',' or '}'" => "a `,` or `}` is missing",
        "did not find expected node content" => "a value was expected here",
        "did not find expected <document start>" => {
            "Did not find expected <document start>: more text follows where the document should have ended"
        }
        "block sequence entries are not allowed in this context" => "a `-` is not allowed here",
        "found unknown escape character" => "this `\\` escape is unknown",
        other => other,
    }
}

/// A place of one character.
fn point(source: &Arc<Source>, offset: usize) -> Place {
    let mut start = offset.min(source.text.len());
    while !source.text.is_char_boundary(start) {
        start -= 1;
    }
    // At the very end, or at the end of a line, the last character of the text is shown.
    if start > 0 && source.text[start..].trim().is_empty() {
        start = source.text[..start].trim_end().len();
    }
    let end = source.text[start..]
        .chars()
        .next()
        .map_or(start, |c| start + c.len_utf8());
    Place::new(source, start..end)
}

/// The cure for brackets that are still open on a later line, where nothing is wrong by itself.
fn unclosed(source: &Arc<Source>, offset: usize, found: &Problem, context: Option<usize>) -> Option<String> {
    let bracket = ['}', ']']
        .into_iter()
        .find(|bracket| found.message.ends_with(&format!("or '{bracket}'")))?;
    let line = source.line_column(context?).0;
    (line != source.line_column(offset).0)
        .then(|| format!("end line {line} with `{bracket}`, or with `,` if more of it follows"))
}

/// Looks at the line of the error, then that of its context, for the usual slips.
fn suspect_line(source: &Arc<Source>, offset: usize, context: Option<usize>) -> Option<(Place, String)> {
    let mut lines = vec![offset];
    // Quotes that end too early are noticed at their end, a missing indentation at the next line.
    lines.extend(context);
    lines.iter().find_map(|at| slip(source, *at))
}

fn slip(source: &Arc<Source>, offset: usize) -> Option<(Place, String)> {
    let (number, _) = source.line_column(offset);
    let line = source.line(number);
    let start = source.text[..offset].rfind('\n').map_or(0, |at| at + 1);
    let place = |from: usize, to: usize| Place::new(source, start + from..start + to);
    let indent = line.len() - line.trim_start().len();
    if let Some(tab) = line[..indent].find('\t') {
        return Some((place(tab, tab + 1), "indent with spaces, not with a tab".into()));
    }
    let value = value_start(line)?;
    let rest = line[value..].trim_end();
    if rest.starts_with("{{") {
        return Some((
            place(value, line.len()),
            format!("a value that begins with `{{{{` needs quotes: {}", quoted(rest)),
        ));
    }
    if let Some(mark @ ('"' | '\'')) = rest.chars().next() {
        let close = rest[1..].find(mark).map(|at| at + 1)?;
        let after = rest[close + 1..].trim_start();
        if !after.is_empty() && !after.starts_with(['#', ',', '}', ']', ':']) && mark != '\'' {
            return Some((
                place(value, line.len()),
                format!(
                    "quotes must be around the whole value: '{}'",
                    rest.replace('\'', "''")
                ),
            ));
        }
        return None;
    }
    let colon = rest.find(": ").or_else(|| rest.strip_suffix(':').map(str::len))?;
    let plain = !rest.starts_with(['{', '[', '&', '*', '!', '|', '>']);
    plain.then(|| {
        (
            place(value + colon, value + colon + 1),
            format!("a value that holds `: ` needs quotes: {}", quoted(rest)),
        )
    })
}

/// Where the value of `key: value` or `- value` begins in a line.
fn value_start(line: &str) -> Option<usize> {
    let mut start = line.len() - line.trim_start().len();
    let mut found = None;
    while let Some(rest) = line[start..].strip_prefix("- ") {
        start += 2 + (rest.len() - rest.trim_start().len());
        found = Some(start);
    }
    match line[start..].find(": ") {
        Some(at) if !line[start..start + at].contains(['"', '\'', '{', '[']) => {
            let after = start + at + 2;
            Some(after + (line[after..].len() - line[after..].trim_start().len()))
        }
        _ => found,
    }
}

/// The offset behind `reached` from which the text can be read on its own: the next document, or the next
/// entry of a list that is not deeper than the broken one and begins with a key.
pub(super) fn next_beginning(text: &str, reached: usize) -> Option<usize> {
    let mut at = reached + text.get(reached..)?.find('\n')? + 1;
    let broken = text[..at].lines().rev().find_map(entry_indentation).unwrap_or(0);
    let mut lines = text[at..].split_inclusive('\n');
    lines.find_map(|line| {
        let start = at;
        at += line.len();
        let document = line.trim_end() == "---" || line.starts_with("--- ");
        let entry = entry_indentation(line).is_some_and(|indentation| indentation <= broken);
        (document || entry && begins_with_key(line)).then_some(start)
    })
}

/// The indentation of a line that begins an entry of a list.
fn entry_indentation(line: &str) -> Option<usize> {
    let rest = line.trim_start_matches(' ');
    rest.starts_with("- ").then(|| line.len() - rest.len())
}

/// True for `- key:`, which is hardly ever inside a text.
fn begins_with_key(line: &str) -> bool {
    let rest = line.trim_start_matches(' ').trim_start_matches("- ");
    let word = rest.find(':').map(|at| &rest[..at]);
    word.is_some_and(|word| {
        !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "._-".contains(c))
    })
}

/// True for what must happen at the end of a piece of a text that is read on its own: less indentation.
pub(super) fn is_end_of_piece(found: &Problem) -> bool {
    found.message == "did not find expected <document start>"
}
