//! What `ansible-inventory` shows of an inventory.

use super::{Group, Host, Inventory, Stated, mapping};
use crate::model::Variables;
use crate::value::{Map, Value, repr};
use std::collections::HashSet;
use std::sync::Arc;

/// An inventory, and what of it is shown.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    inventory: &'a Inventory,
    /// The hosts that a pattern leaves.
    limit: Option<&'a HashSet<Arc<str>>>,
    /// What is said of groups and hosts themselves.
    stated: Option<&'a Stated>,
    /// Variables stand where they are stated, not with each host that has them.
    exports: bool,
    /// Variables of every host.
    extra: Option<&'a Map>,
}

impl Inventory {
    /// All of it.
    pub fn view(&self) -> View<'_> {
        View {
            inventory: self,
            limit: None,
            stated: None,
            exports: false,
            extra: None,
        }
    }
}

impl<'a> View<'a> {
    /// Only these hosts.
    pub fn limited_to(self, hosts: Option<&'a HashSet<Arc<str>>>) -> View<'a> {
        View { limit: hosts, ..self }
    }

    /// With what is said of groups and hosts themselves; `exports`: variables stand where they are stated (Ansible's `--export`).
    pub fn with_stated(self, stated: &'a Stated, exports: bool) -> View<'a> {
        let stated = Some(stated);
        View {
            stated,
            exports,
            ..self
        }
    }

    /// With `-e`.
    pub fn with_extra(self, extra: &'a Map) -> View<'a> {
        View {
            extra: Some(extra),
            ..self
        }
    }

    fn shows(&self, name: &Arc<str>) -> bool {
        self.limit.is_none_or(|hosts| hosts.contains(name))
    }

    /// `--list`, as a dynamic inventory says it.
    pub fn list(&self) -> Value {
        let mut all = Map::new();
        let hosts = self.inventory.hosts.values();
        let mut hosts: Vec<&Host> = hosts.filter(|host| self.shows(&host.name)).collect();
        hosts.sort_by_key(|host| &host.name);
        let variables = hosts.into_iter().map(|host| (&host.name, self.variables(host)));
        let variables = variables.filter(|(_, variables)| !variables.is_empty());
        let hostvars = Value::map(variables.map(|(name, variables)| (name, Value::from(variables))));
        let profile = Value::string("inventory_legacy");
        all.insert(
            "_meta".into(),
            Value::map([("hostvars", hostvars), ("profile", profile)]),
        );
        let mut seen = vec![];
        if let Some(group) = self.inventory.groups.get("all") {
            self.list_group(group, &mut all, &mut seen);
        }
        Value::Map(Arc::new(all))
    }

    fn list_group(&self, group: &'a Group, all: &mut Map, seen: &mut Vec<Arc<str>>) {
        if seen.contains(&group.name) {
            return;
        }
        seen.push(group.name.clone());
        let mut content = Map::new();
        let names = |names: &mut dyn Iterator<Item = &Arc<str>>| Value::list(names.map(Value::string));
        let mut hosts = self.hosts(group).peekable();
        if hosts.peek().is_some() {
            content.insert("hosts".into(), names(&mut hosts));
        }
        if !group.children.is_empty() {
            content.insert("children".into(), names(&mut group.children.iter()));
        }
        self.put_stated(group, &mut content);
        let slot = all.insert_full(group.name.clone(), Value::Null).0;
        for child in self.children(group) {
            self.list_group(child, all, seen);
        }
        match content.is_empty() {
            true => {
                all.shift_remove(&group.name);
            }
            false => all[slot] = Value::Map(Arc::new(content)),
        }
    }

    /// `--list` as an inventory in YAML says it: groups in groups, the variables of a host where it is first met.
    pub fn tree(&self) -> Value {
        let (mut groups, mut hosts) = (HashSet::new(), HashSet::new());
        match self.inventory.groups.get("all") {
            Some(all) => Value::from(self.tree_of(all, &mut groups, &mut hosts)),
            None => Value::from(Map::new()),
        }
    }

    fn tree_of(&self, group: &'a Group, groups: &mut Names<'a>, hosts: &mut Names<'a>) -> Map {
        let mut content = Map::new();
        let mut children = Map::new();
        for child in self.children(group) {
            match groups.contains(&child.name) {
                true => {
                    children.insert(child.name.clone(), Value::from(Map::new()));
                }
                false => {
                    children.extend(self.tree_of(child, groups, hosts));
                    groups.insert(&child.name);
                }
            }
        }
        if !children.is_empty() {
            content.insert("children".into(), Value::from(children));
        }
        let mut members = Map::new();
        for name in self.hosts(group) {
            let host = self.inventory.hosts.get(name).filter(|_| hosts.insert(name));
            let variables = host.map(|host| self.variables(host)).unwrap_or_default();
            members.insert(name.clone(), Value::from(variables));
        }
        if !members.is_empty() {
            content.insert("hosts".into(), Value::from(members));
        }
        self.put_stated(group, &mut content);
        let mut found = Map::new();
        if !content.is_empty() {
            found.insert(group.name.clone(), Value::from(content));
        }
        found
    }

    /// `--host NAME`: the variables of a host; `None`: no such host.
    pub fn host_variables(&self, name: &str) -> Option<Value> {
        let host = self.inventory.host(name)?;
        Some(Value::from(self.variables(host)))
    }

    /// `--graph`: groups and hosts as a tree, from `group` on; `None`: no such group.
    pub fn graph(&self, group: &str, with_variables: bool) -> Option<String> {
        let mut text = String::new();
        self.draw(self.inventory.groups.get(group)?, 0, with_variables, &mut text);
        Some(text)
    }

    fn draw(&self, group: &'a Group, depth: usize, with_variables: bool, text: &mut String) {
        let line = |text: &mut String, depth: usize, name: &str| {
            let branch = if depth > 0 { "--" } else { "" };
            text.push_str(&format!("{}{branch}{name}\n", "  |".repeat(depth)));
        };
        let variables = |text: &mut String, depth: usize, variables: &Map| {
            let mut sorted: Vec<_> = variables.iter().filter(|_| with_variables).collect();
            sorted.sort_by_key(|entry| entry.0);
            for (name, value) in sorted {
                let value = value.as_str().map_or_else(|| repr(value), str::to_string);
                line(text, depth, &format!("{{{name} = {value}}}"));
            }
        };
        line(text, depth, &format!("@{}:", group.name));
        for child in self.children(group) {
            self.draw(child, depth + 1, with_variables, text);
        }
        // Ansible draws all hosts, whatever the limit.
        for name in members(group) {
            line(text, depth + 1, name);
            if let Some(host) = self.inventory.hosts.get(name) {
                variables(text, depth + 2, &self.variables(host));
            }
        }
        variables(text, depth + 1, &mapping(self.of_group(group)));
    }

    fn children(&self, group: &'a Group) -> impl Iterator<Item = &'a Group> {
        let groups = &self.inventory.groups;
        group.children.iter().filter_map(|name| groups.get(name))
    }

    /// The own hosts of a group that are shown.
    fn hosts(&self, group: &'a Group) -> impl Iterator<Item = &'a Arc<str>> {
        let view = *self;
        members(group).filter(move |name| view.shows(name))
    }

    fn put_stated(&self, group: &'a Group, content: &mut Map) {
        let variables = self.of_group(group);
        if self.exports && !variables.is_empty() {
            content.insert("vars".into(), Value::from(mapping(variables)));
        }
    }

    /// What is stated of a group.
    fn of_group(&self, group: &'a Group) -> &'a Variables {
        let stated = self.stated.and_then(|stated| stated.groups.get(&group.name));
        stated.unwrap_or(&group.variables)
    }

    /// The variables of a host; where they stand where they are stated, its own.
    fn variables(&self, host: &Host) -> Map {
        if self.exports {
            let own = self.stated.and_then(|stated| stated.hosts.get(&host.name));
            return mapping(own.unwrap_or(&host.own));
        }
        let mut all = mapping(&host.variables);
        all.extend(self.extra.cloned().unwrap_or_default());
        all
    }
}

/// Names that were met.
type Names<'a> = HashSet<&'a Arc<str>>;

/// The own hosts of a group; those of `all` are members of others.
fn members(group: &Group) -> impl Iterator<Item = &Arc<str>> {
    group.hosts.iter().filter(|_| &*group.name != "all")
}

#[cfg(test)]
mod tests {
    use crate::inventory::example::{FILES, inventory};
    use crate::value::{Value, json};

    // The texts below are what ansible-inventory of ansible-core 2.19 prints for the same files.
    #[test]
    fn the_graph_is_as_ansible_draws_it() {
        let (_folder, inventory) = inventory(FILES);
        let graph = "@all:\n  |--@ungrouped:\n  |  |--lonely\n  |  |--extra\n  |--@east:\n  |  |--@inner:\n  |  |  |--solo\n  \
                     |  |--web1\n  |  |--n1\n  |  |--n2\n  |--@site:\n  |  |--@web:\n  |  |  |--web1\n  |  |  |--web2\n  |  |  |--db1\n  \
                     |  |--@db:\n  |  |  |--db01.example\n  |  |  |--db02.example\n  |  |  |--db1\n";
        assert_eq!(inventory.view().graph("all", false).unwrap(), graph);
        assert_eq!(inventory.view().graph("nobody", false), None);
    }

    #[test]
    fn variables_have_ansibles_precedence() {
        let (_folder, inventory) = inventory(FILES);
        let host = |name: &str| json(&inventory.view().host_variables(name).unwrap(), None, true);
        assert_eq!(
            host("db1"),
            r#"{"ansible_port": 2222, "g": "all", "p": "dbfile", "s": "quoted", "t": "hello # not a comment", "top": 1, "w": 1, "z": [1, 2]}"#
        );
        assert_eq!(
            host("web1"),
            r#"{"ansible_user": "me", "d": {"a": 1}, "g": "all", "h": 1, "p": "web", "s": "quoted", "t": "hello # not a comment", "top": 1, "w": 1, "y": 1}"#
        );
        assert_eq!(
            host("localhost"),
            r#"{"ansible_connection": "local", "g": "all", "p": "all", "solo": 1, "top": 1}"#
        );
        assert_eq!(
            host("db01.example"),
            r#"{"a": true, "b": "yes", "c": "0644", "g": "all", "p": "dbfile", "s": "quoted", "t": "hello # not a comment", "top": 1}"#
        );
    }

    #[test]
    fn the_list_has_ansibles_form() {
        let (_folder, inventory) = inventory(FILES);
        let list = inventory.view().list();
        let group = |name: &str| {
            list.get(name)
                .map(|group| json(group, None, true))
                .unwrap_or_default()
        };
        assert_eq!(group("all"), r#"{"children": ["ungrouped", "east", "site"]}"#);
        assert_eq!(
            group("east"),
            r#"{"children": ["inner"], "hosts": ["web1", "n1", "n2"]}"#
        );
        assert_eq!(group("ungrouped"), r#"{"hosts": ["lonely", "extra"]}"#);
        let extra = list
            .get("_meta")
            .and_then(|meta| meta.get("hostvars")?.get("extra"))
            .unwrap();
        assert!(extra.get("v").is_some_and(Value::holds_template));
    }

    #[test]
    fn an_export_says_variables_where_they_are_stated_and_a_limit_leaves_hosts_out() {
        let (_folder, inventory) = inventory(FILES);
        let stated = inventory.stated(&crate::model::load::tests::loader()).unwrap();
        let view = inventory.view().with_stated(&stated, true);
        let list = view.list();
        let of = |names: [&str; 2]| {
            let found = list.get(names[0]).and_then(|group| group.get(names[1]));
            found.map(|value| json(value, None, true)).unwrap_or_default()
        };
        assert_eq!(of(["db", "vars"]), r#"{"p": "dbfile"}"#);
        assert_eq!(of(["web", "vars"]), r#"{"p": "web", "w": 1}"#);
        assert_eq!(
            of(["_meta", "hostvars"]).matches("\"web1\"").count(),
            1,
            "{}",
            of(["_meta", "hostvars"])
        );
        let limit = ["web1".into()].into_iter().collect();
        let limited = inventory.view().limited_to(Some(&limit));
        let tree = json(&limited.tree(), None, true);
        assert_eq!(
            tree.matches("\"web1\": {\"ansible_user\"").count(),
            1,
            "once: {tree}"
        );
        assert!(tree.contains("\"web1\": {}") && !tree.contains("db1"), "{tree}");
    }
}
