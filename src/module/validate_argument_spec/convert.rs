//! Types of arguments, and what values of other types are read as.

use crate::value::{self, MASK, Map, Value, human_to_bytes, literal, repr, to_bool};

/// A value as one of a type; `hidden` values are not named in messages.
///
/// # Errors
/// Why it cannot be one.
pub(super) fn to(kind: &str, value: &Value, hidden: bool) -> Result<Value, String> {
    let class = || format!("<class '{}'>", value.kind());
    match kind {
        "str" | "path" => Ok(text(value)),
        "raw" => Ok(value.clone()),
        "int" => integer(value).ok_or_else(|| {
            let shown = if hidden { repr(&MASK.into()) } else { repr(value) };
            format!("\"{shown}\" cannot be converted to an int")
        }),
        "float" => float(value).ok_or_else(|| format!("{} cannot be converted to a float", class())),
        "bool" => boolean(value, hidden),
        "list" => list(value).ok_or_else(|| format!("{} cannot be converted to a list", class())),
        "dict" => mapping(value),
        "json" | "jsonarg" => match value {
            Value::List(_) | Value::Map(_) => Ok(value::json(value, None, false).into()),
            _ if value.as_str().is_some() => Ok(value.clone()),
            _ => Err(format!("{} cannot be converted to a json string", class())),
        },
        "bytes" => size(value, 'B').ok_or_else(|| format!("{} cannot be converted to a Byte value", class())),
        "bits" => size(value, 'b').ok_or_else(|| format!("{} cannot be converted to a Bit value", class())),
        _ => Err(format!("there is no type `{kind}`")),
    }
}

/// Python's `str` of a value.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Secret(_) => MASK.into(),
        other => other.as_str().map_or_else(|| repr(other), str::to_string),
    }
}

fn text(value: &Value) -> Value {
    match value {
        Value::Null => "".into(),
        _ if value.as_str().is_some() => value.clone(),
        other => repr(other).into(),
    }
}

fn integer(value: &Value) -> Option<Value> {
    match value {
        Value::Int(_) | Value::Bool(_) => Some(value.clone()),
        Value::Float(number) => (number.fract() == 0.0).then_some(Value::Int(*number as i64)),
        other => whole(other.as_str()?).map(|digits| digits.parse().map_or(Value::from(digits), Value::Int)),
    }
}

/// The digits of a text that is a whole number as Python's `Decimal` reads it: `1`, `1.0`, `1e3`, `1_000`.
fn whole(text: &str) -> Option<String> {
    const LONGEST: usize = 400;
    let plain = text.trim().replace('_', "").to_ascii_lowercase();
    let (mantissa, exponent) = match plain.split_once('e') {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (plain.as_str(), 0),
    };
    let digits = mantissa.trim_start_matches(['+', '-']);
    if mantissa.len() > digits.len() + 1 {
        return None;
    }
    let (before, behind) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{before}{behind}");
    if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let length = usize::try_from(i64::try_from(before.len()).ok()? + i64::from(exponent)).unwrap_or(0);
    let (kept, rest) = all.split_at(length.min(all.len()));
    if rest.bytes().any(|byte| byte != b'0') || length > LONGEST {
        return None;
    }
    let kept = format!("{kept:0<length$}");
    let kept = kept.trim_start_matches('0');
    let sign = if mantissa.starts_with('-') && !kept.is_empty() {
        "-"
    } else {
        ""
    };
    Some(if kept.is_empty() {
        "0".into()
    } else {
        format!("{sign}{kept}")
    })
}

fn float(value: &Value) -> Option<Value> {
    match value {
        Value::Float(_) => Some(value.clone()),
        Value::Int(number) => Some(Value::Float(*number as f64)),
        Value::Bool(flag) => Some(Value::Float(f64::from(u8::from(*flag)))),
        other => {
            let text = other.as_str()?.trim();
            let grouped = !text.starts_with('_') && !text.ends_with('_') && !text.contains("__");
            let number = text.replace('_', "").parse().ok().filter(|_| grouped);
            number.map(Value::Float)
        }
    }
}

fn boolean(value: &Value, hidden: bool) -> Result<Value, String> {
    let words = ["1.0", "0.0"];
    if let Some(flag) =
        to_bool(value).filter(|_| !value.as_str().is_some_and(|text| words.contains(&text.trim())))
    {
        return Ok(flag.into());
    }
    match value {
        Value::Null | Value::List(_) | Value::Map(_) => Err(format!(
            "<class '{}'> cannot be converted to a bool",
            value.kind()
        )),
        other => {
            let shown = if hidden { MASK.to_string() } else { shown(other) };
            Err(format!(
                "The value '{shown}' is not a valid boolean. Valid booleans include: \
                 'y', 'yes', 'on', '1', 'true', 't', 1, 'n', 'no', 'off', '0', 'false', 'f', 0"
            ))
        }
    }
}

fn list(value: &Value) -> Option<Value> {
    match value {
        Value::List(_) => Some(value.clone()),
        Value::Int(_) | Value::Float(_) | Value::Bool(_) => Some(Value::list([text(value)])),
        other => Some(Value::list(other.as_str()?.split(',').map(Value::string))),
    }
}

/// A mapping: one already, or a text as `{"a": 1}`, `{'a': 1}` or `a=1, b="c d"`.
///
/// # Errors
/// Why the value is none.
pub(super) fn mapping(value: &Value) -> Result<Value, String> {
    if let Value::Map(_) = value {
        return Ok(value.clone());
    }
    let Some(text) = value.as_str() else {
        return Err(format!(
            "<class '{}'> cannot be converted to a dict",
            value.kind()
        ));
    };
    if text.starts_with('{') {
        let read = serde_json::from_str::<serde_json::Value>(text)
            .map(Value::from)
            .ok();
        let read = read.or_else(|| Some(literal(text)?.untrusted()));
        let read = read.filter(|read| read.as_map().is_some());
        return read.ok_or_else(|| "unable to evaluate string as dictionary".into());
    }
    if !text.contains('=') {
        return Err("dictionary requested, could not parse JSON or key=value".into());
    }
    let pairs: Option<Map> = fields(text)
        .iter()
        .map(|field| field.split_once('='))
        .map(|pair| pair.map(|(name, value)| (name.into(), value.into())))
        .collect();
    pairs
        .map(|pairs| Value::Map(pairs.into()))
        .ok_or_else(|| "unable to evaluate string in the \"key=value\" format as dictionary".into())
}

/// The fields of a text with commas or blanks between them; quotes hold together, a backslash takes the next
/// letter as it is.
fn fields(text: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quote = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let Some(field) = fields.last_mut() else { break };
        match letter {
            '\\' => field.extend(letters.next()),
            _ if quote == Some(letter) => quote = None,
            _ if quote.is_some() => field.push(letter),
            '\'' | '"' => quote = Some(letter),
            ',' => fields.push(String::new()),
            _ if letter.is_whitespace() => fields.push(String::new()),
            _ => field.push(letter),
        }
    }
    fields.retain(|field| !field.is_empty());
    fields
}

/// A number of bytes (`unit` is `B`) or bits (`b`).
fn size(value: &Value, unit: char) -> Option<Value> {
    if matches!(
        value,
        Value::Bool(_) | Value::Null | Value::List(_) | Value::Map(_)
    ) {
        return None;
    }
    human_to_bytes(&shown(value), unit).map(Value::Int)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &str, value: impl Into<Value>) -> String {
        match to(kind, &value.into(), false) {
            Ok(value) => repr(&value),
            Err(cause) => cause,
        }
    }

    // Each was compared with ansible-core 2.19.
    #[test]
    fn numbers_are_read_as_python_does() {
        for (text, wanted) in [
            (" 1 ", "1"),
            ("1.0", "1"),
            ("1e3", "1000"),
            ("1_000", "1000"),
            ("-5", "-5"),
            ("-0", "0"),
            ("0.1e1", "1"),
            ("99999999999999999999", "'99999999999999999999'"),
            ("0x10", "\"'0x10'\" cannot be converted to an int"),
            ("1.5", "\"'1.5'\" cannot be converted to an int"),
            ("nan", "\"'nan'\" cannot be converted to an int"),
            ("", "\"''\" cannot be converted to an int"),
            ("--1", "\"'--1'\" cannot be converted to an int"),
            ("it's", "\"\"it's\"\" cannot be converted to an int"),
        ] {
            assert_eq!(read("int", text), wanted, "{text}");
        }
        assert_eq!(read("int", Value::Float(2.0)), "2");
        assert_eq!(
            read("int", Value::Float(1.5)),
            "\"1.5\" cannot be converted to an int"
        );
        assert_eq!(read("float", "1_0"), "10.0");
        assert_eq!(read("float", " -inf "), "-inf");
        assert_eq!(read("float", "x"), "<class 'str'> cannot be converted to a float");
    }

    #[test]
    fn a_text_may_be_a_mapping_or_a_list() {
        for (text, wanted) in [
            ("{\"a\": [1, true]}", "{'a': [1, True]}"),
            ("{'a': None}", "{'a': None}"),
            ("{'a': '{{ x }}'}", "{'a': '{{ x }}'}"),
            (
                "b=1 c='x y',d=\"e,f\" g=\\x",
                "{'b': '1', 'c': 'x y', 'd': 'e,f', 'g': 'x'}",
            ),
            ("a=1,, b=q=r", "{'a': '1', 'b': 'q=r'}"),
            ("{a: 1}", "unable to evaluate string as dictionary"),
            (
                "a=1 b",
                "unable to evaluate string in the \"key=value\" format as dictionary",
            ),
            ("[1]", "dictionary requested, could not parse JSON or key=value"),
        ] {
            assert_eq!(read("dict", text), wanted, "{text}");
        }
        assert_eq!(read("list", "x, y"), "['x', ' y']");
        assert_eq!(read("list", Value::Bool(true)), "['True']");
    }

    #[test]
    fn sizes_have_units_with_the_letter_of_their_kind() {
        for good in ["5", "1k", "1MB", ".5K", "1 k", "1b", "1B", "1Byte", "1byte", "1Z"] {
            assert!(size(&good.into(), 'B').is_some(), "{good}");
        }
        let bad = [
            "", "x", "-5", "5.", "1.5.5K", " 1K", "1kB", "1Mb", "1Kbyte", "1MByte", "1Bytes", "1bit", "1Q",
            "1Kx",
        ];
        for bad in bad {
            assert!(size(&bad.into(), 'B').is_none(), "{bad}");
        }
        for good in ["1Kb", "1k", "1bit", "1Bit", "1B", "1Mb"] {
            assert!(size(&good.into(), 'b').is_some(), "{good}");
        }
        for bad in ["1KB", "1kb", "1Kbit", "1byte"] {
            assert!(size(&bad.into(), 'b').is_none(), "{bad}");
        }
        assert_eq!(size(&"1.5K".into(), 'B'), Some(Value::Int(1536)));
        assert_eq!(size(&Value::Bool(true), 'B'), None);
    }

    #[test]
    fn hidden_values_stay_hidden() {
        for kind in ["int", "bool"] {
            let cause = to(kind, &"word".into(), true).unwrap_err();
            assert!(cause.contains(MASK) && !cause.contains("word"), "{cause}");
        }
        let secret = Value::Secret("word".into());
        assert!(!to("int", &secret, false).unwrap_err().contains("word"));
    }
}
