//! The plugins of cloud providers: what a provider tells becomes hosts and groups.

use super::InventoryPlugin;
use crate::cloud::inventory::{CloudInventory, Plugin, PluginFile};
use crate::error::{Errors, Result};
use crate::inventory::Builder;
use crate::model::Placed;
use crate::source::Place;
use crate::value::Value;

impl InventoryPlugin for &'static dyn Plugin {
    fn name(&self) -> &'static str {
        Plugin::name(*self)
    }

    fn load(&self, file: &PluginFile<'_>, builder: &mut Builder) -> Result<(), Errors> {
        let (told, asked) = self.read(file)?;
        builder.machines.extend(asked);
        add(told, builder, &file.root.place)?;
        Ok(())
    }
}

fn add(told: CloudInventory, builder: &mut Builder, place: &Place) -> Result<()> {
    for (name, variables) in told.hosts {
        builder.add_host(&name, "all", Some(place));
        for (variable, value) in variables {
            // What a provider tells is never rendered.
            let value = Value::from(value).untrusted();
            builder.set_host_variable(&name, &variable, Placed::new(value, place));
        }
    }
    for (name, group) in told.groups {
        builder.add_group(&name);
        for host in group.hosts {
            builder.add_host(&host, &name, Some(place));
        }
        for child in group.children {
            builder.add_child(&name, &child, Some(place))?;
        }
    }
    Ok(())
}
