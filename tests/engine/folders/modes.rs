//! Mode of a folder with all that is in it.

use super::{make, mode, programs, run, site};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;

#[test]
fn each_thing_in_a_folder_gets_its_own_mode_even_if_the_folder_changes_too() {
    for programs in programs() {
        let folder = site(
            "    - file: {path: FOLDER/there, state: directory, recurse: true, mode: 'u=rwX,g=rX,o='}
    - file: {path: FOLDER/there, state: directory, recurse: true, mode: 'u=rwX,g=rX,o='}
      register: again
    - assert: {that: \"again is not changed\"}
    - file: {path: FOLDER/link, state: directory, recurse: true, mode: '0700'}
    - file: {path: FOLDER/link, state: directory, recurse: true, mode: '0700'}
      register: again
    - assert: {that: \"again is not changed\"}
",
        );
        let path = folder.path();
        make(path.join("there/secret"), "", 0o600);
        make(path.join("there/program"), "", 0o700);
        make(path.join("there/sub/shown"), "", 0o644);
        make(path.join("behind/sub/f"), "", 0o644);
        let victim = make(path.join("victim"), "", 0o600);
        symlink("../victim", path.join("there/link")).unwrap();
        symlink("behind", path.join("link")).unwrap();
        std::fs::set_permissions(path.join("there"), std::fs::Permissions::from_mode(0o700)).unwrap();
        std::fs::set_permissions(path.join("there/sub"), std::fs::Permissions::from_mode(0o2711)).unwrap();
        let (code, text) = run(path, programs.as_ref());
        assert_eq!(code, Some(0), "{text}");
        for (name, wanted) in [
            ("there", 0o750),
            ("there/secret", 0o640),
            ("there/program", 0o750),
            ("there/sub", 0o750),
            ("there/sub/shown", 0o640),
            ("behind", 0o700),
            ("behind/sub", 0o700),
            ("behind/sub/f", 0o700),
        ] {
            assert_eq!(mode(path.join(name)), wanted, "{name}\n{text}");
        }
        assert_eq!(mode(&victim), 0o600);
    }
}
