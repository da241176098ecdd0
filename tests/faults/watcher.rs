//! Looks whether a file ever stands half written under its final name: what Vent writes comes there by a rename, whole.

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;
use std::collections::{BTreeSet, HashMap};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Watches folders until it is asked what it saw.
pub struct Watcher {
    ended: Arc<AtomicBool>,
    thread: JoinHandle<BTreeSet<String>>,
}

struct Watched {
    inotify: OwnedFd,
    folders: HashMap<i32, PathBuf>,
    seen: BTreeSet<String>,
}

impl Watcher {
    /// Watches these folders with all below them, whether they are there already or not; above all must be `root`.
    pub fn new(root: &Path, folders: &[&str]) -> Watcher {
        let mut watched = Watched {
            inotify: inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap(),
            folders: HashMap::new(),
            seen: BTreeSet::new(),
        };
        let folders: Vec<PathBuf> = folders.iter().map(|folder| root.join(&folder[1..])).collect();
        for folder in &folders {
            watched.add(folder);
        }
        let ended = Arc::new(AtomicBool::new(false));
        let end = ended.clone();
        let thread = std::thread::spawn(move || {
            while !end.load(Ordering::SeqCst) {
                // One that is not there yet is looked for again: nothing is written into it before it is made.
                for folder in &folders {
                    if !watched.folders.values().any(|known| known == folder) {
                        watched.add(folder);
                    }
                }
                watched.read();
                std::thread::sleep(Duration::from_millis(5));
            }
            watched.read();
            watched.seen
        });
        Watcher { ended, thread }
    }

    /// A sentence for each file that was made or written to under its final name.
    pub fn seen(self) -> BTreeSet<String> {
        self.ended.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

impl Watched {
    fn add(&mut self, folder: &Path) {
        let what = WatchFlags::CREATE
            | WatchFlags::MODIFY
            | WatchFlags::MOVED_TO
            | WatchFlags::ONLYDIR
            | WatchFlags::DONT_FOLLOW;
        if let Ok(watch) = inotify::add_watch(&self.inotify, folder, what) {
            self.folders.insert(watch, folder.to_path_buf());
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    self.add(&entry.path());
                }
            }
        }
    }

    fn read(&mut self) {
        let mut events = vec![];
        let mut buffer = [MaybeUninit::<u8>::uninit(); 16384];
        let mut reader = Reader::new(&self.inotify, &mut buffer);
        loop {
            match reader.next() {
                Ok(event) => events.push((
                    event.wd(),
                    event.events(),
                    event
                        .file_name()
                        .map(|name| name.to_string_lossy().into_owned())
                        .unwrap_or_default(),
                )),
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(error) => panic!("{error}"),
            }
        }
        for (watch, kind, name) in events {
            self.judge(watch, kind, &name);
        }
    }

    fn judge(&mut self, watch: i32, kind: ReadFlags, name: &str) {
        assert!(
            !kind.contains(ReadFlags::QUEUE_OVERFLOW),
            "more happened than could be watched"
        );
        let Some(folder) = self.folders.get(&watch) else {
            return;
        };
        let path = folder.join(name);
        if kind.contains(ReadFlags::ISDIR) {
            self.add(&path);
            return;
        }
        // A link comes to its name whole; and one that is gone already cannot be asked what it was.
        let is_file = path.symlink_metadata().is_ok_and(|data| data.is_file());
        if name.starts_with(".vent") || !is_file {
            return;
        }
        for (what, sentence) in [
            (ReadFlags::CREATE, "made under its final name"),
            (ReadFlags::MODIFY, "written to under its final name"),
        ] {
            if kind.contains(what) {
                self.seen.insert(format!("{} was {sentence}", path.display()));
            }
        }
    }
}

#[test]
fn what_is_written_under_its_final_name_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("there")).unwrap();
    let watcher = Watcher::new(folder.path(), &["/there", "/later"]);
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("there/.vent.x"), "whole").unwrap();
    std::fs::rename(at("there/.vent.x"), at("there/whole")).unwrap();
    std::fs::write(at("there/half"), "ha").unwrap();
    std::fs::create_dir_all(at("later/below")).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    std::fs::write(at("later/below/half"), "ha").unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let seen: Vec<String> = watcher.seen().into_iter().collect();
    let expected = ["later/below/half", "there/half"].map(|name| {
        ["made", "written to"].map(|how| format!("{} was {how} under its final name", at(name).display()))
    });
    assert_eq!(seen, expected.concat());
}
