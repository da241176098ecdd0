//! A play of one task that was typed on the command line, as Ansible's `ansible` runs it.

use super::reader::Reader;
use super::{Loader, free_form};
use crate::error::{Error, ErrorKind, Errors, Result};
use crate::model::{Entry, Playbook};
use crate::source::{Place, Source};
use crate::value::{Map, Value, repr};
use crate::vault::Vault;
use crate::yaml::{self, Kind, Node, Style};
use std::path::Path;
use std::sync::Arc;

/// What Ansible calls the play.
const PLAY: &str = "Ansible Ad-Hoc";
/// What Ansible calls its file.
const FILE: &str = "__adhoc_playbook__";
/// Columns of what is shown of the task.
const COLUMNS: usize = 120;
/// What stands for the rest of it.
const SHORTENED: &str = " [...]";

/// A task that was typed.
#[derive(Clone, Debug, Default)]
pub struct AdHoc {
    /// The hosts.
    pub pattern: String,
    /// The module.
    pub module: String,
    /// Its arguments: `name=value ...`, or an object as JSON.
    pub arguments: String,
    /// After so many seconds it has failed; 0: never.
    pub timeout: u64,
    /// So many seconds it may run as a job; 0: it is none.
    pub background: u64,
    /// Every so many seconds its job is asked.
    pub poll: u64,
}

impl Loader {
    /// The play of a task that was typed, as a playbook in a folder.
    ///
    /// # Errors
    /// Arguments that cannot be taken apart, an import of what is not there.
    pub fn ad_hoc(&self, typed: &AdHoc, folder: &Path) -> Result<Playbook, Errors> {
        self.note_plugins_beside(folder);
        let arguments = self.arguments(typed).map_err(|problem| {
            let error = Error::new(format!("cannot take the arguments apart: {problem}"));
            error
                .at(&whole("<CLI option '-a'>", &typed.arguments))
                .of_kind(ErrorKind::Wrong)
        })?;
        let shown = typed.shown(&arguments);
        let mut reader = Reader {
            finds_modules_late: true,
            ..Reader::new(self, folder)
        };
        let node = typed.play(&shown, arguments);
        let play = reader.play(&node, None);
        let place = node.place.clone();
        let entries = play.into_iter().map(|play| Entry::Play(Arc::new(play)));
        let playbook = Playbook {
            name: PLAY.into(),
            path: folder.join(FILE),
            entries: entries.collect(),
            needs: None,
            place,
        };
        reader.errors.finish(playbook)
    }

    /// The arguments, each with a place of its own.
    fn arguments(&self, typed: &AdHoc) -> Result<Vec<(Node, Node)>, String> {
        let text = &typed.arguments;
        let is_object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_ok();
        if is_object
            && let Ok((Some(node), _)) = yaml::parse_one(&Source::named("<CLI option '-a'>", text.clone()))
            && let Some(entries) = node.entries()
        {
            return Ok(entries.to_vec());
        }
        let known = self.known.module(&typed.module);
        let command = known.is_some_and(|entry| entry.nature.runs_command);
        let parted = free_form::split(text, command)?;
        let argument = |name: &str, value: &str| (option("-a", name), option("-a", value));
        let mut arguments: Vec<_> = parted
            .pairs
            .iter()
            .map(|pair| argument(&pair.key, &pair.value))
            .collect();
        if !parted.rest.is_empty() {
            arguments.push(argument("_raw_params", &parted.rest));
        }
        Ok(arguments)
    }
}

impl AdHoc {
    /// The task in Ansible's words, as far as it fits on a line.
    fn shown(&self, arguments: &[(Node, Node)]) -> String {
        let number = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
        // A vaulted value is shown by nobody.
        let text = |node: &Node| node.value(&Vault::default()).unwrap_or_default();
        let given: Map = arguments
            .iter()
            .map(|(name, value)| (name.text().unwrap_or_default().into(), text(value)))
            .collect();
        let task: Map = [
            ("action".into(), Value::string(&self.module)),
            ("args".into(), Value::from(given)),
            ("timeout".into(), number(self.timeout)),
            ("async_val".into(), number(self.background)),
            ("poll".into(), number(self.poll)),
        ]
        .into_iter()
        .collect();
        shortened(&repr(&Value::from(task)))
    }

    fn play(&self, shown: &str, mut arguments: Vec<(Node, Node)>) -> Node {
        let name = format!("<adhoc '{}' task>", self.module);
        let place = whole(&name, shown);
        let key = |word: &str| scalar(word, &place, Style::Double);
        let number = |number: u64| scalar(&number.to_string(), &place, Style::Plain);
        let mapping = |entries: Vec<(Node, Node)>| node(Kind::Mapping(Arc::new(entries)), &place);
        arguments.insert(0, (key("module"), option("-m", &self.module)));
        let mut task = vec![(key("action"), mapping(arguments))];
        if self.timeout > 0 {
            task.push((key("timeout"), number(self.timeout)));
        }
        if self.background > 0 {
            task.push((key("async"), number(self.background)));
            task.push((key("poll"), number(self.poll)));
        }
        let tasks = node(Kind::Sequence(Arc::new(vec![mapping(task)])), &place);
        mapping(vec![
            (key("name"), key(PLAY)),
            (key("hosts"), key(&self.pattern)),
            (key("gather_facts"), scalar("false", &place, Style::Plain)),
            (key("tasks"), tasks),
        ])
    }
}

/// As many words as fit.
fn shortened(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let whole = words.join(" ");
    if whole.chars().count() <= COLUMNS {
        return whole;
    }
    let room = COLUMNS - SHORTENED.len();
    let mut out = String::new();
    for word in words {
        let blank = usize::from(!out.is_empty());
        if out.chars().count() + blank + word.chars().count() > room {
            break;
        }
        if blank == 1 {
            out.push(' ');
        }
        out.push_str(word);
    }
    (out + SHORTENED).trim_start().to_string()
}

/// The whole of a text that was given.
fn whole(name: &str, text: &str) -> Place {
    Place::new(&Source::named(name, text.to_string()), 0..text.len())
}

/// What an option of the command line says.
fn option(name: &str, text: &str) -> Node {
    scalar(
        text,
        &whole(&format!("<CLI option '{name}'>"), text),
        Style::Double,
    )
}

fn scalar(text: &str, place: &Place, style: Style) -> Node {
    let text = text.into();
    node(Kind::Scalar { text, style }, place)
}

fn node(kind: Kind, place: &Place) -> Node {
    Node {
        kind,
        tag: None,
        place: place.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_task_is_shown_as_far_as_it_fits() {
        assert_eq!(shortened("a  b"), "a b");
        let words = "word ".repeat(30);
        assert_eq!(shortened(&words), format!("{}[...]", "word ".repeat(23)));
        assert_eq!(shortened(&"x".repeat(200)), "[...]");
        assert_eq!(shortened(&"x".repeat(120)), "x".repeat(120));
    }
}
