//! Watchers of files (inotify): the kernel lets each account have so many, and the nodes, whose root is this computer's,
//! share them with it and with each other. Without one left a node's systemd or kubelet does not start.

use super::files::text_or_empty;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The kernel's limit for each account.
const LIMIT: &str = "/proc/sys/fs/inotify/max_user_instances";
/// What a node of a cluster uses, a controller more and a worker less; a bare one uses eight.
const PER_NODE: usize = 24;

/// What to say before `nodes` more nodes boot, if the watchers will not do for clusters on all of them.
pub fn shortage(nodes: usize) -> Option<String> {
    let limit = text_or_empty(Path::new(LIMIT)).trim().parse().ok()?;
    sentence(limit, in_use(), nodes)
}

fn sentence(limit: usize, in_use: usize, nodes: usize) -> Option<String> {
    let wanted = in_use + nodes * PER_NODE;
    (wanted > limit).then(|| {
        format!(
            "the kernel lets root have {limit} watchers of files, {in_use} are in use, and a node of a cluster takes about {PER_NODE}: \
             `sysctl -w fs.inotify.max_user_instances={}` makes room if something on a node does not start",
            wanted.next_power_of_two().max(512)
        )
    })
}

/// How many watchers the processes of root have.
fn in_use() -> usize {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter(|entry| entry.metadata().is_ok_and(|metadata| metadata.uid() == 0))
        .flat_map(|entry| {
            std::fs::read_dir(entry.path().join("fd"))
                .into_iter()
                .flatten()
                .flatten()
        })
        .filter(|file| {
            std::fs::read_link(file.path()).is_ok_and(|target| target.as_os_str() == "anon_inode:inotify")
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortage_is_told_with_its_cure() {
        assert_eq!(sentence(128, 10, 3), None);
        assert_eq!(
            sentence(128, 100, 3).unwrap(),
            "the kernel lets root have 128 watchers of files, 100 are in use, and a node of a cluster takes about 24: \
             `sysctl -w fs.inotify.max_user_instances=512` makes room if something on a node does not start"
        );
    }
}
