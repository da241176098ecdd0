//! An `ansible.cfg` as Python's `configparser` reads it.

use crate::error::{Collector, Error, Errors, Result};
use crate::source::{Place, Source};
use crate::yaml;
use std::path::Path;
use std::sync::Arc;

/// An `ansible.cfg`.
pub struct File {
    pub(super) source: Arc<Source>,
    entries: Vec<Entry>,
}

/// A line `key = value`, with the lines behind it that are indented further.
struct Entry {
    section: String,
    key: String,
    text: String,
    place: Place,
}

impl File {
    /// Reads a file.
    ///
    /// # Errors
    /// A file that cannot be read, lines that are no setting: nobody would heed them.
    pub fn read(path: &Path) -> Result<(File, Result<(), Errors>)> {
        let source = yaml::read(path)?;
        let mut errors = Collector::default();
        let entries = entries(&source, &mut errors);
        Ok((File { source, entries }, errors.finish(())))
    }

    /// An entry of a section; the last one counts.
    pub(super) fn entry(&self, section: &str, key: &str) -> Option<(String, Place)> {
        let mut entries = self.entries.iter().rev();
        let entry = entries.find(|entry| entry.section == section && entry.key == key)?;
        Some((entry.text.clone(), entry.place.clone()))
    }
}

fn entries(source: &Arc<Source>, errors: &mut Collector) -> Vec<Entry> {
    let mut entries: Vec<Entry> = vec![];
    let mut section = None;
    // How far the setting is indented that lines which are indented further belong to.
    let mut open = None;
    let mut start = 0;
    for line in source.text.split_inclusive('\n') {
        let text = uncommented(line);
        let at = start;
        let place = Place::new(source, at..at + line.trim_end().len());
        start += line.len();
        if text.is_empty() || text.starts_with(['#', ';']) {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        if open.is_some_and(|open| indent > open)
            && let Some(entry) = entries.last_mut()
        {
            entry.text = format!("{}\n{text}", entry.text);
            continue;
        }
        open = None;
        if let Some(head) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            section = Some(head.to_string());
            continue;
        }
        let Some(section) = &section else {
            let error = Error::new("a setting needs a section above it").at(&place);
            errors.push(error.help("begin the file with the line `[defaults]`"));
            continue;
        };
        let Some((key, value)) = text.split_once(['=', ':']) else {
            let error = Error::new("this line is no setting").at(&place);
            errors.push(error.help("write `name = value`; a comment begins with `#`"));
            continue;
        };
        let value = value.trim();
        // The value stands behind the sign, where the key may hold the same text.
        let sign = line.find(['=', ':']).unwrap_or(0);
        let at = at + sign + line[sign..].find(value).unwrap_or(0);
        entries.push(Entry {
            section: section.clone(),
            key: key.trim().to_lowercase(),
            text: value.to_string(),
            place: Place::new(source, at..at + value.len()),
        });
        open = Some(indent);
    }
    entries
}

/// The text without a comment behind it.
fn uncommented(text: &str) -> &str {
    let text = text.trim();
    let comment = text.match_indices(';').map(|(at, _)| at);
    let comment = { comment }.find(|at| text[..*at].ends_with([' ', '\t']) || *at == 0);
    text[..comment.unwrap_or(text.len())].trim()
}

/// A text without the quotes around it.
pub(super) fn unquoted(text: &str) -> &str {
    for quote in ['"', '\''] {
        let inside = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
        if let Some(inside) = inside.filter(|inside| !inside.ends_with('\\')) {
            return inside;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_go_on_and_stand_in_quotes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ansible.cfg");
        let text = "[a] ; comment\nName = 'x; y' ; z\nlist = a,\n  b ; c\n\n  d\nlist2: =\n[b]\n  first = 1\n  name = 1\n  name = 2,\n   3\n[c]\n name = 4\n";
        std::fs::write(&path, text).unwrap();
        let (file, checked) = File::read(&path).unwrap();
        checked.unwrap();
        let entry = |section, key| file.entry(section, key).map(|entry| entry.0);
        assert_eq!(entry("a", "name").as_deref(), Some("'x; y'"));
        assert_eq!(entry("a", "list").as_deref(), Some("a,\nb\nd"));
        assert_eq!(entry("a", "list2").as_deref(), Some("="));
        assert_eq!(entry("b", "first").as_deref(), Some("1"));
        assert_eq!(entry("b", "name").as_deref(), Some("2,\n3"));
        assert_eq!(entry("c", "name").as_deref(), Some("4"));
        assert_eq!(entry("b", "list"), None);
        assert_eq!(
            ["'x; y'", "'", "'a\"", "''"].map(unquoted),
            ["x; y", "'", "'a\"", ""]
        );
    }
}
