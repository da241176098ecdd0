//! Links in the place of something else.

use super::{make, run, site};
use std::os::unix::fs::symlink;

#[test]
fn a_link_takes_the_place_of_no_folder_that_holds_something() {
    let folder = site(
        "    - file: {src: FOLDER/f, dest: FOLDER/full, state: link, force: true}
      register: soft
      ignore_errors: true
    - file: {src: FOLDER/f, dest: FOLDER/full, state: hard, force: true}
      register: hard
      ignore_errors: true
    - file: {src: FOLDER/f, dest: FOLDER/empty, state: link, force: true}
    - file: {src: FOLDER/g, dest: FOLDER/other, state: link}
    - assert:
        that:
          - soft is failed and 'not empty, refusing to convert it' in soft.msg
          - hard is failed
",
    );
    let path = folder.path();
    make(path.join("f"), "", 0o600);
    make(path.join("g"), "", 0o600);
    make(path.join("full/kept"), "", 0o600);
    std::fs::create_dir(path.join("empty")).unwrap();
    symlink(path.join("f"), path.join("other")).unwrap();
    let (code, text) = run(path, None);
    assert_eq!(code, Some(0), "{text}");
    assert!(path.join("full/kept").exists(), "{text}");
    assert_eq!(std::fs::read_link(path.join("empty")).unwrap(), path.join("f"));
    assert_eq!(std::fs::read_link(path.join("other")).unwrap(), path.join("g"));
}

#[test]
fn another_name_of_a_file_keeps_what_it_held() {
    let folder = site(
        "    - lineinfile: {path: FOLDER/one, line: new}
    - copy: {dest: FOLDER/two, content: new}
",
    );
    let path = folder.path();
    for name in ["one", "two"] {
        std::fs::hard_link(
            make(path.join(name), "old\n", 0o644),
            path.join(format!("other {name}")),
        )
        .unwrap();
    }
    let (code, text) = run(path, None);
    assert_eq!(code, Some(0), "{text}");
    let held = |name| std::fs::read_to_string(path.join(name)).unwrap();
    assert_eq!(
        ["one", "two", "other one", "other two"].map(held),
        ["old\nnew\n", "new", "old\n", "old\n"]
    );
}
