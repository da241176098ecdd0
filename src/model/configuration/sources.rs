//! Where settings are looked up: the environment, then the `ansible.cfg` that counts.

use super::definitions::SettingDefinition;
use super::file::{File, unquoted};
use crate::error::{Error, Result};
use crate::source::{Place, Source};
use crate::value::{Value, to_bool};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

/// The folder, if it has an `ansible.cfg` that anybody may have put there: as in Ansible it does not count.
pub(super) fn passed_over(environment: &dyn Fn(&str) -> Option<String>, here: &Path) -> Option<PathBuf> {
    let named = environment("ANSIBLE_CONFIG").is_some_and(|path| !path.is_empty());
    let open = here
        .metadata()
        .is_ok_and(|folder| folder.permissions().mode() & 0o002 != 0);
    (!named && open && here.join("ansible.cfg").is_file()).then(|| here.to_path_buf())
}

/// The `ansible.cfg` that counts.
pub(super) fn found(environment: &dyn Fn(&str) -> Option<String>, here: &Path) -> Option<PathBuf> {
    if let Some(given) = environment("ANSIBLE_CONFIG").filter(|path| !path.is_empty()) {
        let path = here.join(given);
        return Some(if path.is_dir() {
            path.join("ansible.cfg")
        } else {
            path
        });
    }
    let home = environment("HOME").map(|home| Path::new(&home).join(".ansible.cfg"));
    let own = match passed_over(environment, here) {
        None => Some(here.join("ansible.cfg")),
        Some(_) => None,
    };
    let all = [own, home, Some("/etc/ansible/ansible.cfg".into())];
    all.into_iter().flatten().find(|path| path.is_file())
}

/// A setting that was made.
pub(super) struct Setting {
    /// What is written.
    pub(super) written: String,
    /// What relative paths in it start from.
    pub(super) folder: PathBuf,
    pub(super) place: Place,
    /// Who made it.
    pub(super) maker: Maker,
}

/// Who makes a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Maker {
    /// A variable of the environment.
    Variable(&'static str),
    /// An entry of `ansible.cfg`: its section and key.
    Entry(&'static str, &'static str),
}

impl Setting {
    pub(super) fn text(&self) -> &str {
        match self.maker {
            Maker::Entry(..) => unquoted(&self.written),
            Maker::Variable(_) => &self.written,
        }
    }

    /// Nothing is false, as with Ansible.
    pub(super) fn flag(&self) -> Result<bool> {
        if self.written.is_empty() {
            return Ok(false);
        }
        to_bool(&Value::string(&self.written)).ok_or_else(|| self.wrong("true or false"))
    }

    pub(super) fn number(&self) -> Result<u64> {
        self.written.parse().map_err(|_| self.wrong("a whole number"))
    }

    /// The items of a list, parted by commas.
    pub(super) fn list(&self) -> Vec<String> {
        let items = self.written.split(',').map(|item| unquoted(item.trim()));
        items
            .filter(|item| !item.is_empty())
            .map(str::to_string)
            .collect()
    }

    pub(super) fn wrong(&self, wanted: &str) -> Error {
        Error::new(format!("`{}` is not {wanted}", self.written)).at(&self.place)
    }
}

/// Where settings are looked up.
pub(super) struct Sources<'a> {
    pub(super) environment: &'a dyn Fn(&str) -> Option<String>,
    pub(super) here: &'a Path,
    pub(super) file: Option<File>,
}

impl Sources<'_> {
    /// The setting, if somebody made it.
    pub(super) fn setting(&self, known: &SettingDefinition) -> Option<Setting> {
        let mut variables = known.variables.iter().rev();
        let mut entries = known.entries.iter().rev();
        variables
            .find_map(|name| self.variable(name))
            .or_else(|| entries.find_map(|(section, key)| self.entry(section, key)))
    }

    fn variable(&self, name: &'static str) -> Option<Setting> {
        let written = (self.environment)(name)?;
        let source = Source::named(name, written.clone());
        Some(Setting {
            place: Place::new(&source, 0..written.len()),
            written,
            folder: self.here.to_path_buf(),
            maker: Maker::Variable(name),
        })
    }

    fn entry(&self, section: &'static str, key: &'static str) -> Option<Setting> {
        let file = self.file.as_ref()?;
        let (written, place) = file.entry(section, key)?;
        let folder = file.source.path.as_deref().and_then(Path::parent);
        Some(Setting {
            written,
            folder: folder.unwrap_or(self.here).to_path_buf(),
            place,
            maker: Maker::Entry(section, key),
        })
    }

    /// A path: `~` is the home, `$NAME` a variable of the environment, relative ones start from `folder`.
    pub(super) fn path(&self, text: &str, folder: &Path) -> PathBuf {
        let text = text.trim().replace("{{CWD}}", &self.here.display().to_string());
        let home = (self.environment)("HOME").unwrap_or_default();
        let text = match text.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{home}{rest}"),
            _ => text,
        };
        plain(&folder.join(self.with_variables(&text)))
    }

    /// The text with what stands in the environment for `$NAME` and `${NAME}`.
    fn with_variables(&self, text: &str) -> String {
        let mut parts = text.split('$');
        let mut filled = parts.next().unwrap_or_default().to_string();
        for part in parts {
            let braced = part.strip_prefix('{').and_then(|part| part.split_once('}'));
            let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let (name, rest) = braced.unwrap_or_else(|| part.split_at(end.unwrap_or(part.len())));
            match (self.environment)(name).filter(|_| !name.is_empty()) {
                Some(value) => filled.extend([value.as_str(), rest]),
                None => filled.extend(["$", part]),
            }
        }
        filled
    }

    pub(super) fn inventory(&self, setting: &Setting) -> Vec<String> {
        let text = setting.text();
        // `host,` is a list of hosts, `a,b` are two files if the first of them is one.
        let parts: Vec<&str> = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .collect();
        let paths = parts.iter().map(|part| self.path(part, &setting.folder));
        let paths: Vec<PathBuf> = paths.collect();
        if text.contains(',') && !paths.iter().any(|path| path.exists()) {
            return vec![text.to_string()];
        }
        paths.iter().map(|path| path.display().to_string()).collect()
    }
}

/// The path without `.` and `..`, by its text alone.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => drop(plain.pop()),
            Component::ParentDir if plain.has_root() => {}
            other => plain.push(other),
        }
    }
    plain
}
