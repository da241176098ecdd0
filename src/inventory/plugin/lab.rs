//! `plugin: lab`: machines made out of this computer.

use super::InventoryPlugin;
use crate::cloud::inventory::PluginFile;
use crate::error::Errors;
use crate::inventory::Builder;
use crate::lab;
use crate::model::Placed;
use crate::source::Place;
use crate::yaml::Node;

/// The nodes of a lab as hosts.
pub struct Lab;

impl InventoryPlugin for Lab {
    fn name(&self) -> &'static str {
        "lab"
    }

    fn load(&self, file: &PluginFile<'_>, builder: &mut Builder) -> Result<(), Errors> {
        let lab = lab::Lab::load(&file.value)?;
        for host in lab.inventory()? {
            let place = place_of(file.root, &host.name);
            builder.add_host(&host.name, "all", Some(&place));
            for group in &host.groups {
                builder.add_host(&host.name, group, Some(&place));
            }
            for (name, value) in &host.vars {
                builder.set_host_variable(&host.name, name, Placed::new(value.clone(), &place));
            }
        }
        builder.labs.push(lab);
        Ok(())
    }
}

/// Where a node is described.
fn place_of(root: &Node, name: &str) -> Place {
    let nodes = root.get("nodes").and_then(Node::entries).unwrap_or_default();
    let entry = nodes.iter().find(|entry| entry.0.text() == Some(name));
    entry.map_or(&root.place, |entry| &entry.0.place).clone()
}

#[cfg(test)]
mod tests {
    use crate::inventory::Inventory;
    use crate::model::load::tests::loader;

    #[test]
    fn the_nodes_of_a_lab_are_hosts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lab.yml");
        let text = "plugin: lab\nimage: bookworm\nname: test-of-inventory\npublic_cidr: 10.89.0.0/24\nprivate_cidr: 10.89.1.0/24\nmemory: 3G\nnodes:\n  \
                    controller-0:\n    address: 10\n    groups: [controllers]\n  worker-1:\n    address: 21\n    groups: [workers]\n    vars: {container_runtime: crio}\n";
        std::fs::write(&path, text).unwrap();
        std::fs::create_dir(folder.path().join("group_vars")).unwrap();
        std::fs::write(folder.path().join("group_vars/all.yml"), "a: 1\n").unwrap();
        let inventory = Inventory::load(&[path.display().to_string()], &loader(), None).unwrap();
        assert_eq!(inventory.labs.len(), 1);
        let host = &inventory.hosts["worker-1"];
        assert_eq!(host.variables["container_runtime"].value, "crio".into());
        assert_eq!(host.variables["ansible_user"].value, "root".into());
        assert_eq!(host.variables["a"].value, 1.into());
        assert_eq!(host.place.as_ref().unwrap().line_column().0, 11);
        let etcd = inventory.hosts_of("etcd").unwrap();
        assert_eq!(etcd.len(), 1);
        assert!(inventory.groups["ungrouped"].hosts.is_empty());
    }
}
