//! Lookups in INI and CSV files of this computer.

use super::files::{find, read};
use super::{Lookup, lookup};
use crate::template::call::{Answer, Call, truthy};
use crate::template::convert::print;
use crate::template::filters::regexes::compiled;
use crate::template::filters::tables::rows;
use crate::value::{Value, to_bool};
use std::collections::HashMap;

pub(super) const LOOKUPS: &[Lookup] = &[lookup("ini", ini), lookup("csvfile", csvfile)];

/// A term and its options: named arguments, and words `name=value` of the term itself, which win.
struct Term {
    text: String,
    options: HashMap<String, Value>,
}

impl Term {
    fn read(term: &Value, call: &Call, known: &[&str]) -> Term {
        let named = call.named().iter();
        let mut options: HashMap<String, Value> = named
            .map(|(name, value)| (name.to_string(), value.clone()))
            .collect();
        let mut words = vec![];
        for word in print(term).split(' ') {
            match word.split_once('=') {
                Some((name, value)) if known.contains(&name) => {
                    options.insert(name.to_string(), Value::string(value.trim_matches(['"', '\''])));
                }
                _ => words.push(word.to_string()),
            }
        }
        Term {
            text: words.join(" ").trim().to_string(),
            options,
        }
    }

    fn option(&self, name: &str, usual: &str) -> String {
        self.options.get(name).map_or_else(|| usual.to_string(), print)
    }

    fn flag(&self, name: &str) -> bool {
        let given = self.options.get(name);
        given.is_some_and(|value| to_bool(value).unwrap_or_else(|| truthy(value)))
    }
}

/// `ini`: keys of a section of an INI file, or with `re` the values of all keys that match.
fn ini(call: &Call) -> Answer {
    let mut found = vec![];
    let known = [
        "type",
        "file",
        "section",
        "re",
        "encoding",
        "default",
        "case_sensitive",
        "allow_no_value",
    ];
    for term in call.positional() {
        let term = Term::read(term, call, &known);
        let text = read(call, &find(call, &term.option("file", "ansible.ini"), "files")?)?;
        let wanted = match term.option("type", "ini").as_str() {
            "properties" => "java_properties".to_string(),
            _ => term.option("section", "global"),
        };
        let mut section = match term.option("type", "ini").as_str() {
            "properties" => wanted.clone(),
            _ => "global".to_string(),
        };
        let as_written = term.flag("case_sensitive");
        let key_of = |text: &str| match as_written {
            true => text.trim().to_string(),
            false => text.trim().to_lowercase(),
        };
        let mut entries: Vec<(String, String)> = vec![];
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                section = name.to_string();
            } else if section == wanted {
                let (key, value) = line.split_once(['=', ':']).unwrap_or((line, ""));
                entries.push((key_of(key), value.trim().to_string()));
            }
        }
        if term.flag("re") {
            let regex = compiled(&term.text, false, false)?;
            for (key, value) in entries {
                if regex.is_match(&key).map_err(|error| error.to_string())? {
                    found.push(value.into());
                }
            }
            continue;
        }
        let key = key_of(&term.text);
        let value = entries.into_iter().rev().find(|entry| entry.0 == key);
        found.push(
            value
                .map_or_else(|| term.option("default", ""), |entry| entry.1)
                .into(),
        );
    }
    Ok(Value::list(found))
}

/// `csvfile`: a column of the line whose key column is the term.
fn csvfile(call: &Call) -> Answer {
    let known = ["file", "delimiter", "col", "keycol", "default", "encoding"];
    let each = |term: &Value| -> Answer {
        let term = Term::read(term, call, &known);
        let text = read(call, &find(call, &term.option("file", "ansible.csv"), "files")?)?;
        let delimiter = match term.option("delimiter", "TAB").as_str() {
            "TAB" | "t" => "\t".to_string(),
            other => other.to_string(),
        };
        let number = |name: &str, usual: &str| {
            let text = term.option(name, usual);
            text.parse::<usize>()
                .map_err(|_| format!("{name} must be a number"))
        };
        let (key, column) = (number("keycol", "0")?, number("col", "1")?);
        let rows = rows(&text, &delimiter);
        let row = rows.iter().find(|row| row.get(key) == Some(&term.text));
        let cell = row.and_then(|row| row.get(column)).cloned();
        Ok(cell.unwrap_or_else(|| term.option("default", "")).into())
    };
    call.positional()
        .iter()
        .map(each)
        .collect::<Result<Vec<_>, String>>()
        .map(Value::list)
}
