//! Inventories, and the patterns of hosts.

use crate::files;
use crate::yaml::loader;
use std::sync::OnceLock;
use vent::inventory::{Inventory, pattern};
use vent::source::{Place, Source};
use vent::value::Value;
use vent::vault::Vault;

/// A file of an inventory, INI or YAML as it looks.
pub fn file(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    // Plugins ask others.
    if text.contains("plugin") || files::leads_away(&text) {
        return false;
    }
    let path = files::write("hosts", text.as_bytes());
    let loader = loader(Vault::default());
    match Inventory::load(&[path.display().to_string()], &loader, None) {
        Ok(inventory) => {
            inventory.view().list();
            inventory.view().tree();
            inventory.view().graph("all", true);
            inventory.export();
            inventory
                .groups
                .values()
                .any(|group| !group.name.is_ascii() && !group.hosts.is_empty())
        }
        Err(errors) => {
            let _ = errors.to_string();
            false
        }
    }
}

fn known() -> &'static Inventory {
    static KNOWN: OnceLock<Inventory> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let text = "[web]\nweb[1:20].example.org\n[db]\ndb1\ndb2\n[all_of:children]\nweb\ndb\n[empty]\n";
        let path = files::write("known", text.as_bytes());
        Inventory::load(&[path.display().to_string()], &loader(Vault::default()), None).unwrap_or_default()
    })
}

/// A pattern of hosts; several, if there are several lines.
pub fn pattern(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes).into_owned();
    if files::leads_away(&text) {
        return false;
    }
    let source = Source::named("fuzz", text.clone());
    let place = Place::new(&source, 0..text.len());
    let value = match text.contains('\n') {
        true => Value::list(text.lines().map(Value::string)),
        false => Value::string(&text),
    };
    let found = pattern::hosts(known(), &value, &place);
    match pattern::unmatched(known(), &value, &place) {
        Ok(errors) => errors.iter().for_each(|error| drop(error.to_string())),
        Err(error) => drop(error.to_string()),
    }
    if let Err(error) = pattern::limit(known(), &text) {
        let _ = error.to_string();
    }
    found.is_ok_and(|hosts| !hosts.is_empty() && ['&', '!', '['].iter().all(|mark| text.contains(*mark)))
}
