//! Text with places: every token of every file that was read can be pointed at.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One text that was read: a file, or something given on the command line.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Source {
    /// What the text is called in messages: a path, or `command line`.
    pub name: String,
    /// The file it was read from, if it was one.
    pub path: Option<PathBuf>,
    /// The whole text.
    pub text: String,
}

impl Source {
    /// Text that was read from a file.
    pub fn file(path: &Path, text: String) -> Arc<Source> {
        Arc::new(Source {
            name: path.display().to_string(),
            path: Some(path.to_path_buf()),
            text,
        })
    }

    /// Text that came from elsewhere; `name` says from where.
    pub fn named(name: &str, text: String) -> Arc<Source> {
        Arc::new(Source {
            name: name.to_string(),
            path: None,
            text,
        })
    }

    /// Line and column (both from 1, columns in characters) of a byte offset.
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &self.text[..end];
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        (line, before[start..].chars().count() + 1)
    }

    /// The text of a line (from 1), without its end.
    pub fn line(&self, line: usize) -> &str {
        self.text
            .split('\n')
            .nth(line.saturating_sub(1))
            .unwrap_or("")
            .trim_end_matches('\r')
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
    }

    #[test]
    fn an_offset_inside_a_character_or_behind_the_end_is_harmless() {
        let source = Source::named("text", "é".into());
        assert_eq!(source.line_column(1), (1, 1));
        assert_eq!(source.line_column(99), (1, 2));
    }
}
