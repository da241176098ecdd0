//! Inventories that a plugin makes: files that say `plugin: NAME`. To add one: a file beside this one, and its
//! line in [`PLUGINS`].

mod lab;

use super::builder::Builder;
use super::cloud::{ExoscaleInventory, PacketInventory, ProxmoxInventory};
use crate::error::{Collector, Error, Errors, nearest};
use crate::model::Loader;
use crate::value::Value;
use crate::yaml::Node;
use std::path::Path;

/// Makes hosts and groups out of the settings in a file.
pub trait InventoryPlugin: Sync {
    /// What stands behind `plugin:`.
    fn name(&self) -> &'static str;

    /// Adds what the settings ask for to the inventory.
    ///
    /// # Errors
    /// Wrong settings, with their places; a service that does not answer.
    fn load(&self, settings: &Settings<'_>, builder: &mut Builder) -> Result<(), Errors>;
}

/// What a file says to its plugin.
pub struct Settings<'a> {
    /// The file.
    pub path: &'a Path,
    /// Its content.
    pub value: Value,
    /// Its content with places.
    pub root: &'a Node,
}

/// All plugins.
pub static PLUGINS: &[&dyn InventoryPlugin] = &[
    &lab::Lab,
    &PacketInventory("packet"),
    &ExoscaleInventory("exoscale"),
    &ExoscaleInventory("stephrobert.exoscale.compute"),
    &ProxmoxInventory("proxmox"),
    &ProxmoxInventory("community.proxmox.proxmox"),
    &ProxmoxInventory("community.general.proxmox"),
];

/// Lets the plugin called `name` read a file.
pub(super) fn read(
    name: &Node,
    root: &Node,
    path: &Path,
    loader: &Loader,
    builder: &mut Builder,
    errors: &mut Collector,
) {
    let wanted = name.text().unwrap_or_default();
    let Some(plugin) = PLUGINS.iter().find(|plugin| plugin.name() == wanted) else {
        let known: Vec<_> = PLUGINS.iter().map(|plugin| plugin.name()).collect();
        let error = Error::new(format!("there is no inventory plugin `{wanted}`")).at(&name.place);
        return errors.push(match nearest(wanted, known.iter().copied()) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help(format!("the plugins are: {}", known.join(", "))),
        });
    };
    let Some(value) = errors.take(root.value(&loader.vault)) else {
        return;
    };
    let settings = Settings { path, value, root };
    if let Err(found) = plugin.load(&settings, builder) {
        errors.push(Errors(
            found.0.into_iter().map(|error| error.at(&root.place)).collect(),
        ));
    }
}
