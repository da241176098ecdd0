//! Trees of other users: what is changed or removed in them by the hundred is theirs, whatever they exchange meanwhile.
//! Each with this computer's programs in dash and bash, and with those of busybox.

use super::{Attacker, NOBODY, Scene};
use rustix::fs::{CWD, FileType, Mode, RenameFlags, makedev, mknodat, renameat_with};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

const BUSYBOX: &str = "sh find stat sort chmod chown chgrp xargs tr wc readlink head cut sed cat rm mv mkdir rmdir ls ln id cp touch";

/// Folders of programs that come before this computer's: another shell, or busybox.
pub(super) fn hosts() -> Vec<(&'static str, tempfile::TempDir)> {
    let with = |name: &'static str, target: &str, links: &str| {
        let folder = tempfile::tempdir().unwrap();
        for link in links.split(' ') {
            symlink(target, folder.path().join(link)).unwrap();
        }
        (name, folder)
    };
    let all = [
        ("dash", "/usr/bin/dash", "sh"),
        ("bash", "/usr/bin/bash", "sh"),
        ("busybox", "/usr/bin/busybox", BUSYBOX),
    ];
    let there = all
        .into_iter()
        .filter(|(_, target, _)| Path::new(target).exists());
    there
        .map(|(name, target, links)| with(name, target, links))
        .collect()
}

pub(super) fn run(folder: &Path, programs: &Path) -> String {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path: std::ffi::OsString = [programs.as_os_str(), OsStr::new(":"), &path]
        .into_iter()
        .collect();
    let output = Command::new(env!("CARGO_BIN_EXE_vent"))
        .current_dir(folder)
        .env("PATH", path)
        .args(["run", "site.yml", "-i", "localhost,"])
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Makes a thing that is nobody's; for a pipe, a socket and a device by its name.
pub(super) fn make(path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let special = |kind, device| mknodat(CWD, path, kind, Mode::from_raw_mode(0o600), device).unwrap();
    match name.trim_end_matches(|letter: char| letter.is_ascii_digit()) {
        "pipe" => special(FileType::Fifo, 0),
        "socket" => special(FileType::Socket, 0),
        "device" => special(FileType::CharacterDevice, makedev(1, 3)),
        _ => std::fs::write(path, &name).unwrap(),
    }
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
}

/// Everything from a folder on is nobody's.
pub(super) fn give(path: &Path) {
    lchown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if std::fs::symlink_metadata(path).unwrap().is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path());
        }
    }
}

/// Exchanges each of the paths for a link to `target`, and back, without a moment in which nothing is there.
pub(super) fn exchanging(scene: &Scene, paths: Vec<PathBuf>, target: &Path) -> Attacker {
    let aside = scene.theirs.join("aside");
    std::fs::create_dir_all(&aside).unwrap();
    let number = std::fs::read_dir(&aside).unwrap().count();
    let pairs: Vec<(PathBuf, PathBuf)> = paths
        .into_iter()
        .enumerate()
        .map(|(at, path)| (path, aside.join(format!("{}", number + at))))
        .collect();
    for (_, link) in &pairs {
        symlink(target, link).unwrap();
    }
    give(&aside);
    Attacker::new(move || {
        let exchange = |(here, there): &&(PathBuf, PathBuf)| {
            renameat_with(CWD, here, CWD, there, RenameFlags::EXCHANGE).is_ok()
        };
        pairs.iter().filter(exchange).count()
    })
}

/// Runs the tasks of a scene while each of the paths is exchanged for a link to the victim, which stays as it was.
fn foiled(scene: &Scene, name: &str, programs: &Path, paths: Vec<PathBuf>) {
    let attacker = exchanging(scene, paths, &scene.victim);
    let said = run(scene.folder.path(), programs);
    let turns = attacker.end();
    scene.untouched(&format!("{name}\n{said}"));
    assert!(
        turns > 1000,
        "the other user was too slow on {name}: {turns}\n{said}"
    );
}

/// Runs tasks on a tree `FOLDER/theirs/tree` of nobody's on each kind of host, with 8 folders of 12 things in it, and
/// files beside them; meanwhile files become links to the victim, and folders to its folder.
fn attacked(tasks: &str) {
    for (name, programs) in hosts() {
        let scene = Scene::new(tasks);
        let tree = scene.theirs.join("tree");
        let folders: Vec<PathBuf> = (0..8).map(|folder| tree.join(format!("d{folder}/e"))).collect();
        let mut files = vec![];
        for folder in &folders {
            make(&folder.join("victim"));
            make(&folder.join("pipe"));
            files.extend((0..10).map(|file| folder.join(format!("f{file}"))));
        }
        files.extend((0..60).map(|file| tree.join(format!("g{file}"))));
        files.iter().for_each(|file| make(file));
        give(&tree);
        let roots = scene.victim.parent().unwrap();
        let outer = folders
            .iter()
            .map(|folder| folder.parent().unwrap().to_path_buf());
        let attackers = [
            exchanging(&scene, files, &scene.victim),
            exchanging(&scene, folders.iter().cloned().chain(outer).collect(), roots),
        ];
        let said = run(scene.folder.path(), programs.path());
        for attacker in attackers {
            let turns = attacker.end();
            assert!(
                turns > 1000,
                "the other user was too slow on {name}: {turns}\n{said}"
            );
        }
        scene.untouched(&format!("{name}\n{said}"));
        let left = std::fs::read_dir(&scene.theirs).unwrap().count();
        assert_eq!(left, 2, "{name}");
    }
}

#[test]
#[ignore = "needs root: writes in folders of another user"]
fn who_exchanges_things_in_a_tree_gets_no_mode_set_elsewhere() {
    attacked(
        "    - file: { path: FOLDER/theirs/tree, state: directory, recurse: true, mode: '{{ item }}' }\n      loop: '{{ [\"0666\", \"0777\", \"u=rwX,go=rX\", \"a+rw\"] * 2 }}'\n      ignore_errors: true\n",
    );
}

#[test]
#[ignore = "needs root: writes in folders of another user"]
fn who_exchanges_things_in_a_tree_is_given_nothing_of_others() {
    attacked(
        "    - file: { path: FOLDER/theirs/tree, state: directory, recurse: true, owner: '{{ item.0 }}', group: '{{ item.0 }}', mode: '{{ item.1 | default(omit, true) }}' }\n      loop: '{{ [[\"daemon\", \"u+x\"], [\"nobody\", \"u-x\"], [\"bin\", \"u+x\"], [\"1234\", \"\"], [\"daemon\", \"u-x\"], [\"nobody\", \"u+x\"]] * 3 }}'\n      ignore_errors: true\n",
    );
}

#[test]
#[ignore = "needs root: writes in folders of another user"]
fn who_is_given_a_tree_or_let_into_it_gets_nothing_else() {
    for (name, programs) in hosts() {
        let scene = Scene::new("    - include_tasks: round.yml\n      loop: '{{ range(4) | list }}'\n");
        std::fs::write(
            scene.folder.path().join("round.yml"),
            format!(
                "- file: {{ path: {0}, state: directory, recurse: true, owner: nobody, mode: '0777' }}\n  ignore_errors: true\n\
                 - file: {{ path: {0}, state: directory, recurse: true, owner: root, mode: '0755' }}\n  ignore_errors: true\n\
                 - file: {{ path: {0}, state: directory, recurse: true, mode: 'a+rwx' }}\n  ignore_errors: true\n\
                 - file: {{ path: {0}, state: directory, recurse: true, mode: 'go-w' }}\n  ignore_errors: true\n",
                scene.folder.path().join("tree").display()
            ),
        )
        .unwrap();
        let files: Vec<PathBuf> = (0..300)
            .map(|file| {
                scene
                    .folder
                    .path()
                    .join(format!("tree/d{}/e/victim{}", file % 8, file))
            })
            .collect();
        files.iter().for_each(|file| make(file));
        let victim = scene.victim.clone();
        let attacker = Attacker::new(move || {
            let exchange = |file: &&PathBuf| {
                let away = file.with_extension("away");
                match std::fs::symlink_metadata(file).is_ok_and(|stat| stat.is_file()) {
                    true => std::fs::rename(file, &away).is_ok() && symlink(&victim, file).is_ok(),
                    false => std::fs::remove_file(file).is_ok() && std::fs::rename(&away, file).is_ok(),
                }
            };
            files.iter().filter(exchange).count()
        });
        let said = run(scene.folder.path(), programs.path());
        let turns = attacker.end();
        scene.untouched(&format!("{name}\n{said}"));
        assert!(
            turns > 100,
            "the other user was too slow on {name}: {turns}\n{said}"
        );
    }
}

#[test]
#[ignore = "needs root: writes in folders of another user"]
fn who_exchanges_what_was_unpacked_gets_no_mode_set_elsewhere() {
    for (name, programs) in hosts() {
        let scene = Scene::new(
            "    - unarchive: { src: FOLDER/a.tar, dest: FOLDER/theirs/out, mode: '{{ item.1 }}', owner: '{{ item.2 }}', remote_src: '{{ item.0 }}' }\n      loop: '{{ [[true, \"0666\", \"daemon\"], [false, \"u=rw,go=r\", \"nobody\"], [false, \"0666\", \"1234\"], [true, \"a+r\", \"nobody\"]] * 5 }}'\n      ignore_errors: true\n",
        );
        let source = scene.folder.path().join("source");
        let names: Vec<String> = (0..200).map(|file| format!("f{file}")).collect();
        names.iter().for_each(|file| make(&source.join(file)));
        let tar = Command::new("tar")
            .args(["-cf", "a.tar", "-C", "source"])
            .args(&names)
            .current_dir(scene.folder.path())
            .status();
        assert!(tar.unwrap().success());
        let out = scene.theirs.join("out");
        let there: Vec<PathBuf> = names.iter().map(|name| out.join(name)).collect();
        there.iter().for_each(|file| make(file));
        give(&out);
        foiled(&scene, name, programs.path(), there);
    }
}

#[test]
#[ignore = "needs root: makes a device in a folder of another user"]
fn who_exchanges_a_pipe_a_socket_or_a_device_gets_no_mode_set_elsewhere() {
    for (name, programs) in hosts() {
        let scene = Scene::new(
            "    - file: { path: 'FOLDER/theirs/{{ item }}', state: file, follow: false, mode: '0666', owner: nobody }\n      loop: '{{ [\"pipe\", \"socket\", \"device\"] | product(range(20) | list) | map(\"join\") | list }}'\n      ignore_errors: true\n",
        );
        let things: Vec<PathBuf> = ["pipe", "socket", "device"]
            .into_iter()
            .flat_map(|kind| (0..20).map(move |number| format!("{kind}{number}")))
            .map(|name| scene.theirs.join(name))
            .collect();
        things.iter().for_each(|thing| make(thing));
        foiled(&scene, name, programs.path(), things);
    }
}

#[test]
#[ignore = "needs root: writes in folders of another user"]
fn who_exchanges_what_is_touched_gets_nothing_made_elsewhere() {
    for (name, programs) in hosts() {
        let scene = Scene::new(
            "    - file: { path: 'FOLDER/theirs/f{{ item }}', state: touch }\n      loop: '{{ range(40) | list * 3 }}'\n      ignore_errors: true\n",
        );
        let files: Vec<PathBuf> = (0..40)
            .map(|file| scene.theirs.join(format!("f{file}")))
            .collect();
        files.iter().for_each(|file| make(file));
        give(&scene.theirs);
        // Where nothing is yet, something would be made.
        let attacker = exchanging(&scene, files, &scene.victim.with_file_name("made"));
        let said = run(scene.folder.path(), programs.path());
        let turns = attacker.end();
        scene.untouched(&format!("{name}\n{said}"));
        assert!(
            turns > 1000,
            "the other user was too slow on {name}: {turns}\n{said}"
        );
    }
}

#[test]
#[ignore = "needs root: removes in folders of another user"]
fn who_exchanges_a_folder_that_is_removed_loses_it_and_nobody_anything_else() {
    for (name, programs) in hosts() {
        let scene = Scene::new(
            "    - file: { path: 'FOLDER/theirs/tree{{ item }}', state: absent }\n      loop: '{{ range(30) | list }}'\n      ignore_errors: true\n",
        );
        let folders: Vec<PathBuf> = (0..30)
            .map(|tree| scene.theirs.join(format!("tree{tree}/d")))
            .collect();
        for folder in &folders {
            // The victim's name comes late among many.
            (0..300).for_each(|file| make(&folder.join(format!("f{file}"))));
            make(&folder.join("victim"));
        }
        give(&scene.theirs);
        let attacker = exchanging(&scene, folders, scene.victim.parent().unwrap());
        let said = run(scene.folder.path(), programs.path());
        let turns = attacker.end();
        scene.untouched(&format!("{name}\n{said}"));
        assert!(
            turns > 1000,
            "the other user was too slow on {name}: {turns}\n{said}"
        );
    }
}

/// What `find` would tell of a tree: path, mode, owner and group of everything.
fn told(path: &Path, all: &mut Vec<(PathBuf, u32, u32, u32)>) {
    let stat = std::fs::symlink_metadata(path).unwrap();
    let mode = if stat.is_symlink() {
        0
    } else {
        stat.mode() & 0o7777
    };
    all.push((path.to_path_buf(), mode, stat.uid(), stat.gid()));
    if stat.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            told(&entry.unwrap().path(), all);
        }
    }
    all.sort();
}

#[test]
#[ignore = "needs root: changes trees of other users"]
fn a_tree_of_anybody_becomes_what_is_asked_for() {
    let tasks = "    - file: { path: FOLDER/theirs/tree, state: directory, recurse: true, owner: '{{ item.0 }}', group: '{{ item.1 | default(omit, true) }}', mode: '{{ item.2 | default(omit, true) }}' }\n      loop:\n      - [nobody, '', 'u=rwX,g=rX,o=']\n      - [daemon, '12', 'u=rwX,g=rwXs,o=']\n      - [root, '', '']\n      - [root, root, '0755']\n      - [daemon, root, '02775']\n      - [root, '', 'go-w']\n      register: changed\n    - file: { path: FOLDER/theirs/tree, state: directory, recurse: true, owner: root, mode: 'go-w' }\n      register: again\n    - assert: { that: 'changed.results | rejectattr(\"changed\") | length == 0 and again is not changed' }\n    - file: { path: FOLDER/theirs/tree, state: directory, recurse: true, owner: daemon, group: daemon, mode: 'u+rwX,g=u-w,o=' }\n";
    let names: [&[u8]; 12] = [
        b"f", b".hidden", b"..x", b"-n", b"a\nb", b"ends\n", b"caf\xe9", b"it's", b"*", b"pipe", b"socket",
        b"device",
    ];
    for (name, programs) in hosts() {
        for given in [false, true] {
            let scene = Scene::new(tasks);
            let tree = scene.theirs.join("tree");
            let folders: [&[u8]; 6] = [b"", b"-d/e", b".d", b"d\n/e", b"\xe9", b"*"];
            for folder in folders {
                for thing in names {
                    if thing != b"*" || !folder.is_empty() {
                        make(
                            &tree
                                .join(OsStr::from_bytes(folder))
                                .join(OsStr::from_bytes(thing)),
                        );
                    }
                }
            }
            let special = tree.join("-d/su");
            make(&special);
            symlink(&scene.victim, tree.join("link")).unwrap();
            symlink(scene.victim.parent().unwrap(), tree.join("-d/link")).unwrap();
            if given {
                give(&tree);
            }
            std::fs::set_permissions(&special, PermissionsExt::from_mode(0o6755)).unwrap();
            std::fs::set_permissions(tree.join(".d"), PermissionsExt::from_mode(0o1777)).unwrap();
            let said = run(scene.folder.path(), programs.path());
            assert!(said.contains("failed=0"), "{name}\n{said}");
            scene.untouched(&said);
            let mut all = vec![];
            told(&tree, &mut all);
            assert_eq!(all.len(), 1 + 7 + 6 * 12 - 1 + 3, "{name}: {all:?}");
            for (path, mode, user, group) in all {
                let stat = std::fs::symlink_metadata(&path).unwrap();
                // Each was executable once.
                let wanted = if stat.is_symlink() { 0 } else { 0o750 };
                assert_eq!((mode, user, group), (wanted, 1, 1), "{name}: {}", path.display());
            }
        }
    }
}

/// Where the kernel lets anybody link anything, what has another name somewhere may be somebody else's.
#[test]
#[ignore = "needs root: has the kernel's rules look otherwise in a name space of its own"]
fn another_name_of_a_file_of_root_is_refused_where_anybody_can_make_one() {
    for (name, programs) in hosts() {
        let scene = Scene::new(
            "    - file: { path: FOLDER/theirs/tree, state: directory, recurse: true, mode: '0666', owner: nobody }\n      register: tree\n      ignore_errors: true\n    - assert: { that: 'tree is failed and \"another name\" in tree.msg' }\n",
        );
        let tree = scene.theirs.join("tree");
        make(&tree.join("f"));
        give(&tree);
        std::fs::hard_link(&scene.victim, tree.join("link")).unwrap();
        std::fs::write(scene.folder.path().join("0"), "0\n").unwrap();
        let path = std::env::var("PATH").unwrap();
        let output = Command::new("unshare")
            .args([
                "-m",
                "sh",
                "-c",
                "mount --bind 0 /proc/sys/fs/protected_hardlinks && exec \"$0\" run site.yml -i localhost,",
            ])
            .arg(env!("CARGO_BIN_EXE_vent"))
            .current_dir(scene.folder.path())
            .env("PATH", format!("{}:{path}", programs.path().display()))
            .output()
            .unwrap();
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        scene.untouched(&format!("{name}\n{said}"));
        assert!(output.status.success(), "{name}\n{said}");
    }
}
