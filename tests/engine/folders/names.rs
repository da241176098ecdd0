//! Names that mean something to programs are names.

use super::{make, programs, run, site};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

#[test]
fn a_name_cannot_pass_for_another_entry() {
    for programs in programs() {
        let folder = site(
            "    - find: {paths: FOLDER/there, recurse: true, patterns: 'secret*', file_type: any, hidden: true}
      register: found
    - file: {path: '{{ item.path }}', state: absent}
      loop: '{{ found.files }}'
    - assert: {that: \"found.matched == 2 and found.examined | int > 4\"}
",
        );
        let victim = make(folder.path().join("victims/secret"), "kept", 0o600);
        // Below the folder stands the victim's whole path, behind what looks like the end of one line and a whole other.
        for forged in [
            "a\nregular file|600|0|0|root|root|1|4|1|1|1|1|1|",
            "a\n//regular file|600|0|0|root|root|1|4|1|1|1|1|1|",
        ] {
            let forged =
                folder
                    .path()
                    .join(format!("there/{}{}", forged.replace("//", "|"), victim.display()));
            make(&forged, "mine", 0o600);
        }
        let (code, text) = run(folder.path(), programs.as_ref());
        assert_eq!(code, Some(0), "{text}");
        assert!(victim.exists(), "{text}");
    }
}

#[test]
fn names_that_look_like_options_are_names() {
    for programs in programs() {
        let folder = site(
            "    - find: {paths: [FOLDER/-delete, FOLDER//-delete/./sub/], hidden: true}
      register: found
    - assert: {that: \"found.files | map(attribute='path') | sort == ['FOLDER/-delete/-f', 'FOLDER/-delete/sub/x']\"}
    - find: {paths: -delete, recurse: true}
      register: relative
    - assert: {that: \"relative.files | map(attribute='path') | sort == ['-delete/-f', '-delete/sub/x']\"}
    - slurp: {path: -f}
      register: read
    - assert: {that: \"(read.content | b64decode) == 'data'\"}
    - file: {path: -delete, state: directory, recurse: true, mode: u=rwX}
",
        );
        make(folder.path().join("-delete/-f"), "data", 0o600);
        make(folder.path().join("-delete/sub/x"), "", 0o600);
        make(folder.path().join("-f"), "data", 0o600);
        let (code, text) = run(folder.path(), programs.as_ref());
        assert_eq!(code, Some(0), "{text}");
        assert!(folder.path().join("-delete/-f").exists());
    }
}

#[test]
fn an_archive_takes_names_as_names() {
    let folder = site(
        "    - community.general.archive: {path: FOLDER/there, dest: FOLDER/there.tgz}
      register: packed
    - community.general.archive: {path: FOLDER/there, dest: FOLDER/there.tgz}
      register: again
    - community.general.archive: {path: [FOLDER/there, FOLDER/none], dest: FOLDER/there.zip, format: zip}
      register: refused
      ignore_errors: true
    - assert: {that: \"packed.archived | length == 6 and again is not changed and refused is failed\"}
",
    );
    let there = folder.path().join("there");
    make(there.join("x\n/outside/secret"), "mine", 0o600);
    make(there.join("--checkpoint-action=exec=touch ran"), "mine", 0o600);
    make(there.join("--checkpoint=1"), "mine", 0o600);
    make(there.join(OsStr::from_bytes(b"caf\xe9")), "mine", 0o600);
    let (code, text) = run(folder.path(), None);
    assert_eq!(code, Some(0), "{text}");
    assert!(!folder.path().join("ran").exists() && !there.join("ran").exists());
    let listed = Command::new("tar")
        .arg("-tf")
        .arg(folder.path().join("there.tgz"))
        .output()
        .unwrap();
    assert_eq!(listed.stdout.split(|byte| *byte == b'\n').count(), 7, "{text}");
    assert!(!folder.path().join("there.zip").exists());
}
