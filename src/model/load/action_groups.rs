//! Groups of modules that `module_defaults` may name: `group/NAME`, of a collection or of ansible-core.

use super::reader::Reader;
use super::{Loader, collections};
use crate::yaml::Node;
use std::path::Path;

/// More groups in groups than there are.
const DEEPEST: usize = 10;

impl Loader {
    /// The modules of a group of `module_defaults`, by their full names: `group/NAME`, of a collection or one of ansible-core's.
    pub fn action_group(&self, name: &str, folder: &Path) -> Vec<String> {
        let mut members = vec![];
        Reader::new(self, folder).group(name, &mut members, 0);
        members
    }
}

impl Reader<'_> {
    /// Adds the modules of a group and of those that it extends.
    fn group(&self, name: &str, members: &mut Vec<String>, depth: usize) {
        let of_collection = collections::parted(name);
        let (file, collection, group) = match of_collection {
            Some((collection, group)) => match self.collection(collection) {
                Some(folder) => (folder.join("meta/runtime.yml"), collection, group),
                None => return,
            },
            None => match self.loader.bridge.allowed_core() {
                Ok(core) => (
                    core.folder.join("config/ansible_builtin_runtime.yml"),
                    "ansible.builtin",
                    name,
                ),
                Err(_) => return,
            },
        };
        let root = self.kept_root(&file).ok().flatten();
        let group = root
            .as_ref()
            .and_then(|root| root.get("action_groups"))
            .and_then(|groups| groups.get(group));
        for member in group.and_then(Node::items).unwrap_or_default() {
            match member.text() {
                Some(text) if text.contains('.') => members.push(text.to_string()),
                Some(text) => members.push(format!("{collection}.{text}")),
                None if depth < DEEPEST => {
                    let extended = member.get("metadata").and_then(|data| data.get("extend_group"));
                    for other in extended.and_then(Node::items).unwrap_or_default() {
                        match other.text() {
                            Some(text) if text.contains('.') => self.group(text, members, depth + 1),
                            Some(text) => self.group(&format!("{collection}.{text}"), members, depth + 1),
                            None => {}
                        }
                    }
                }
                None => {}
            }
        }
    }
}
