//! CSV and INI texts: filters of `community.general`.

use super::{Filter, filter};
use crate::template::call::{Answer, Call};
use crate::template::convert::print;
use crate::value::{Map, Value, repr};
use std::sync::Arc;

pub(super) const FILTERS: &[Filter] = &[
    filter("community.general:from_csv", from_csv),
    filter("community.general:from_ini", from_ini),
    filter("community.general:to_ini", to_ini),
];

/// The cells of every row of a CSV text (RFC 4180): quoted cells may hold the delimiter, newlines and, doubled,
/// quotes.
pub(in crate::template) fn rows(text: &str, delimiter: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (vec![], vec![], String::new());
    let (mut quoted, mut rest) = (false, text);
    while let Some(c) = rest.chars().next() {
        if quoted {
            if rest.starts_with("\"\"") {
                cell.push('"');
                rest = &rest[2..];
                continue;
            }
            match c {
                '"' => quoted = false,
                c => cell.push(c),
            }
        } else if c == '"' && cell.is_empty() {
            quoted = true;
        } else if rest.starts_with(delimiter) {
            row.push(std::mem::take(&mut cell));
            rest = &rest[delimiter.len()..];
            continue;
        } else if c == '\n' {
            row.push(std::mem::take(&mut cell));
            rows.push(std::mem::take(&mut row));
        } else if !(c == '\r' && rest.starts_with("\r\n")) {
            cell.push(c);
        }
        rest = &rest[c.len_utf8()..];
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows.retain(|row| row.len() > 1 || row.first().is_some_and(|cell| !cell.is_empty()));
    rows
}

fn from_csv(call: &Call) -> Answer {
    let named = |name: &str| call.named().get(name);
    let dialect = named("dialect").map_or_else(|| "excel".to_string(), print);
    let usual = if dialect == "excel-tab" { "\t" } else { "," };
    let delimiter = named("delimiter").map_or_else(|| usual.to_string(), print);
    let mut text = call.input_text();
    if named("skipinitialspace").is_some_and(crate::template::call::truthy) {
        while text.contains(&format!("{delimiter} ")) {
            text = text.replace(&format!("{delimiter} "), &delimiter);
        }
    }
    let mut rows = rows(&text, &delimiter).into_iter();
    let names: Vec<String> = match named("fieldnames") {
        Some(names) => call.list_of(names)?.iter().map(print).collect(),
        None => rows.next().unwrap_or_default(),
    };
    let record = |row: Vec<String>| {
        let cells = row
            .into_iter()
            .map(Value::from)
            .chain(std::iter::repeat(Value::Null));
        Value::map(names.iter().zip(cells))
    };
    Ok(Value::list(rows.map(record)))
}

/// The sections of an INI text as Python's `configparser` reads them: values as text, a
/// line that is indented goes on with the value before.
fn from_ini(call: &Call) -> Answer {
    let mut sections: Vec<(String, Vec<(String, String)>)> = vec![];
    for line in call.input_text().lines() {
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = bare.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            sections.push((name.to_string(), vec![]));
            continue;
        }
        let Some((_, entries)) = sections.last_mut() else {
            return Err(format!("from_ini: `{bare}` stands before the first section"));
        };
        if let (true, Some(last)) = (line.starts_with([' ', '\t']), entries.last_mut()) {
            last.1 = format!("{}\n{bare}", last.1);
            continue;
        }
        let Some((key, value)) = bare.split_once(['=', ':']) else {
            return Err(format!(
                "from_ini: `{bare}` is neither a section nor `key = value`"
            ));
        };
        let key = key.trim().to_string();
        entries.retain(|entry| entry.0 != key);
        entries.push((key, value.trim().to_string()));
    }
    let section = |(name, entries): (String, Vec<(String, String)>)| {
        let entries = entries.into_iter().map(|(key, value)| (key, Value::from(value)));
        (name, Value::map(entries))
    };
    Ok(Value::map(sections.into_iter().map(section)))
}

fn to_ini(call: &Call) -> Answer {
    let wrong = |value: &Value| format!("to_ini requires a dict of dicts, got {}", repr(value));
    let mut text = String::new();
    for (name, section) in call.input_map()? {
        let entries: &Arc<Map> = match section {
            Value::Map(entries) => entries,
            other => return Err(wrong(other)),
        };
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!("[{name}]\n"));
        for (key, value) in entries.iter() {
            let value = print(value).replace('\n', "\n\t");
            text.push_str(&format!("{} = {value}\n", key.to_lowercase()));
        }
    }
    Ok(text.into())
}
