//! How values look when Ansible prints them: Python's `repr`, and JSON as Python writes it.

use super::{MASK, Value};
use std::fmt::Write;

/// Python's `repr` of a value, as Jinja2 prints lists, mappings and None.
pub fn repr(value: &Value) -> String {
    let mut out = String::new();
    write_repr(&mut out, value);
    out
}

fn write_repr(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Int(number) => write_to(out, format_args!("{number}")),
        Value::Float(number) => out.push_str(&float(*number)),
        Value::String(text) => quote(out, text),
        Value::Template(template) => quote(out, &template.text),
        Value::Secret(_) => quote(out, MASK),
        Value::Unknown(unknown) => write_to(out, format_args!("<<unknown: {}>>", unknown.origin)),
        Value::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                write_repr(out, item);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (at, (key, item)) in map.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                quote(out, key);
                out.push_str(": ");
                write_repr(out, item);
            }
            out.push('}');
        }
    }
}

/// Writing to a `String` cannot fail.
fn write_to(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(arguments);
}

/// Python's shortest form of a float: `1.0`, `1e+20`, `1e-07`, `nan`.
fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let magnitude = number.abs();
    if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        let text = format!("{number:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, power) = match exponent.strip_prefix('-') {
            Some(power) => ('-', power),
            None => ('+', exponent),
        };
        return format!("{digits}e{sign}{power:0>2}");
    }
    let text = number.to_string();
    if text.contains('.') {
        text
    } else {
        format!("{text}.0")
    }
}

fn quote(out: &mut String, text: &str) {
    let mark = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    out.push(mark);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == mark => {
                out.push('\\');
                out.push(c);
            }
            c if (c as u32) < 0x20 || c as u32 == 0x7f => write_to(out, format_args!("\\x{:02x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push(mark);
}

/// JSON as Python's `json.dumps` writes it: `, ` and `: ` between, everything outside ASCII escaped.
/// With `indent`, one entry a line, indented by that many spaces a level. Secrets are written in clear:
/// this is for contents, not for showing.
pub fn json(value: &Value, indent: Option<usize>, sort: bool) -> String {
    let mut out = String::new();
    write_json(&mut out, value, indent, sort, 0);
    out
}

fn write_json(out: &mut String, value: &Value, indent: Option<usize>, sort: bool, depth: usize) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => write_to(out, format_args!("{flag}")),
        Value::Int(number) => write_to(out, format_args!("{number}")),
        Value::Float(number) if number.is_nan() => out.push_str("NaN"),
        Value::Float(number) if number.is_infinite() => {
            out.push_str(if *number > 0.0 { "Infinity" } else { "-Infinity" })
        }
        Value::Float(number) => out.push_str(&float(*number)),
        Value::String(text) | Value::Secret(text) => json_text(out, text),
        Value::Template(template) => json_text(out, &template.text),
        Value::Unknown(unknown) => json_text(out, &format!("<<unknown: {}>>", unknown.origin)),
        Value::List(items) => {
            let items: Vec<_> = items.iter().map(|item| (None, item)).collect();
            json_items(out, '[', ']', &items, indent, sort, depth);
        }
        Value::Map(map) => {
            let mut items: Vec<_> = map.iter().map(|(key, item)| (Some(&**key), item)).collect();
            if sort {
                items.sort_by_key(|item| item.0);
            }
            json_items(out, '{', '}', &items, indent, sort, depth);
        }
    }
}

fn json_items(
    out: &mut String,
    open: char,
    close: char,
    items: &[(Option<&str>, &Value)],
    indent: Option<usize>,
    sort: bool,
    depth: usize,
) {
    out.push(open);
    for (at, (key, item)) in items.iter().enumerate() {
        match indent {
            Some(_) if at > 0 => out.push(','),
            None if at > 0 => out.push_str(", "),
            _ => {}
        }
        line(out, indent, depth + 1);
        if let Some(key) = key {
            json_text(out, key);
            out.push_str(": ");
        }
        write_json(out, item, indent, sort, depth + 1);
    }
    if !items.is_empty() {
        line(out, indent, depth);
    }
    out.push(close);
}

fn line(out: &mut String, indent: Option<usize>, depth: usize) {
    if let Some(indent) = indent {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', indent * depth));
    }
}

fn json_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write_to(out, format_args!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
}

/// Python's truth of a value.
pub fn truthy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Unknown(_) => false,
        Value::Bool(flag) => *flag,
        Value::Int(number) => *number != 0,
        Value::Float(number) => *number != 0.0,
        Value::String(text) | Value::Secret(text) => !text.is_empty(),
        Value::Template(template) => !template.text.is_empty(),
        Value::List(items) => !items.is_empty(),
        Value::Map(map) => !map.is_empty(),
    }
}

/// Python's `==`: whole numbers, numbers with a point and truth values are equal if their numbers are.
pub fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| equal(a, b))
        }
        (Value::Map(a), Value::Map(b)) => {
            let same = |(key, value): (&std::sync::Arc<str>, &Value)| {
                b.get(key).is_some_and(|other| equal(value, other))
            };
            a.len() == b.len() && a.iter().all(same)
        }
        _ => match (number(left), number(right)) {
            (Some(a), Some(b)) => a == b,
            _ => left == right || left.as_str().is_some() && left.as_str() == right.as_str(),
        },
    }
}

/// The number a value is for Python; truth values are 0 and 1.
pub fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(flag) => Some((*flag).into()),
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_look_as_python_prints_them() {
        let value = Value::map([
            (
                "a",
                Value::list([
                    Value::Bool(true),
                    Value::Null,
                    Value::Float(1e20),
                    Value::Float(1.0),
                ]),
            ),
            ("it's", Value::string("it's")),
            ("both", Value::string("'\"")),
        ]);
        assert_eq!(
            repr(&value),
            r#"{'a': [True, None, 1e+20, 1.0], "it's": "it's", 'both': '\'"'}"#
        );
        assert_eq!(repr(&Value::Float(0.0000001)), "1e-07");
    }

    #[test]
    fn json_is_as_python_writes_it() {
        let value = Value::map([
            ("b", Value::string("é\u{1f600}")),
            ("a", Value::list([Value::Int(1)])),
        ]);
        assert_eq!(
            json(&value, None, true),
            r#"{"a": [1], "b": "\u00e9\ud83d\ude00"}"#
        );
        assert_eq!(
            json(&value, Some(4), false),
            "{\n    \"b\": \"\\u00e9\\ud83d\\ude00\",\n    \"a\": [\n        1\n    ]\n}"
        );
    }
}
