//! The scripts that put things at paths, in the shells that hosts have.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use vent::host::{
    Answer, Attributes, Destination, Question, Writing, failure_text, make_folder, make_link, parse, places,
    question_script, remove, remove_empty, set_attributes, write_file,
};

/// The shells of them that are here; `.ci/run` brings all.
fn shells() -> impl Iterator<Item = &'static [&'static str]> {
    let all: [&[&str]; 4] = [&["dash"], &["bash"], &["busybox", "ash"], &["mksh"]];
    all.into_iter().filter(|shell| {
        Command::new(shell[0])
            .args(&shell[1..])
            .args(["-c", ":"])
            .output()
            .is_ok()
    })
}

const NONCE: &str = "6b9e3c2f6b9e3c2f6b9e3c2f6b9e3c2f";

/// A shell in a folder, whose programs are written down.
struct Place {
    shell: &'static [&'static str],
    folder: tempfile::TempDir,
    programs: tempfile::TempDir,
}

impl Place {
    fn new(shell: &'static [&'static str]) -> Place {
        let programs = tempfile::tempdir().unwrap();
        let log = programs.path().join("log");
        let text = format!(
            "#!/bin/dash\nprintf '%s\\n' \"${{0##*/}}\" >>{}\nexec /bin/${{0##*/}} \"$@\"\n",
            log.display()
        );
        let one = programs.path().join("one");
        std::fs::write(&one, text).unwrap();
        std::fs::set_permissions(&one, PermissionsExt::from_mode(0o755)).unwrap();
        for name in [
            "dd", "mv", "cp", "chmod", "chown", "chgrp", "stat", "mkdir", "rmdir", "ln", "rm", "cat", "sync",
            "wc", "mktemp", "id", "head", "tail", "readlink", "find", "sh",
        ] {
            symlink("one", programs.path().join(name)).unwrap();
        }
        Place {
            shell,
            folder: tempfile::tempdir().unwrap(),
            programs,
        }
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.folder.path().canonicalize().unwrap().display())
    }

    fn run(&self, script: &str, input: &str) -> Output {
        let path = std::env::var("PATH").unwrap();
        let mut child = Command::new(self.shell[0])
            .args(&self.shell[1..])
            .args(["-c", script])
            .env("PATH", format!("{}:{path}", self.programs.path().display()))
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A script that refuses does not read.
        let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// What the engine knows when it plans.
    fn planned(&self, path: &str) -> Destination {
        let questions = places(path);
        let said = self.run(&question_script(&questions, NONCE), "").stdout;
        let answers = parse(&questions, NONCE, &said).unwrap();
        let _ = std::fs::remove_file(self.programs.path().join("log"));
        Destination::new(path, &|path, follow| {
            let wanted = Question::Stat {
                path: path.into(),
                follow,
            };
            let at = questions.iter().position(|question| *question == wanted)?;
            match &answers[at] {
                Answer::Stat(stat) => Some(stat.clone()),
                other => panic!("{other:?}"),
            }
        })
    }

    /// The programs that ran since the last plan.
    fn programs(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.programs.path().join("log")).unwrap_or_default();
        text.lines().map(str::to_string).collect()
    }

    /// No temporary file is left.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn mode(path: &str) -> u32 {
    std::fs::metadata(path).unwrap().mode() & 0o7777
}

fn with_mode(mode: u32) -> Attributes {
    Attributes {
        mode: Some(mode),
        ..Attributes::default()
    }
}

fn ended_well(place: &Place, output: &Output) {
    assert!(output.status.success(), "{:?}: {output:?}", place.shell);
}

#[test]
fn a_new_file_takes_two_processes_and_one_more_for_its_mode() {
    for shell in shells() {
        let place = Place::new(shell);
        let path = place.path("new");
        let script = write_file(&place.planned(&path), &Attributes::default(), &Writing::default());
        ended_well(&place, &place.run(&script, "text"));
        assert_eq!(place.programs(), ["dd", "mv"], "{shell:?}");
        let path = place.path("it's another");
        let script = write_file(&place.planned(&path), &with_mode(0o640), &Writing::default());
        ended_well(&place, &place.run(&script, "text"));
        assert_eq!(place.programs(), ["dd", "chmod", "mv"], "{shell:?}");
        assert_eq!(
            (mode(&path), std::fs::read_to_string(&path).unwrap()),
            (0o640, "text".into())
        );
        assert_eq!(place.names(), ["it's another", "new"], "{shell:?}");
    }
}

#[test]
fn a_file_that_is_there_keeps_its_mode_and_its_old_content_elsewhere() {
    for shell in shells() {
        let place = Place::new(shell);
        let path = place.path("old");
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o751)).unwrap();
        let writing = Writing {
            backup: Some("old.kept~"),
            ..Writing::default()
        };
        let script = write_file(&place.planned(&path), &Attributes::default(), &writing);
        ended_well(&place, &place.run(&script, "new"));
        assert_eq!(
            (mode(&path), std::fs::read_to_string(&path).unwrap()),
            (0o751, "new".into())
        );
        let kept = place.path("old.kept~");
        assert_eq!(
            (mode(&kept), std::fs::read_to_string(&kept).unwrap()),
            (0o751, "old".into())
        );
        assert_eq!(place.names(), ["old", "old.kept~"], "{shell:?}");
    }
}

/// What a killed shell has left is removed by whoever writes beside it; what others are writing is not.
#[test]
fn what_a_killed_run_left_is_removed_and_nothing_that_is_being_written() {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let host = host.trim();
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let begun = stat.rsplit_once(") ").unwrap().1.split(' ').nth(19).unwrap();
    let own = std::process::id();
    let kept = [
        format!(".vent.{own}.{begun}.being-written.{host}"),
        format!(".vent.1.1.elsewhere.{host}.other"),
        ".vent.1.1.x".to_string(),
    ];
    let stale = [
        format!(".vent.{own}.1.a-number-that-was-taken-again.{host}"),
        format!(".vent.4194305.1.no-such-process.{host}"),
        format!(".vent..1.nobody.{host}"),
    ];
    for shell in shells() {
        let place = Place::new(shell);
        for name in kept.iter().chain(&stale) {
            std::fs::write(place.path(name), "a secret").unwrap();
        }
        std::fs::create_dir(place.path(&format!(".vent.4194305.1.folder.{host}"))).unwrap();
        // Where modes were to be changed stands another name of a file; what has no other name is not removed.
        let (apart, only) = (
            format!(".vent.4194305.1.apart.{host}"),
            format!(".vent.4194305.1.only.{host}"),
        );
        for folder in [&apart, &only] {
            std::fs::create_dir(place.path(folder)).unwrap();
        }
        std::fs::write(place.path("file"), "kept").unwrap();
        std::fs::hard_link(place.path("file"), place.path(&format!("{apart}/-file"))).unwrap();
        std::fs::write(place.path(&format!("{only}/file")), "kept").unwrap();
        symlink("/nowhere", place.path(&format!(".vent.4194305.1.link.{host}"))).unwrap();
        let path = place.path("new");
        let script = write_file(&place.planned(&path), &Attributes::default(), &Writing::default());
        ended_well(&place, &place.run(&script, "text"));
        let others = ["new".into(), "file".into(), only];
        let mut expected: Vec<String> = kept.iter().cloned().chain(others).collect();
        expected.sort();
        assert_eq!(place.names(), expected, "{shell:?}");
    }
}

/// An access control list that lets the account 1 read, as the kernel keeps it.
fn access_control_list() -> Vec<u8> {
    const NOBODY: u32 = u32::MAX;
    let entries: [(u16, u16, u32); 5] = [
        (1, 6, NOBODY),
        (2, 4, 1),
        (4, 4, NOBODY),
        (16, 4, NOBODY),
        (32, 0, NOBODY),
    ];
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, account) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(permissions.to_le_bytes());
        bytes.extend(account.to_le_bytes());
    }
    bytes
}

#[test]
fn extended_attributes_and_access_control_lists_are_kept() {
    use rustix::fs::{XattrFlags, getxattr, setxattr};
    let all = [
        ("user.vent", b"kept".to_vec()),
        ("system.posix_acl_access", access_control_list()),
    ];
    for shell in shells() {
        let place = Place::new(shell);
        let path = place.path("old");
        std::fs::write(&path, "old").unwrap();
        for (name, value) in &all {
            setxattr(&path, *name, value, XattrFlags::empty()).unwrap();
        }
        let script = write_file(&place.planned(&path), &Attributes::default(), &Writing::default());
        ended_well(&place, &place.run(&script, "new"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        for (name, value) in &all {
            let mut buffer = [0; 256];
            let length = getxattr(&path, *name, &mut buffer).unwrap();
            assert_eq!(&buffer[..length], value, "{shell:?} {name}");
        }
    }
}

#[test]
#[ignore = "needs root: mounts a file"]
fn a_file_that_is_a_mount_is_written_in_place_when_asked_for() {
    for shell in shells() {
        let place = Place::new(shell);
        let (path, source) = (place.path("mounted"), place.path("source"));
        for file in [&path, &source] {
            std::fs::write(file, "old").unwrap();
        }
        let mount = |arguments: &[&str]| {
            assert!(
                Command::new(arguments[0])
                    .args(&arguments[1..])
                    .status()
                    .unwrap()
                    .success()
            )
        };
        mount(&["mount", "--bind", &source, &path]);
        let planned = place.planned(&path);
        let script = write_file(&planned, &Attributes::default(), &Writing::default());
        let output = place.run(&script, "new");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let text = failure_text(output.status.code().unwrap(), &said).unwrap();
        assert!(text.contains("unsafe_writes"), "{text}: {said}");
        let in_place = Writing {
            in_place: true,
            ..Writing::default()
        };
        ended_well(
            &place,
            &place.run(&write_file(&planned, &Attributes::default(), &in_place), "new"),
        );
        mount(&["umount", &path]);
        assert_eq!(std::fs::read_to_string(&source).unwrap(), "new");
        assert_eq!(place.names(), ["mounted", "source"]);
    }
}

#[test]
fn what_cannot_be_written_leaves_everything_as_it_was_and_says_why() {
    for shell in shells() {
        let place = Place::new(shell);
        let path = place.path("old");
        std::fs::write(&path, "old").unwrap();
        let refuses = Writing {
            validate: Some("grep -q good %s"),
            ..Writing::default()
        };
        let short = Writing {
            length: Some(10),
            ..Writing::default()
        };
        for (writing, why) in [(refuses, "refused"), (short, "could not be written")] {
            let script = write_file(&place.planned(&path), &with_mode(0o600), &writing);
            let output = place.run(&script, "bad");
            let code = output.status.code().unwrap();
            assert!(
                failure_text(code, "").is_some_and(|text| text.contains(why)),
                "{shell:?}: {output:?}"
            );
            assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
            assert_eq!(place.names(), ["old"], "{shell:?}");
        }
        let nowhere = place.path("missing/file");
        let script = write_file(&place.planned(&nowhere), &with_mode(0o600), &Writing::default());
        let output = place.run(&script, "text");
        let text = failure_text(output.status.code().unwrap(), "").unwrap();
        assert!(text.contains("is the folder there"), "{text}");
    }
}

#[test]
fn a_link_on_the_way_is_followed_only_where_it_led_before() {
    for shell in shells() {
        let place = Place::new(shell);
        for name in ["one", "two"] {
            std::fs::create_dir(place.path(name)).unwrap();
        }
        let link = place.path("link");
        symlink("one", &link).unwrap();
        let path = place.path("link/file");
        let planned = place.planned(&path);
        let script = write_file(&planned, &Attributes::default(), &Writing::default());
        ended_well(&place, &place.run(&script, "text"));
        assert!(Path::new(&place.path("one/file")).exists());
        std::fs::remove_file(&link).unwrap();
        symlink("two", &link).unwrap();
        for script in [
            script,
            make_folder(&planned, &with_mode(0o755)),
            make_link(&planned, "/", true),
            remove(&planned),
            remove_empty(&planned),
        ] {
            let output = place.run(&script, "text");
            let text = failure_text(output.status.code().unwrap(), "").unwrap_or_default();
            assert!(
                text.contains("leads elsewhere"),
                "{shell:?}: {output:?}\n{script}"
            );
        }
        assert!(std::fs::read_dir(place.path("two")).unwrap().next().is_none());
        assert!(Path::new(&place.path("one/file")).exists());
    }
}

#[test]
fn folders_are_made_with_their_mode_below_links_too() {
    for shell in shells() {
        let place = Place::new(shell);
        std::fs::create_dir(place.path("one")).unwrap();
        symlink("one", place.path("link")).unwrap();
        let path = place.path("link/a/b c/d");
        let script = make_folder(&place.planned(&path), &with_mode(0o2750));
        for _ in 0..2 {
            ended_well(&place, &place.run(&script, ""));
        }
        for made in ["one/a", "one/a/b c", "one/a/b c/d"] {
            assert_eq!(mode(&place.path(made)), 0o2750, "{shell:?} {made}");
        }
        let plain = place.path("plain/one");
        ended_well(
            &place,
            &place.run(&make_folder(&place.planned(&plain), &Attributes::default()), ""),
        );
        assert!(Path::new(&plain).is_dir());
        ended_well(&place, &place.run(&remove(&place.planned(&path)), ""));
        assert_eq!(std::fs::read_dir(place.path("one/a/b c")).unwrap().count(), 0);
    }
}

#[test]
fn links_are_put_in_place_of_links_and_files() {
    for shell in shells() {
        let place = Place::new(shell);
        std::fs::write(place.path("file"), "text").unwrap();
        let path = place.path("link");
        for (target, symbolic) in [("nowhere", true), ("/", true), (&*place.path("file"), false)] {
            ended_well(
                &place,
                &place.run(&make_link(&place.planned(&path), target, symbolic), ""),
            );
            match symbolic {
                true => assert_eq!(std::fs::read_link(&path).unwrap(), Path::new(target)),
                false => assert_eq!(std::fs::read_to_string(&path).unwrap(), "text"),
            }
        }
        assert_eq!(place.names(), ["file", "link"], "{shell:?}");
    }
}

#[test]
fn a_large_tree_of_ours_takes_few_processes() {
    for shell in shells() {
        let place = Place::new(shell);
        let tree = place.path("tree");
        for folder in (0..20).flat_map(|folder| ["", "/e"].map(|below| format!("{tree}/{folder}{below}"))) {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).unwrap();
            (0..50).for_each(|file| std::fs::write(format!("{folder}/f{file}"), "").unwrap());
        }
        std::fs::set_permissions(&tree, PermissionsExt::from_mode(0o755)).unwrap();
        let planned = place.planned(&tree);
        let question = Question::Stat {
            path: tree.clone(),
            follow: true,
        };
        let questions = [question];
        let said = place.run(&question_script(&questions, NONCE), "").stdout;
        let Answer::Stat(here) = parse(&questions, NONCE, &said).unwrap().remove(0) else {
            panic!("{said:?}");
        };
        let _ = std::fs::remove_file(place.programs.path().join("log"));
        let script = set_attributes(&tree, &planned, here.as_ref(), &with_mode(0o700), (false, true));
        ended_well(&place, &place.run(&script, ""));
        assert_eq!(
            (mode(&tree), mode(&format!("{tree}/3/e/f7"))),
            (0o700, 0o700),
            "{shell:?}"
        );
        let programs = place.programs();
        assert!(programs.len() < 10, "{shell:?}: {programs:?}");
    }
}
