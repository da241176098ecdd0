//! Where settings are looked up: the environment, then the `ansible.cfg` that counts.

use crate::error::{Collector, Error, Errors, Result};
use crate::source::{Place, Source};
use crate::value::{Value, to_bool};
use crate::yaml;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) fn found(environment: &dyn Fn(&str) -> Option<String>, here: &Path) -> Option<PathBuf> {
    if let Some(given) = environment("ANSIBLE_CONFIG").filter(|path| !path.is_empty()) {
        let path = PathBuf::from(given);
        return Some(if path.is_dir() {
            path.join("ansible.cfg")
        } else {
            path
        });
    }
    let home = environment("HOME").map(|home| Path::new(&home).join(".ansible.cfg"));
    let all = [
        Some(here.join("ansible.cfg")),
        home,
        Some("/etc/ansible/ansible.cfg".into()),
    ];
    all.into_iter().flatten().find(|path| path.is_file())
}

/// A setting that was made.
pub(super) struct Setting {
    pub(super) text: String,
    /// What relative paths in it start from.
    pub(super) folder: PathBuf,
    pub(super) place: Place,
}

impl Setting {
    pub(super) fn flag(&self) -> Result<bool> {
        to_bool(&Value::string(&self.text)).ok_or_else(|| self.wrong("true or false"))
    }

    pub(super) fn number(&self) -> Result<u64> {
        self.text.parse().map_err(|_| self.wrong("a whole number"))
    }

    pub(super) fn wrong(&self, wanted: &str) -> Error {
        Error::new(format!("`{}` is not {wanted}", self.text)).at(&self.place)
    }
}

/// Where settings are looked up.
pub(super) struct Sources<'a> {
    pub(super) environment: &'a dyn Fn(&str) -> Option<String>,
    pub(super) here: &'a Path,
    pub(super) file: Option<File>,
}

impl Sources<'_> {
    /// A setting that a variable of the environment makes.
    pub(super) fn variable(&self, name: &str) -> Option<Setting> {
        let text = (self.environment)(name)?;
        let source = Source::named(name, text.clone());
        Some(Setting {
            place: Place::new(&source, 0..text.len()),
            text,
            folder: self.here.to_path_buf(),
        })
    }

    /// A setting of `[defaults]`, the environment's if it is set there.
    pub(super) fn get(&self, name: &str) -> Option<Setting> {
        self.of_section("defaults", name, &format!("ANSIBLE_{}", name.to_uppercase()))
    }

    /// A setting of a section, that of a variable of the environment if that is set.
    pub(super) fn of_section(&self, section: &str, name: &str, variable: &str) -> Option<Setting> {
        if let Some(setting) = self.variable(variable) {
            return Some(setting);
        }
        let file = self.file.as_ref()?;
        let (text, place) = file.entry(section, name)?;
        let folder = file
            .source
            .path
            .as_deref()
            .and_then(Path::parent)
            .unwrap_or(self.here);
        Some(Setting {
            text,
            folder: folder.to_path_buf(),
            place,
        })
    }

    /// A path: `~` is the home, relative ones start from `folder`.
    pub(super) fn path(&self, text: &str, folder: &Path) -> PathBuf {
        let text = text.trim().replace("{{CWD}}", &self.here.display().to_string());
        let home = (self.environment)("HOME").unwrap_or_default();
        match text.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => PathBuf::from(format!("{home}{rest}")),
            _ => folder.join(text),
        }
    }

    /// The folders of a setting, parted by colons.
    pub(super) fn paths(&self, name: &str, otherwise: &str) -> Vec<PathBuf> {
        let setting = self.get(name);
        let (text, folder) = match &setting {
            Some(setting) => (setting.text.as_str(), setting.folder.as_path()),
            None => (otherwise, self.here),
        };
        let parts = text.split(':').filter(|part| !part.is_empty());
        parts.map(|part| self.path(part, folder)).collect()
    }

    pub(super) fn inventory(&self, setting: &Setting) -> Vec<String> {
        // `host,` is a list of hosts, `a,b` are two files if the first of them is one.
        let parts: Vec<&str> = setting
            .text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .collect();
        let paths = parts.iter().map(|part| self.path(part, &setting.folder));
        let paths: Vec<PathBuf> = paths.collect();
        if setting.text.contains(',') && !paths.iter().any(|path| path.exists()) {
            return vec![setting.text.clone()];
        }
        paths.iter().map(|path| path.display().to_string()).collect()
    }
}

/// An `ansible.cfg`.
pub(super) struct File {
    pub(super) source: Arc<Source>,
}

impl File {
    pub(super) fn read(path: &Path) -> Result<File> {
        Ok(File {
            source: yaml::read(path)?,
        })
    }

    /// Refuses lines that are no setting: nobody would read them.
    pub(super) fn check(&self) -> Result<(), Errors> {
        let mut errors = Collector::default();
        let (mut start, mut inside) = (0, false);
        for line in self.source.text.split_inclusive('\n') {
            let text = line.trim();
            let place = Place::new(&self.source, start..start + line.trim_end().len());
            start += line.len();
            let continued = line.starts_with([' ', '\t']);
            if text.is_empty() || text.starts_with(['#', ';']) || inside && continued {
                continue;
            }
            if text.starts_with('[') && text.ends_with(']') {
                inside = true;
            } else if !inside {
                let error = Error::new("a setting needs a section above it").at(&place);
                errors.push(error.help("begin the file with the line `[defaults]`"));
            } else if !text.contains(['=', ':']) {
                let error = Error::new("this line is no setting").at(&place);
                errors.push(error.help("write `name = value`; a comment begins with `#`"));
            }
        }
        errors.finish(())
    }

    /// An entry of a section; the last one counts.
    pub(super) fn entry(&self, section: &str, name: &str) -> Option<(String, Place)> {
        let mut start = 0;
        let mut inside = false;
        let mut found = None;
        for line in self.source.text.split_inclusive('\n') {
            let text = line.trim();
            if let Some(head) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
                inside = head == section;
            } else if inside && !text.starts_with(['#', ';']) {
                let parts = text.split_once(['=', ':']);
                if let Some((_, value)) = parts.filter(|parts| parts.0.trim() == name) {
                    let value = value.split(" ;").next().unwrap_or_default().trim();
                    let at = start + line.find(value).unwrap_or(0);
                    found = Some((value.to_string(), Place::new(&self.source, at..at + value.len())));
                }
            }
            start += line.len();
        }
        found
    }
}
