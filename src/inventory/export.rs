//! The inventory as a file of its own.

use super::{Inventory, mapping};
use crate::value::{Map, Value};
use crate::yaml;
use std::sync::Arc;

impl Inventory {
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

#[cfg(test)]
mod tests {
    use crate::inventory::Inventory;
    use crate::model::load::tests::loader;
    use crate::value::json;

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
            let shown =
                |inventory: &Inventory| json(&inventory.view().host_variables(name).unwrap(), None, true);
            assert_eq!(shown(&again), shown(&first));
        }
    }
}
