//! `ansible-config dump`: what each setting is, and who made it so, as Ansible writes it.

use super::{Settings, Shape, with_end};
use crate::cli::ansible::document::Document;
use crate::model::configuration::EffectiveSetting;
use crate::value::{Map, Value, repr};

/// The settings, in a shape.
pub fn dump(settings: &Settings, only_changed: bool, shape: Shape) -> String {
    let is_shown = |stated: &&EffectiveSetting| !only_changed || stated.origin != "default";
    match shape {
        Shape::Display => with_end(display(settings, is_shown, only_changed).join("\n")),
        Shape::Json => Document::Json.written(&document(settings, is_shown)),
        Shape::Yaml => Document::Yaml.written(&document(settings, is_shown)),
    }
}

fn display(
    settings: &Settings,
    is_shown: impl Fn(&&EffectiveSetting) -> bool,
    only_changed: bool,
) -> Vec<String> {
    let mut lines = vec![];
    if let Some(base) = &settings.base {
        lines.extend(base.iter().filter(&is_shown).map(line));
        lines.push("\nGALAXY_SERVERS:\n".into());
    }
    for (kind, plugins) in &settings.types {
        let mut of_type = vec![];
        for (plugin, stated) in plugins {
            let shown: Vec<_> = stated.iter().filter(&is_shown).map(line).collect();
            if !shown.is_empty() {
                of_type.push(format!("\n{plugin}:\n{}", "_".repeat(plugin.len())));
                of_type.extend(shown);
            }
        }
        if settings.all && (!only_changed || !of_type.is_empty()) {
            lines.push(format!("\n{}:\n{}", kind.to_uppercase(), "=".repeat(kind.len())));
        }
        lines.extend(of_type);
    }
    lines
}

fn line(stated: &EffectiveSetting) -> String {
    let value = match &stated.value {
        Value::String(text) => text.to_string(),
        other => repr(other),
    };
    format!("{}({}) = {value}", stated.definition.name, stated.origin)
}

fn document(settings: &Settings, is_shown: impl Fn(&&EffectiveSetting) -> bool) -> Value {
    let mut all = vec![];
    if let Some(base) = &settings.base {
        all.extend(base.iter().filter(&is_shown).map(entry));
        all.push(Value::map([("GALAXY_SERVERS", Value::from(Map::new()))]));
    }
    for (kind, plugins) in &settings.types {
        let mut of_type = vec![];
        for (plugin, stated) in plugins {
            let shown: Vec<_> = stated.iter().filter(&is_shown).map(entry).collect();
            if !shown.is_empty() {
                of_type.push(Value::map([(*plugin, Value::list(shown))]));
            }
        }
        match settings.all {
            true => {
                let name = format!("{}_PLUGINS", kind.to_uppercase());
                all.push(Value::map([(name.as_str(), Value::list(of_type))]));
            }
            false => all.extend(of_type),
        }
    }
    Value::list(all)
}

fn entry(stated: &EffectiveSetting) -> Value {
    Value::map([
        ("name", Value::string(stated.definition.name)),
        ("origin", Value::string(&stated.origin)),
        ("value", stated.value.clone()),
    ])
}
