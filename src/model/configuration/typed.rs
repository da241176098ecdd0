//! The values of settings, of the types that Ansible gives them.

use super::file::unquoted;
use super::known::{BASE, Known, of};
use super::sources::{Maker, Setting, Sources};
use crate::value::{Value, to_bool};
use std::path::Path;

/// A setting with its value.
#[derive(Clone, Debug)]
pub struct Stated {
    /// The setting.
    pub known: &'static Known,
    /// Its value.
    pub value: Value,
    /// Who made it, in Ansible's words: `default`, `env: NAME`, the path of the file.
    pub origin: String,
}

/// The setting that tells the `ansible.cfg` that was read; nobody makes it.
const CONFIG_FILE: &str = "CONFIG_FILE";

impl Sources<'_> {
    /// The setting with its value and its maker.
    pub(super) fn stated(&self, known: &'static Known) -> Stated {
        let made = self.setting(known);
        if known.name == CONFIG_FILE {
            let file = self.file.as_ref();
            return Stated {
                known,
                value: file.map_or(Value::Null, |file| Value::string(&file.source.name)),
                origin: String::new(),
            };
        }
        // An empty variable makes nothing but texts, lists and truth values.
        let is_made = |setting: &Setting| {
            let empty = matches!(setting.maker, Maker::Variable(_)) && setting.written.is_empty();
            !empty || !matches!(known.kind, "integer" | "int" | "float" | "dict")
        };
        let Some(setting) = made.filter(is_made) else {
            return Stated {
                known,
                value: self.default(known),
                origin: "default".into(),
            };
        };
        let origin = match (setting.maker, &self.file) {
            (Maker::Entry(..), Some(file)) => file.source.name.clone(),
            (Maker::Variable(name), _) => format!("env: {name}"),
            (Maker::Entry(..), None) => String::new(),
        };
        Stated {
            known,
            value: self.typed(known, &setting),
            origin,
        }
    }

    /// What the setting is if nobody makes it.
    pub(super) fn default(&self, known: &Known) -> Value {
        match &known.default {
            Value::String(text) if known.kind.starts_with("path") || known.kind == "tmppath" => {
                self.of_type(known.kind, &self.at_home(text), self.here)
            }
            Value::Int(number) if known.kind == "str" => Value::string(number.to_string()),
            default => default.clone(),
        }
    }

    /// A default with the folder of Ansible's own files in it.
    pub(super) fn at_home(&self, text: &str) -> String {
        let Some(below) = text.strip_prefix("{ANSIBLE_HOME}") else {
            return text.to_string();
        };
        let home = of(BASE, "ANSIBLE_HOME").and_then(|known| Some((known, self.setting(known)?)));
        match home.map(|(known, setting)| self.typed(known, &setting)) {
            Some(Value::String(home)) => format!("{home}{below}"),
            _ => format!("~/.ansible{below}"),
        }
    }

    /// What was made of a setting, of its type.
    pub(super) fn typed(&self, known: &Known, setting: &Setting) -> Value {
        let written = match known.kind {
            "" | "string" | "str" | "choices" | "raw" => setting.text(),
            _ => &setting.written,
        };
        self.of_type(known.kind, written, &setting.folder)
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
