//! Lengths of time as people write them, such as `30min -5s`: the filters `to_time_unit`, `to_seconds` and
//! their likes of `community.general`.

use super::{Filter, filter};
use crate::template::call::{Answer, Call, number, truthy};
use crate::value::{Value, repr};

pub(super) const FILTERS: &[Filter] = &[
    filter("community.general:to_time_unit", |call| {
        let unit = call.text(1, "unit").unwrap_or_else(|| "ms".into());
        in_unit(call, &unit)
    }),
    filter("community.general:to_milliseconds", |call| in_unit(call, "ms")),
    filter("community.general:to_seconds", |call| in_unit(call, "s")),
    filter("community.general:to_minutes", |call| in_unit(call, "m")),
    filter("community.general:to_hours", |call| in_unit(call, "h")),
    filter("community.general:to_days", |call| in_unit(call, "d")),
    filter("community.general:to_weeks", |call| in_unit(call, "w")),
    filter("community.general:to_months", |call| in_unit(call, "mo")),
    filter("community.general:to_years", |call| in_unit(call, "y")),
];

/// Milliseconds of a unit with its names.
const UNITS: [(&[&str], f64); 8] = [
    (&["ms", "msec", "msecs", "millisecond", "milliseconds"], 1.0),
    (&["s", "sec", "secs", "second", "seconds"], 1000.0),
    (&["m", "min", "mins", "minute", "minutes"], 60_000.0),
    (&["h", "hour", "hours"], 3_600_000.0),
    (&["d", "day", "days"], 86_400_000.0),
    (&["w", "week", "weeks"], 604_800_000.0),
    (&["mo", "month", "months"], 2_592_000_000.0),
    (&["y", "year", "years"], 31_536_000_000.0),
];

fn milliseconds(unit: &str, call: &Call) -> Result<f64, String> {
    let asked = |name: &str, days: f64| {
        let given = call.named().get(name).and_then(number).unwrap_or(days);
        given * 86_400_000.0
    };
    let unit = unit.to_lowercase();
    let known = UNITS.iter().find(|known| known.0.contains(&unit.as_str()));
    match known {
        Some((names, _)) if names.contains(&"year") => Ok(asked("year", 365.0)),
        Some((names, _)) if names.contains(&"month") => Ok(asked("month", 30.0)),
        Some((_, milliseconds)) => Ok(*milliseconds),
        None => Err(format!(
            "to_time_unit() can not convert to the following unit: {unit}"
        )),
    }
}

fn in_unit(call: &Call, unit: &str) -> Answer {
    let of_unit = milliseconds(unit, call)?;
    if matches!(call.input(), Value::Int(0)) || !truthy(call.input()) {
        return Ok(Value::Int(0));
    }
    let text = match call.input() {
        Value::String(text) => text.to_string(),
        other => return Err(format!("to_time_unit() expects a text, got {}", repr(other))),
    };
    let mut sum = 0.0;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && !"+-.".contains(c))
            .unwrap_or(rest.len());
        let wrong = || format!("to_time_unit() can not interpret following string: {text}");
        let count: f64 = rest[..end].parse().map_err(|_| wrong())?;
        rest = rest[end..].trim_start();
        let end = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let name = if end == 0 { unit } else { &rest[..end] };
        sum += count * milliseconds(name, call)?;
        rest = rest[end..].trim_start();
    }
    Ok(Value::Float((sum / of_unit * 1e12).round() / 1e12))
}
