//! The lookup `sequence`: numbers from one to another, each in a format.

use crate::template::call::{Answer, Call};
use crate::template::convert::print;
use crate::template::ledger::{spend, spend_items};
use crate::value::{Value, to_integer};
use std::collections::HashMap;

/// The options.
const OPTIONS: [&str; 5] = ["start", "end", "stride", "count", "format"];

/// What is given for one term, by the names of the options.
type Options = HashMap<String, String>;

/// `start-end/stride:format` or the same as options; without any term nothing, unless options are given.
pub(super) fn sequence(call: &Call) -> Answer {
    let named: Options = call
        .named()
        .iter()
        .map(|(name, value)| (name.to_string(), print(value)))
        .collect();
    let terms: Vec<String> = match call.positional() {
        [] if named.is_empty() => vec![],
        [] => vec![String::new()],
        terms => terms.iter().map(print).collect(),
    };
    let mut all = vec![];
    for term in terms {
        let mut given = named.clone();
        given.extend(options(&term)?);
        all.extend(numbers(&given)?);
    }
    Ok(Value::list(all))
}

/// What one term says.
fn options(term: &str) -> Result<Options, String> {
    if let Some(given) = short_form(term) {
        return Ok(given);
    }
    let mut given = Options::new();
    for word in term.split_whitespace() {
        let (name, value) = word.split_once('=').unwrap_or(("_raw_params", word));
        if !OPTIONS.contains(&name) {
            return Err(format!("unrecognized arguments to with_sequence: ['{name}']"));
        }
        given.insert(name.to_string(), value.to_string());
    }
    Ok(given)
}

/// `[start-]end[/stride][:format]`, with numbers that may be hexadecimal or octal; letters that are none are taken too, so that the
/// error names the option. `None` for a text of another form.
fn short_form(term: &str) -> Option<Options> {
    let (range, format) = term
        .split_once(':')
        .map_or((term, None), |(range, format)| (range, Some(format)));
    let (range, stride) = range
        .split_once('/')
        .map_or((range, None), |(range, stride)| (range, Some(stride)));
    let (start, end) = range
        .split_once('-')
        .map_or((None, range), |(start, end)| (Some(start), end));
    let digits = |text: &str| {
        let digits = text.trim_start_matches("0x").trim_start_matches('-');
        !digits.is_empty() && digits.chars().all(|c| c.is_ascii_hexdigit())
    };
    let all_digits = [Some(end), start, stride].into_iter().flatten().all(digits);
    all_digits.then(|| {
        let parts = [
            ("format", format),
            ("stride", stride),
            ("start", start),
            ("end", Some(end)),
        ];
        let given = parts.into_iter();
        given
            .filter_map(|(name, value)| Some((name.to_string(), value?.to_string())))
            .collect()
    })
}

/// The numbers of one term.
fn numbers(given: &Options) -> Result<Vec<Value>, String> {
    // Twice as wide as any number that is given: nothing below overflows.
    let number = |name: &str| -> Result<Option<i128>, String> {
        let parsed = given.get(name).map(|text| {
            parse(text).map(i128::from).ok_or_else(|| {
                format!(
                    "Config '{name}' for 'sequence' lookup plugin from 'Direct' has an invalid value: Invalid value provided for \
                     'integer': '{text}'"
                )
            })
        });
        parsed.transpose()
    };
    let start = number("start")?.unwrap_or(1);
    let stride = number("stride")?.unwrap_or(1);
    let end = match (number("count")?, number("end")?) {
        (Some(0), None) => return Ok(vec![]),
        (Some(count), None) => start + count * stride - 1,
        (None, Some(end)) => end,
        (None, None) => return Err("must specify count or end in with_sequence".into()),
        (Some(_), Some(_)) => return Err("can't specify both count and end in with_sequence".into()),
    };
    if stride > 0 && end < start {
        return Err("to count backwards make stride negative".into());
    }
    if stride < 0 && end > start {
        return Err("to count forward don't make stride negative".into());
    }
    let format = given.get("format").map_or("%d", String::as_str);
    let mut all = vec![];
    let mut at = start;
    while stride != 0 && (at - end) * stride.signum() <= 0 {
        spend_items(1)?;
        all.push(formatted(format, at)?);
        at += stride;
    }
    Ok(all)
}

fn parse(text: &str) -> Option<i64> {
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => to_integer(&text.into()),
    }
}

/// One number in a printf format such as `host%02x`.
fn formatted(format: &str, number: i128) -> Answer {
    let wrong = || format!("bad formatting string: {format}");
    let at = format.find('%').ok_or_else(wrong)?;
    let rest = &format[at + 1..];
    let end = rest.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?;
    let (spec, tail) = rest.split_at(end);
    let zero = spec.starts_with('0');
    let width: usize = spec.trim_start_matches(['0', '-', '+']).parse().unwrap_or(0);
    let digits = match tail.chars().next() {
        Some('d' | 'i' | 's') => number.to_string(),
        Some('x') => format!("{number:x}"),
        Some('X') => format!("{number:X}"),
        Some('o') => format!("{number:o}"),
        _ => return Err(wrong()),
    };
    spend(width)?;
    let filler = if zero { "0" } else { " " };
    let padded = filler.repeat(width.saturating_sub(digits.len())) + &digits;
    Ok(format!("{}{padded}{}", &format[..at], &tail[1..]).into())
}
