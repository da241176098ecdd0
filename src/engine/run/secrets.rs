//! Secrets of a run, masked wherever they would be shown.

use super::Run;
use crate::event::Diff;
use crate::value::{MASK, Value};
use std::collections::HashSet;
use std::sync::PoisonError;

impl Run {
    /// Collects the secrets of the inventory and of `-e`, so that they are masked wherever they appear.
    pub(in crate::engine) fn learn_secrets(&self) {
        let inventory = self.inventory();
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        for host in inventory.hosts.values() {
            for (name, placed) in host.variables.iter() {
                collect(name, &placed.value, &mut secrets);
            }
        }
        for (name, value) in self.settings.extra.iter() {
            collect(name, value, &mut secrets);
        }
    }

    /// Replaces every secret in a text, those that hold others first.
    pub(in crate::engine) fn mask(&self, text: &str) -> String {
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        for vaulted in self.loader.vault.noted() {
            keep(&vaulted, &mut secrets);
        }
        let mut found: Vec<&String> = secrets
            .iter()
            .filter(|secret| text.contains(secret.as_str()))
            .collect();
        found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        found.into_iter().fold(text.to_string(), |text, secret| {
            text.replace(secret.as_str(), MASK)
        })
    }

    pub(in crate::engine) fn mask_diff(&self, diff: &Diff) -> Diff {
        Diff {
            path: diff.path.clone(),
            text: self.mask(&diff.text),
        }
    }

    pub(in crate::engine) fn mask_json(&self, value: serde_json::Value) -> serde_json::Value {
        match value {
            serde_json::Value::String(text) => self.mask(&text).into(),
            serde_json::Value::Array(items) => items.into_iter().map(|item| self.mask_json(item)).collect(),
            serde_json::Value::Object(map) => serde_json::Value::Object(
                map.into_iter()
                    .map(|(key, value)| (key, self.mask_json(value)))
                    .collect(),
            ),
            other => other,
        }
    }
}

/// Vaulted texts, and the passwords of connections.
fn collect(name: &str, value: &Value, secrets: &mut HashSet<String>) {
    match value {
        Value::Secret(text) => keep(text, secrets),
        Value::String(text) if name.starts_with("ansible_") && name.contains("pass") => keep(text, secrets),
        Value::List(items) => items.iter().for_each(|item| collect("", item, secrets)),
        Value::Map(map) => map.iter().for_each(|(name, item)| collect(name, item, secrets)),
        _ => {}
    }
}

/// Texts of a few characters would mask half of everything. Diffs and running commands show a text line by line,
/// so that each long line of a secret is one too.
fn keep(text: &str, secrets: &mut HashSet<String>) {
    let text = text.trim();
    if text.chars().count() >= 4 {
        secrets.insert(text.to_string());
    }
    if text.contains('\n') {
        let lines = text
            .lines()
            .map(str::trim)
            .filter(|line| line.chars().count() >= 8);
        secrets.extend(lines.map(str::to_string));
    }
}
