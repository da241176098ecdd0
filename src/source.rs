//! Text with places: every token of every file that was read can be pointed at.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// One text that was read: a file, or something given on the command line.
#[derive(Debug)]
pub struct Source {
    /// What the text is called in messages: a path, or `command line`.
    pub name: String,
    /// The file it was read from, if it was one.
    pub path: Option<PathBuf>,
    /// The whole text.
    pub text: String,
    /// True for a text that was vaulted: its lines are never shown.
    pub vaulted: bool,
    /// Where its lines begin, found when a place is first asked for.
    lines: OnceLock<Vec<usize>>,
}

impl PartialEq for Source {
    fn eq(&self, other: &Source) -> bool {
        (&self.name, &self.path, &self.text) == (&other.name, &other.path, &other.text)
    }
}

impl Eq for Source {}

impl std::hash::Hash for Source {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (&self.name, &self.path, &self.text).hash(state);
    }
}

impl Source {
    /// Text that was read from a file.
    pub fn file(path: &Path, text: String) -> Arc<Source> {
        Arc::new(Source {
            name: path.display().to_string(),
            path: Some(path.to_path_buf()),
            text,
            vaulted: false,
            lines: OnceLock::new(),
        })
    }

    /// The plain text of a vaulted file.
    pub fn vaulted(path: &Path, text: String) -> Arc<Source> {
        Arc::new(Source {
            name: path.display().to_string(),
            path: Some(path.to_path_buf()),
            text,
            vaulted: true,
            lines: OnceLock::new(),
        })
    }

    /// Text that came from elsewhere; `name` says from where.
    pub fn named(name: &str, text: String) -> Arc<Source> {
        Arc::new(Source {
            name: name.to_string(),
            path: None,
            text,
            vaulted: false,
            lines: OnceLock::new(),
        })
    }

    /// Line and column (both from 1, columns in characters) of a byte offset.
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let line = self.beginnings().partition_point(|start| *start <= end);
        let start = self.beginnings()[line - 1];
        (line, self.text[start..end].chars().count() + 1)
    }

    /// The text of a line (from 1), without its end.
    pub fn line(&self, line: usize) -> &str {
        let beginnings = self.beginnings();
        let Some(start) = beginnings.get(line.saturating_sub(1)) else {
            return "";
        };
        let end = beginnings
            .get(line.max(1))
            .map_or(self.text.len(), |next| next - 1);
        self.text[*start..end].trim_end_matches('\r')
    }

    /// Offsets of the first byte of every line.
    fn beginnings(&self) -> &[usize] {
        self.lines.get_or_init(|| {
            let ends = self.text.match_indices('\n').map(|(at, _)| at + 1);
            std::iter::once(0).chain(ends).collect()
        })
    }
}

/// A range of bytes in a source.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The text the range lies in.
    pub source: Arc<Source>,
    /// Byte offsets, end excluded.
    pub span: Range<usize>,
}

impl Place {
    /// A place in a source.
    pub fn new(source: &Arc<Source>, span: Range<usize>) -> Place {
        Place {
            source: source.clone(),
            span,
        }
    }

    /// Line and column of the start, both from 1.
    pub fn line_column(&self) -> (usize, usize) {
        self.source.line_column(self.span.start)
    }

    /// The line it begins in, behind those above, at most `most` in all; none of a vaulted text.
    pub fn lines(&self, most: usize) -> Vec<&str> {
        let (line, _) = self.line_column();
        let first = (line + 1).saturating_sub(most).max(1);
        match self.source.vaulted {
            true => vec![],
            false => (first..=line).map(|line| self.source.line(line)).collect(),
        }
    }

    /// `file:line`, the short form used in events and lists.
    pub fn short(&self) -> String {
        format!("{}:{}", self.source.name, self.line_column().0)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (line, column) = self.line_column();
        write!(out, "{}:{line}:{column}", self.source.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_columns_in_characters() {
        let source = Source::named("text", "a: é\nbéb: c\n".into());
        let at = source.text.find('c').unwrap();
        assert_eq!(source.line_column(at), (2, 6));
        assert_eq!(Place::new(&source, at..at + 1).to_string(), "text:2:6");
        assert_eq!(source.line(2), "béb: c");
        assert_eq!((source.line(1), source.line(3), source.line(4)), ("a: é", "", ""));
        assert_eq!(source.line_column(source.text.len()), (3, 1));
    }

    #[test]
    fn an_offset_inside_a_character_or_behind_the_end_is_harmless() {
        let source = Source::named("text", "é".into());
        assert_eq!(source.line_column(1), (1, 1));
        assert_eq!(source.line_column(99), (1, 2));
    }
}
