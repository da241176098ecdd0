//! YAML as Ansible reads it: PyYAML's rules for scalars, merge keys, `!vault` and `!unsafe`, and every node
//! knows its place. This is the only room that names the YAML library, and the only one with `unsafe`.

mod compose;
mod convert;
mod events;
mod offset;
mod problem;
mod scalar;
mod write;

use crate::error::{Error, ErrorKind, Errors, Result};
use crate::source::{Place, Source};
use std::path::Path;
use std::sync::Arc;

pub use events::Style;
pub use offset::scalar_offset;
pub use write::{Layout, write, write_with};

/// A node of a YAML text. Cloning is cheap: an alias is a clone of what it names.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it holds.
    pub kind: Kind,
    /// Its tag as it stands in the text after resolution (`!vault`, `tag:yaml.org,2002:str`), if it has one.
    pub tag: Option<Arc<str>>,
    /// Where it stands, without tag and anchor.
    pub place: Place,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A scalar with its decoded text.
    Scalar {
        /// The text.
        text: Arc<str>,
        /// How it is written.
        style: Style,
    },
    /// A sequence.
    Sequence(Arc<Vec<Node>>),
    /// A mapping. Merge keys are resolved, of duplicate keys the last is kept.
    Mapping(Arc<Vec<(Node, Node)>>),
}

/// What a YAML text holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed {
    /// The root of each document.
    pub documents: Vec<Node>,
    /// What is suspicious but accepted, such as duplicate keys.
    pub warnings: Vec<Error>,
}

/// Reads a text with any number of documents.
///
/// # Errors
/// All syntax errors that can be found: after one, reading goes on behind it where that is possible.
pub fn parse(source: &Arc<Source>) -> Result<Parsed, Errors> {
    compose::compose(source)
}

/// Reads a text with at most one document; an empty text has none.
///
/// # Errors
/// As [`parse`], and when there are more documents.
pub fn parse_one(source: &Arc<Source>) -> Result<(Option<Node>, Vec<Error>), Errors> {
    let mut parsed = parse(source)?;
    if let Some(second) = parsed.documents.get(1) {
        let error = Error::new("the file holds more than one document where one is expected");
        return Err(error
            .at(&second.place)
            .help("remove the line `---` above it, or put it into a file of its own")
            .into());
    }
    Ok((parsed.documents.pop(), parsed.warnings))
}

/// Reads the text of a file.
///
/// # Errors
/// When the file cannot be read or is not UTF-8.
pub fn read(path: &Path) -> Result<Arc<Source>> {
    let bytes = std::fs::read(path)
        .map_err(|error| Error::new(format!("cannot read {}", path.display())).cause(error))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source::file(path, text)),
        Err(error) => {
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let at = error.utf8_error().valid_up_to();
            let source = Source::file(path, text);
            Err(Error::new("the file is not UTF-8")
                .at(&Place::new(&source, at..at + 1))
                .help("save it as UTF-8")
                .of_kind(ErrorKind::Unreadable))
        }
    }
}

impl Node {
    /// The decoded text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The items of a sequence.
    pub fn items(&self) -> Option<&[Node]> {
        match &self.kind {
            Kind::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a mapping.
    pub fn entries(&self) -> Option<&[(Node, Node)]> {
        match &self.kind {
            Kind::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The entry `key` of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        let found = self.entries()?.iter().find(|entry| entry.0.text() == Some(key))?;
        Some(&found.1)
    }

    /// True for a plain scalar that means null.
    pub fn is_null(&self) -> bool {
        match &self.kind {
            Kind::Scalar { text, style } => {
                self.tag.is_none() && *style == Style::Plain && scalar::resolve(text) == scalar::Scalar::Null
            }
            _ => false,
        }
    }

    /// What kind of node it is, for messages.
    pub fn kind_name(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar { .. } if self.is_null() => "nothing",
            Kind::Scalar { .. } => "a text",
            Kind::Sequence(_) => "a list",
            Kind::Mapping(_) => "a mapping",
        }
    }
}
