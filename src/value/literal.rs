//! Python literals, as INI inventories and arguments of roles write them: `1`, `True`, `[1, 'a']`, `{'a': None}`.

use super::Value;
use std::iter::Peekable;
use std::str::Chars;

/// The value of a text: a Python literal if it is one, else the text itself.
pub fn literal_or_text(text: &str) -> Value {
    literal(text).unwrap_or_else(|| Value::trusted(text, None))
}

/// The value of a Python literal (what `ast.literal_eval` takes). As in Ansible sets are lists, bytes are texts, and what has no other
/// kind of value (`...`, complex numbers) is its text.
pub fn literal(text: &str) -> Option<Value> {
    let mut rest = text.trim().chars().peekable();
    let value = item(&mut rest, 0)?;
    blanks(&mut rest);
    // A comment may follow, as in Python.
    matches!(rest.peek(), None | Some('#')).then_some(value)
}

fn blanks(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|c| c.is_whitespace()).is_some() {}
}

fn item(rest: &mut Peekable<Chars<'_>>, depth: usize) -> Option<Value> {
    if depth > 50 {
        return None;
    }
    blanks(rest);
    let first = *rest.peek()?;
    match first {
        '[' => list(rest, ']', depth),
        '(' => list(rest, ')', depth),
        '{' => mapping_or_set(rest, depth),
        '\'' | '"' => text(rest).map(|text| Value::trusted(&text, None)),
        '.' if rest.clone().take(3).eq("...".chars()) => {
            rest.nth(2);
            Some(Value::string("..."))
        }
        c if c.is_ascii_digit() || "+-.".contains(c) => number(rest),
        c if c.is_ascii_alphabetic() => {
            let mut word = String::new();
            while let Some(c) = rest.next_if(|c| c.is_alphanumeric() || *c == '_') {
                word.push(c);
            }
            match word.as_str() {
                "True" => Some(Value::Bool(true)),
                "False" => Some(Value::Bool(false)),
                "None" => Some(Value::Null),
                "b" | "B" | "u" | "U" if matches!(rest.peek(), Some('\'' | '"')) => {
                    text(rest).map(|text| Value::trusted(&text, None))
                }
                "set" if rest.peek() == Some(&'(') => {
                    let empty = list(rest, ')', depth)?;
                    empty.as_list().is_some_and(<[Value]>::is_empty).then_some(empty)
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn list(rest: &mut Peekable<Chars<'_>>, close: char, depth: usize) -> Option<Value> {
    rest.next();
    let mut items = vec![];
    let mut comma = true;
    loop {
        blanks(rest);
        if rest.next_if_eq(&close).is_some() {
            // `(1)` is a number, not a list.
            let single = close == ')' && items.len() == 1 && !comma;
            return if single { items.pop() } else { Some(items.into()) };
        }
        if !comma {
            return None;
        }
        items.push(item(rest, depth + 1)?);
        blanks(rest);
        comma = rest.next_if_eq(&',').is_some();
    }
}

fn mapping_or_set(rest: &mut Peekable<Chars<'_>>, depth: usize) -> Option<Value> {
    rest.next();
    let mut entries: Vec<(String, Value)> = vec![];
    let mut items: Vec<Value> = vec![];
    let mut comma = true;
    loop {
        blanks(rest);
        if rest.next_if_eq(&'}').is_some() {
            return match items.is_empty() {
                true => Some(Value::map(entries)),
                false => Some(items.into()),
            };
        }
        if !comma {
            return None;
        }
        let key = item(rest, depth + 1)?;
        blanks(rest);
        match (rest.next_if_eq(&':'), key) {
            (Some(_), key) if items.is_empty() => {
                let key = match key {
                    Value::String(key) => key.to_string(),
                    Value::Int(number) => number.to_string(),
                    _ => return None,
                };
                entries.push((key, item(rest, depth + 1)?));
            }
            (None, key) if entries.is_empty() => {
                if !items.contains(&key) {
                    items.push(key);
                }
            }
            _ => return None,
        }
        blanks(rest);
        comma = rest.next_if_eq(&',').is_some();
    }
}

fn text(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    let quote = rest.next()?;
    let mut text = String::new();
    loop {
        match rest.next()? {
            c if c == quote => return Some(text),
            '\n' => return None,
            '\\' => text.push(escape(rest)?),
            c => text.push(c),
        }
    }
}

fn escape(rest: &mut Peekable<Chars<'_>>) -> Option<char> {
    let code = rest.next()?;
    let digits = match code {
        'n' => return Some('\n'),
        't' => return Some('\t'),
        'r' => return Some('\r'),
        '\\' | '\'' | '"' => return Some(code),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => return None,
    };
    let hexadecimal: String = rest.by_ref().take(digits).collect();
    char::from_u32(u32::from_str_radix(&hexadecimal, 16).ok()?)
}

fn number(rest: &mut Peekable<Chars<'_>>) -> Option<Value> {
    let mut word = String::new();
    while let Some(c) = rest.next_if(|c| c.is_ascii_alphanumeric() || "+-._".contains(*c)) {
        // A sign stands at the beginning or behind an exponent.
        if "+-".contains(c) && !(word.is_empty() || word.ends_with(['e', 'E'])) {
            return None;
        }
        word.push(c);
    }
    if word.ends_with('_') || word.contains("__") {
        return None;
    }
    let plain = word.replace('_', "");
    let (negative, digits) = match plain.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let lower = digits.to_ascii_lowercase();
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = lower.strip_prefix(prefix) {
            let value = i64::from_str_radix(digits, radix).ok()?;
            return Some(Value::Int(if negative { -value } else { value }));
        }
    }
    if digits.bytes().all(|b| b.is_ascii_digit()) {
        let padded = digits.len() > 1 && digits.starts_with('0') && digits.bytes().any(|b| b != b'0');
        return if padded {
            None
        } else {
            plain.parse().ok().map(Value::Int)
        };
    }
    let is_complex = lower.strip_suffix('j').is_some_and(|real| {
        real.starts_with(|c: char| c.is_ascii_digit() || c == '.') && real.parse::<f64>().is_ok()
    });
    if is_complex {
        return Some(Value::string(&word));
    }
    let like_a_float = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits
            .bytes()
            .all(|b| b.is_ascii_digit() || b"eE+-.".contains(&b));
    like_a_float.then(|| plain.parse().ok().map(Value::Float))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::repr;

    // Each was compared with ast.literal_eval of Python 3.11.
    #[test]
    fn literals_are_read_as_python_does() {
        for (text, shown) in [
            ("1", "1"),
            ("-0x1F", "-31"),
            ("1_000", "1000"),
            ("0644", "'0644'"),
            ("00", "0"),
            ("1.50", "1.5"),
            ("1e3", "1000.0"),
            ("True", "True"),
            ("true", "'true'"),
            ("None", "None"),
            ("'a\\tb'", "'a\\tb'"),
            ("[1, 'a', (2,), (3)]", "[1, 'a', [2], 3]"),
            ("{'a': {1: []}}", "{'a': {'1': []}}"),
            ("[1, 2", "'[1, 2'"),
            ("1.2.3", "'1.2.3'"),
            ("10.0.0.1", "'10.0.0.1'"),
            ("a b", "'a b'"),
            ("1 # one", "1"),
            ("", "''"),
            ("-", "'-'"),
            ("2024-01-01", "'2024-01-01'"),
            // What Ansible's variables make of these.
            ("b'x'", "'x'"),
            ("u\"x\"", "'x'"),
            ("...", "'...'"),
            ("1j", "'1j'"),
            ("set()", "[]"),
            ("set", "'set'"),
            ("{1, 2, 1}", "[1, 2]"),
            ("{1, 'a': 2}", "\"{1, 'a': 2}\""),
            ("[..., 1j, set(), {1, 2}, b'x']", "['...', '1j', [], [1, 2], 'x']"),
            ("host-01.internal", "'host-01.internal'"),
        ] {
            assert_eq!(repr(&literal_or_text(text)), shown, "{text}");
        }
    }
}
