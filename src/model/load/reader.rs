//! What all readers of the model share: the errors so far, values with places, checks of kinds.

use super::{Loader, reserved};
use crate::error::{Collector, Error, ErrorKind, Errors, nearest};
use crate::model::{Condition, Item, Placed, Role, Variables};
use crate::source::Place;
use crate::value::{Value, to_bool, to_integer};
use crate::yaml::{self, Kind, Node};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Reads files into the model and collects what is wrong.
pub(super) struct Reader<'a> {
    pub loader: &'a Loader,
    /// The folder of the playbook.
    pub folder: PathBuf,
    pub errors: Collector,
    /// Handlers of the roles of the play that is read.
    pub handlers: Vec<Item>,
    /// Roles of the play that is read.
    pub roles: Vec<Arc<Role>>,
    /// Roles that were read before, by folder and chosen files.
    pub known_roles: HashMap<String, Arc<Role>>,
    /// Files that are being read, to notice one that imports itself.
    pub open: Vec<PathBuf>,
    /// A module that no one has fails its task when it is reached, and is not refused.
    pub finds_modules_late: bool,
}

/// What a keyword takes; a template may stand for any of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Takes {
    Text,
    Bool,
    /// True or false; a text that is neither is an error of the task, as in Ansible.
    Flag,
    Number,
    Anything,
}

impl<'a> Reader<'a> {
    pub fn new(loader: &'a Loader, folder: &Path) -> Reader<'a> {
        Reader {
            loader,
            folder: folder.to_path_buf(),
            errors: Collector::default(),
            handlers: vec![],
            roles: vec![],
            known_roles: HashMap::new(),
            open: vec![],
            finds_modules_late: false,
        }
    }

    /// The root of a file, parsed once for as long as the file stays as it is; `None` after an error or if the file
    /// holds nothing.
    pub fn root(&mut self, path: &Path) -> Option<Node> {
        let root = self.kept_root(path);
        self.errors.take(root)?
    }

    /// As [`Reader::root`], with its errors.
    pub fn kept_root(&self, path: &Path) -> Result<Option<Node>, Errors> {
        let read = || self.parsed(path).map(|parsed| parsed.0);
        self.loader.roots.get(path, read)
    }

    /// The root of a file if it holds something, and whether it is vaulted.
    fn parsed(&self, path: &Path) -> Result<(Option<Node>, bool), Errors> {
        let source = yaml::read(path)?;
        let vaulted = crate::vault::is_vaulted(&source.text);
        let (root, warnings) = match vaulted {
            true => self.vaulted_root(path, &source.text)?,
            false => yaml::parse_one(&source)?,
        };
        self.loader.warn(warnings);
        Ok((root.filter(|node| !node.is_null()), vaulted))
    }

    fn vaulted_root(&self, path: &Path, text: &str) -> Result<(Option<Node>, Vec<Error>), Errors> {
        let plain = self.loader.vault.decrypt(text);
        let plain = plain.map_err(|error| {
            let whole = crate::source::Source::file(path, text.to_string());
            let first = text.lines().next().map_or(0, str::len);
            error.at(&Place::new(&whole, 0..first)).of_kind(ErrorKind::Wrong)
        })?;
        let source = crate::source::Source::vaulted(path, String::from_utf8_lossy(&plain).into_owned());
        yaml::parse_one(&source)
    }

    /// The value of a node with its place.
    pub fn placed(&mut self, node: &Node) -> Option<Placed> {
        let value = self.errors.take(node.value(&self.loader.vault))?;
        Some(Placed {
            value,
            place: node.place.clone(),
        })
    }

    /// The value of a keyword, checked.
    pub fn setting(&mut self, name: &str, node: &Node, takes: Takes) -> Option<Placed> {
        let placed = self.placed(node)?;
        if placed.value.is_null() {
            return None;
        }
        let (fits, wanted) = match (takes, &placed.value) {
            (_, Value::Template(_)) | (Takes::Anything, _) => return Some(placed),
            (Takes::Text, Value::List(_) | Value::Map(_)) => (false, "a text"),
            (Takes::Text, _) => return Some(placed),
            (Takes::Flag, Value::String(_)) => return Some(placed),
            (Takes::Bool | Takes::Flag, value) => (to_bool(value).is_some(), "true or false"),
            (Takes::Number, value) => (number(value), "a number"),
        };
        if !fits {
            let error = Error::new(format!("`{name}` takes {wanted}, not {}", node.kind_name()));
            let error = match placed.value.as_str() {
                Some(text) => Error::new(format!("`{name}` takes {wanted}, not `{text}`")),
                None => error,
            };
            self.errors.push(error.at(&node.place));
            return None;
        }
        Some(placed)
    }

    /// A list of values; a single value counts as a list of one.
    pub fn list(&mut self, node: &Node) -> Vec<Placed> {
        match &node.kind {
            Kind::Sequence(items) => items.iter().filter_map(|item| self.placed(item)).collect(),
            _ if node.is_null() => vec![],
            _ => self.placed(node).into_iter().collect(),
        }
    }

    /// A list of texts, single ones taken apart at commas (`tags: a, b`).
    pub fn comma_list(&mut self, node: &Node) -> Vec<Placed> {
        let split = |placed: Placed| match &placed.value {
            Value::String(text) if text.contains(',') => text
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(|part| Placed::new(part, &placed.place))
                .collect(),
            _ => vec![placed],
        };
        self.list(node).into_iter().flat_map(split).collect()
    }

    /// Conditions: one or a list.
    pub fn conditions(&mut self, name: &str, node: &Node) -> Vec<Condition> {
        let mut conditions = vec![];
        for placed in self.list(node) {
            match placed.value {
                Value::List(_) | Value::Map(_) => {
                    let error = Error::new(format!("`{name}` takes expressions, not lists or mappings"));
                    self.errors.push(error.at(&placed.place));
                }
                value => conditions.push(Condition {
                    value,
                    place: placed.place,
                }),
            }
        }
        conditions
    }

    /// Named variables; their names must be usable in expressions.
    pub fn variables(&mut self, name: &str, node: &Node) -> Variables {
        let mut variables = Variables::new();
        if node.is_null() {
            return variables;
        }
        let Some(entries) = node.entries() else {
            let error = Error::new(format!(
                "`{name}` takes a mapping of variables, not {}",
                node.kind_name()
            ));
            self.errors.push(error.at(&node.place));
            return variables;
        };
        for (key, value) in entries {
            let Some(text) = self.variable_name(key) else {
                continue;
            };
            self.warn_if_reserved(key);
            if let Some(placed) = self.placed(value) {
                variables.insert(text.into(), placed);
            }
        }
        variables
    }

    /// The name of a variable, checked.
    pub fn variable_name(&mut self, node: &Node) -> Option<String> {
        let text = node.text().unwrap_or_default();
        if is_variable_name(text) {
            return Some(text.to_string());
        }
        let error = Error::new(format!("`{text}` cannot be the name of a variable"));
        let help = "names of variables are letters, digits and `_`, and begin with no digit";
        // What Ansible ends with for a name like this.
        self.errors
            .push(error.at(&node.place).help(help).of_kind(ErrorKind::Wrong));
        None
    }

    /// Warns of a variable that has the name of a keyword or of a function of templates, as Ansible does.
    pub fn warn_if_reserved(&self, key: &Node) {
        let name = key.text().unwrap_or_default();
        self.loader
            .warn(reserved::warning(name, &key.place).into_iter().collect());
    }

    /// The variables of a file; any key is a variable here.
    pub fn variables_file(&mut self, path: &Path) -> Variables {
        let mut variables = Variables::new();
        let parsed = self.parsed(path);
        let Some((Some(root), vaulted)) = self.errors.take(parsed) else {
            return variables;
        };
        let Some(entries) = root.entries() else {
            let error = Error::new(format!(
                "a file of variables holds a mapping, not {}",
                root.kind_name()
            ));
            self.errors.push(error.at(&root.place));
            return variables;
        };
        for (key, node) in entries {
            self.warn_if_reserved(key);
            let value = if vaulted {
                node.vaulted_value(&self.loader.vault)
            } else {
                node.value(&self.loader.vault)
            };
            if let Some(value) = self.errors.take(value) {
                let place = node.place.clone();
                variables.insert(key.text().unwrap_or_default().into(), Placed { value, place });
            }
        }
        variables
    }

    /// Notes a key that nobody reads, with the name that was probably meant.
    pub fn unknown_key(&mut self, key: &Node, of: &str, known: &[&str]) {
        let text = key.text().unwrap_or_default();
        let error = Error::new(format!("`{text}` is not a keyword of {of}")).at(&key.place);
        self.errors.push(
            error
                .help(format!("{of} takes: {}", known.join(", ")))
                .did_you_mean(nearest(text, known.iter().copied())),
        );
    }

    /// Notes an error at a place.
    pub fn refuse(&mut self, message: impl Into<String>, place: &Place) {
        self.errors.push(Error::new(message).at(place));
    }
}

fn number(value: &Value) -> bool {
    let fraction = || {
        value
            .as_str()
            .is_some_and(|text| text.trim().parse::<f64>().is_ok())
    };
    matches!(value, Value::Float(_)) || to_integer(value).is_some() || fraction()
}

/// True if expressions can name a variable like this.
pub(super) fn is_variable_name(text: &str) -> bool {
    const RESERVED: &[&str] = &[
        "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
        "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in",
        "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
        "true", "false", "none",
    ];
    let mut letters = text.chars();
    letters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !RESERVED.contains(&text)
}
