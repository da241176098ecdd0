//! From a position inside the decoded text of a scalar back to the file.

use crate::source::Place;
use std::str::CharIndices;

/// The offset in the file of byte `decoded` of a scalar's text; `place` is that of the whole scalar. How the
/// scalar is written is read from its first character. A position behind the end gives the end.
pub fn scalar_offset(place: &Place, decoded: usize) -> usize {
    let mut written = 0;
    for (c, offset) in characters(place) {
        if written >= decoded {
            return offset;
        }
        written += c.len_utf8();
    }
    let covered = place.source.text.get(place.span.clone()).unwrap_or("");
    place.span.start + covered.trim_end().len()
}

/// The characters a scalar stands for, each with the offset in the file it comes from.
pub(super) fn characters(place: &Place) -> Vec<(char, usize)> {
    let source = &place.source.text;
    let text = source.get(place.span.clone()).unwrap_or("");
    let start = place.span.start;
    let before = &source[..start.min(source.len())];
    match text.chars().next() {
        Some('"') => double(text, start),
        Some('\'') => folded_lines(inner(text), start + 1, true),
        Some('|') => block(text, start, before, false),
        Some('>') => block(text, start, before, true),
        _ => folded_lines(text, start, false),
    }
}

/// The text between the quotes.
fn inner(text: &str) -> &str {
    text.get(1..text.len() - 1).unwrap_or("")
}

/// Folds the line breaks of plain and single-quoted scalars: one break is a blank, more are one fewer breaks.
fn folded_lines(text: &str, start: usize, doubled: bool) -> Vec<(char, usize)> {
    let mut found = vec![];
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        match c {
            '\n' | '\r' => fold(&mut found, &mut rest, start, at, c),
            '\'' if doubled => {
                rest.next_if(|next| next.1 == '\'');
                found.push((c, start + at));
            }
            c => found.push((c, start + at)),
        }
    }
    found
}

/// Puts what a line break between two lines of text stands for, with the blanks around it dropped.
fn fold(
    found: &mut Vec<(char, usize)>,
    rest: &mut std::iter::Peekable<CharIndices<'_>>,
    start: usize,
    at: usize,
    first: char,
) {
    while found.last().is_some_and(|last| matches!(last.0, ' ' | '\t')) {
        found.pop();
    }
    let mut breaks = vec![];
    let mut before = first;
    while let Some((at, c)) = rest.next_if(|next| next.1.is_ascii_whitespace()) {
        if c == '\n' && before != '\r' || c == '\r' {
            breaks.push(('\n', start + at));
        }
        before = c;
    }
    if breaks.is_empty() {
        breaks.push((' ', start + at));
    }
    found.append(&mut breaks);
}

/// Decodes a double-quoted scalar.
fn double(text: &str, start: usize) -> Vec<(char, usize)> {
    let mut found = vec![];
    let mut rest = inner(text).char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        match c {
            '\n' | '\r' => fold(&mut found, &mut rest, start + 1, at, c),
            '\\' => {
                let Some((_, code)) = rest.next() else { break };
                let digits = match code {
                    'x' => 2,
                    'u' => 4,
                    'U' => 8,
                    _ => 0,
                };
                if digits > 0 {
                    let hexadecimal: String = rest.by_ref().take(digits).map(|next| next.1).collect();
                    let number = u32::from_str_radix(&hexadecimal, 16).ok();
                    found.extend(number.and_then(char::from_u32).map(|c| (c, start + 1 + at)));
                } else if matches!(code, '\n' | '\r') {
                    while rest.next_if(|next| next.1.is_ascii_whitespace()).is_some() {}
                } else {
                    found.push((escaped(code), start + 1 + at));
                }
            }
            c => found.push((c, start + 1 + at)),
        }
    }
    found
}

fn escaped(code: char) -> char {
    match code {
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        't' | '\t' => '\t',
        'n' => '\n',
        'v' => '\u{b}',
        'f' => '\u{c}',
        'r' => '\r',
        'e' => '\u{1b}',
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        other => other,
    }
}

/// Decodes a block scalar: drops the header and the indentation, folds if `folded`.
fn block(text: &str, start: usize, before: &str, folded: bool) -> Vec<(char, usize)> {
    let header_end = text.find('\n').map_or(text.len(), |at| at + 1);
    let header = text[..header_end].split('#').next().unwrap_or("");
    let lines: Vec<(usize, &str)> = text[header_end..]
        .split_inclusive('\n')
        .scan(start + header_end, |at, line| {
            let begin = *at;
            *at += line.len();
            Some((begin, line))
        })
        .collect();
    let indentation = match header.chars().find_map(|c| c.to_digit(10)) {
        Some(more) => parent_indentation(before) + more as usize,
        None => {
            let first = lines.iter().find(|line| !line.1.trim().is_empty());
            first.map_or(usize::MAX, |line| {
                line.1.len() - line.1.trim_start_matches(' ').len()
            })
        }
    };
    let mut found = vec![];
    let mut last_plain = false;
    let mut blank: Vec<(char, usize)> = vec![];
    for (at, line) in lines {
        let body = line.trim_end_matches(['\n', '\r']);
        let drop = indentation.min(body.len() - body.trim_start_matches(' ').len());
        let content = &body[drop..];
        let end = at + body.len();
        if content.is_empty() {
            blank.push(('\n', end));
            continue;
        }
        let plain = !content.starts_with([' ', '\t']);
        // The break before this line was put as a break; between two lines of text it folds.
        let joined = if folded && last_plain && plain {
            found.pop()
        } else {
            None
        };
        found.extend(joined.filter(|_| blank.is_empty()).map(|(_, at)| (' ', at)));
        found.append(&mut blank);
        found.extend(content.char_indices().map(|(to, c)| (c, at + drop + to)));
        found.push(('\n', end));
        last_plain = plain;
    }
    chomp(&mut found, blank, header, text.ends_with('\n'));
    found
}

/// Applies `-`, `+` or neither to the line breaks at the end.
fn chomp(found: &mut Vec<(char, usize)>, mut blank: Vec<(char, usize)>, header: &str, ended: bool) {
    if header.contains('+') {
        found.append(&mut blank);
    }
    let unfinished = !ended && blank.is_empty();
    if (header.contains('-') || unfinished) && found.last().is_some_and(|last| last.0 == '\n') {
        found.pop();
    }
}

/// The indentation of the mapping or list a block scalar with an explicit indentation stands in.
fn parent_indentation(before: &str) -> usize {
    let line = before.rsplit('\n').next().unwrap_or("");
    let mut indentation = 0;
    let mut rest = line;
    loop {
        let blanks = rest.len() - rest.trim_start_matches(' ').len();
        match rest[blanks..].strip_prefix("- ") {
            Some(after) if !after.trim_start().is_empty() => {
                indentation += blanks + 2;
                rest = after;
            }
            _ => return indentation + blanks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;
    use crate::yaml::parse;

    /// Every scalar below, read again from its place, must give the text libyaml decoded.
    #[test]
    fn scalars_are_read_again_from_their_place() {
        for text in [
            "a: plain text",
            "a: plain\n  over lines\n\n  and more",
            "a: 'it''s\n  folded  \n\n\n  twice'",
            "a: \"tab\\t\\u00e9 \\x41 é\\\n   joined \\\"q\\\"\n  folded\"",
            "a: |\n  one\n    two\n\n  three\n",
            "a: |-\n  one\n  two\n\n",
            "a: |+\n  one\n\n\nb: 1",
            "a: |2\n    one\n  two\n",
            "a:\n  - b: |1\n      x\n     y\n",
            "a: >\n  one\n  two\n\n  three\n    four\n    five\n  six\n",
            "a: >-\n  one\n\n\n  two\n\n",
            "a: |\n  one\n  two",
            "- |\n one\n- >\n two\n three\n- x",
            "a: !unsafe &b \"x {{ y }}\"",
            "a: # comment\n  value",
        ] {
            let source = Source::named("text", text.into());
            let parsed = parse(&source).unwrap();
            let mut open = parsed.documents;
            while let Some(node) = open.pop() {
                if let Some(wanted) = node.text() {
                    let read: String = characters(&node.place).iter().map(|c| c.0).collect();
                    assert_eq!(read, wanted, "{text:?}");
                }
                open.extend(node.items().unwrap_or_default().iter().cloned());
                for (key, value) in node.entries().unwrap_or_default() {
                    open.extend([key.clone(), value.clone()]);
                }
            }
        }
    }

    #[test]
    fn a_decoded_offset_leads_to_the_file() {
        let text = "a: |\n    {{ x }}\n    b {{ y }}\nc: \"\\t{{ z }}\"\n";
        let source = Source::named("text", text.into());
        let root = parse(&source).unwrap().documents.remove(0);
        let block = root.get("a").unwrap();
        let decoded = block.text().unwrap().find('y').unwrap();
        assert_eq!(scalar_offset(&block.place, decoded), text.find('y').unwrap());
        let quoted = root.get("c").unwrap();
        let decoded = quoted.text().unwrap().find('z').unwrap();
        assert_eq!(scalar_offset(&quoted.place, decoded), text.find('z').unwrap());
        assert_eq!(&text[scalar_offset(&quoted.place, 99) - 1..], "\"\n");
    }
}
