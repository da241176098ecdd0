//! A folder of this process, with the files that a target reads.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The folder; whoever starts the process names its place by TMPDIR, and removes it.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("fuzz-{}", std::process::id()));
        if let Err(error) = std::fs::create_dir_all(folder.join(".ssh/more")) {
            eprintln!("cannot make {}: {error}", folder.display());
            std::process::exit(2);
        }
        folder
    })
}

/// Writes a file of that folder.
pub fn write(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder().join(name);
    if let Err(error) = std::fs::write(&path, bytes) {
        eprintln!("cannot write {}: {error}", path.display());
        std::process::exit(2);
    }
    path
}

/// True if a text leads to files that this computer makes as they are read, or to others outside of the folder: their content is no
/// part of the input.
pub fn leads_away(text: &str) -> bool {
    ["/dev", "/proc", "/sys", "/run", ".."]
        .iter()
        .any(|away| text.contains(away))
}
