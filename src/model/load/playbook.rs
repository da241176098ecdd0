//! Playbooks and what they import.

use super::collections;
use super::keyword::Level;
use super::reader::Reader;
use crate::error::Error;
use crate::error::cures::BESIDE_THE_FILE;
use crate::model::task::short;
use crate::model::{Entry, Import, Keywords, Playbook, Scope, ScopeKind, Variables, playbook};
use crate::source::{Place, Source};
use crate::yaml::Node;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What imports around a playbook put upon its plays.
#[derive(Clone)]
pub(super) struct Upon {
    scope: Arc<Scope>,
    vars: Variables,
}

impl Reader<'_> {
    /// Reads a playbook; `open` are the files that import it, with the places where they do.
    pub fn playbook(
        &mut self,
        path: &Path,
        open: &mut Vec<(PathBuf, Option<Place>)>,
        upon: Option<&Upon>,
    ) -> Option<Playbook> {
        let name = playbook::name_of(path);
        let root = self.root(path)?;
        let Some(items) = root.items() else {
            let error = Error::new(format!("a playbook is a list of plays, not {}", root.kind_name()));
            self.errors
                .push(error.at(&root.place).help("begin each play with `- hosts:`"));
            return None;
        };
        if items.is_empty() {
            let message = format!("A playbook must contain at least one play: {}", path.display());
            let error = Error::new(message).at(&root.place);
            self.errors.push(error.help("begin each play with `- hosts:`"));
            return None;
        }
        let mut entries = vec![];
        for item in items {
            entries.extend(self.entry(item, path, open, upon));
        }
        let first = entries.first().and_then(|entry| match entry {
            Entry::Play(play) => Some((*play.keywords().vars).clone()),
            Entry::Import(_) => None,
        });
        let own = |vars: Variables| match upon {
            // What was stated at the import is the import's, not the play's.
            Some(upon) if upon.vars.get(super::play::NEEDS) == vars.get(super::play::NEEDS) => {
                Variables::new()
            }
            _ => vars,
        };
        let needs = first.and_then(|vars| self.needs(&own(vars)));
        Some(Playbook {
            name,
            path: path.to_path_buf(),
            entries,
            needs,
            place: whole(&root.place.source),
        })
    }

    fn entry(
        &mut self,
        node: &Node,
        path: &Path,
        open: &mut Vec<(PathBuf, Option<Place>)>,
        upon: Option<&Upon>,
    ) -> Option<Entry> {
        let Some(entries) = node.entries() else {
            self.refuse(
                format!("a play is a mapping, not {}", node.kind_name()),
                &node.place,
            );
            return None;
        };
        let import = entries.iter().find(|entry| {
            entry
                .0
                .text()
                .is_some_and(|text| short(text) == "import_playbook")
        });
        match import {
            Some((key, value)) => self.import_playbook(node, (key, value), path, open, upon),
            None => {
                let play = self.play(node, upon.map(|upon| (&upon.scope, &upon.vars)))?;
                Some(Entry::Play(Arc::new(play)))
            }
        }
    }

    fn import_playbook(
        &mut self,
        node: &Node,
        (key, value): (&Node, &Node),
        path: &Path,
        open: &mut Vec<(PathBuf, Option<Place>)>,
        upon: Option<&Upon>,
    ) -> Option<Entry> {
        const KNOWN: &[&str] = &["import_playbook", "name", "tags", "vars", "when"];
        let mut keywords = Keywords::default();
        for (other, value) in node.entries()? {
            match other.text().unwrap_or_default() {
                "name" | "tags" | "vars" | "when" => {
                    self.keyword(&mut keywords, Level::Block, other, value);
                }
                _ if other == key => {}
                _ => self.unknown_key(other, "an `import_playbook`", KNOWN),
            }
        }
        let needs = self.needs(&keywords.vars);
        let placed = self.placed(value)?;
        let around = Scope {
            kind: ScopeKind::Import,
            keywords: keywords.clone(),
            parent: upon.map(|upon| upon.scope.clone()),
        };
        let name = self.literal(&placed, "import_playbook", &around)?;
        let file = self
            .playbook_of_collection(&name)
            .unwrap_or_else(|| path.parent().unwrap_or(Path::new("")).join(&name));
        open.push((path.to_path_buf(), Some(placed.place.clone())));
        let playbook = self.imported(&file, &placed.place, &keywords, open, upon);
        open.pop();
        Some(Entry::Import(Box::new(Import {
            playbook: Arc::new(playbook?),
            keywords,
            needs,
            place: node.place.clone(),
        })))
    }

    fn imported(
        &mut self,
        file: &Path,
        place: &Place,
        keywords: &Keywords,
        open: &mut Vec<(PathBuf, Option<Place>)>,
        upon: Option<&Upon>,
    ) -> Option<Playbook> {
        if let Some(at) = open.iter().position(|entry| entry.0 == file) {
            let way: Vec<_> = open[at..]
                .iter()
                .map(|entry| playbook::name_of(&entry.0))
                .collect();
            let way = format!("{} -> {}", way.join(" -> "), playbook::name_of(file));
            self.errors
                .push(Error::new("a playbook imports itself").at(place).cause(way));
            return None;
        }
        if !file.is_file() {
            let error = Error::new(format!("there is no playbook {}", file.display())).at(place);
            self.errors
                .push(error.help(BESIDE_THE_FILE).did_you_mean(alike(file)));
            return None;
        }
        let mut vars = (*keywords.vars).clone();
        vars.extend(upon.map(|upon| upon.vars.clone()).unwrap_or_default());
        // Needs are said of the playbook that is imported here, not of those it imports itself.
        if !keywords.vars.contains_key(super::play::NEEDS) {
            vars.shift_remove(super::play::NEEDS);
        }
        let put = Keywords {
            when: keywords.when.clone(),
            tags: keywords.tags.clone(),
            ..Keywords::default()
        };
        let scope = Arc::new(Scope {
            kind: ScopeKind::Import,
            keywords: put,
            parent: upon.map(|upon| upon.scope.clone()),
        });
        // Roles and files are looked for beside the playbook that is imported.
        let beside = file.parent().unwrap_or(Path::new("")).to_path_buf();
        let around = std::mem::replace(&mut self.folder, beside);
        let playbook = self.playbook(file, open, Some(&Upon { scope, vars }));
        self.folder = around;
        playbook
    }

    /// The playbook of a full name, `namespace.collection.playbook`.
    pub(super) fn playbook_of_collection(&self, name: &str) -> Option<PathBuf> {
        let is_word =
            |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !name.split('.').all(is_word) {
            return None;
        }
        let (collection, playbook) = collections::parted(name)?;
        let folder = self.collection(collection)?.join("playbooks");
        let path = playbook.replace('.', "/");
        ["yml", "yaml", "json"]
            .iter()
            .map(|ending| folder.join(format!("{path}.{ending}")))
            .find(|path| path.is_file())
    }
}

/// A file in the same folder with a name like this one.
fn alike(file: &Path) -> Option<String> {
    let names: Vec<_> = std::fs::read_dir(file.parent()?)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect();
    let wanted = file.file_name()?.to_string_lossy().into_owned();
    let near = crate::error::nearest(&wanted, names.iter().map(String::as_str))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    Some(folder.join(near).display().to_string())
}

fn whole(source: &Arc<Source>) -> Place {
    Place::new(source, 0..source.text.len())
}
