//! Puts a node's tree together out of layers, and takes away every mount of the lab.

use super::folders::NodeFolders;
use crate::error::{Error, Result};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use std::ffi::{CString, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
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
    let options = [
        b"lowerdir=".to_vec(),
        escaped(&node.given()),
        b":".to_vec(),
        escaped(base),
        b",upperdir=".to_vec(),
        escaped(&node.upper()),
        b",workdir=".to_vec(),
        escaped(&node.work()),
    ]
    .concat();
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
    targets(&std::fs::read("/proc/self/mountinfo").unwrap_or_default())
        .filter(|target| target.starts_with(folder))
        .collect()
}

/// The mount points in a mountinfo. Names are bytes, whatever a node makes of them.
fn targets(mountinfo: &[u8]) -> impl Iterator<Item = PathBuf> {
    mountinfo
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.split(|byte| *byte == b' ').nth(4))
        .map(unescaped)
}

/// A path as overlay options want it: `\`, `:` and `,` stand behind a backslash.
fn escaped(path: &Path) -> Vec<u8> {
    let mut text = vec![];
    for byte in path.as_os_str().as_bytes() {
        if matches!(byte, b'\\' | b':' | b',') {
            text.push(b'\\');
        }
        text.push(*byte);
    }
    text
}

/// A path out of mountinfo, where blanks and such are written as octal numbers.
fn unescaped(text: &[u8]) -> PathBuf {
    let mut bytes = vec![];
    let mut rest = text;
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
    PathBuf::from(OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_survive_both_ways_of_writing() {
        assert_eq!(escaped(Path::new("/a:b,c\\d")), b"/a\\:b\\,c\\\\d");
        assert_eq!(unescaped(b"/a\\040b\\134"), PathBuf::from("/a b\\"));
        assert_eq!(unescaped(b"/plain7"), PathBuf::from("/plain7"));
    }

    /// Root of a node may mount where it likes; what it mounts is taken away with the node.
    #[test]
    #[ignore = "needs root: mounts"]
    fn a_name_that_is_no_text_hides_no_mount() {
        let folder = tempfile::tempdir().unwrap();
        let names: [&[u8]; 3] = [b"a", b"b\xff", b"c"];
        let targets = names.map(|name| folder.path().join(OsString::from_vec(name.to_vec())));
        for target in &targets {
            std::fs::create_dir(target).unwrap();
            mount(
                "tmpfs",
                target,
                "tmpfs",
                MountFlags::empty(),
                None::<&std::ffi::CStr>,
            )
            .unwrap();
        }
        assert_eq!(mounted_below(folder.path()), targets);
        unmount_below(folder.path()).unwrap();
        assert_eq!(mounted_below(folder.path()), Vec::<PathBuf>::new());
    }

    #[test]
    fn mount_points_are_found() {
        assert!(mounted_below(Path::new("/")).contains(&PathBuf::from("/proc")));
        assert!(mounted_below(Path::new("/no/such/folder")).is_empty());
    }
}
