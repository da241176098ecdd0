//! Secrets of a run, masked wherever they would be shown.

use super::run::RunState;
use crate::event::Diff;
use crate::value::{MASK, Value};
use aho_corasick::{AhoCorasick, MatchKind};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The secrets that are known, and what finds them in a text.
#[derive(Default)]
pub struct Secrets(Mutex<Known>);

#[derive(Default)]
struct Known {
    texts: HashSet<String>,
    /// How many vaulted values are among them.
    vaulted: usize,
    /// Finds them all, the longest of those that begin at one place; made when a secret was learned.
    finder: Option<Arc<AhoCorasick>>,
}

impl Known {
    /// Texts of a few characters would mask half of everything. Diffs and running commands show a text line by line,
    /// so that each long line of a secret is one too.
    fn keep(&mut self, text: &str) {
        let text = text.trim();
        if text.chars().count() >= 4 {
            self.insert(text);
        }
        if text.contains('\n') {
            text.lines()
                .map(str::trim)
                .filter(|line| line.chars().count() >= 8)
                .for_each(|line| self.insert(line));
        }
    }

    fn insert(&mut self, text: &str) {
        if !self.texts.contains(text) {
            self.texts.insert(text.to_string());
            self.finder = None;
        }
    }

    /// Vaulted texts, and the passwords of connections.
    fn collect(&mut self, name: &str, value: &Value) {
        match value {
            Value::Secret(text) => self.keep(text),
            Value::String(text) if name.starts_with("ansible_") && name.contains("pass") => self.keep(text),
            Value::List(items) => items.iter().for_each(|item| self.collect("", item)),
            Value::Map(map) => map.iter().for_each(|(name, item)| self.collect(name, item)),
            _ => {}
        }
    }
}

impl Secrets {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunState {
    /// Collects the secrets of the inventory and of `-e`, so that they are masked wherever they appear.
    pub fn learn_secrets(&self) {
        let inventory = self.hosts.inventory();
        let mut known = self.secrets.known();
        for host in inventory.hosts.values() {
            for (name, placed) in host.variables.iter() {
                known.collect(name, &placed.value);
            }
        }
        for (name, value) in self.settings.extra.iter() {
            known.collect(name, value);
        }
    }

    /// Collects the secrets of one host.
    pub fn learn_secrets_of(&self, host: &str) {
        let inventory = self.hosts.inventory();
        let mut known = self.secrets.known();
        for (name, placed) in inventory.host(host).iter().flat_map(|host| host.variables.iter()) {
            known.collect(name, &placed.value);
        }
    }

    /// What finds all secrets; `None` if there is none.
    fn finder(&self) -> Option<Arc<AhoCorasick>> {
        let mut known = self.secrets.known();
        let vault = &self.loader.vault;
        if vault.count_noted() != known.vaulted {
            let vaulted = vault.noted();
            known.vaulted = vaulted.len();
            vaulted.iter().for_each(|text| known.keep(text));
        }
        if known.texts.is_empty() {
            return None;
        }
        if known.finder.is_none() {
            let builder = AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(&known.texts);
            known.finder = builder.ok().map(Arc::new);
        }
        known.finder.clone()
    }

    /// Replaces every secret in a text.
    pub fn mask(&self, text: &str) -> String {
        masked(text, self.finder().as_deref())
    }

    /// Replaces every secret in a diff.
    pub fn mask_diff(&self, diff: &Diff) -> Diff {
        Diff {
            path: diff.path.clone(),
            text: self.mask(&diff.text),
        }
    }

    /// Replaces every secret in the texts of a value.
    pub fn mask_json(&self, value: serde_json::Value) -> serde_json::Value {
        match self.finder() {
            Some(finder) => masked_json(value, &finder),
            None => value,
        }
    }
}

fn masked(text: &str, finder: Option<&AhoCorasick>) -> String {
    let Some(finder) = finder else {
        return text.to_string();
    };
    let mut shown = String::with_capacity(text.len());
    finder.replace_all_with(text, &mut shown, |_, _, shown| {
        shown.push_str(MASK);
        true
    });
    shown
}

fn masked_json(value: serde_json::Value, finder: &AhoCorasick) -> serde_json::Value {
    match value {
        serde_json::Value::String(text) => masked(&text, Some(finder)).into(),
        serde_json::Value::Array(items) => items.into_iter().map(|item| masked_json(item, finder)).collect(),
        serde_json::Value::Object(map) => serde_json::Value::Object(
            map.into_iter()
                .map(|(key, value)| (key, masked_json(value, finder)))
                .collect(),
        ),
        other => other,
    }
}
