//! Puts a node's tree together out of layers, and takes away every mount of the lab.

use super::files::text_or_empty;
use super::folders::NodeFolders;
use crate::error::{Error, Result};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Mounts base, what the node was given, and what it changed, as one tree; does nothing if it is mounted.
///
/// # Errors
/// The kernel refuses the mount.
pub fn mount_node(base: &Path, node: &NodeFolders) -> Result<()> {
    let root = node.root();
    if mounted_below(&root).contains(&root) {
        return Ok(());
    }
    let options = format!(
        "lowerdir={}:{},upperdir={},workdir={}",
        escaped(&node.given()),
        escaped(base),
        escaped(&node.upper()),
        escaped(&node.work())
    );
    let refused = |cause: &dyn std::fmt::Display| {
        Error::new(format!("the tree of a node cannot be mounted on {}", root.display()))
            .cause(cause)
            .help("the lab needs overlay mounts and a state folder on ext4, xfs, btrfs or tmpfs; set VENT_STATE to such a folder")
    };
    let options = CString::new(options).map_err(|cause| refused(&cause))?;
    mount(
        "overlay",
        &root,
        "overlay",
        MountFlags::empty(),
        options.as_c_str(),
    )
    .map_err(|cause| refused(&cause))
}

/// Takes away all mounts at and below `folder`, the newest first.
///
/// # Errors
/// A mount stays in use.
pub fn unmount_below(folder: &Path) -> Result<()> {
    for target in mounted_below(folder).iter().rev() {
        unmount(target, UnmountFlags::NOFOLLOW)
            .or_else(|_| unmount(target, UnmountFlags::NOFOLLOW | UnmountFlags::DETACH))
            .map_err(|cause| Error::new(format!("{} cannot be unmounted", target.display())).cause(cause))?;
    }
    Ok(())
}

/// The mount points at and below `folder`, in the order in which they were mounted.
pub fn mounted_below(folder: &Path) -> Vec<PathBuf> {
    text_or_empty(Path::new("/proc/self/mountinfo"))
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .map(unescaped)
        .filter(|target| target.starts_with(folder))
        .collect()
}

/// A path as overlay options want it: `\`, `:` and `,` stand behind a backslash.
fn escaped(path: &Path) -> String {
    let mut text = String::new();
    for character in path.to_string_lossy().chars() {
        if matches!(character, '\\' | ':' | ',') {
            text.push('\\');
        }
        text.push(character);
    }
    text
}

/// A path out of mountinfo, where blanks and such are written as octal numbers.
fn unescaped(text: &str) -> PathBuf {
    let mut bytes = vec![];
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let octal = tail.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if first == b'\\' => {
                bytes.push(byte);
                rest = &tail[3..];
            }
            _ => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    PathBuf::from(OsStr::from_bytes(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_survive_both_ways_of_writing() {
        assert_eq!(escaped(Path::new("/a:b,c\\d")), "/a\\:b\\,c\\\\d");
        assert_eq!(unescaped("/a\\040b\\134"), PathBuf::from("/a b\\"));
        assert_eq!(unescaped("/plain7"), PathBuf::from("/plain7"));
    }

    #[test]
    fn mount_points_are_found() {
        assert!(mounted_below(Path::new("/")).contains(&PathBuf::from("/proc")));
        assert!(mounted_below(Path::new("/no/such/folder")).is_empty());
    }
}
