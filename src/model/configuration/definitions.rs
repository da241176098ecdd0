//! The settings that Ansible knows, each with what Vent does with it (`settings.txt`).

use crate::value::Value;
use std::sync::LazyLock;

/// A setting that Ansible knows.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingDefinition {
    /// The kind and the name of the plugin it belongs to, parted by a space; `base`: to none.
    pub owner: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The variables of the environment that set it; of several the last one counts.
    pub variables: Vec<&'static str>,
    /// The sections and keys of `ansible.cfg` that set it; of several the last one counts.
    pub entries: Vec<(&'static str, &'static str)>,
    /// Ansible's name of its type; empty for texts of any kind.
    pub kind: &'static str,
    /// What it is if nobody sets it; `{ANSIBLE_HOME}` in it stands for that setting.
    pub default: Value,
    /// The words it may be; empty: any.
    pub choices: Vec<&'static str>,
    /// What Vent does with it.
    pub treatment: Treatment,
}

/// What Vent does with a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// What it says is done.
    Heeded,
    /// The user's own ansible-core heeds it, which runs the plugin it belongs to.
    HeededByPlugin,
    /// Nothing, although a run of Ansible's may end otherwise for it; with the reason.
    NotHeeded(&'static str),
    /// Nothing, and no run ends otherwise for it; with the reason.
    Needless(&'static str),
}

/// The owner of settings that belong to no plugin.
pub const BASE: &str = "base";

/// All of them, those of Ansible itself first, each owner's in the order of their names.
pub static SETTINGS: LazyLock<Vec<SettingDefinition>> = LazyLock::new(|| {
    let mut owner = BASE;
    let mut all = vec![];
    let lines = include_str!("settings.txt").lines();
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            Some(named) => owner = named,
            None => all.extend(known(owner, line)),
        }
    }
    all
});

/// The setting of a line.
fn known(owner: &'static str, line: &'static str) -> Option<SettingDefinition> {
    let mut fields = line.split('|').map(str::trim);
    let mut field = || fields.next();
    Some(SettingDefinition {
        owner,
        name: field()?,
        variables: field()?.split_whitespace().collect(),
        entries: field()?
            .split_whitespace()
            .map(|entry| entry.split_once('.'))
            .collect::<Option<_>>()?,
        kind: field()?,
        default: serde_json::from_str::<serde_json::Value>(field()?).ok()?.into(),
        choices: field()?.split_whitespace().collect(),
        treatment: treatment(field()?)?,
    })
}

fn treatment(text: &'static str) -> Option<Treatment> {
    Some(match text.split_once(": ") {
        None if text == "heeded" => Treatment::Heeded,
        None if text == "heeded by its plugin" => Treatment::HeededByPlugin,
        Some(("not heeded", why)) => Treatment::NotHeeded(why),
        Some(("needless", why)) => Treatment::Needless(why),
        _ => return None,
    })
}

/// The setting of an owner, by its name.
pub fn of(owner: &str, name: &str) -> Option<&'static SettingDefinition> {
    SETTINGS
        .iter()
        .find(|known| known.owner == owner && known.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_understood() {
        let lines = include_str!("settings.txt").lines();
        let lines = lines.filter(|line| line.contains(" | ") && !line.starts_with('#'));
        assert_eq!(SETTINGS.len(), lines.count());
        let base = SETTINGS.iter().filter(|known| known.owner == BASE);
        assert_eq!(base.count(), 218);
    }

    #[test]
    fn what_is_said_to_be_heeded_is_what_is_asked_for() {
        let files = [
            include_str!("../configuration.rs"),
            include_str!("becoming.rs"),
            include_str!("inventories.rs"),
            include_str!("passwords.rs"),
            include_str!("reaching.rs"),
            include_str!("rules.rs"),
            include_str!("shown.rs"),
            include_str!("effective.rs"),
            include_str!("option_defaults.rs"),
        ];
        let code = files.map(|file| file.split("mod tests").next().unwrap_or_default());
        let code = code.concat();
        let asked = |known: &SettingDefinition| match known.owner {
            BASE => {
                code.contains(&format!("(\"{}\"", known.name))
                    || code.contains(&format!(", \"{}\"", known.name))
            }
            owner => code.contains(&format!("\"{owner}\"")) && code.contains(&format!("\"{}\"", known.name)),
        };
        for known in SETTINGS.iter().filter(|known| !known.variables.is_empty()) {
            // What two plugins have in common is asked for once.
            let served = SETTINGS.iter().any(|other| {
                asked(other) && known.variables.iter().all(|name| other.variables.contains(name))
            });
            assert_eq!(
                served,
                known.treatment == Treatment::Heeded,
                "{} {}",
                known.owner,
                known.name
            );
        }
    }
}
