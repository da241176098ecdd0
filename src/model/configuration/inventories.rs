//! What the configuration says of inventories.

use super::definitions::{BASE, of};
use super::setting_reader::SettingReader;
use crate::error::Error;
use crate::value::Value;
use fancy_regex::Regex;

/// How inventories are read.
#[derive(Clone, Debug)]
pub struct Inventories {
    /// What comes of those that cannot be read.
    pub unparsed: Unparsed,
    /// Who may read them (`enable_plugins`), if not everybody.
    pub plugins: Option<Vec<String>>,
    /// Endings of files in a folder that are none.
    pub ignored_endings: Vec<String>,
    /// What the names of such files hold.
    pub ignored_patterns: Vec<Regex>,
}

impl Default for Inventories {
    fn default() -> Inventories {
        Inventories {
            unparsed: Unparsed::default(),
            plugins: None,
            ignored_endings: usual_endings(),
            ignored_patterns: vec![],
        }
    }
}

impl Inventories {
    pub(super) fn read(reader: &mut SettingReader) -> Inventories {
        Inventories {
            unparsed: Unparsed::read(reader),
            plugins: reader.list("INVENTORY_ENABLED"),
            ignored_endings: reader.list("INVENTORY_IGNORE_EXTS").unwrap_or_else(usual_endings),
            ignored_patterns: patterns(reader),
        }
    }

    /// True for the name of a file in a folder that is no inventory.
    pub fn ignores(&self, name: &str) -> bool {
        let mut patterns = self.ignored_patterns.iter();
        self.ignored_endings.iter().any(|ending| name.ends_with(ending))
            || patterns.any(|pattern| pattern.is_match(name).unwrap_or(false))
    }
}

fn usual_endings() -> Vec<String> {
    match of(BASE, "INVENTORY_IGNORE_EXTS").map(|known| &known.default) {
        Some(Value::List(endings)) => endings
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_string)
            .collect(),
        _ => vec![],
    }
}

fn patterns(reader: &mut SettingReader) -> Vec<Regex> {
    let Some(setting) = reader.setting("INVENTORY_IGNORE_PATTERNS") else {
        return vec![];
    };
    let compiled = setting.list().into_iter().map(|pattern| {
        Regex::new(&pattern).map_err(|cause| {
            Error::new(format!("`{pattern}` is not a regular expression"))
                .at(&setting.place)
                .cause(cause)
        })
    });
    compiled
        .filter_map(|pattern| reader.errors.take(pattern))
        .collect()
}

/// What comes of inventories that cannot be read, under Ansible's names (section `[inventory]`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unparsed {
    /// One that cannot be read is warned of, and the others are enough; else it is an error.
    pub lenient: bool,
    /// One is an error all the same (`any_unparsed_is_failed`).
    pub any_is_failed: bool,
    /// That none could be read is an error (`unparsed_is_failed`).
    pub none_is_failed: bool,
    /// That none could be read is warned of (`inventory_unparsed_warning`).
    pub warns_of_none: bool,
}

impl Default for Unparsed {
    fn default() -> Unparsed {
        Unparsed {
            lenient: false,
            any_is_failed: false,
            none_is_failed: false,
            warns_of_none: true,
        }
    }
}

impl Unparsed {
    pub(super) fn read(reader: &mut SettingReader) -> Unparsed {
        Unparsed {
            lenient: false,
            any_is_failed: reader.flag("INVENTORY_ANY_UNPARSED_IS_FAILED").unwrap_or(false),
            none_is_failed: reader.flag("INVENTORY_UNPARSED_IS_FAILED").unwrap_or(false),
            warns_of_none: reader.flag("INVENTORY_UNPARSED_WARNING").unwrap_or(true),
        }
    }
}
