//! `ansible-config init`: a file, or variables, to begin with: each setting as it is if nobody makes it.

use super::listing::treatment;
use super::{Beginning, Settings};
use crate::model::configuration::{EffectiveSetting, SettingDefinition};
use crate::value::{Value, repr};
use crate::words::quote;
use indexmap::IndexMap;

/// The settings as they are if nobody makes them; as comments if they are disabled.
pub fn beginning(settings: &Settings, format: Beginning, disabled: bool) -> String {
    let plugins = settings.types.iter().flat_map(|(_, plugins)| plugins);
    let of_plugins = plugins.flat_map(|(_, stated)| stated);
    let all: Vec<&EffectiveSetting> = settings.base.iter().flatten().chain(of_plugins).collect();
    match format {
        Beginning::Ini => file(&all, disabled),
        Beginning::Env => variables(&all, disabled),
    }
}

fn file(settings: &[&EffectiveSetting], disabled: bool) -> String {
    let mut sections: IndexMap<&str, IndexMap<&str, String>> = IndexMap::new();
    for known in settings.iter().map(|stated| stated.definition) {
        let Some((section, key)) = known.entries.last() else {
            continue;
        };
        let mark = if disabled { ";" } else { "" };
        let text = format!("{}{mark}{key}={}\n\n", about(known), plain(&known.default));
        sections.entry(section).or_default().entry(key).or_insert(text);
    }
    let sections = sections.iter();
    sections
        .map(|(section, entries)| {
            let entries: String = entries.values().map(String::as_str).collect();
            format!("[{section}]\n{entries}\n")
        })
        .collect()
}

fn variables(settings: &[&EffectiveSetting], disabled: bool) -> String {
    let mut seen: IndexMap<&str, String> = IndexMap::new();
    for known in settings.iter().map(|stated| stated.definition) {
        let Some(name) = known.variables.last() else {
            continue;
        };
        let value = match &known.default {
            Value::Null => String::new(),
            Value::Bool(flag) => u8::from(*flag).to_string(),
            other => quote(&plain(other)),
        };
        let mark = if disabled { "#" } else { "" };
        let text = format!("{}{mark}{name}={value}\n\n", about(known));
        seen.entry(name).or_insert(text);
    }
    seen.values().map(String::as_str).collect()
}

/// A comment about a setting.
fn about(known: &SettingDefinition) -> String {
    let kind = match known.kind {
        "" => "string",
        kind => kind,
    };
    format!("# {} ({kind}): {}\n", known.name, treatment(known))
}

/// A value as it is written in a file.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.replace("{ANSIBLE_HOME}", "~/.ansible"),
        Value::List(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => repr(other),
    }
}
