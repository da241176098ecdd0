//! Bytes of a host that are no UTF-8: in contents and in names.

use super::{playbook, vent};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A line in Latin-1, and one that ends as on Windows: both stay as they are.
const ODD: &[u8] = b"# caf\xe9 \xc3\n# two\r\n";

fn run(folder: &Path, more: &[&str]) -> String {
    let output = vent(folder, &[&["run", "site.yml"], more].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}");
    text
}

#[test]
fn every_module_that_edits_a_text_leaves_other_lines_byte_for_byte() {
    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKYSxkUP1QfhtR8rvFFHJ9nLUZvz0cGoFBuyhoybBV9W";
    let user = String::from_utf8(
        std::process::Command::new("id")
            .arg("-un")
            .output()
            .unwrap()
            .stdout,
    )
    .unwrap();
    let edits = [
        ("lineinfile", "path: FILE, line: new".to_string(), "new"),
        (
            "replace",
            "path: FILE, regexp: two, replace: three".into(),
            "# three\r",
        ),
        ("blockinfile", "path: FILE, block: held".into(), "held"),
        (
            "community.general.ini_file",
            "path: FILE, section: one, option: a, value: b".into(),
            "a = b",
        ),
        (
            "ansible.posix.sysctl",
            "sysctl_file: FILE, name: a.b, value: '1', reload: false".into(),
            "a.b=1",
        ),
        (
            "ansible.posix.mount",
            "fstab: FILE, path: /there, src: none, fstype: tmpfs, state: present".into(),
            "none /there tmpfs defaults 0 0",
        ),
        (
            "cron",
            "cron_file: FILE, name: it, job: 'true', user: root".into(),
            "* * * * * root true",
        ),
        (
            "known_hosts",
            format!("path: FILE, name: host, key: 'host {KEY}'"),
            "host ssh-ed25519",
        ),
        (
            "ansible.posix.authorized_key",
            format!(
                "path: FILE, user: {}, key: '{KEY}', manage_dir: false",
                user.trim()
            ),
            "ssh-ed25519",
        ),
        (
            "community.general.pam_limits",
            "dest: FILE, domain: me, limit_type: soft, limit_item: core, value: '0'".into(),
            "me\tsoft\tcore\t0",
        ),
    ];
    let mut tasks = String::new();
    for (at, (module, arguments, _)) in edits.iter().enumerate() {
        let arguments = arguments.replace("FILE", &format!("FOLDER/{at}"));
        tasks.push_str(&format!("    - {module}: {{{arguments}}}\n"));
    }
    let folder = playbook(&format!(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n{tasks}"
    ));
    for at in 0..edits.len() {
        std::fs::write(folder.path().join(at.to_string()), ODD).unwrap();
    }
    run(folder.path(), &["--check", "--diff"]);
    let shown = run(folder.path(), &["--diff"]);
    for (at, (module, _, wanted)) in edits.iter().enumerate() {
        let bytes = std::fs::read(folder.path().join(at.to_string())).unwrap();
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        assert!(
            lines.contains(&&b"# caf\xe9 \xc3"[..]),
            "{module}: {}",
            bytes.escape_ascii()
        );
        assert!(
            *module == "replace" || lines.contains(&&b"# two\r"[..]),
            "{module}: {}",
            bytes.escape_ascii()
        );
        assert!(
            lines.iter().any(|line| line.starts_with(wanted.as_bytes())),
            "{module}: {}",
            bytes.escape_ascii()
        );
    }
    assert!(shown.contains(" # caf\\xe9 \\xc3"), "{shown}");
    let second = run(folder.path(), &[]);
    assert!(second.contains("changed=0"), "{second}");
}

#[test]
fn contents_pass_through_pieces_variables_and_fetch() {
    let folder = playbook(
        "- hosts: localhost
  gather_facts: false
  tasks:
    - assemble: {src: FOLDER/pieces, dest: FOLDER/whole, remote_src: true}
    - slurp: {path: FOLDER/whole}
      register: read
    - copy: {content: '{{ read.content | b64decode }}', dest: FOLDER/copied}
    - fetch: {src: FOLDER/copied, dest: FOLDER/fetched, flat: true}
",
    );
    std::fs::create_dir(folder.path().join("pieces")).unwrap();
    std::fs::write(folder.path().join("pieces/1"), ODD).unwrap();
    std::fs::write(folder.path().join("pieces/2"), b"\xff\xfe").unwrap();
    run(folder.path(), &[]);
    for name in ["whole", "copied", "fetched"] {
        let bytes = std::fs::read(folder.path().join(name)).unwrap();
        assert_eq!(bytes, [ODD, b"\xff\xfe"].concat(), "{name}");
    }
}

#[test]
fn a_name_that_is_no_utf_8_is_found_read_and_removed_and_no_other() {
    let folder = playbook(
        "- hosts: localhost
  gather_facts: false
  tasks:
    - find: {paths: FOLDER/there, get_checksum: true, contains: 'mine.*'}
      register: found
    - stat: {path: '{{ item.path }}'}
      loop: '{{ found.files }}'
      register: stats
    - assert: {that: \"stats.results | map(attribute='stat.size') | list == [4]\"}
    - file: {src: '{{ found.files[0].path }}', dest: FOLDER/link, state: link}
    - shell: cat '{{ found.files[0].path }}' > FOLDER/copy
    - shell: ls | grep -a 'caf.$'
      args: {chdir: FOLDER/there, executable: /bin/sh}
      environment: {LC_ALL: C}
      register: listed
    - assert: {that: \"found.files[0].path | basename in listed.stdout_lines\"}
    - file: {path: '{{ item.path }}', state: absent}
      loop: '{{ found.files }}'
      loop_control: {label: '{{ item.path }}'}
",
    );
    let there = folder.path().join("there");
    std::fs::create_dir(&there).unwrap();
    let odd = there.join(OsStr::from_bytes(b"caf\xe9"));
    let near = there.join("caf\u{FFFD}");
    std::fs::write(&odd, "mine").unwrap();
    std::fs::write(&near, "other").unwrap();
    let told = run(folder.path(), &[]);
    assert!(told.contains("caf\\xe9)"), "{told}");
    assert!(!odd.exists() && near.exists());
    assert_eq!(std::fs::read_link(folder.path().join("link")).unwrap(), odd);
    assert_eq!(std::fs::read(folder.path().join("copy")).unwrap(), b"mine");
}

#[test]
fn a_file_that_is_too_long_to_be_read_whole_or_cannot_be_read_is_not_written() {
    let folder = playbook(
        "- hosts: localhost
  gather_facts: false
  tasks:
    - lineinfile: {path: FOLDER/long, line: new}
      ignore_errors: true
    - lineinfile: {path: FOLDER/pipe, line: new, create: true}
      ignore_errors: true
",
    );
    let long = vec![b'x'; (8 << 20) + 1];
    std::fs::write(folder.path().join("long"), &long).unwrap();
    let pipe = std::process::Command::new("mkfifo")
        .arg(folder.path().join("pipe"))
        .status();
    assert!(pipe.unwrap().success());
    let text = run(folder.path(), &[]);
    assert_eq!(
        std::fs::read(folder.path().join("long")).unwrap().len(),
        long.len()
    );
    assert!(text.contains("longer than 8 MiB"), "{text}");
    assert!(
        text.contains("pipe is there and is no file that can be read"),
        "{text}"
    );
    assert!(!folder.path().join("pipe").is_file());
}
