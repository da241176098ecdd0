//! A place for the nodes' changes: the state folder itself, or, where that lies on an overlay (as in a
//! container), a file system in a file, since an overlay cannot carry another one's changes.

use super::command;
use super::folders::{Folders, make_private};
use super::mounts;
use crate::error::{Error, Result};
use std::path::Path;

/// The kernel's number of overlayfs (statfs(2)).
const OVERLAYFS: u64 = 0x794c_7630;
/// The most the nodes may fill of such a file; it takes only what is written.
const LARGEST: u64 = 64 << 30;

/// Makes the folder of the nodes ready.
///
/// # Errors
/// The folder cannot be made, or no file system can be put into a file here.
pub fn provide(folders: &Folders, progress: &(dyn Fn(&str) + Sync)) -> Result<()> {
    let nodes = folders.nodes();
    make_private(&nodes)?;
    if mounts::mounted_below(&nodes).contains(&nodes) || !lies_on_overlay(&folders.lab)? {
        return Ok(());
    }
    let image = folders.file("nodes.ext4");
    progress(&format!(
        "{} lies on an overlay, which cannot carry the nodes: putting them into a file system in {}",
        folders.lab.display(),
        image.display()
    ));
    let path = image.to_string_lossy();
    let cure = |error: Error| {
        error.help(
            "set VENT_STATE to a folder on a disk (ext4, xfs, btrfs) or on tmpfs, or allow loop devices here",
        )
    };
    if !image.exists() {
        let partial = format!("{path}.partial");
        let sparse = |file: std::fs::File| file.set_len(LARGEST);
        std::fs::File::create(&partial)
            .and_then(sparse)
            .map_err(|cause| cure(Error::new(format!("{partial} cannot be made")).cause(cause)))?;
        command::run(&["mkfs.ext4", "-q", "-F", "-m", "0", &partial]).map_err(cure)?;
        std::fs::rename(&partial, &image)
            .map_err(|cause| Error::new(format!("{path} cannot be put into place")).cause(cause))?;
    }
    command::run(&["mount", "-o", "loop", &path, &nodes.to_string_lossy()]).map_err(cure)?;
    make_private(&nodes)
}

fn lies_on_overlay(folder: &Path) -> Result<bool> {
    let found = rustix::fs::statfs(folder).map_err(|cause| {
        Error::new(format!("the file system of {} cannot be asked", folder.display())).cause(cause)
    })?;
    Ok(found.f_type.cast_unsigned() == OVERLAYFS)
}
