//! A place for the nodes' changes: the state folder itself, or, where that lies on an overlay (as in a
//! container), a file system in a file, since an overlay cannot carry another one's changes. A node that is given a disk of
//! its own has a file system in a file too, so that it alone can be full or broken.

use super::command;
use super::folders::{Folders, NodeFolders, make_private};
use super::mounts;
use crate::error::{Error, Result};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// The kernel's number of overlayfs (statfs(2)).
const OVERLAYFS: u64 = 0x794c_7630;
/// The most the nodes may fill of such a file together.
const LARGEST: u64 = 64 << 30;

/// How long the kernel is given to take the mounts of dead processes apart.
const LET_GO: Duration = Duration::from_secs(2);
/// What cannot be done here is cured by another place.
const PLACE: &str =
    "set VENT_STATE to a folder on a disk (ext4, xfs, btrfs) or on tmpfs, or allow loop devices here";

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
    if !image.exists() {
        make_file_system(&image, LARGEST).map_err(|error| error.help(PLACE))?;
    }
    mount_file_system(&image, &nodes).map_err(|error| error.help(PLACE))
}

/// Makes a disk of its own ready for a node that does not run: a file system of this many bytes in a file, which holds
/// all that the node writes. One that it was given before is checked first, as at the start of any machine, and keeps its size.
///
/// # Errors
/// The node was made without a disk, its disk is beyond repair, or no file system can be put into a file here.
pub fn provide_disk(node: &NodeFolders, name: &str, size: Option<u64>) -> Result<()> {
    make_private(&node.0)?;
    let disk = node.disk();
    match (disk.is_file(), size) {
        (false, None) => return Ok(()),
        (false, Some(_)) if node.upper().is_dir() => {
            return Err(Error::new(format!(
                "node `{name}` was made before it was given a disk of its own"
            ))
            .help(format!("`vent lab reset {name}` makes it anew, empty")));
        }
        (false, Some(size)) => make_file_system(&disk, size).map_err(|error| error.help(PLACE))?,
        (true, _) => {
            cut_off(&disk)?;
            repair(&disk, name)?;
        }
    }
    mount_file_system(&disk, &node.0).map_err(|error| error.help(PLACE))
}

/// Sees to it that what was written to a node's own disk until now is there even if its power fails.
///
/// # Errors
/// The disk does not take it.
pub fn flush(node: &NodeFolders) -> Result<()> {
    if !node.disk().is_file() {
        return Ok(());
    }
    let flushed = std::fs::File::open(&node.0).and_then(|folder| Ok(rustix::fs::syncfs(folder)?));
    flushed.map_err(|cause| Error::new(format!("{} cannot be written", node.disk().display())).cause(cause))
}

/// Sees to it that nothing more is written to the disk of an ended node. Whoever made a mount namespace while it ran, as every
/// container does, may hold its file system for as long as that lives; so that one is ended as a fault of the disk would end it.
fn cut_off(disk: &Path) -> Result<()> {
    let begun = Instant::now();
    while !loop_devices(disk).is_empty() && begun.elapsed() < LET_GO {
        std::thread::sleep(Duration::from_millis(20));
    }
    for device in loop_devices(disk) {
        let fault = Path::new("/sys/fs/ext4").join(device).join("trigger_fs_error");
        if fault.exists() {
            std::fs::write(&fault, "1")
                .map_err(|cause| Error::new(format!("{} cannot be written", fault.display())).cause(cause))?;
        }
    }
    Ok(())
}

/// The loop devices of a file.
fn loop_devices(image: &Path) -> Vec<String> {
    let devices = std::fs::read_dir("/sys/block").into_iter().flatten().flatten();
    let of_image = devices.filter(|device| {
        let file = std::fs::read(device.path().join("loop/backing_file")).unwrap_or_default();
        file.trim_ascii_end() == image.as_os_str().as_bytes()
    });
    of_image
        .map(|device| device.file_name().to_string_lossy().into_owned())
        .collect()
}

/// Does what a machine does to its disk when it starts after its power failed.
fn repair(disk: &Path, name: &str) -> Result<()> {
    let path = disk.to_string_lossy();
    let checked = command::output(&["e2fsck", "-p", &path], "")?;
    // e2fsck(8): nothing was wrong, or all that was is mended.
    if matches!(checked.status.code(), Some(0 | 1)) {
        return Ok(());
    }
    Err(
        Error::new(format!("the disk of node `{name}` cannot be repaired"))
            .cause(String::from_utf8_lossy(&checked.stdout).trim())
            .help(format!("`vent lab reset {name}` makes the node anew, empty")),
    )
}

/// Puts a file system of this many bytes into the file `image`, which is missing; it takes only what is written.
fn make_file_system(image: &Path, size: u64) -> Result<()> {
    let path = image.to_string_lossy();
    let partial = format!("{path}.partial");
    let sparse = |file: std::fs::File| file.set_len(size);
    std::fs::File::create(&partial)
        .and_then(sparse)
        .map_err(|cause| Error::new(format!("{partial} cannot be made")).cause(cause))?;
    command::run(&["mkfs.ext4", "-q", "-F", "-m", "0", &partial])?;
    std::fs::rename(&partial, image)
        .map_err(|cause| Error::new(format!("{path} cannot be put into place")).cause(cause))
}

/// Mounts the file system in the file `image`.
fn mount_file_system(image: &Path, target: &Path) -> Result<()> {
    let path = image.to_string_lossy();
    // `mount` alone would take a device that the file has already, and with it the file system that somebody still holds.
    let device = command::run(&["losetup", "--find", "--show", &path])?;
    let device = device.trim();
    let target_path = target.to_string_lossy();
    let mounted = command::run(&["mount", "-o", "errors=remount-ro", device, &target_path]);
    // The device goes with the mount.
    command::run(&["losetup", "--detach", device])?;
    mounted?;
    make_private(target)
}

fn lies_on_overlay(folder: &Path) -> Result<bool> {
    let found = rustix::fs::statfs(folder).map_err(|cause| {
        Error::new(format!("the file system of {} cannot be asked", folder.display())).cause(cause)
    })?;
    Ok(found.f_type.cast_unsigned() == OVERLAYFS)
}
