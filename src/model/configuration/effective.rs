//! The values of settings, of the types that Ansible gives them.

use super::definitions::{BASE, SettingDefinition, of};
use super::file::unquoted;
use super::sources::{Maker, Setting, Sources};
use crate::value::{Value, to_bool};
use std::path::Path;

/// A setting with its value.
#[derive(Clone, Debug)]
pub struct EffectiveSetting {
    /// The setting.
    pub definition: &'static SettingDefinition,
    /// Its value.
    pub value: Value,
    /// Who made it, in Ansible's words: `default`, `env: NAME`, the path of the file.
    pub origin: String,
}

/// The setting that tells the `ansible.cfg` that was read; nobody makes it.
const CONFIG_FILE: &str = "CONFIG_FILE";

impl Sources<'_> {
    /// The setting with its value and its maker.
    pub(super) fn effective(&self, definition: &'static SettingDefinition) -> EffectiveSetting {
        let made = self.setting(definition);
        if definition.name == CONFIG_FILE {
            let file = self.file.as_ref();
            return EffectiveSetting {
                definition,
                value: file.map_or(Value::Null, |file| Value::string(&file.source.name)),
                origin: String::new(),
            };
        }
        // An empty variable makes nothing but texts, lists and truth values.
        let is_made = |setting: &Setting| {
            let empty = matches!(setting.maker, Maker::Variable(_)) && setting.written.is_empty();
            !empty || !matches!(definition.kind, "integer" | "int" | "float" | "dict")
        };
        let Some(setting) = made.filter(is_made) else {
            return EffectiveSetting {
                definition,
                value: self.default(definition),
                origin: "default".into(),
            };
        };
        let origin = match (setting.maker, &self.file) {
            (Maker::Entry(..), Some(file)) => file.source.name.clone(),
            (Maker::Variable(name), _) => format!("env: {name}"),
            (Maker::Entry(..), None) => String::new(),
        };
        EffectiveSetting {
            definition,
            value: self.typed(definition, &setting),
            origin,
        }
    }

    /// What the setting is if nobody makes it.
    pub(super) fn default(&self, definition: &SettingDefinition) -> Value {
        match &definition.default {
            Value::String(text) if definition.kind.starts_with("path") || definition.kind == "tmppath" => {
                self.of_type(definition.kind, &self.at_home(text), self.here)
            }
            Value::Int(number) if definition.kind == "str" => Value::string(number.to_string()),
            default => default.clone(),
        }
    }

    /// A default with the folder of Ansible's own files in it.
    pub(super) fn at_home(&self, text: &str) -> String {
        let Some(below) = text.strip_prefix("{ANSIBLE_HOME}") else {
            return text.to_string();
        };
        let home =
            of(BASE, "ANSIBLE_HOME").and_then(|definition| Some((definition, self.setting(definition)?)));
        match home.map(|(definition, setting)| self.typed(definition, &setting)) {
            Some(Value::String(home)) => format!("{home}{below}"),
            _ => format!("~/.ansible{below}"),
        }
    }

    /// What was made of a setting, of its type.
    pub(super) fn typed(&self, definition: &SettingDefinition, setting: &Setting) -> Value {
        let written = match definition.kind {
            "" | "string" | "str" | "choices" | "raw" => setting.text(),
            _ => &setting.written,
        };
        self.of_type(definition.kind, written, &setting.folder)
    }

    fn of_type(&self, kind: &str, text: &str, folder: &Path) -> Value {
        let path = |text: &str| Value::string(self.path(text, folder).display().to_string());
        match kind {
            "boolean" | "bool" => to_bool(&Value::string(text)).unwrap_or(false).into(),
            "integer" | "int" => text
                .trim()
                .parse()
                .map_or_else(|_| Value::string(text), Value::Int),
            "float" => text
                .trim()
                .parse()
                .map_or_else(|_| Value::string(text), Value::Float),
            "list" => Value::list(text.split(',').map(|item| Value::string(unquoted(item.trim())))),
            "path" | "tmppath" => path(text),
            "pathspec" => Value::list(text.split(':').map(path)),
            "pathlist" => Value::list(text.split(',').map(|item| path(item.trim()))),
            _ => Value::string(text),
        }
    }
}
