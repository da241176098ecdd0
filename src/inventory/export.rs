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
            .map(|host| (&host.name, Value::from(mapping(&host.variables))));
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
        all.insert("vars".into(), mapping(&self.shared).into());
        yaml::write(&Value::map([("all", Value::Map(Arc::new(all)))]))
    }
}

#[cfg(test)]
mod tests {
    use crate::inventory::Inventory;
    use crate::inventory::example::{FILES, inventory};
    use crate::model::load::tests::loader;
    use crate::value::json;

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
