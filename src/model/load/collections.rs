//! Where collections and modules of the project lie, and what they hold.

use crate::yaml;
use std::path::{Path, PathBuf};

/// The folder that holds collections, by namespace and name.
const FOLDER: &str = "ansible_collections";

/// The folder of a collection, `namespace.name`, in the first of these folders that has it.
pub(super) fn folder<'a>(paths: impl IntoIterator<Item = &'a PathBuf>, collection: &str) -> Option<PathBuf> {
    let (namespace, name) = collection.split_once('.')?;
    paths
        .into_iter()
        .map(|path| match path.ends_with(FOLDER) {
            true => path.join(namespace).join(name),
            false => path.join(FOLDER).join(namespace).join(name),
        })
        .find(|folder| folder.is_dir())
}

/// The collection, `namespace.name`, and its folder, in which a file lies.
pub(super) fn around(path: &Path) -> Option<(String, PathBuf)> {
    let path = std::env::current_dir().ok()?.join(path);
    let folder = path.ancestors().find(|folder| {
        folder
            .parent()
            .and_then(Path::parent)
            .is_some_and(|above| above.ends_with(FOLDER))
    })?;
    let name = |path: &Path| Some(path.file_name()?.to_string_lossy().into_owned());
    Some((
        format!("{}.{}", name(folder.parent()?)?, name(folder)?),
        folder.to_path_buf(),
    ))
}

/// `namespace.name` and what stands behind it, in the full name of a thing of a collection.
pub(super) fn parted(name: &str) -> Option<(&str, &str)> {
    let at = name.match_indices('.').nth(1)?.0;
    Some((&name[..at], &name[at + 1..]))
}

/// True if a collection has a module or an action of this name, or says where it has gone.
pub(super) fn has_module(collection: &Path, name: &str) -> bool {
    let path = name.replace('.', "/");
    let is_there = |kind: &str| {
        let folder = collection.join("plugins").join(kind);
        is_module(&folder, &path)
    };
    is_there("modules") || is_there("action") || is_routed(collection, name)
}

/// True if a folder of modules has one of this name.
pub(super) fn is_module(folder: &Path, name: &str) -> bool {
    ["", ".py", ".ps1"]
        .iter()
        .any(|ending| folder.join(format!("{name}{ending}")).is_file())
}

/// True if `meta/runtime.yml` of a collection has an entry for a module.
fn is_routed(collection: &Path, name: &str) -> bool {
    let source = yaml::read(&collection.join("meta/runtime.yml")).ok();
    let root = source.and_then(|source| yaml::parse_one(&source).ok()?.0);
    let Some(routing) = root.as_ref().and_then(|root| root.get("plugin_routing")) else {
        return false;
    };
    ["modules", "action"].iter().any(|kind| {
        routing
            .get(kind)
            .is_some_and(|entries| entries.get(name).is_some())
    })
}
