//! Filters with regular expressions, as Python reads them.

use super::{Filter, filter};
use crate::template::call::{Answer, Call};
use crate::template::convert::print;
use crate::template::parsed::Parsed;
use crate::value::Value;
use fancy_regex::{Captures, Regex};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

pub(super) const FILTERS: &[Filter] = &[
    filter("regex_replace", regex_replace),
    filter("regex_search", regex_search),
    filter("regex_findall", regex_findall),
    filter("regex_escape", regex_escape),
];

/// A compiled pattern; each is compiled once, as long as there is room: some take a hundred kilobytes.
///
/// # Errors
/// What is wrong with the pattern.
pub(in crate::template) fn compiled(
    pattern: &str,
    ignore_case: bool,
    multiline: bool,
) -> Result<Arc<Regex>, String> {
    type Cache = RwLock<Parsed<(bool, bool), Arc<Regex>>>;
    static CACHE: OnceLock<Cache> = OnceLock::new();
    let cache = CACHE.get_or_init(|| RwLock::new(Parsed::new(64 << 10, 32 << 20)));
    let key = ((ignore_case, multiline), pattern.to_string());
    if let Some(regex) = cache.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(regex);
    }
    let flags = format!(
        "{}{}",
        if ignore_case { "i" } else { "" },
        if multiline { "m" } else { "" }
    );
    let lead = if flags.is_empty() {
        String::new()
    } else {
        format!("(?{flags})")
    };
    let translated = format!("{lead}{}", translate(pattern, multiline));
    let regex = Regex::new(&translated)
        .map_err(|error| format!("the pattern '{pattern}' cannot be read: {error}"))?;
    let mut cache = cache.write().unwrap_or_else(PoisonError::into_inner);
    Ok(cache.keep(key, Arc::new(regex)))
}

/// From Python's way of writing to the engine's: `\Z`, `$` before a last newline, `{` and `[` as letters.
fn translate(pattern: &str, multiline: bool) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let letters: Vec<char> = pattern.chars().collect();
    let (mut at, mut class) = (0, None);
    while at < letters.len() {
        let c = letters[at];
        match c {
            '\\' => {
                let next = letters.get(at + 1).copied().unwrap_or('\\');
                match next {
                    'Z' if class.is_none() => out.push_str("\\z"),
                    '<' | '>' | '\'' | '"' | ' ' | '/' | '=' | ':' | ',' | ';' | '@' | '%' | '!' | '`' => {
                        out.push(next);
                    }
                    next => {
                        out.push('\\');
                        out.push(next);
                    }
                }
                at += 1;
            }
            '[' if class.is_none() => {
                class = Some(at);
                out.push('[');
                if letters.get(at + 1) == Some(&'^') {
                    out.push('^');
                    at += 1;
                }
                if letters.get(at + 1) == Some(&']') {
                    out.push_str("\\]");
                    at += 1;
                }
            }
            ']' if class.is_some() => {
                class = None;
                out.push(']');
            }
            '[' | '&' | '~' => {
                if class.is_some() {
                    out.push('\\');
                }
                out.push(c);
            }
            '$' if class.is_none() && !multiline => out.push_str("(?=\\n?\\z)"),
            '{' if class.is_none() && !is_count(&letters[at..]) => out.push_str("\\{"),
            '{' if class.is_none() && letters.get(at + 1) == Some(&',') => out.push_str("{0"),
            '}' if class.is_none() && !closes_count(&letters[..at]) => out.push_str("\\}"),
            c => out.push(c),
        }
        at += 1;
    }
    out
}

/// True if the letters begin with a count such as `{2}`, `{2,}` or `{,3}`.
fn is_count(letters: &[char]) -> bool {
    match letters.iter().position(|c| *c == '}') {
        Some(end) => {
            let inside = &letters[1..end];
            inside.iter().any(char::is_ascii_digit) && inside.iter().all(|c| c.is_ascii_digit() || *c == ',')
        }
        None => false,
    }
}

fn closes_count(before: &[char]) -> bool {
    match before.iter().rposition(|c| *c == '{') {
        Some(start) => {
            before[start + 1..]
                .iter()
                .all(|c| c.is_ascii_digit() || *c == ',')
                && start + 1 < before.len()
        }
        None => false,
    }
}

fn pattern(call: &Call, position: usize) -> Result<Arc<Regex>, String> {
    let pattern = call
        .need_text(position, "regex")
        .or_else(|_| call.need_text(position, "pattern"))?;
    let flag = |name: &str| call.named().get(name).is_some_and(crate::template::call::truthy);
    compiled(&pattern, flag("ignorecase"), flag("multiline"))
}

/// A replacement in Python's way of writing (`\1`, `\g<1>`, `\g<name>`), filled in.
fn expand(replacement: &str, found: &Captures<'_, String>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = replacement;
    let group = |name: &str| match name.parse::<usize>() {
        Ok(number) if number < found.len() => Ok(found.get(number)),
        Ok(number) => Err(format!("invalid group reference {number}")),
        Err(_) => Ok(found.name(name)),
    };
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let digits = rest.chars().take(2).take_while(char::is_ascii_digit).count();
        if let Some(name) = rest.strip_prefix("g<").and_then(|rest| rest.split_once('>')) {
            out.push_str(group(name.0)?.map_or("", |text| text.as_str()));
            rest = name.1;
        } else if digits > 0 {
            out.push_str(group(&rest[..digits])?.map_or("", |text| text.as_str()));
            rest = &rest[digits..];
        } else {
            let next = rest.chars().next();
            match next {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some('\\') | None => out.push('\\'),
                Some(c) => {
                    out.push('\\');
                    out.push(c);
                }
            }
            rest = &rest[next.map_or(0, char::len_utf8)..];
        }
    }
    Ok(out + rest)
}

fn regex_replace(call: &Call) -> Answer {
    let regex = pattern(call, 1)?;
    let replacement = call.text(2, "replacement").unwrap_or_default();
    let flag = |position, name| call.flag(position, name, false);
    let regex = match (flag(3, "ignorecase"), flag(4, "multiline")) {
        (false, false) => regex,
        (ignore_case, multiline) => compiled(&call.need_text(1, "pattern")?, ignore_case, multiline)?,
    };
    let limit = call
        .integer(usize::MAX, "count")?
        .and_then(|count| usize::try_from(count).ok())
        .unwrap_or(0);
    let text = call.input_text();
    let (mut out, mut last, mut count) = (String::new(), 0, 0);
    for found in regex.captures_iter(&text) {
        let found = found.map_err(|error| error.to_string())?;
        let Some(whole) = found.get(0) else { continue };
        out.push_str(&text[last..whole.start()]);
        out.push_str(&expand(&replacement, &found)?);
        last = whole.end();
        count += 1;
        if count == limit {
            break;
        }
    }
    out.push_str(&text[last..]);
    if let Some(wanted) = call.integer(usize::MAX, "mandatory_count")?
        && wanted > 0
        && wanted != i64::try_from(count).unwrap_or(i64::MAX)
    {
        return Err(format!(
            "'{text}' should match {wanted} times, but matches {count} times"
        ));
    }
    Ok(out.into())
}

fn regex_search(call: &Call) -> Answer {
    let regex = pattern(call, 1)?;
    let text = call.input_text();
    let Some(found) = regex.captures(&text).map_err(|error| error.to_string())? else {
        return Ok(Value::Null);
    };
    let text_of =
        |group: Option<fancy_regex::Match<'_>>| group.map_or(Value::Null, |group| group.as_str().into());
    let wanted: Vec<String> = call.positional().iter().skip(2).map(print).collect();
    if wanted.is_empty() {
        return Ok(text_of(found.get(0)));
    }
    let mut groups = vec![];
    for name in wanted {
        let bare = name.trim_start_matches('\\');
        let bare = bare
            .strip_prefix("g<")
            .map_or(bare, |bare| bare.trim_end_matches('>'));
        groups.push(match bare.parse::<usize>() {
            Ok(number) if number < found.len() => text_of(found.get(number)),
            Ok(number) => return Err(format!("no such group: {number}")),
            Err(_) if regex.capture_names().flatten().any(|known| known == bare) => text_of(found.name(bare)),
            Err(_) => return Err(format!("Unknown argument '{name}'")),
        });
    }
    Ok(Value::list(groups))
}

fn regex_findall(call: &Call) -> Answer {
    let pattern = call.need_text(1, "regex")?;
    let regex = compiled(
        &pattern,
        call.flag(3, "ignorecase", false),
        call.flag(2, "multiline", false),
    )?;
    let text = call.input_text();
    let mut all = vec![];
    for found in regex.captures_iter(&text) {
        let found = found.map_err(|error| error.to_string())?;
        let group = |at: usize| Value::string(found.get(at).map_or("", |group| group.as_str()));
        all.push(match found.len() {
            1 => group(0),
            2 => group(1),
            length => Value::list((1..length).map(group)),
        });
    }
    Ok(Value::list(all))
}

fn regex_escape(call: &Call) -> Answer {
    let text = call.input_text();
    let special: &dyn Fn(char) -> bool = match call.text(1, "re_type").as_deref() {
        None | Some("python") => &|c| "()[]{}?*+-|^$\\.&~# \t\n\r\u{b}\u{c}".contains(c),
        Some("posix_basic") => &|c| "[].^$*\\".contains(c),
        Some(other) => return Err(format!("Invalid regex type ({other})")),
    };
    let mut escaped = String::new();
    for c in text.chars() {
        if special(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    Ok(escaped.into())
}
