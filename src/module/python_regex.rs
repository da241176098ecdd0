//! Regular expressions as Python's `re` reads them, for the modules that edit texts.

use super::Stop;
use fancy_regex::{Captures, Regex};

/// Compiles an expression; `flags` are letters as in `(?m)`.
pub(super) fn compile(pattern: &str, flags: &str) -> Result<Regex, Stop> {
    let translated = translate(pattern, flags.contains('m') || sets_multiline(pattern));
    let whole = match flags {
        "" => translated,
        flags => format!("(?{flags}){translated}"),
    };
    Regex::new(&whole)
        .map_err(|cause| Stop::failed(format!("`{pattern}` is not a regular expression: {cause}")))
}

/// True if the expression begins with flags, `m` among them.
fn sets_multiline(pattern: &str) -> bool {
    let flags = pattern
        .strip_prefix("(?")
        .and_then(|rest| rest.split([')', ':']).next());
    flags.is_some_and(|flags| flags.contains('m') && flags.chars().all(|c| c.is_ascii_alphabetic()))
}

/// `\Z` is the very end in Python, which others write `\z`; `$` is that too, and before a newline that stands there. Where it
/// is the end of each line (`multiline`), others mean the same by it.
fn translate(pattern: &str, multiline: bool) -> String {
    let mut out = String::new();
    let (mut escaped, mut class) = (false, None);
    for (at, c) in pattern.char_indices() {
        match (escaped, c) {
            (true, 'Z') => out.push('z'),
            (false, '$') if class.is_none() && !multiline => out.push_str("(?=\\n?\\z)"),
            _ => out.push(c),
        }
        if !escaped {
            class = match (class, c) {
                (None, '[') => Some(at),
                // One that stands first in a class does not end it.
                (Some(begin), ']') if !["", "^"].contains(&&pattern[begin + 1..at]) => None,
                (class, _) => class,
            };
        }
        escaped = c == '\\' && !escaped;
    }
    out
}

/// The first match in a text.
pub(super) fn search<'t>(regex: &Regex, text: &'t str) -> Result<Option<Captures<'t, str>>, Stop> {
    regex.captures(text).map_err(too_long)
}

fn too_long(cause: fancy_regex::Error) -> Stop {
    Stop::failed(format!("the regular expression cannot be tried: {cause}"))
}

/// A replacement text with `\1` and `\g<name>` filled in from a match, as `Match.expand` does.
pub(super) fn expand(template: &str, captures: &Captures<'_, str>) -> String {
    let group = |name: &str| match name.parse::<usize>() {
        Ok(number) => captures.get(number),
        Err(_) => captures.name(name),
    };
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let digits = after
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(after.len())
            .min(2);
        let named = after.strip_prefix("g<").and_then(|inner| inner.split_once('>'));
        if let Some((name, tail)) = named {
            out.push_str(group(name).map_or("", |found| found.as_str()));
            rest = tail;
        } else if digits > 0 {
            out.push_str(group(&after[..digits]).map_or("", |found| found.as_str()));
            rest = &after[digits..];
        } else {
            let mut chars = after.chars();
            match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some('\\') | None => out.push('\\'),
                Some(other) => out.extend(['\\', other]),
            }
            rest = chars.as_str();
        }
    }
    out.push_str(rest);
    out
}

/// What is wrong with a replacement text: a letter behind `\\` that means nothing.
pub(super) fn bad_escape(template: &str) -> Option<String> {
    let mut characters = template.chars().enumerate();
    while let Some((at, c)) = characters.next() {
        if c != '\\' {
            continue;
        }
        match characters.next() {
            Some((_, letter)) if letter.is_ascii_alphabetic() && !"abfgnrtv".contains(letter) => {
                return Some(format!("bad escape \\{letter} at position {at}"));
            }
            _ => {}
        }
    }
    None
}

/// Replaces every match; the second result counts them (`re.subn`).
pub(super) fn substitute(regex: &Regex, template: &str, text: &str) -> Result<(String, usize), Stop> {
    let (mut out, mut end, mut count) = (String::new(), 0, 0);
    for found in regex.captures_iter(text) {
        let found = found.map_err(too_long)?;
        let Some(whole) = found.get(0) else { continue };
        out.push_str(&text[end..whole.start()]);
        out.push_str(&expand(template, &found));
        end = whole.end();
        count += 1;
    }
    out.push_str(&text[end..]);
    Ok((out, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacements_are_pythons() {
        let regex = compile(r"(?P<key>\w+)=(\d+)\Z", "").unwrap();
        assert_eq!(
            substitute(&regex, r"\g<key>: \2\n\\", "a=1").unwrap(),
            ("a: 1\n\\".into(), 1)
        );
        let line = compile(r"^([^#\n]\S*\s+swap.*)$", "m").unwrap();
        assert_eq!(
            substitute(&line, r"# \1", "a x\nb swap\n# c swap\n").unwrap(),
            ("a x\n# b swap\n# c swap\n".into(), 1)
        );
        assert!(compile("(", "").is_err());
    }

    #[test]
    fn an_end_is_where_python_finds_it() {
        let matches = |pattern: &str, flags: &str, text: &str| {
            let regex = compile(pattern, flags).unwrap();
            search(&regex, text).unwrap().is_some()
        };
        assert!(matches("b$", "", "a b\n") && matches("b$", "", "b"));
        assert!(!matches("b$", "", "b\na") && !matches("b$", "", "b\n\n"));
        assert!(matches("b$", "m", "b\na") && matches("(?m)b$", "", "b\na"));
        assert!(matches("[]$]", "", "$") && matches(r"\$", "", "$"));
    }
}
