//! Inventories that a plugin makes: files that say `plugin: NAME`. To add one that is no cloud's: a file beside
//! this one, and its line in [`plugins`].

mod bridged;
mod cloud;
mod lab;

use super::builder::Builder;
use crate::cloud::PROVIDERS;
use crate::cloud::inventory::PluginFile;
use crate::error::{Collector, Error, Errors, nearest};
use crate::model::Loader;
use crate::yaml::Node;
use std::path::Path;

/// Makes hosts and groups out of what a file says.
pub trait InventoryPlugin: Sync {
    /// What stands behind `plugin:`.
    fn name(&self) -> &'static str;

    /// Adds what the file asks for to the inventory.
    ///
    /// # Errors
    /// Wrong options, with their places; a service that does not answer.
    fn load(&self, file: &PluginFile<'_>, builder: &mut Builder) -> Result<(), Errors>;
}

/// All plugins.
fn plugins() -> impl Iterator<Item = &'static dyn InventoryPlugin> {
    let clouds = PROVIDERS.iter().flat_map(|provider| provider.plugins);
    let clouds = clouds.map(|plugin| plugin as &dyn InventoryPlugin);
    std::iter::once(&lab::Lab as &dyn InventoryPlugin).chain(clouds)
}

/// True if Vent has the plugin itself.
pub(super) fn is_own(name: &str) -> bool {
    plugins().any(|plugin| plugin.name() == name)
}

fn unknown(wanted: &str, name: &Node) -> Error {
    let known: Vec<_> = plugins().map(|plugin| plugin.name()).collect();
    let error = Error::new(format!("there is no inventory plugin `{wanted}`")).at(&name.place);
    error
        .help(format!("the plugins are: {}", known.join(", ")))
        .did_you_mean(nearest(wanted, known.iter().copied()))
}

/// Lets the plugin called `name` read a file; `folder` is that of the playbook.
pub(super) fn read(
    name: &Node,
    root: &Node,
    (path, folder): (&Path, &Path),
    loader: &Loader,
    builder: &mut Builder,
    errors: &mut Collector,
) {
    let wanted = name.text().unwrap_or_default();
    let Some(plugin) = plugins().find(|plugin| plugin.name() == wanted) else {
        let bridged = loader
            .inventory_plugin(wanted, folder)
            .and_then(|found| match found {
                Some(folders) => {
                    bridged::load(wanted, path, &root.place, (loader, &folders), builder).map(|()| true)
                }
                None => Ok(false),
            });
        return match bridged {
            Ok(true) => {}
            Ok(false) => errors.push(unknown(wanted, name)),
            Err(error) => errors.push(error.at(&name.place)),
        };
    };
    let Some(value) = errors.take(root.value(&loader.vault)) else {
        return;
    };
    let file = PluginFile { path, value, root };
    if let Err(found) = plugin.load(&file, builder) {
        errors.push(Errors(
            found.0.into_iter().map(|error| error.at(&root.place)).collect(),
        ));
    }
}
