//! What an archive may not do on the host that it is unpacked on.

use super::{make, mode, programs, run, site};
use std::os::unix::fs::symlink;
use std::process::Command;

#[test]
fn members_outside_and_behind_links_keep_mode_and_owner() {
    for remote in [false, true] {
        for programs in programs() {
            let folder = site(&format!(
                "    - unarchive: {{src: FOLDER/a.tar, dest: FOLDER/out, remote_src: {remote}, mode: 'a+rwX'}}
    - unarchive: {{src: FOLDER/a.tar, dest: FOLDER/out, remote_src: {remote}, mode: 'a+rwX'}}
      register: again
    - assert: {{that: \"again is not changed\"}}
    - unarchive: {{src: FOLDER/outside.tar, dest: FOLDER/out, remote_src: {remote}, mode: 'a+rwX'}}
      register: outside
      ignore_errors: true
    - assert: {{that: \"outside is failed and 'leave the folder' in outside.msg\"}}
"
            ));
            let path = folder.path();
            let victim = make(path.join("victim"), "kept", 0o600);
            let behind = make(path.join("elsewhere/f"), "x", 0o600);
            make(path.join("in/f"), "x", 0o600);
            make(path.join("in/caf\u{e9}"), "x", 0o600);
            make(path.join("in/d/f"), "x", 0o600);
            symlink("../victim", path.join("in/link")).unwrap();
            std::fs::create_dir(path.join("out")).unwrap();
            // The host has a link where the archive has a folder: what is behind it is what the archive holds.
            symlink("../elsewhere", path.join("out/d")).unwrap();
            let tar = |arguments: &[&str]| {
                let made = Command::new("tar")
                    .current_dir(path)
                    .args(arguments)
                    .status()
                    .unwrap();
                assert!(made.success());
            };
            tar(&["-cf", "a.tar", "-C", "in", "f", "caf\u{e9}", "link", "d/f"]);
            tar(&["-Pcf", "outside.tar", "-C", "in", "../victim"]);
            let (code, text) = run(path, programs.as_ref());
            assert_eq!(code, Some(0), "{text}");
            assert_eq!(mode(&victim), 0o600, "remote_src: {remote}\n{text}");
            assert_eq!(mode(&behind), 0o600, "remote_src: {remote}\n{text}");
            assert_eq!(mode(path.join("out/f")), 0o666, "{text}");
            assert_eq!(mode(path.join("out/caf\u{e9}")), 0o666, "{text}");
        }
    }
}

#[test]
fn devices_and_programs_that_run_as_their_owner_are_unpacked_when_asked_for() {
    for remote in [false, true] {
        let folder = site(&format!(
            "    - unarchive: {{src: FOLDER/a.tar, dest: FOLDER/out, remote_src: {remote}}}
      register: refused
      ignore_errors: true
    - assert: {{that: \"refused is failed and 'set-uid' in refused.msg\"}}
    - stat: {{path: FOLDER/out/su}}
      register: there
    - assert: {{that: \"not there.stat.exists\"}}
    - unarchive: {{src: FOLDER/a.tar, dest: FOLDER/out, remote_src: {remote}, extra_opts: [--same-permissions]}}
    - unarchive: {{src: FOLDER/device.tar, dest: FOLDER/out, remote_src: {remote}}}
      register: device
      ignore_errors: true
    - assert: {{that: \"device is failed and 'is a device' in device.msg\"}}
"
        ));
        let mut header = tar::Header::new_gnu();
        header.set_path("null").unwrap();
        header.set_entry_type(tar::EntryType::Char);
        header.set_device_major(1).unwrap();
        header.set_device_minor(3).unwrap();
        header.set_size(0);
        header.set_mode(0o666);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_cksum();
        let file = std::fs::File::create(folder.path().join("device.tar")).unwrap();
        let mut archive = tar::Builder::new(file);
        archive.append(&header, std::io::empty()).unwrap();
        archive.into_inner().unwrap();
        make(folder.path().join("in/su"), "x", 0o4755);
        std::fs::create_dir(folder.path().join("out")).unwrap();
        let made = Command::new("tar")
            .current_dir(folder.path())
            .args(["-cf", "a.tar", "-C", "in", "su"])
            .status();
        assert!(made.unwrap().success());
        let (code, text) = run(folder.path(), None);
        assert_eq!(code, Some(0), "{text}");
        assert_eq!(mode(folder.path().join("out/su")), 0o4755);
    }
}
