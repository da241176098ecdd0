//! Inventories in Ansible's INI format.

use super::builder::Builder;
use crate::error::{Collector, Error, nearest};
use crate::model::Placed;
use crate::source::{Place, Source};
use crate::value::Value;
use crate::value::literal_or_text;
use std::collections::HashMap;
use std::sync::Arc;

/// What the lines of a section are.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Hosts,
    Vars,
    Children,
}

/// Reads an INI inventory.
pub(super) fn read(source: &Arc<Source>, builder: &mut Builder, errors: &mut Collector) {
    let mut reader = Reader {
        source,
        builder,
        errors,
        declared: HashMap::new(),
        awaited: vec![],
    };
    reader.lines();
    reader.check_awaited();
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    builder: &'a mut Builder,
    errors: &'a mut Collector,
    declared: HashMap<String, ()>,
    /// Groups that were used before they were declared: name, place, and the kind of section that did it.
    awaited: Vec<(String, Place, Kind)>,
}

impl Reader<'_> {
    fn lines(&mut self) {
        let mut group = "ungrouped".to_string();
        let mut kind = Kind::Hosts;
        let mut start = 0;
        let source = self.source.clone();
        for whole in source.text.split_inclusive('\n') {
            let lead = whole.len() - whole.trim_start().len();
            let line = whole.trim();
            let place = Place::new(&source, start + lead..start + lead + line.len());
            start += whole.len();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if line.starts_with('[') {
                match section(line) {
                    Some(Ok(found)) => {
                        (group, kind) = found;
                        self.begin(&group, kind, &place);
                        continue;
                    }
                    Some(Err(message)) => {
                        self.errors.push(
                            Error::new(message)
                                .at(&place)
                                .help("a section is [group], [group:children] or [group:vars]"),
                        );
                        kind = Kind::Hosts;
                        continue;
                    }
                    // `[a:c].example` names hosts.
                    None => {}
                }
            }
            match kind {
                Kind::Hosts => self.host(line, &group, &place),
                Kind::Vars => self.variable(line, &group, &place),
                Kind::Children => self.child(line, &group, &place),
            }
        }
    }

    fn begin(&mut self, group: &str, kind: Kind, place: &Place) {
        if kind == Kind::Vars {
            self.awaited.push((group.to_string(), place.clone(), kind));
            return;
        }
        self.declared.insert(group.to_string(), ());
        self.builder.add_group(group);
    }

    fn host(&mut self, line: &str, group: &str, place: &Place) {
        let words = match shlex::split(comment_free(line)) {
            Some(words) if !words.is_empty() => words,
            _ => {
                return self
                    .errors
                    .push(Error::new("this line has a quote that is not closed").at(place));
            }
        };
        let (names, port) = match self.builder.expand(&words[0]) {
            Ok(found) => found,
            Err(message) => return self.errors.push(Error::new(message).at(place)),
        };
        let mut variables: Vec<(&str, Value)> = vec![];
        variables.extend(port.map(|port| ("ansible_port", Value::Int(port.into()))));
        for word in &words[1..] {
            match word.split_once('=') {
                Some((name, value)) => variables.push((name, value_of(value, place))),
                None => {
                    let error =
                        Error::new(format!("`{word}` is no variable of the host `{}`", words[0])).at(place);
                    self.errors
                        .push(error.help("write name=value; one line is one host"));
                }
            }
        }
        if let Err(message) = self.builder.count(&names, variables.len()) {
            return self.errors.push(Error::new(message).at(place));
        }
        for name in &names {
            self.builder.add_host(name, group, Some(place));
            for (variable, value) in &variables {
                let placed = Placed::new(value.clone(), place);
                self.builder.set_host_variable(name, variable, placed);
            }
        }
    }

    fn variable(&mut self, line: &str, group: &str, place: &Place) {
        let Some((name, value)) = line.split_once('=') else {
            let error = Error::new(format!("`{line}` sets no variable of the group `{group}`")).at(place);
            return self.errors.push(error.help("write name=value"));
        };
        let placed = Placed::new(value_of(value.trim(), place), place);
        let set = self.builder.set_group_variable(group, name.trim(), placed);
        self.errors.take(set);
    }

    fn child(&mut self, line: &str, group: &str, place: &Place) {
        let name = line.split('#').next().unwrap_or_default().trim();
        if name.is_empty() || name.contains(char::is_whitespace) || name.contains(':') {
            return self
                .errors
                .push(Error::new(format!("`{line}` is not the name of a group")).at(place));
        }
        self.awaited
            .push((name.to_string(), place.clone(), Kind::Children));
        let added = self.builder.add_child(group, name, Some(place));
        self.errors.take(added);
    }

    /// Groups that only `:vars` or `:children` sections name must be declared somewhere.
    fn check_awaited(&mut self) {
        for (name, place, kind) in std::mem::take(&mut self.awaited) {
            let known =
                |group: &str| self.declared.contains_key(group) || group == "all" || group == "ungrouped";
            let elsewhere = self
                .builder
                .groups
                .get(&*name)
                .is_some_and(|group| !group.hosts.is_empty());
            if known(&name) || elsewhere {
                continue;
            }
            let what = if kind == Kind::Vars {
                "has variables"
            } else {
                "is a child"
            };
            let error =
                Error::new(format!("the group `{name}` {what}, but no section declares it")).at(&place);
            let near = nearest(&name, self.declared.keys().map(String::as_str));
            self.errors
                .push(error.help(format!("add a section [{name}]")).did_you_mean(near));
        }
    }
}

/// The group and kind of a `[section]`; `None` if the line names hosts by a range.
fn section(line: &str) -> Option<Result<(String, Kind), String>> {
    let Some(close) = line.find(']') else {
        return Some(Err("this section is not closed by `]`".into()));
    };
    let behind = line[close + 1..].trim_start();
    if !behind.is_empty() && !behind.starts_with('#') {
        return None;
    }
    let inside = &line[1..close];
    let (group, kind) = match inside.split_once(':') {
        None => (inside, Kind::Hosts),
        Some((group, "vars")) => (group, Kind::Vars),
        Some((group, "children")) => (group, Kind::Children),
        Some((group, "hosts")) => (group, Kind::Hosts),
        Some((_, other)) => return Some(Err(format!("`:{other}` is not a kind of section"))),
    };
    if group.is_empty() || group.contains(char::is_whitespace) {
        return Some(Err(format!("`{group}` cannot be the name of a group")));
    }
    Some(Ok((group.to_string(), kind)))
}

/// The line without a comment that begins with ` #`.
fn comment_free(line: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match c {
            '"' | '\'' if quote == Some(c) => quote = None,
            '"' | '\'' if quote.is_none() => quote = Some(c),
            '#' if quote.is_none() && before.is_whitespace() => return &line[..at],
            _ => {}
        }
        before = c;
    }
    line
}

/// A Python literal, or a text that may be a template.
fn value_of(text: &str, place: &Place) -> Value {
    match literal_or_text(text) {
        Value::Template(_) => Value::trusted(text, Some(place.clone())),
        value => value,
    }
}
