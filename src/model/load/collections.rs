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

/// True if a collection has the file of a module or an action of this name.
pub(super) fn has_file(collection: &Path, name: &str) -> bool {
    let path = name.replace('.', "/");
    ["modules", "action"]
        .iter()
        .any(|kind| is_module(&collection.join("plugins").join(kind), &path))
}

/// True if a folder of modules has one of this name.
pub(super) fn is_module(folder: &Path, name: &str) -> bool {
    ["", ".py", ".ps1"]
        .iter()
        .any(|ending| folder.join(format!("{name}{ending}")).is_file())
}
