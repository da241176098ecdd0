//! Reading settings by their names; what is wrong with one is kept until all have been read.

use super::definitions::{BASE, of};
use super::sources::{Setting, Sources};
use crate::error::{Collector, Error, Result};
use crate::value::Value;
use std::path::PathBuf;

/// Where they are looked up, and what was wrong so far.
pub(super) struct SettingReader<'a> {
    pub(super) sources: Sources<'a>,
    pub(super) errors: Collector,
}

impl SettingReader<'_> {
    /// A setting of Ansible itself, as it is written.
    pub(super) fn setting(&self, name: &str) -> Option<Setting> {
        self.setting_of(BASE, name)
    }

    /// A setting of a plugin, as it is written.
    pub(super) fn setting_of(&self, owner: &str, name: &str) -> Option<Setting> {
        self.sources.setting(of(owner, name)?)
    }

    /// A text; an empty one counts as none.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.text_of(BASE, name)
    }

    /// A text of a plugin; an empty one counts as none.
    pub(super) fn text_of(&self, owner: &str, name: &str) -> Option<String> {
        let setting = self.setting_of(owner, name)?;
        Some(setting.text().to_string()).filter(|text| !text.is_empty())
    }

    /// True or false.
    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        self.flag_of(BASE, name)
    }

    /// True or false of a plugin.
    pub(super) fn flag_of(&mut self, owner: &str, name: &str) -> Option<bool> {
        let flag = self.setting_of(owner, name)?.flag();
        self.errors.take(flag)
    }

    /// A number.
    pub(super) fn number(&mut self, name: &str) -> Option<u64> {
        self.number_of(BASE, name)
    }

    /// A number of a plugin.
    pub(super) fn number_of(&mut self, owner: &str, name: &str) -> Option<u64> {
        let setting = self.setting_of(owner, name)?;
        let number = (!setting.written.is_empty()).then(|| setting.number())?;
        self.errors.take(number)
    }

    /// One of the words that the setting may be.
    pub(super) fn word(&mut self, name: &str) -> Option<String> {
        let choices = &of(BASE, name)?.choices;
        let setting = self.setting(name)?;
        let word = setting.text().to_string();
        let checked: Result<()> = match choices.contains(&word.as_str()) {
            true => Ok(()),
            false => {
                let error = Error::new(format!("`{word}` is nothing that this setting may be"));
                Err(error
                    .at(&setting.place)
                    .help(format!("it is one of {}", choices.join(", "))))
            }
        };
        self.errors.take(checked).map(|()| word)
    }

    /// The items of a list, if somebody made it.
    pub(super) fn list(&self, name: &str) -> Option<Vec<String>> {
        Some(self.setting(name)?.list())
    }

    /// A path, if somebody named one.
    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        let setting = self.setting(name)?;
        let path = Some(setting.written.as_str()).filter(|path| !path.is_empty())?;
        Some(self.sources.path(path, &setting.folder))
    }

    /// Folders, parted by colons; the usual ones if nobody named others.
    pub(super) fn paths(&self, name: &str) -> Vec<PathBuf> {
        let here = self.sources.here.to_path_buf();
        let (text, folder) = match (self.setting(name), of(BASE, name).map(|known| &known.default)) {
            (Some(setting), _) => (setting.written, setting.folder),
            (None, Some(Value::String(usual))) => (self.sources.at_home(usual), here),
            (None, _) => return vec![],
        };
        let parts = text.split(':').filter(|part| !part.is_empty());
        parts.map(|part| self.sources.path(part, &folder)).collect()
    }
}
