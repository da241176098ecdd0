//! Where collections and modules of the project lie, and what they hold.

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

/// The file of a module (`modules`) or an action (`action`) of this name in a collection.
pub(super) fn file(collection: &Path, kind: &str, name: &str) -> Option<PathBuf> {
    module(&collection.join("plugins").join(kind), &name.replace('.', "/"))
}

/// Endings that no module has.
const NO_MODULES: [&str; 15] = [
    "pyc", "pyo", "swp", "bak", "rpm", "md", "txt", "rst", "yaml", "yml", "ini", "json", "orig", "rej", "new",
];

/// The file of the module of this name in a folder of modules, whatever it ends with.
pub(super) fn module(folder: &Path, name: &str) -> Option<PathBuf> {
    let usual = ["", ".py"].map(|ending| folder.join(format!("{name}{ending}")));
    if let Some(found) = usual.into_iter().find(|path| path.is_file()) {
        return Some(found);
    }
    let wanted = folder.join(name);
    let beside = std::fs::read_dir(wanted.parent()?).ok()?;
    let mut found: Vec<PathBuf> = beside
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.file_stem() == wanted.file_name() && path.is_file())
        .filter(|path| {
            let ending = path.extension().and_then(|ending| ending.to_str());
            ending.is_some_and(|ending| !NO_MODULES.contains(&ending) && !ending.ends_with('~'))
        })
        .collect();
    found.sort();
    found.into_iter().next()
}
