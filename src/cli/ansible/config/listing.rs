//! `ansible-config list`: the settings that there are, who makes them, and what Vent does with each.

use super::Settings;
use crate::model::configuration::{EffectiveSetting, SettingDefinition, Treatment};
use crate::value::{Map, Value};

/// The settings by their names, those of plugins by their types and plugins.
pub fn listing(settings: &Settings) -> Value {
    let mut all = Map::new();
    if let Some(base) = &settings.base {
        all.extend(by_name(base));
        all.insert("GALAXY_SERVERS".into(), Map::new().into());
    }
    if !settings.types.is_empty() {
        let types = settings.types.iter().map(|(kind, plugins)| {
            let name = match settings.all {
                true => kind.to_uppercase(),
                false => kind.to_string(),
            };
            let plugins = plugins
                .iter()
                .map(|(plugin, stated)| ((*plugin).into(), by_name(stated).into()));
            (name.into(), plugins.collect::<Map>().into())
        });
        all.insert("PLUGINS".into(), types.collect::<Map>().into());
    }
    all.into()
}

fn by_name(settings: &[EffectiveSetting]) -> Map {
    let entries = settings
        .iter()
        .map(|stated| (stated.definition.name.into(), entry(stated.definition)));
    entries.collect()
}

fn entry(known: &SettingDefinition) -> Value {
    let mut entry = Map::new();
    let mut put = |name: &str, value: Value| drop(entry.insert(name.into(), value));
    let texts = |texts: &[&str]| Value::list(texts.iter().map(Value::string));
    put("default", known.default.clone());
    if !known.variables.is_empty() {
        let variables = known.variables.iter();
        put(
            "env",
            Value::list(variables.map(|name| Value::map([("name", Value::string(name))]))),
        );
    }
    if !known.entries.is_empty() {
        let entries = known.entries.iter().map(|(section, key)| {
            Value::map([("key", Value::string(key)), ("section", Value::string(section))])
        });
        put("ini", Value::list(entries));
    }
    if !known.kind.is_empty() {
        put("type", Value::string(known.kind));
    }
    if !known.choices.is_empty() {
        put("choices", texts(&known.choices));
    }
    put("vent", Value::string(treatment(known)));
    entry.into()
}

/// What Vent does with a setting, in words.
pub fn treatment(known: &SettingDefinition) -> String {
    match known.treatment {
        Treatment::Heeded => "heeded".into(),
        Treatment::HeededByPlugin => "heeded by its plugin".into(),
        Treatment::NotHeeded(why) => format!("not heeded: {why}"),
        Treatment::Needless(why) => format!("needless: {why}"),
    }
}
