//! Nodes with a disk of their own: one that is full or broken, and one whose power failed.

use super::{Trial, wait_until};
use std::path::{Path, PathBuf};
use std::process::Command;
use vent::lab::NodeState;

/// The sizes of a node's root file system and of what is free there, in bytes.
fn space(trial: &Trial, node: &str) -> (u64, u64) {
    let said = trial.says(node, "df -B1 --output=size,avail / | tail -1");
    let numbers: Vec<u64> = said
        .split_whitespace()
        .map(|number| number.parse().unwrap())
        .collect();
    (numbers[0], numbers[1])
}

/// What mounts a node's disk: `loop0`.
pub fn loop_device(node: &Path) -> String {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let node = node.to_str().unwrap();
    let line = mounts.lines().find(|line| line.split(' ').nth(4) == Some(node));
    let source = line
        .unwrap()
        .split(" - ")
        .nth(1)
        .unwrap()
        .split(' ')
        .nth(1)
        .unwrap();
    source.trim_start_matches("/dev/").to_string()
}

#[test]
#[ignore = "needs root: makes a lab"]
fn a_disk_of_its_own_is_full_alone_and_is_repaired_after_a_fault() {
    let trial = Trial::new(
        "10.78.",
        serde_json::json!({
        "one": {"address": 10, "disk": "192M"}, "two": {"address": 20, "memory": "256M"}}),
    );
    trial.lab.up(&|_| ()).unwrap();
    let (size, free) = space(&trial, "one");
    assert!(size < 192 << 20 && free > 64 << 20, "{size} {free}");
    assert!(space(&trial, "two").0 > 192 << 20);

    let full = trial.ssh("one", "echo kept >/kept; sync; cat /dev/zero >/big");
    assert!(
        String::from_utf8_lossy(&full.stderr).contains("No space left on device"),
        "{full:?}"
    );
    trial.says("two", "echo more >/more");
    trial.says("one", "rm /big; echo more >/more");

    // The kernel finds that the file system is broken, and lets nobody write to it any more.
    let disk: PathBuf = trial.folder.path().join("lab/trial/nodes/one");
    std::fs::write(
        format!("/sys/fs/ext4/{}/trigger_fs_error", loop_device(&disk)),
        "1",
    )
    .unwrap();
    let refused = trial.ssh("one", "touch /refused");
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("Read-only file system"),
        "{refused:?}"
    );
    // Whoever has a mount namespace of an earlier time holds what was mounted then.
    let mut held = Command::new("unshare")
        .args(["--mount", "sleep", "60"])
        .spawn()
        .unwrap();
    wait_until("a namespace is made", || {
        let of = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/mnt")).unwrap();
        of("self") != of(&held.id().to_string())
    });
    trial.lab.stop(&["one".to_string()]).unwrap();
    assert_eq!(trial.states(), [NodeState::Stopped, NodeState::Running]);
    trial.lab.up(&|_| ()).unwrap();
    assert_eq!(trial.says("one", "touch /written; sync; cat /kept"), "kept");

    // Another start finds what was written, and a reset an empty disk of the same size.
    trial.lab.stop(&[]).unwrap();
    assert_eq!(trial.states(), [NodeState::Stopped; 2]);
    trial.lab.up(&|_| ()).unwrap();
    assert_eq!(trial.says("one", "ls /written"), "/written");
    assert_eq!(trial.says("two", "cat /more"), "more");
    trial.lab.reset(&["one".to_string()], &|_| ()).unwrap();
    assert_eq!(
        trial.says("one", "ls /written /kept 2>/dev/null || echo empty"),
        "empty"
    );
    assert_eq!(space(&trial, "one").0, size);
    held.kill().unwrap();
    held.wait().unwrap();
    trial.lab.down(&|_| ()).unwrap();
    assert_eq!(trial.states(), [NodeState::Absent; 2]);
    assert_eq!(trial.left(), Vec::<String>::new());
}

/// The file system is read without its mount, as after a failure of power: what nobody wrote to the disk is not there.
#[test]
#[ignore = "needs root: makes a lab"]
fn what_the_lab_writes_is_on_a_disk_before_the_node_starts() {
    let trial = Trial::new(
        "10.78.",
        serde_json::json!({"one": {"address": 10, "disk": "192M"}}),
    );
    trial.lab.up(&|_| ()).unwrap();
    let node = trial.folder.path().join("lab/trial/nodes/one");
    let loops = Path::new("/sys/block")
        .join(loop_device(&node))
        .join("loop/backing_file");
    let image = std::fs::read_to_string(loops).unwrap();
    let keys = "given/root/.ssh/authorized_keys";
    let there = std::fs::read_to_string(node.join(keys)).unwrap();
    let raw = Command::new("debugfs")
        .args(["-R", &format!("cat /{keys}"), image.trim_end()])
        .output()
        .unwrap();
    trial.lab.down(&|_| ()).unwrap();
    assert!(!there.is_empty());
    assert_eq!(String::from_utf8_lossy(&raw.stdout), there);
}
