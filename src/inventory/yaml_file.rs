//! Inventories in Ansible's YAML format.

use super::builder::Builder;
use crate::error::{Collector, Error};
use crate::model::{Placed, Variables};
use crate::vault::Vault;
use crate::yaml::Node;

const KEYS: &[&str] = &["children", "hosts", "vars"];

/// Reads the groups of a YAML inventory; returns what is suspicious in it.
pub(super) fn read(root: &Node, vault: &Vault, builder: &mut Builder, errors: &mut Collector) -> Vec<Error> {
    let mut reader = Reader {
        vault,
        builder,
        errors,
        warnings: vec![],
    };
    for (key, node) in root.entries().unwrap_or_default() {
        reader.group(key, Some(node), None);
    }
    reader.warnings
}

struct Reader<'a> {
    vault: &'a Vault,
    builder: &'a mut Builder,
    errors: &'a mut Collector,
    warnings: Vec<Error>,
}

impl Reader<'_> {
    fn group(&mut self, key: &Node, node: Option<&Node>, parent: Option<&str>) {
        let name = key.text().unwrap_or_default();
        self.builder.add_group(name);
        if let Some(parent) = parent {
            let added = self.builder.add_child(parent, name, Some(&key.place));
            if self.errors.take(added).is_none() {
                return;
            }
        }
        let Some(node) = node.filter(|node| !node.is_null()) else {
            return;
        };
        let Some(entries) = node.entries() else {
            let error = Error::new(format!(
                "the group `{name}` is a mapping, not {}",
                node.kind_name()
            ));
            return self.errors.push(
                error
                    .at(&node.place)
                    .help("a group has `hosts`, `vars` and `children`"),
            );
        };
        for (section, value) in entries {
            let text = section.text().unwrap_or_default();
            if !KEYS.contains(&text) {
                let error = Error::new(format!(
                    "`{text}` means nothing in the group `{name}` and is ignored"
                ));
                self.warnings.push(
                    error
                        .at(&section.place)
                        .help("a group has `hosts`, `vars` and `children`"),
                );
                continue;
            }
            match text {
                "vars" => self.variables(name, value),
                "hosts" => self.each(value, "hosts", |reader, key, node| reader.host(key, node, name)),
                _ => self.each(value, "children", |reader, key, node| {
                    reader.group(key, node, Some(name))
                }),
            }
        }
    }

    /// The entries of a section; a lone text counts as an entry without content.
    fn each(&mut self, node: &Node, section: &str, mut add: impl FnMut(&mut Self, &Node, Option<&Node>)) {
        match (node.entries(), node.text()) {
            (Some(entries), _) => entries
                .iter()
                .for_each(|(key, value)| add(self, key, Some(value))),
            (None, Some(_)) if node.is_null() => {}
            (None, Some(_)) => add(self, node, None),
            _ => {
                let error = Error::new(format!("`{section}` takes a mapping, not {}", node.kind_name()));
                self.errors.push(
                    error
                        .at(&node.place)
                        .help(format!("write {section}: and below it `name:` on a line each")),
                );
            }
        }
    }

    fn variables(&mut self, group: &str, node: &Node) {
        for (name, placed) in self.mapping(node) {
            let set = self.builder.set_group_variable(group, &name, placed);
            self.errors.take(set);
        }
    }

    fn host(&mut self, key: &Node, node: Option<&Node>, group: &str) {
        let pattern = key.text().unwrap_or_default();
        let (names, port) = match self.builder.expand(pattern) {
            Ok(found) => found,
            Err(message) => return self.errors.push(Error::new(message).at(&key.place)),
        };
        let variables = node.map(|node| self.mapping(node)).unwrap_or_default();
        if let Err(message) = self.builder.count(&names, variables.len()) {
            return self.errors.push(Error::new(message).at(&key.place));
        }
        for name in &names {
            self.builder.add_host(name, group, Some(&key.place));
            if let Some(port) = port {
                let port = Placed::new(i64::from(port), &key.place);
                self.builder.set_host_variable(name, "ansible_port", port);
            }
            for (variable, placed) in &variables {
                self.builder.set_host_variable(name, variable, placed.clone());
            }
        }
    }

    fn mapping(&mut self, node: &Node) -> Variables {
        let mut variables = Variables::new();
        if node.is_null() {
            return variables;
        }
        let Some(entries) = node.entries() else {
            let error =
                Error::new(format!("variables are a mapping, not {}", node.kind_name())).at(&node.place);
            self.errors.push(error);
            return variables;
        };
        for (key, node) in entries {
            if let Some(value) = self.errors.take(node.value(self.vault)) {
                let place = node.place.clone();
                variables.insert(key.text().unwrap_or_default().into(), Placed { value, place });
            }
        }
        variables
    }
}
