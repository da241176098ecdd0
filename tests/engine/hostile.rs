//! Folders of other users: whoever owns a folder that root writes in can turn nothing elsewhere.
//!
//! The other user is a thread of this program with the rights of `nobody`, which waits for anything new.

mod archives;
mod keys;
mod trees;

use super::{playbook, vent};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

const NOBODY: u32 = 65534;

/// A folder that only root can read, with a file that nobody may touch, beside a folder that is nobody's.
struct Scene {
    folder: tempfile::TempDir,
    victim: PathBuf,
    theirs: PathBuf,
}

impl Scene {
    fn new(tasks: &str) -> Scene {
        let folder = playbook(&format!(
            "- hosts: localhost\n  gather_facts: false\n  tasks:\n{tasks}"
        ));
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let roots = folder.path().join("roots");
        let theirs = folder.path().join("theirs");
        for (path, mode, owner) in [(&roots, 0o700, 0), (&theirs, 0o755, NOBODY)] {
            std::fs::create_dir(path).unwrap();
            std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
            chown(path, Some(owner), Some(owner)).unwrap();
        }
        let victim = roots.join("victim");
        std::fs::write(&victim, "precious\n").unwrap();
        std::fs::set_permissions(&victim, PermissionsExt::from_mode(0o600)).unwrap();
        Scene {
            folder,
            victim,
            theirs,
        }
    }

    fn run(&self) -> String {
        let output = vent(self.folder.path(), &["run", "site.yml", "-i", "localhost,"]);
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }

    /// The file of root is as it was, and nothing else came beside it.
    fn untouched(&self, said: &str) {
        let stat = std::fs::metadata(&self.victim).unwrap();
        let content = std::fs::read_to_string(&self.victim).unwrap();
        let beside: Vec<_> = std::fs::read_dir(self.victim.parent().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(
            (
                content.as_str(),
                stat.mode() & 0o7777,
                stat.uid(),
                stat.gid(),
                beside
            ),
            ("precious\n", 0o600, 0, 0, vec!["victim".into()]),
            "{said}"
        );
    }
}

/// Nobody, at work until dropped.
struct Attacker {
    stop: Arc<AtomicBool>,
    turns: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Attacker {
    /// Does `turn` over and over with the rights of nobody; it tells how often it succeeded.
    fn new(mut turn: impl FnMut() -> usize + Send + 'static) -> Attacker {
        let (stop, turns) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (ended, counted) = (stop.clone(), turns.clone());
        let thread = std::thread::spawn(move || {
            let (user, group) = (
                rustix::thread::Uid::from_raw(NOBODY),
                rustix::thread::Gid::from_raw(NOBODY),
            );
            rustix::thread::set_thread_groups(&[]).unwrap();
            rustix::thread::set_thread_res_gid(group, group, group).unwrap();
            rustix::thread::set_thread_res_uid(user, user, user).unwrap();
            while !ended.load(Ordering::Relaxed) {
                counted.fetch_add(turn(), Ordering::Relaxed);
            }
        });
        Attacker {
            stop,
            turns,
            thread: Some(thread),
        }
    }

    /// Puts a link to `target` in place of everything new in `folder`.
    fn exchanging(folder: &Path, target: &Path) -> Attacker {
        let (folder, target) = (folder.to_path_buf(), target.to_path_buf());
        Attacker::new(move || {
            let mut done = 0;
            for entry in std::fs::read_dir(&folder).unwrap().flatten() {
                let path = entry.path();
                let is_link = std::fs::symlink_metadata(&path).is_ok_and(|stat| stat.is_symlink());
                let is_new = path.to_string_lossy().contains(".vent.");
                let away = folder.join(format!("away{done}"));
                if is_new && !is_link && std::fs::rename(&path, &away).is_ok() {
                    done += usize::from(symlink(&target, &path).is_ok());
                    let _ = std::fs::remove_file(&away);
                }
            }
            done
        })
    }

    fn end(mut self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join).unwrap().unwrap();
        self.turns.load(Ordering::Relaxed)
    }
}

#[test]
#[ignore = "needs root: writes in folders of another user"]
fn who_exchanges_the_temporary_file_for_a_link_gets_nothing() {
    let scene = Scene::new(
        "    - copy: { content: '{{ item }}{{ \"x\" * 3000 }}', dest: 'FOLDER/theirs/{{ item }}', mode: '0644', owner: nobody }\n      loop: '{{ range(60) | list }}'\n      ignore_errors: true\n",
    );
    let attacker = Attacker::exchanging(&scene.theirs, &scene.victim);
    let said = scene.run();
    let turns = attacker.end();
    scene.untouched(&said);
    assert!(
        turns > 3,
        "the other user was too slow to try anything: {turns}\n{said}"
    );
}

#[test]
#[ignore = "needs root: writes in folders of another user"]
fn links_that_wait_under_every_name_to_be_guessed_are_never_followed() {
    let scene = Scene::new(
        "    - copy: { src: FOLDER/site.yml, dest: FOLDER/theirs/copied, remote_src: true, mode: '0644' }\n    - file: { src: /nowhere, dest: FOLDER/theirs/linked, state: link, force: true }\n    - archive: { path: FOLDER/site.yml, dest: FOLDER/theirs/packed, format: gz, mode: '0644' }\n    - copy: { content: new, dest: FOLDER/theirs/written, mode: '0644', backup: true }\n    - copy: { content: newer, dest: FOLDER/theirs/written, mode: '0644', backup: true }\n",
    );
    for name in ["copied", "linked", "packed", "written"] {
        for process in 2..32_768 {
            for ending in ["", ".gz"] {
                if ending.is_empty() || name == "packed" {
                    symlink(
                        &scene.victim,
                        scene.theirs.join(format!("{name}.vent.{process}{ending}")),
                    )
                    .unwrap();
                }
            }
        }
    }
    let said = scene.run();
    scene.untouched(&said);
    assert!(said.contains("failed=0"), "{said}");
    assert_eq!(
        std::fs::read_to_string(scene.theirs.join("written")).unwrap(),
        "newer"
    );
}

/// Copies 150 things into a folder of nobody's in one task, and puts a link in place of the folder when `begun` says that
/// the task is at work.
fn diverted(task: &str, begun: impl Fn(&Path) -> bool + Send + 'static, before: impl Fn(&Path)) {
    let scene = Scene::new(&format!(
        "    - copy: {{ src: FOLDER/source/, dest: FOLDER/theirs/conf/, owner: nobody, {task} }}\n      ignore_errors: true\n"
    ));
    let (source, conf) = (scene.folder.path().join("source"), scene.theirs.join("conf"));
    std::fs::create_dir(&source).unwrap();
    for folder in [&source, &conf] {
        std::fs::create_dir_all(folder).unwrap();
    }
    chown(&conf, Some(NOBODY), Some(NOBODY)).unwrap();
    before(&source);
    before(&conf);
    let (target, away) = (
        scene.victim.parent().unwrap().to_path_buf(),
        scene.theirs.join("away"),
    );
    let mut done = false;
    let attacker = Attacker::new(move || {
        if !done && begun(&conf) {
            std::fs::rename(&conf, &away).unwrap();
            symlink(&target, &conf).unwrap();
            done = true;
            return 1;
        }
        0
    });
    let said = scene.run();
    assert_eq!(attacker.end(), 1, "the other user came too late\n{said}");
    scene.untouched(&said);
    assert!(
        said.contains("leads elsewhere") || said.contains("was exchanged"),
        "{said}"
    );
}

fn names() -> impl Iterator<Item = String> {
    let numbered = (0..150).map(|number| format!("f{number:03}"));
    numbered.chain(["victim".into()])
}

#[test]
#[ignore = "needs root: writes in folders of another user"]
fn a_folder_that_becomes_a_link_while_files_are_written_leads_nowhere() {
    diverted(
        "mode: '0644'",
        |conf| conf.join("f020").exists(),
        |folder| {
            for name in names().filter(|_| folder.ends_with("source")) {
                std::fs::write(folder.join(&name), name).unwrap();
            }
        },
    );
}

#[test]
#[ignore = "needs root: writes in folders of another user"]
fn a_folder_that_becomes_a_link_while_folders_are_made_leads_nowhere() {
    diverted(
        "directory_mode: '0777', mode: '0644'",
        |conf| conf.join("f020").exists(),
        |folder| {
            for name in names().filter(|_| folder.ends_with("source")) {
                if name != "victim" {
                    std::fs::create_dir(folder.join(&name)).unwrap();
                }
            }
        },
    );
}

#[test]
#[ignore = "needs root: writes in folders of another user"]
fn a_folder_that_becomes_a_link_while_modes_are_set_leads_nowhere() {
    diverted(
        "mode: '0666'",
        |conf| std::fs::metadata(conf.join("f020")).is_ok_and(|stat| stat.mode() & 0o777 == 0o666),
        |folder| {
            for name in names() {
                let path = folder.join(&name);
                std::fs::write(&path, name).unwrap();
                chown(&path, Some(NOBODY), Some(0)).unwrap();
                std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
            }
        },
    );
}
