//! A control group of its own per node in every hierarchy (cgroup v1, hybrid and v2), for computers whose
//! PID 1 is not systemd. Always below the group this process is in: there it may write.

use super::files::text_or_empty;
use crate::error::{Error, Result};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The group of a node's processes, below the node's own.
pub const MACHINE: &str = "machine";
/// The group of the process that boots the node again, below the node's own.
pub const BOOT: &str = "boot";

/// One mounted hierarchy and the group this process is in.
#[derive(Debug, PartialEq)]
struct Hierarchy {
    /// `memory`, `cpu,cpuacct`, `name=systemd`; empty for v2.
    controllers: String,
    /// The folder of the group this process is in.
    own: PathBuf,
}

impl Hierarchy {
    fn is_v2(&self) -> bool {
        self.controllers.is_empty()
    }

    fn has(&self, controller: &str) -> bool {
        self.controllers.split(',').any(|name| name == controller)
    }
}

/// Makes the groups of a node and limits its memory; gives their folders, one per hierarchy.
///
/// # Errors
/// The groups cannot be made: no right to it, or the kernel's rule against processes in inner groups.
pub fn make(lab: &str, node: &str, memory: u64) -> Result<Vec<PathBuf>> {
    let hierarchies = hierarchies()?;
    if hierarchies.is_empty() {
        return Err(Error::new("no control groups are mounted on this computer")
            .help("mount them (`mount -t cgroup2 cgroup2 /sys/fs/cgroup`) or start the lab under systemd"));
    }
    let pure_v2 = hierarchies.len() == 1 && hierarchies[0].is_v2();
    let mut made = vec![];
    for hierarchy in &hierarchies {
        let group = hierarchy.own.join(lab).join(node);
        if pure_v2 {
            hand_down_controllers(&hierarchy.own)?;
            make_group(&hierarchy.own.join(lab))?;
            hand_down_controllers(&hierarchy.own.join(lab))?;
        }
        for folder in [
            &hierarchy.own.join(lab),
            &group,
            &group.join(MACHINE),
            &group.join(BOOT),
        ] {
            make_group(folder)?;
            if hierarchy.has("cpuset") {
                inherit_cpuset(folder)?;
            }
        }
        if pure_v2 {
            hand_down_controllers(&group)?;
        }
        if hierarchy.has("memory") {
            set(&group.join("memory.limit_in_bytes"), &memory.to_string())?;
        } else if pure_v2 {
            set(&group.join("memory.max"), &memory.to_string())?;
        }
        made.push(group);
    }
    Ok(made)
}

/// The folders of all groups called `lab` (or of the node `node` in them), wherever they were made.
pub fn find(lab: &str, node: Option<&str>) -> Vec<PathBuf> {
    let mut found = vec![];
    for mount in mounts() {
        search(&mount.1, lab, &mut found);
    }
    match node {
        Some(node) => found
            .into_iter()
            .map(|group| group.join(node))
            .filter(|group| group.is_dir())
            .collect(),
        None => found,
    }
}

/// The processes in these groups and below them.
pub fn processes(groups: &[PathBuf]) -> BTreeSet<i32> {
    let mut found = BTreeSet::new();
    for group in groups {
        each_group_below(group, &mut |folder| {
            let text = text_or_empty(&folder.join("cgroup.procs"));
            found.extend(text.lines().filter_map(|line| line.parse::<i32>().ok()));
        });
    }
    found.remove(&0);
    found.remove(&std::process::id().cast_signed());
    found
}

/// Ends every process in these groups at once, and removes the groups.
///
/// # Errors
/// Processes are still there after `patience`.
pub fn end(groups: &[PathBuf], patience: Duration) -> Result<()> {
    let start = Instant::now();
    loop {
        let left = processes(groups);
        if left.is_empty() {
            break;
        }
        if start.elapsed() > patience {
            return Err(Error::new(format!("processes of the lab do not end: {left:?}"))
                .help("look at them with `ps`; a process in state D waits for a disk"));
        }
        for pid in left.into_iter().filter_map(Pid::from_raw) {
            // One that has ended meanwhile is no failure.
            let _ = kill_process(pid, Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    for group in groups {
        remove(group, start, patience)?;
    }
    Ok(())
}

/// Memory in use by a node, in bytes.
pub fn memory_used(groups: &[PathBuf]) -> Option<u64> {
    groups
        .iter()
        .flat_map(|group| ["memory.usage_in_bytes", "memory.current"].map(|file| group.join(file)))
        .find_map(|file| text_or_empty(&file).trim().parse().ok())
}

/// The hierarchies that are mounted, each with the group this process is in.
fn hierarchies() -> Result<Vec<Hierarchy>> {
    let text = std::fs::read_to_string("/proc/self/cgroup")
        .map_err(|cause| Error::new("this kernel has no control groups").cause(cause))?;
    let mounts = mounts();
    Ok(text.lines().filter_map(|line| placed(line, &mounts)).collect())
}

/// A line of /proc/self/cgroup as a folder, if its hierarchy is mounted.
fn placed(line: &str, mounts: &[(String, PathBuf)]) -> Option<Hierarchy> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (controllers, path) = (parts.next()?, parts.next()?);
    let first = controllers.split(',').next().unwrap_or("");
    let mount = mounts.iter().find(|(options, _)| match first {
        "" => options.is_empty(),
        first => options.split(',').any(|option| option == first),
    })?;
    Some(Hierarchy {
        controllers: controllers.to_string(),
        own: mount.1.join(path.trim_start_matches('/')),
    })
}

/// Mounted hierarchies: options (empty for v2) and mount point.
fn mounts() -> Vec<(String, PathBuf)> {
    // A mount whose name is no text must not hide the others.
    let text = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    String::from_utf8_lossy(&text)
        .lines()
        .filter_map(|line| {
            let (left, right) = line.split_once(" - ")?;
            let target = PathBuf::from(left.split(' ').nth(4)?);
            let mut right = right.split(' ');
            match right.next()? {
                "cgroup2" => Some((String::new(), target)),
                "cgroup" => Some((right.nth(1)?.to_string(), target)),
                _ => None,
            }
        })
        .collect()
}

fn make_group(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|cause| {
        Error::new(format!("the control group {} cannot be made", folder.display()))
            .cause(cause)
            .help("run as root, on a computer (or in a container) that may write below /sys/fs/cgroup")
    })
}

fn set(file: &Path, value: &str) -> Result<()> {
    std::fs::write(file, value).map_err(|cause| {
        Error::new(format!("`{value}` cannot be written to {}", file.display())).cause(cause)
    })
}

/// A new cpuset is empty, and an empty one takes no process.
fn inherit_cpuset(folder: &Path) -> Result<()> {
    for name in ["cpuset.cpus", "cpuset.mems"] {
        let own = text_or_empty(&folder.join(name));
        let above = text_or_empty(&folder.join("..").join(name));
        if own.trim().is_empty() && !above.trim().is_empty() {
            set(&folder.join(name), above.trim())?;
        }
    }
    Ok(())
}

/// With v2 a group's controllers must be handed to the groups below it, and then it may hold no process.
fn hand_down_controllers(group: &Path) -> Result<()> {
    let own = text_or_empty(&group.join("cgroup.controllers"));
    let handed = text_or_empty(&group.join("cgroup.subtree_control"));
    let missing: Vec<String> = own
        .split_whitespace()
        .filter(|name| !handed.split_whitespace().any(|other| other == *name))
        .map(|name| format!("+{name}"))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    set(&group.join("cgroup.subtree_control"), &missing.join(" ")).map_err(|error| {
        error.help(format!(
            "with cgroup v2 a group that holds processes cannot have groups with controllers below it:\n\
             move them into a group of their own first: mkdir {0}/init; for p in $(cat {0}/cgroup.procs); do echo $p >{0}/init/cgroup.procs; done",
            group.display()
        ))
    })
}

fn search(folder: &Path, name: &str, found: &mut Vec<PathBuf>) {
    for below in folders_in(folder) {
        if below.file_name().is_some_and(|last| last == name) {
            found.push(below);
        } else {
            search(&below, name, found);
        }
    }
}

fn each_group_below(group: &Path, visit: &mut dyn FnMut(&Path)) {
    visit(group);
    for below in folders_in(group) {
        each_group_below(&below, visit);
    }
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return vec![];
    };
    entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

/// Removes a group and those below it; the kernel takes a moment to let go of the last process.
fn remove(group: &Path, start: Instant, patience: Duration) -> Result<()> {
    for below in folders_in(group) {
        remove(&below, start, patience)?;
    }
    loop {
        match std::fs::remove_dir(group) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) if start.elapsed() > patience => {
                return Err(
                    Error::new(format!("the control group {} cannot be removed", group.display()))
                        .cause(error),
                );
            }
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_finds_the_mount_of_its_hierarchy() {
        let mounts = [
            (
                "rw,cpu,cpuacct".to_string(),
                PathBuf::from("/sys/fs/cgroup/cpu,cpuacct"),
            ),
            (
                "rw,name=systemd".to_string(),
                PathBuf::from("/sys/fs/cgroup/systemd"),
            ),
            (String::new(), PathBuf::from("/sys/fs/cgroup/unified")),
        ];
        let own = |line| placed(line, &mounts).map(|hierarchy| hierarchy.own);
        assert_eq!(
            own("4:cpu,cpuacct:/a"),
            Some("/sys/fs/cgroup/cpu,cpuacct/a".into())
        );
        assert_eq!(own("1:name=systemd:/"), Some("/sys/fs/cgroup/systemd/".into()));
        assert_eq!(own("0::/b/c"), Some("/sys/fs/cgroup/unified/b/c".into()));
        assert_eq!(own("7:net_cls:/"), None);
    }
}
