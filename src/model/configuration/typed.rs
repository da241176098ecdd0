//! The values of settings, of the types that Ansible gives them.

use super::file::unquoted;
use super::known::{BASE, Known, of};
use super::sources::{Setting, Sources};
use crate::value::{Value, to_bool};
use std::path::Path;

impl Sources<'_> {
    /// What the setting is if nobody makes it.
    pub(super) fn default(&self, known: &Known) -> Value {
        match &known.default {
            Value::String(text) if known.kind.starts_with("path") || known.kind == "tmppath" => {
                self.of_type(known.kind, &self.at_home(text), self.here)
            }
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
