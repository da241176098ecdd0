//! What `vent inventory` shows, in the forms of ansible-inventory.

use super::{Group, Host, Inventory};
use crate::model::Variables;
use crate::value::{Map, Value};
use crate::yaml;
use std::sync::Arc;

impl Inventory {
    /// `--list`: groups with their hosts and children, and the variables of all hosts below `_meta`.
    pub fn list(&self) -> Value {
        let mut all = Map::new();
        let hosts = self.hosts.values().filter(|host| !host.variables.is_empty());
        let mut hosts: Vec<&Host> = hosts.collect();
        hosts.sort_by_key(|host| &host.name);
        let hostvars = Value::map(
            hosts
                .into_iter()
                .map(|host| (&host.name, mapping(&host.variables))),
        );
        let profile = Value::string("inventory_legacy");
        all.insert(
            "_meta".into(),
            Value::map([("hostvars", hostvars), ("profile", profile)]),
        );
        let mut seen = vec![];
        if let Some(group) = self.groups.get("all") {
            self.list_group(group, &mut all, &mut seen);
        }
        Value::Map(Arc::new(all))
    }

    fn list_group(&self, group: &Group, all: &mut Map, seen: &mut Vec<Arc<str>>) {
        if seen.contains(&group.name) {
            return;
        }
        seen.push(group.name.clone());
        let mut content = Map::new();
        let names = |names: &indexmap::IndexSet<Arc<str>>| Value::list(names.iter().map(Value::string));
        if &*group.name != "all" && !group.hosts.is_empty() {
            content.insert("hosts".into(), names(&group.hosts));
        }
        if !group.children.is_empty() {
            content.insert("children".into(), names(&group.children));
        }
        let slot = all.insert_full(group.name.clone(), Value::Null).0;
        for child in group.children.iter().filter_map(|name| self.groups.get(name)) {
            self.list_group(child, all, seen);
        }
        match content.is_empty() {
            true => {
                all.shift_remove(&group.name);
            }
            false => all[slot] = Value::Map(Arc::new(content)),
        }
    }

    /// `--host NAME`: the variables of a host; `None`: no such host.
    pub fn host_variables(&self, name: &str) -> Option<Value> {
        self.host(name).map(|host| mapping(&host.variables))
    }

    /// `--graph`: groups and hosts as a tree, from `group` on; `None`: no such group.
    pub fn graph(&self, group: &str) -> Option<String> {
        let mut text = String::new();
        self.draw(self.groups.get(group)?, 0, &mut text);
        Some(text)
    }

    fn draw(&self, group: &Group, depth: usize, text: &mut String) {
        let mut line = |depth: usize, name: &str| {
            let stem = "  |".repeat(depth);
            let branch = if depth > 0 { "--" } else { "" };
            text.push_str(&format!("{stem}{branch}{name}\n"));
        };
        line(depth, &format!("@{}:", group.name));
        for child in group.children.iter().filter_map(|name| self.groups.get(name)) {
            self.draw(child, depth + 1, text);
        }
        let hosts = group.hosts.iter().filter(|_| &*group.name != "all");
        hosts.for_each(|host| text.push_str(&format!("{}--{host}\n", "  |".repeat(depth + 1))));
    }

    /// `--export`: a YAML inventory that ansible-playbook reads. Every host carries its whole variables, so no
    /// folder of variables is needed beside it. Secrets are written in clear.
    pub fn export(&self) -> String {
        let mut all = Map::new();
        let hosts = self
            .hosts
            .values()
            .map(|host| (&host.name, mapping(&host.variables)));
        all.insert("hosts".into(), Value::map(hosts));
        let groups = self
            .groups
            .values()
            .filter(|group| &*group.name != "all" && &*group.name != "ungrouped");
        let children = groups.map(|group| {
            let mut content = Map::new();
            let names = |names: &indexmap::IndexSet<Arc<str>>| {
                Value::map(names.iter().map(|name| (name, Value::Null)))
            };
            if !group.hosts.is_empty() {
                content.insert("hosts".into(), names(&group.hosts));
            }
            if !group.children.is_empty() {
                content.insert("children".into(), names(&group.children));
            }
            (&group.name, Value::Map(Arc::new(content)))
        });
        let children = Value::map(children);
        if children.as_map().is_some_and(|children| !children.is_empty()) {
            all.insert("children".into(), children);
        }
        // For this computer, when it is no host of the inventory.
        all.insert("vars".into(), mapping(&self.shared));
        yaml::write(&Value::map([("all", Value::Map(Arc::new(all)))]))
    }
}

fn mapping(variables: &Variables) -> Value {
    Value::map(
        variables
            .iter()
            .map(|(name, placed)| (name, placed.value.clone())),
    )
}

#[cfg(test)]
mod tests {
    use crate::inventory::Inventory;
    use crate::model::load::tests::loader;
    use crate::value::{Value, json};

    /// Writes files and reads the inventory `hosts` among them.
    fn inventory(files: &[(&str, &str)]) -> (tempfile::TempDir, Inventory) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let sources = ["hosts.ini", "more.yml"].map(|name| folder.path().join(name).display().to_string());
        let inventory = Inventory::load(&sources, &loader(), Some(folder.path())).unwrap();
        (folder, inventory)
    }

    const FILES: &[(&str, &str)] = &[
        (
            "hosts.ini",
            "lonely x=1\n; comment\n[web]\nweb[1:2] ansible_user=me  y=\"1\"  # comment\ndb1:2222 z='[1, 2]'\n\
             [db]\ndb[01:02].example a=True b=yes c=0644\ndb1\n[site:children]\nweb\ndb\n[site:vars]\ns = \"quoted\"\n\
             t = hello # not a comment\n[web:vars]\nansible_group_priority=5\np=web\n[db:vars]\np=db\n",
        ),
        (
            "more.yml",
            "all:\n  vars: {top: 1, p: all}\n  hosts:\n    extra: {v: \"{{ top }}\"}\n  children:\n    east:\n      \
             hosts: {web1: , \"n[1:2]\": {k: v}}\n      children: {inner: {hosts: solo}}\n      vars: {d: {a: 1}}\n",
        ),
        ("group_vars/all.yml", "g: all\n"),
        ("group_vars/db.yml", "p: dbfile\n"),
        ("group_vars/web/a.yml", "w: 1\n"),
        ("host_vars/web1.yml", "h: 1\n"),
        ("host_vars/localhost", "solo: 1\n"),
    ];

    // The texts below are what ansible-inventory of ansible-core 2.19 prints for the same files.
    #[test]
    fn the_graph_is_as_ansible_draws_it() {
        let (_folder, inventory) = inventory(FILES);
        let graph = "@all:\n  |--@ungrouped:\n  |  |--lonely\n  |  |--extra\n  |--@east:\n  |  |--@inner:\n  |  |  |--solo\n  \
                     |  |--web1\n  |  |--n1\n  |  |--n2\n  |--@site:\n  |  |--@web:\n  |  |  |--web1\n  |  |  |--web2\n  |  |  |--db1\n  \
                     |  |--@db:\n  |  |  |--db01.example\n  |  |  |--db02.example\n  |  |  |--db1\n";
        assert_eq!(inventory.graph("all").unwrap(), graph);
        assert_eq!(inventory.graph("nobody"), None);
    }

    #[test]
    fn variables_have_ansibles_precedence() {
        let (_folder, inventory) = inventory(FILES);
        let host = |name: &str| json(&inventory.host_variables(name).unwrap(), None, true);
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
        let list = inventory.list();
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
    fn an_export_is_read_again_with_the_same_variables() {
        let (_folder, first) = inventory(FILES);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("export.yml");
        std::fs::write(&path, first.export()).unwrap();
        let again = Inventory::load(&[path.display().to_string()], &loader(), None).unwrap();
        for (name, host) in &first.hosts {
            let twin = &again.hosts[name];
            assert_eq!(twin.groups, host.groups, "{name}");
            let shown = |inventory: &Inventory| json(&inventory.host_variables(name).unwrap(), None, true);
            assert_eq!(shown(&again), shown(&first));
        }
    }
}
