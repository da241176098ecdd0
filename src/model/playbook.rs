//! Playbooks: the nodes of the graph.

use super::{Keywords, Play};
use crate::source::Place;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A playbook.
#[derive(Clone, Debug, PartialEq)]
pub struct Playbook {
    /// File name without number and ending: `playbooks/06-etcd.yml` is `etcd`.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// Plays and imports in the order of the page.
    pub entries: Vec<Entry>,
    /// What its first play states in `vars: {vent_needs: [...]}`.
    pub needs: Option<Vec<Need>>,
    /// The place of the whole file.
    pub place: Place,
}

/// One entry of a playbook.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A play.
    Play(Arc<Play>),
    /// An `import_playbook`.
    Import(Box<Import>),
}

/// An `import_playbook`. Its `when`, `tags` and variables are already upon the plays it brings.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// What it brings.
    pub playbook: Arc<Playbook>,
    /// Name, conditions, variables and tags as they were written.
    pub keywords: Keywords,
    /// What the import states in `vars: {vent_needs: [...]}`.
    pub needs: Option<Vec<Need>>,
    /// The place of the whole entry.
    pub place: Place,
}

impl Import {
    /// What is needed before the playbook may run: as stated at the import, else as stated in its own first
    /// play; `None`: everything above it.
    pub fn needs(&self) -> Option<&[Need]> {
        self.needs.as_deref().or(self.playbook.needs.as_deref())
    }
}

/// The name of a playbook that must have run before.
#[derive(Clone, Debug, PartialEq)]
pub struct Need {
    /// Its name.
    pub name: String,
    /// Where the need is stated.
    pub place: Place,
}

impl Playbook {
    /// Its own plays, without those of imports.
    pub fn plays(&self) -> impl Iterator<Item = &Arc<Play>> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Play(play) => Some(play),
            Entry::Import(_) => None,
        })
    }

    /// Its imports.
    pub fn imports(&self) -> impl Iterator<Item = &Import> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Import(import) => Some(&**import),
            Entry::Play(_) => None,
        })
    }
}

/// The name of the playbook in `path`: file name without number and ending.
pub fn name_of(path: &Path) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy());
    let stem = stem.unwrap_or_default();
    let rest = stem.trim_start_matches(|c: char| c.is_ascii_digit());
    match rest.strip_prefix(['-', '_', '.']) {
        Some(name) if rest.len() < stem.len() && !name.is_empty() => name.to_string(),
        _ => stem.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_playbook_is_named_without_number_and_ending() {
        for (path, name) in [
            ("playbooks/06-etcd.yml", "etcd"),
            ("site.yaml", "site"),
            ("10_a-b.yml", "a-b"),
            ("3scale.yml", "3scale"),
            ("07.yml", "07"),
            ("-x.yml", "-x"),
        ] {
            assert_eq!(name_of(Path::new(path)), name, "{path}");
        }
    }
}
