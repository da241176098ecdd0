//! The Python packages of the user's own ansible-core, where collections lie that came with it.

use crate::bridge;
use std::path::PathBuf;

/// The folders of Python packages beside the Python on the search path that is likeliest to have ansible-core.
pub(super) fn packages(search_path: &str) -> Vec<PathBuf> {
    let pythons = bridge::pythons(search_path);
    let Some(root) = pythons.first().and_then(|(python, _)| python.parent()?.parent()) else {
        return vec![];
    };
    let mut found = vec![];
    for lib in ["lib", "lib64"] {
        let entries = std::fs::read_dir(root.join(lib)).into_iter().flatten().flatten();
        let versions = entries.map(|entry| entry.path()).filter(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("python3"))
        });
        found.extend(
            versions.flat_map(|path| ["site-packages", "dist-packages"].map(|folder| path.join(folder))),
        );
    }
    found.retain(|folder| folder.join("ansible_collections").is_dir());
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collections_beside_the_interpreter_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let packages_folder = folder.path().join("lib/python3.11/site-packages");
        std::fs::create_dir_all(packages_folder.join("ansible_collections")).unwrap();
        std::fs::create_dir_all(folder.path().join("lib/python3.12/site-packages")).unwrap();
        std::fs::create_dir(folder.path().join("bin")).unwrap();
        let script = format!("#!{}/bin/python\nimport ansible\n", folder.path().display());
        std::fs::write(folder.path().join("bin/ansible-playbook"), script).unwrap();
        let search_path = format!("/nowhere:{}/bin", folder.path().display());
        assert_eq!(packages(&search_path), [packages_folder]);
        assert!(packages("/nowhere").is_empty());
    }
}
