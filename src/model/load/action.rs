//! The module of a task and its arguments.

use super::free_form::{self, FreeForm};
use super::reader::Reader;
use super::resolution::Resolution;
use crate::error::cures::MODULES_ARE_LISTED;
use crate::error::{Error, Errors};
use crate::model::task::Argument;
use crate::model::{Action, Keywords, Placed, Scope};
use crate::source::Place;
use crate::value::Value;
use crate::yaml::{Kind, Node, scalar_offset};
use indexmap::IndexMap;
use std::sync::Arc;

/// Pieces out of which an action is made.
#[derive(Default)]
pub(super) struct Pieces<'n> {
    /// Keys that are no keywords of tasks: the module, and what is unknown.
    pub others: Vec<(&'n Node, &'n Node)>,
    /// `action` or `local_action`.
    pub action: Option<(&'n Node, &'n Node)>,
    /// `args`.
    pub args: Option<&'n Node>,
}

impl Reader<'_> {
    /// The action of a task; `around` is what it says itself and what is around it, `keywords` are those of a task, for "did you
    /// mean".
    pub fn action(
        &mut self,
        task: &Node,
        pieces: &Pieces<'_>,
        around: (&Keywords, &Scope),
        keywords: &[&str],
    ) -> Option<Action> {
        let name = |node: &Node| node.text().unwrap_or_default().to_string();
        let resolve = |key: &Node| self.resolved(&name(key), &key.place, around, keywords);
        let (mut modules, mut unknown) = (vec![], vec![]);
        for (key, value) in &pieces.others {
            match resolve(key) {
                Ok(resolution) => modules.push((*key, *value, resolution)),
                Err(error) => unknown.push((*key, error)),
            }
        }
        let found = modules.len() + usize::from(pieces.action.is_some());
        if found == 0 {
            let error = match unknown.into_iter().next() {
                Some((_, error)) => error,
                None => Error::new("this task has no module: it does nothing")
                    .at(&task.place)
                    .help(MODULES_ARE_LISTED),
            };
            self.errors.push(error);
            return None;
        }
        for (key, _) in &unknown {
            self.unknown_key(key, "a task", keywords);
        }
        if found > 1 {
            let keys: Vec<_> = modules
                .iter()
                .map(|entry| entry.0)
                .chain(pieces.action.map(|action| action.0))
                .collect();
            let names: Vec<_> = keys.iter().map(|key| format!("`{}`", name(key))).collect();
            let error = Error::new(format!(
                "a task has one module, and this one has {}",
                names.join(" and ")
            ));
            let error = error
                .at(&keys[1].place)
                .help("make each of them a task of its own");
            self.errors.push(error);
            return None;
        }
        let mut action = match (modules.into_iter().next(), pieces.action) {
            (Some((key, value, resolution)), _) => {
                let action = self.of_module(&name(key), &key.place, value)?;
                action.resolved(resolution)
            }
            (None, Some((key, value))) => self.of_action(key, value, around)?,
            (None, None) => return None,
        };
        if let Some(args) = pieces.args {
            self.args(&mut action, args);
        }
        Some(action)
    }

    /// `action: copy src=a` or `action: {module: copy, src: a}`.
    fn of_action(&mut self, key: &Node, value: &Node, around: (&Keywords, &Scope)) -> Option<Action> {
        let name = key.text().unwrap_or_default();
        match &value.kind {
            Kind::Scalar { text, .. } => {
                let module = first_word(text);
                let lead = text.len() - text.trim_start().len() + module.len();
                let mut action = self.named(module, &value.place, around)?;
                self.free_text(&mut action, value, text, lead);
                Some(action)
            }
            Kind::Mapping(entries) => {
                let Some(module) = value.get("module") else {
                    self.refuse(format!("`{name}` has no `module`"), &value.place);
                    return None;
                };
                let mut action = self.named(module.text().unwrap_or_default(), &module.place, around)?;
                let apart = |entry: &&(Node, Node)| {
                    let key = entry.0.text();
                    key == Some("module") || key == Some("args") && entry.1.entries().is_some()
                };
                let rest: Vec<_> = entries.iter().filter(|entry| !apart(entry)).collect();
                self.arguments(&mut action, rest);
                let args = value.get("args").and_then(Node::entries);
                self.arguments(&mut action, args.unwrap_or_default());
                Some(action)
            }
            Kind::Sequence(_) => {
                self.refuse(
                    format!("`{name}` takes a module with its arguments, not a list"),
                    &value.place,
                );
                None
            }
        }
    }

    /// An action of a module without its arguments.
    fn named(&mut self, module: &str, place: &Place, around: (&Keywords, &Scope)) -> Option<Action> {
        let resolution = match self.resolved(module, place, around, &[]) {
            Err(error) if self.finds_modules_late => Ok(Resolution::Unresolved(error)),
            other => other,
        };
        let resolution = self.errors.take(resolution.map_err(Errors::from))?;
        Some(empty(module, place).resolved(resolution))
    }

    /// `copy: {src: a}`, `copy: src=a`, `command: ls`.
    fn of_module(&mut self, module: &str, place: &Place, value: &Node) -> Option<Action> {
        let mut action = empty(module, place);
        match &value.kind {
            Kind::Mapping(entries) => self.arguments(&mut action, entries.iter()),
            Kind::Scalar { text, .. } if !value.is_null() => self.free_text(&mut action, value, text, 0),
            Kind::Scalar { .. } => {}
            Kind::Sequence(_) => {
                self.refuse(
                    format!("`{module}` takes arguments as a mapping or a text, not as a list"),
                    &value.place,
                );
                return None;
            }
        }
        Some(action)
    }

    fn arguments<'n>(&mut self, action: &mut Action, entries: impl IntoIterator<Item = &'n (Node, Node)>) {
        for (key, node) in entries {
            let Some(placed) = self.placed(node) else { continue };
            let name = key.text().unwrap_or_default();
            if name == "_raw_params" {
                action.free_form = Some(placed);
                continue;
            }
            action.arguments.insert(
                Arc::from(name),
                Argument {
                    value: placed.value,
                    name_place: key.place.clone(),
                    place: placed.place,
                },
            );
        }
    }

    /// The text of a module from byte `from` on.
    fn free_text(&mut self, action: &mut Action, node: &Node, text: &str, from: usize) {
        let Some(Placed { value: whole, place }) = self.placed(node) else {
            return;
        };
        let module = action.module.to_string();
        let known = self.loader.known.module(&module);
        let command = known.is_some_and(|entry| entry.nature.runs_command);
        // Numbers and secrets have no pairs: `command: 5`.
        let FreeForm { pairs, rest } = match &whole {
            Value::String(_) | Value::Template(_) => match free_form::split(&text[from..], command) {
                Ok(found) => found,
                Err(problem) => {
                    return self.refuse(format!("cannot take this text apart: {problem}"), &place);
                }
            },
            other => {
                action.free_form = Some(Placed {
                    value: other.clone(),
                    place,
                });
                return;
            }
        };
        let trusted = matches!(whole, Value::Template(_)) || node.tag.as_deref() != Some("!unsafe");
        let value = |text: &str, place: &Place| match trusted {
            true => Value::trusted(text, Some(place.clone())),
            false => Value::string(text),
        };
        for pair in pairs {
            let span =
                scalar_offset(&place, from + pair.span.start)..scalar_offset(&place, from + pair.span.end);
            let own = Place::new(&place.source, span);
            let argument = Argument {
                value: value(&pair.value, &own),
                name_place: place.clone(),
                place: own,
            };
            action.arguments.insert(pair.key.into(), argument);
        }
        if rest.is_empty() {
            return;
        }
        let template = rest.trim().starts_with("{{") && rest.trim().ends_with("}}");
        if known.is_some_and(|entry| entry.free_form.is_none()) && template && trusted {
            action.template = Some(Placed {
                value: value(&rest, &place),
                place,
            });
            return;
        }
        if known.is_some_and(|entry| entry.free_form.is_none()) {
            let shown = rest.lines().next().unwrap_or_default();
            let error = Error::new(format!(
                "`{module}` takes arguments by name, and `{shown}` has none"
            ));
            self.errors.push(error.at(&place).help(format!(
                "write {module}: followed by indented lines `name: value`"
            )));
            return;
        }
        action.free_form = Some(Placed {
            value: value(&rest, &place),
            place,
        });
    }

    /// `args`: further arguments; those at the module are stronger.
    fn args(&mut self, action: &mut Action, node: &Node) {
        if let Some(entries) = node.entries() {
            let own = std::mem::take(&mut action.arguments);
            self.arguments(action, entries);
            action.arguments.extend(own);
            return;
        }
        match self.placed(node) {
            Some(placed) if matches!(placed.value, Value::Template(_)) => action.template = Some(placed),
            Some(placed) if placed.value.is_null() => {}
            _ => self.refuse(
                format!("`args` takes a mapping, not {}", node.kind_name()),
                &node.place,
            ),
        }
    }
}

impl Action {
    /// The same with what its name stands for.
    pub fn resolved(self, resolution: Resolution) -> Action {
        let (foreign, unresolved) = match resolution {
            Resolution::Own => (None, None),
            Resolution::Foreign(module) => (Some(module), None),
            Resolution::Unresolved(error) => (None, Some(error)),
        };
        Action {
            foreign,
            unresolved,
            ..self
        }
    }
}

/// The first word of a text, in which a template is one word.
fn first_word(text: &str) -> &str {
    let text = text.trim_start();
    let mut end = 0;
    loop {
        let rest = &text[end..];
        let stop = rest.find(char::is_whitespace).unwrap_or(rest.len());
        match rest.find("{{").filter(|at| *at < stop) {
            Some(at) => match rest[at..].find("}}") {
                Some(close) => end += at + close + 2,
                None => return text,
            },
            None => return &text[..end + stop],
        }
    }
}

fn empty(module: &str, place: &Place) -> Action {
    Action {
        module: module.into(),
        arguments: IndexMap::new(),
        free_form: None,
        template: None,
        unresolved: None,
        foreign: None,
        place: place.clone(),
    }
}
