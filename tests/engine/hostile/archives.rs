//! Archives that are unpacked in folders of other users, with this computer's programs in dash and bash, and with those of
//! busybox.

use super::trees::{exchanging, give, hosts, make, run};
use super::{NOBODY, Scene};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

fn done(folder: &Path, line: &str) {
    let made = Command::new("sh")
        .args(["-ec", line])
        .current_dir(folder)
        .status();
    assert!(made.unwrap().success(), "{line}");
}

#[test]
#[ignore = "needs root: unpacks in folders of another user"]
fn who_exchanges_a_folder_while_an_archive_is_unpacked_gets_nothing_written_elsewhere() {
    for (name, programs) in hosts() {
        for kind in ["tar", "zip"] {
            let scene = Scene::new(&format!(
                "    - unarchive: {{ src: FOLDER/a.{kind}, dest: FOLDER/theirs/out, remote_src: '{{{{ item % 2 == 0 }}}}' }}\n      loop: '{{{{ range(6) | list }}}}'\n      ignore_errors: true\n"
            ));
            let root = scene.folder.path();
            for folder in 0..8 {
                for file in (0..40).map(|file| format!("f{file}")).chain(["victim".into()]) {
                    make(&root.join(format!("source/d{folder}/e/{file}")));
                }
            }
            let pack = match kind {
                // Without folders, which `tar` would put in the place of links.
                "tar" => "cd source && find . -type f | tar -cf ../a.tar -T -",
                _ => "cd source && zip -qr ../a.zip .",
            };
            done(root, pack);
            let out = scene.theirs.join("out");
            let inner: Vec<PathBuf> = (0..8).map(|folder| out.join(format!("d{folder}/e"))).collect();
            inner
                .iter()
                .for_each(|folder| std::fs::create_dir_all(folder).unwrap());
            let outer = inner.iter().map(|folder| folder.parent().unwrap().to_path_buf());
            let folders = inner.iter().cloned().chain(outer).collect();
            give(&out);
            let attacker = exchanging(&scene, folders, scene.victim.parent().unwrap());
            let said = run(root, programs.path());
            let turns = attacker.end();
            scene.untouched(&format!("{name}\n{said}"));
            assert!(
                turns > 1000,
                "the other user was too slow on {name}: {turns}\n{said}"
            );
            let left: Vec<_> = std::fs::read_dir(&out)
                .unwrap()
                .map(|entry| entry.unwrap().file_name())
                .collect();
            assert!(
                left.iter().all(|name| name.to_string_lossy().starts_with('d')),
                "{left:?}\n{said}"
            );
        }
    }
}

/// A folder with everything in it, as `find` and `sha256sum` tell it. Only files have a time.
fn told(folder: &Path) -> String {
    let line = r"{ find . ! -type d -printf '%p %y %m %U:%G %s %l %n\n'; find . -type f -printf '%p %Ts\n'; find . -type d -printf '%p %m %U:%G\n'; find . -type f -exec sha256sum {} +; } | sort";
    let output = Command::new("sh")
        .args(["-c", line])
        .current_dir(folder)
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What is there already: files that are newer, older, links, folders of other modes, whatever a member meets.
fn before(folder: &Path) {
    let lines = "mkdir -p out/d/deep out/e out/kept out/file out/explicit; chmod 0700 out/kept; chmod 2775 out/d; chown 12:12 out/d/deep
        echo old >out/newer; touch -d 2040-01-01 out/newer
        echo old >out/older; touch -d 2001-01-01 out/older; ln out/older out/older-too
        ln -s /nowhere out/dangling; ln -s older out/link; ln -s ../victim out/e/link
        rmdir out/explicit; ln -s e out/explicit; echo plain >out/now-a-folder; echo beside >out/kept/beside
        echo a >'out/-n'; echo b >'out/d/a b'; mkdir out/.hidden
        find out ! -name newer ! -name 'older*' -exec touch -h -d 2012-01-01 {} +";
    done(folder, lines);
}

/// Members of all kinds.
fn packed(folder: &Path) {
    let lines = "mkdir -p source/d/deep/new/deeper source/e source/explicit/in source/now-a-folder source/.hidden/x source/kept source/empty; cd source
        for f in newer older dangling e/link explicit/f now-a-folder/f .hidden/f ..x d/deep/f d/deep/new/f d/deep/new/deeper/f -n 'd/a b' 'd/it'\\''s' '*' kept/f; do echo \"new $f\" >\"./$f\"; done
        echo file >file; ln older hard; ln d/deep/f d/deep/hard; ln -s nowhere symbolic; ln -s older link; mkfifo pipe
        truncate -s 1M sparse; chmod 0640 older; chown 34:35 d/deep/f; chown 36 d/deep; chmod 1777 d/deep/new; chmod 0711 explicit
        find . -exec touch -h -d 2015-01-01 {} +
        touch -d 2010-01-01 newer older kept/f
        tar -cSf ../a.tar ./d ./e ./explicit ./now-a-folder ./.hidden ./newer ./older ./dangling ./hard ./symbolic ./link ./pipe ./sparse ./..x ./-n './*' ./file ./empty ./kept/f
        zip -qry ../a.zip d e .hidden newer older dangling symbolic ..x ./-n empty kept/f
        tar -cSf ../again.tar d older kept/f";
    done(folder, lines);
}

#[test]
#[ignore = "needs root: unpacks in folders of another user"]
fn an_archive_becomes_the_same_in_a_folder_of_anybody() {
    let ways = [
        ("a.tar", "", "tar -x -C out -f a.tar"),
        (
            "a.tar",
            "keep_newer: true",
            "tar -x -C out --keep-newer-files -f a.tar",
        ),
        (
            "a.tar",
            "exclude: ['d/deep', '*x'], extra_opts: [--no-same-owner]",
            "tar -x -C out --no-same-owner --exclude=d/deep '--exclude=*x' -f a.tar",
        ),
        (
            "again.tar",
            "extra_opts: ['--transform=s/^d/e/', --overwrite]",
            "tar -x -C out --transform=s/^d/e/ --overwrite -f again.tar",
        ),
        (
            "again.tar",
            "extra_opts: [--strip-components=1], owner: nobody, mode: 'a+r'",
            "tar -x -C out --strip-components=1 -f again.tar; chown -hR nobody out/deep out/'a b' out/\"it's\" out/f",
        ),
        (
            "again.tar",
            "include: [d/deep/new]",
            "tar -x -C out -f again.tar d/deep/new",
        ),
        (
            "again.tar",
            "extra_opts: [--skip-old-files]",
            "tar -x -C out --skip-old-files -f again.tar",
        ),
        (
            "again.tar",
            "extra_opts: [--backup=simple]",
            "tar -x -C out --backup=simple -f again.tar",
        ),
        ("a.zip", "exclude: [e/link]", "unzip -qo a.zip -x e/link -d out"),
        ("a.zip", "keep_newer: true", "unzip -quo a.zip -d out"),
    ];
    for (archive, arguments, line) in ways {
        let plain = tempfile::tempdir().unwrap();
        std::fs::set_permissions(plain.path(), PermissionsExt::from_mode(0o755)).unwrap();
        packed(plain.path());
        before(plain.path());
        done(plain.path(), &format!("chown {NOBODY}:{NOBODY} out; {line}"));
        for (name, programs) in hosts() {
            for remote in [false, true] {
                let comma = if arguments.is_empty() { "" } else { ", " };
                let scene = Scene::new(&format!(
                    "    - unarchive: {{ src: FOLDER/{archive}, dest: FOLDER/out, remote_src: {remote}{comma}{arguments} }}\n"
                ));
                let root = scene.folder.path();
                packed(root);
                before(root);
                chown(root.join("out"), Some(NOBODY), Some(NOBODY)).unwrap();
                let said = run(root, programs.path());
                assert!(said.contains("failed=0"), "{name} {line}\n{said}");
                assert_eq!(
                    told(&root.join("out")),
                    told(&plain.path().join("out")),
                    "{name} {line}\n{said}"
                );
            }
        }
    }
}

#[test]
#[ignore = "needs root: mounts in a folder of another user"]
fn an_archive_goes_into_another_file_system_and_behind_links_only_where_nobody_can_exchange_them() {
    for (name, programs) in hosts() {
        let task = "unarchive: { src: FOLDER/a.tar, dest: FOLDER/out, owner: nobody }";
        let scene = Scene::new(&format!(
            "    - {task}\n    - {task}\n      register: again\n    - assert: {{ that: again is not changed }}\n"
        ));
        let root = scene.folder.path();
        done(
            root,
            "mkdir -p source/d/in out/d/in; echo x >source/d/in/f; ln source/d/in/f source/d/in/g; echo y >source/d/h; tar -cf a.tar -C source d/in/f d/in/g d/h",
        );
        let out = root.join("out");
        give(&out);
        for mount in ["-t tmpfs tmpfs", "--bind theirs"] {
            done(
                root,
                &format!("mount {mount} out/d/in; chown {NOBODY}:{NOBODY} out/d/in"),
            );
            let said = run(root, programs.path());
            let there = std::fs::read_dir(out.join("d/in")).unwrap().count();
            let links = std::fs::metadata(out.join("d/in/f")).map(|stat| stat.nlink());
            done(root, "umount out/d/in");
            assert!(said.contains("failed=0"), "{name}\n{said}");
            assert_eq!((there, links.unwrap()), (2, 2), "{name}\n{said}");
        }
        done(root, "rm -r out/d; ln -s ../roots out/d");
        let said = run(root, programs.path());
        assert!(said.contains("behind a link"), "{name}\n{said}");
        scene.untouched(&said);
        // In a folder of ours a link is followed to another one of ours, as always.
        done(root, "rm -r out; mkdir out ours; ln -s ../ours out/d");
        let said = run(root, programs.path());
        assert!(said.contains("failed=0"), "{name}\n{said}");
        assert!(
            root.join("ours/in/f").exists() && root.join("out/d").is_symlink(),
            "{name}\n{said}"
        );
    }
}

#[test]
#[ignore = "needs root: unpacks in folders of another user"]
fn what_a_killed_run_had_unpacked_is_removed_by_the_next() {
    let scene = Scene::new("    - unarchive: { src: FOLDER/a.tar, dest: FOLDER/theirs }\n");
    let root = scene.folder.path();
    done(
        root,
        "mkdir -p source/d theirs/d; echo x >source/d/f; tar -cf a.tar -C source d",
    );
    give(&scene.theirs);
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let left = scene.theirs.join(format!(".vent.4194305.1.x.{}", host.trim()));
    std::fs::create_dir_all(left.join(".vent.unpacked/tree/d/e")).unwrap();
    std::fs::set_permissions(&left, PermissionsExt::from_mode(0o700)).unwrap();
    make(&left.join(".vent.unpacked/tree/d/f"));
    let theirs = scene.theirs.join(format!(".vent.4194306.1.x.{}", host.trim()));
    make(&theirs.join("kept"));
    give(&theirs);
    let said = scene.run();
    assert!(said.contains("failed=0"), "{said}");
    assert!(!left.exists() && theirs.join("kept").exists(), "{said}");
    assert_eq!(std::fs::read_to_string(scene.theirs.join("d/f")).unwrap(), "x\n");
}
