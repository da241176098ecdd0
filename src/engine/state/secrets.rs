//! Secrets of a run, masked wherever they would be shown.

use super::run::RunState;
use crate::event::Diff;
use crate::value::{MASK, Map, Value};
use aho_corasick::AhoCorasick;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Finds secrets in a text; `None` if that cannot be made, so that no text can be shown.
type Finder = Option<Arc<AhoCorasick>>;

/// The secrets that are known, and what finds them in a text.
#[derive(Default)]
pub struct Secrets(Mutex<Known>);

#[derive(Default)]
struct Known {
    texts: HashSet<String>,
    /// How many vaulted values are among them.
    vaulted: usize,
    /// Finds them all; made when a secret was learned.
    finder: Option<Finder>,
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

    /// Collects the secrets among variables that a task brings.
    pub fn learn_secrets_in(&self, variables: &Map) {
        let mut known = self.secrets.known();
        for (name, value) in variables {
            known.collect(name, value);
        }
    }

    /// Collects a password that a connection uses, wherever it was set.
    pub fn learn_password(&self, password: &str) {
        self.secrets.known().keep(password);
    }

    /// What finds all secrets; `None` if there is none.
    fn finder(&self) -> Option<Finder> {
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
            let made = AhoCorasick::new(&known.texts);
            known.finder = Some(made.ok().map(Arc::new));
        }
        known.finder.clone()
    }

    /// Replaces every secret in a text.
    pub fn mask(&self, text: &str) -> String {
        match self.finder() {
            Some(finder) => masked(text, &finder),
            None => text.to_string(),
        }
    }

    /// Replaces every secret in a diff.
    pub fn mask_diff(&self, diff: &Diff) -> Diff {
        Diff {
            path: self.mask(&diff.path),
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

/// Every place at which a secret stands is masked, where two overlap both as one.
fn masked(text: &str, finder: &Finder) -> String {
    let Some(finder) = finder else {
        return MASK.into();
    };
    let found = finder.find_overlapping_iter(text);
    let mut found: Vec<_> = found.map(|found| found.range()).collect();
    found.sort_by_key(|range| range.start);
    let (mut shown, mut behind) = (String::with_capacity(text.len()), 0);
    for range in found {
        if range.start >= behind {
            shown.push_str(&text[behind..range.start]);
            shown.push_str(MASK);
        }
        behind = behind.max(range.end);
    }
    shown.push_str(&text[behind..]);
    shown
}

fn masked_json(value: serde_json::Value, finder: &Finder) -> serde_json::Value {
    match value {
        serde_json::Value::String(text) => masked(&text, finder).into(),
        serde_json::Value::Array(items) => items.into_iter().map(|item| masked_json(item, finder)).collect(),
        serde_json::Value::Object(map) => serde_json::Value::Object(
            map.into_iter()
                .map(|(key, value)| (masked(&key, finder), masked_json(value, finder)))
                .collect(),
        ),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_that_overlap_are_masked_whole() {
        let shown = |secrets: &[&str], text: &str| {
            let finder = AhoCorasick::new(secrets).unwrap();
            masked(text, &Some(Arc::new(finder)))
        };
        assert_eq!(
            shown(&["pass1234", "1234567890"], "a pass1234567890 b"),
            format!("a {MASK} b")
        );
        assert_eq!(
            shown(&["abcd", "abcdef"], "abcdef, abcd"),
            format!("{MASK}, {MASK}")
        );
        assert_eq!(shown(&["abcd"], "abcdabcd"), format!("{MASK}{MASK}"));
        assert_eq!(shown(&["abcd"], "ab cd \u{e4}"), "ab cd \u{e4}");
    }

    #[test]
    fn a_text_is_not_shown_if_secrets_cannot_be_found_in_it() {
        assert_eq!(masked("anything", &None), MASK);
    }
}
