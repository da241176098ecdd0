//! Which files of a folder hold variables.

use std::path::{Path, PathBuf};

/// The files with variables in a folder (`group_vars/all`, `defaults/main`), sorted, subfolders included:
/// those without an ending and those that end in `.yml`, `.yaml` or `.json`; hidden and backup files not.
pub fn variable_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return vec![];
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let visible = |path: &PathBuf| {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        !name.starts_with('.') && !name.ends_with('~')
    };
    let known = |path: &PathBuf| match path.extension() {
        Some(ending) => ["yml", "yaml", "json"].iter().any(|known| ending == *known),
        None => true,
    };
    let mut files = vec![];
    for path in paths.into_iter().filter(visible) {
        if path.is_dir() {
            files.extend(variable_files(&path));
        } else if known(&path) {
            files.push(path);
        }
    }
    files
}
