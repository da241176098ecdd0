//! Inventories that plugins of others make, through the user's own ansible-core.

use crate::bridge::{PluginFolders, unmarked};
use crate::error::{Error, Result};
use crate::inventory::builder::Builder;
use crate::model::{Loader, Placed};
use crate::source::Place;
use crate::value::{Value, to_integer};
use std::path::Path;

/// Adds what a plugin makes of a file. One that looks at the hosts of the sources before it is given these too.
pub(super) fn load(
    name: &str,
    path: &Path,
    place: &Place,
    (loader, folders): (&Loader, &PluginFolders),
    builder: &mut Builder,
) -> Result<()> {
    let file = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    // Who asks somebody is not asked a second time but for the plugin that is made for the hosts of others.
    let constructed = name.rsplit('.').next() == Some("constructed");
    let before = builder.read.iter().filter(|read| constructed || read.asks_nobody);
    let mut sources: Vec<String> = before.map(|read| read.text.clone()).collect();
    sources.push(file.display().to_string());
    let extra = serde_json::Value::from(&Value::Map(loader.extra.clone()));
    let made = loader.bridge.inventory(&sources, &extra, folders)?;
    let unread = format!("Unable to parse {} as an inventory source", file.display());
    if made.warnings.contains(&unread) {
        let error = Error::new(format!(
            "the inventory plugin `{name}` cannot read {}",
            path.display()
        ));
        let by_auto = |text: &&String| text.contains("'auto' plugin") || text.contains(" auto plugin");
        let causes = made.warnings.iter().filter(by_auto);
        return Err(causes
            .fold(error, |error, text| error.cause(text.trim()))
            .at(place));
    }
    loader.warn(made.warnings.into_iter().map(Error::new).collect());
    let part = |at: usize| made.parts.get(at).map(entries).unwrap_or_default();
    for (group, told) in &part(1) {
        add_group(group, told, place, builder)?;
    }
    for (host, variables) in &part(0) {
        builder.add_host(host, "all", Some(place));
        for (name, value) in entries(variables) {
            builder.set_host_variable(host, &name, Placed::new(unmarked(&value), place));
        }
    }
    Ok(())
}

fn add_group(name: &str, told: &Value, place: &Place, builder: &mut Builder) -> Result<()> {
    let names = |part: &str| -> Vec<String> {
        let items = told.get(part).and_then(Value::as_list).unwrap_or_default();
        let texts = items.iter().filter_map(Value::as_str);
        texts.map(str::to_string).collect()
    };
    builder.add_group(name);
    for host in names("hosts") {
        builder.add_host(&host, name, Some(place));
    }
    for child in names("children").iter().filter(|child| *child != "ungrouped") {
        builder.add_child(name, child, Some(place))?;
    }
    let priority = told.get("priority").and_then(to_integer);
    if let Some(priority) = priority.filter(|priority| *priority != 1) {
        builder.set_group_variable(name, "ansible_group_priority", Placed::new(priority, place))?;
    }
    for (variable, value) in told.get("vars").map(entries).unwrap_or_default() {
        builder.set_group_variable(name, &variable, Placed::new(unmarked(&value), place))?;
    }
    Ok(())
}

fn entries(value: &Value) -> crate::value::Map {
    value.as_map().cloned().unwrap_or_default()
}
