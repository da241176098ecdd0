//! Filters on numbers and truth values.

use super::{Filter, filter};
use crate::template::call::{Answer, Call, number};
use crate::value::Value;

pub(super) const FILTERS: &[Filter] = &[
    filter("int", int),
    filter("float", |call| {
        let otherwise = || call.get(1, "default").cloned().unwrap_or(Value::Float(0.0));
        Ok(match call.input() {
            Value::String(text) => python_float(text).map_or_else(otherwise, Value::Float),
            other => number(other).map_or_else(otherwise, Value::Float),
        })
    }),
    filter("bool", bool),
    filter("round", round),
    filter("abs", |call| match call.input() {
        Value::Int(number) => Ok(Value::Int(number.saturating_abs())),
        Value::Bool(flag) => Ok(Value::Int((*flag).into())),
        other => need_number(other).map(|number| Value::Float(number.abs())),
    }),
    filter("log", |call| {
        let value = need_number(call.input())?;
        let base = call.get(1, "base").and_then(number);
        Ok(Value::Float(match base {
            None => value.ln(),
            Some(10.0) => value.log10(),
            Some(base) => value.ln() / base.ln(),
        }))
    }),
    filter("pow", |call| {
        Ok(Value::Float(
            need_number(call.input())?.powf(need_number(call.need(1, "y")?)?),
        ))
    }),
    filter("root", |call| {
        let value = need_number(call.input())?;
        Ok(Value::Float(match call.get(1, "base").and_then(number) {
            None | Some(2.0) => value.sqrt(),
            Some(base) => value.powf(1.0 / base),
        }))
    }),
    filter("human_readable", human_readable),
    filter("human_to_bytes", human_to_bytes),
    filter("filesizeformat", filesizeformat),
    filter("type_debug", |call| Ok(call.input().kind().into())),
];

fn need_number(value: &Value) -> Result<f64, String> {
    number(value).ok_or_else(|| format!("must be real number, not {}", value.kind()))
}

fn python_float(text: &str) -> Option<f64> {
    let text = text.trim().replace('_', "");
    match text.to_ascii_lowercase().trim_start_matches(['+', '-']) {
        "inf" | "infinity" | "nan" => text.to_ascii_lowercase().replace("infinity", "inf").parse().ok(),
        _ => text.parse().ok(),
    }
}

/// `int(default, base)`: what is no number is the default.
fn int(call: &Call) -> Answer {
    let otherwise = || call.get(1, "default").cloned().unwrap_or(Value::Int(0));
    let base = call.integer(2, "base")?.unwrap_or(10);
    Ok(match call.input() {
        Value::Int(number) => Value::Int(*number),
        Value::Bool(flag) => Value::Int((*flag).into()),
        Value::Float(number) if number.is_finite() && number.abs() < 9.2e18 => {
            Value::Int(number.trunc() as i64)
        }
        Value::String(text) => match parse_integer(text, base) {
            Some(number) => Value::Int(number),
            None => match python_float(text) {
                Some(number) if base == 10 && number.is_finite() => Value::Int(number.trunc() as i64),
                _ => otherwise(),
            },
        },
        _ => otherwise(),
    })
}

/// A whole number as Python's `int(text, base)` reads it.
fn parse_integer(text: &str, base: i64) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let prefix = |base: i64| match base {
        16 => "0x",
        8 => "0o",
        2 => "0b",
        _ => "",
    };
    let base = match base {
        0 => [16, 8, 2]
            .into_iter()
            .find(|base| lower.starts_with(prefix(*base)))
            .unwrap_or(10),
        base => base,
    };
    let digits = if prefix(base).is_empty() {
        &lower
    } else {
        lower.strip_prefix(prefix(base)).unwrap_or(&lower)
    };
    if digits.starts_with(['_', '+', '-']) || digits.ends_with('_') {
        return None;
    }
    let radix = u32::try_from(base)
        .ok()
        .filter(|radix| (2..=36).contains(radix))?;
    let number = i64::from_str_radix(&digits.replace('_', ""), radix).ok()?;
    Some(if negative { -number } else { number })
}

/// Only these words are true; all else is false.
fn bool(call: &Call) -> Answer {
    Ok(match call.input() {
        value @ Value::Bool(_) => value.clone(),
        Value::Null => Value::Bool(false),
        Value::String(text) => {
            Value::Bool(["yes", "on", "1", "true"].contains(&text.to_lowercase().as_str()))
        }
        other => Value::Bool(number(other) == Some(1.0)),
    })
}

/// More digits than these no floating-point number has, before the point or behind it.
const DIGITS: i64 = 1100;

fn round(call: &Call) -> Answer {
    let asked = call.integer(1, "precision")?.unwrap_or(0);
    let value = need_number(call.input())?;
    let precision = i32::try_from(asked.clamp(-DIGITS, DIGITS)).unwrap_or(0);
    let scale = 10f64.powi(precision);
    let rounded = match call.text(2, "method").as_deref() {
        None | Some("common") if precision >= 0 => {
            // Both Python and Rust print a float's exact value rounded half to even.
            format!("{value:.*}", usize::try_from(precision).unwrap_or(0))
                .parse()
                .unwrap_or(value)
        }
        // No number is as large as half of what it would be rounded to.
        None | Some("common") if scale == 0.0 => 0.0,
        None | Some("common") => (value * scale).round_ties_even() / scale,
        Some("ceil" | "floor") if scale == 0.0 || !(value * scale).is_finite() => {
            return Err(format!("{value} cannot be rounded to {asked} digits"));
        }
        Some("ceil") => (value * scale).ceil() / scale,
        Some("floor") => (value * scale).floor() / scale,
        Some(_) => return Err("method must be common, ceil or floor".into()),
    };
    Ok(match call.input() {
        Value::Int(_) | Value::Bool(_) if call.text(2, "method").is_none_or(|method| method == "common") => {
            Value::Int(rounded as i64)
        }
        _ => Value::Float(rounded),
    })
}

const UNITS: [(char, u32); 8] = [
    ('Y', 80),
    ('Z', 70),
    ('E', 60),
    ('P', 50),
    ('T', 40),
    ('G', 30),
    ('M', 20),
    ('K', 10),
];

fn human_readable(call: &Call) -> Answer {
    let bits = call.flag(1, "isbits", false);
    let unit = call.text(2, "unit").map(|unit| unit.to_uppercase());
    let base = if bits { "bits" } else { "Bytes" };
    let size = need_number(call.input())?;
    let chosen = UNITS.iter().find(|(letter, power)| match &unit {
        Some(unit) => unit.starts_with(*letter),
        None => size >= 2f64.powi((*power).try_into().unwrap_or(0)),
    });
    Ok(match chosen {
        Some((letter, power)) => {
            let short = if bits { "b" } else { "B" };
            format!(
                "{:.2} {letter}{short}",
                size / 2f64.powi((*power).try_into().unwrap_or(0))
            )
            .into()
        }
        None => format!("{size:.2} {base}").into(),
    })
}

fn human_to_bytes(call: &Call) -> Answer {
    let text = call.input_text();
    let bare = text.trim_end().ends_with(|c: char| c.is_ascii_digit());
    let default = call.text(1, "default_unit").filter(|_| bare).unwrap_or_default();
    let unit = if call.flag(2, "isbits", false) { 'b' } else { 'B' };
    crate::value::human_to_bytes(&format!("{text}{default}"), unit)
        .map(Value::Int)
        .ok_or_else(|| format!("human_to_bytes() can't interpret following string: {text}"))
}

fn filesizeformat(call: &Call) -> Answer {
    let bytes = match call.input() {
        Value::String(text) => python_float(text).ok_or("the input is no number")?,
        other => need_number(other)?,
    };
    let binary = call.flag(1, "binary", false);
    let base: f64 = if binary { 1024.0 } else { 1000.0 };
    if bytes == 1.0 {
        return Ok("1 Byte".into());
    }
    if bytes < base {
        return Ok(format!("{} Bytes", bytes.trunc()).into());
    }
    let names = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
    let power = names
        .iter()
        .enumerate()
        .find(|(at, _)| bytes < base.powi(*at as i32 + 2))
        .map_or(7, |found| found.0);
    let name = if binary {
        format!("{}iB", names[power].to_uppercase())
    } else {
        format!("{}B", names[power])
    };
    Ok(format!("{:.1} {name}", bytes / base.powi(power as i32 + 1)).into())
}
