//! Hosts and their names against the controller and against the other hosts.

use super::{ended, playbook};
use std::path::Path;
use std::process::Command;

/// Runs `site.yml` of a folder in at most 3 GB of memory, with the folder as home.
fn run(folder: &Path, path: Option<&Path>) -> (String, i32) {
    let mut command = Command::new("sh");
    let script = "ulimit -v 3000000; exec timeout 60 \"$0\" run site.yml -i hosts";
    command
        .args(["-c", script, env!("CARGO_BIN_EXE_vent")])
        .current_dir(folder)
        .env("HOME", folder);
    if let Some(path) = path {
        let usual = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{usual}", path.display()));
    }
    ended(&command.output().unwrap())
}

#[test]
fn a_host_that_answers_without_end_is_unreachable_and_the_others_go_on() {
    let folder = playbook(
        "- hosts: all\n  gather_facts: false\n  connection: local\n  tasks:\n    - stat: {path: /etc/hosts}\n      when: inventory_hostname == 'a'\n    \
         - command: echo behind it\n      register: said\n    - debug: {var: said.stdout}\n",
    );
    std::fs::write(folder.path().join("hosts"), "a\nb\n").unwrap();
    let bin = folder.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    std::fs::write(bin.join("stat"), "#!/bin/sh\nexec yes\n").unwrap();
    std::fs::set_permissions(
        bin.join("stat"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let (text, code) = run(folder.path(), Some(&bin));
    assert_eq!(code, 4, "{text}");
    assert!(
        text.contains("an answer of a is longer than 16777216 bytes"),
        "{text}"
    );
    assert!(text.contains("behind it"), "{text}");
}

/// A name of a host and a path that a host told stay below the folder that the playbook names.
#[test]
fn what_is_fetched_stays_below_its_folder() {
    let folder = playbook(
        "- hosts: all\n  gather_facts: false\n  connection: local\n  tasks:\n    - fetch: {src: '{{ playbook_dir }}/file', dest: below/out}\n    \
         - fetch: {src: '{{ playbook_dir }}/bin/../../../../../../../../../../{{ playbook_dir }}/file', dest: below/out}\n",
    );
    std::fs::write(folder.path().join("hosts"), "../../../escaped\n").unwrap();
    std::fs::write(folder.path().join("file"), "x").unwrap();
    std::fs::create_dir(folder.path().join("bin")).unwrap();
    let (text, code) = run(folder.path(), None);
    let out = folder.path().join("below/out/..%2F..%2F..%2Fescaped");
    let path = folder.path().join("file");
    assert!(out.join(path.strip_prefix("/").unwrap()).exists(), "{text}");
    assert!(
        text.contains("Detected directory traversal, expected to be contained in"),
        "{text}"
    );
    assert_eq!(code, 2, "{text}");
}

/// A device without end, a pipe that nobody writes into and a file that is said to be empty.
#[test]
fn what_is_no_regular_file_is_not_fetched_and_leaves_nothing_here() {
    let folder = playbook(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - fetch: {src: \"FOLDER/{{ item }}\", dest: out/, flat: true}\n      loop: [pipe, zero, socket, gone]\n      register: refused\n      ignore_errors: true\n    - assert: {that: \"refused.results | rejectattr('failed') | length == 0 and 'works on regular files' in refused.results[0].msg\"}\n    - fetch: {src: FOLDER/zero, dest: out/, flat: true, fail_on_missing: false}\n      register: passed\n    - assert: {that: \"passed is not changed and 'ignored' in passed.msg\"}\n    - fetch: {src: /proc/version, dest: out/, flat: true}\n    - fetch: {src: FOLDER/large, dest: out/, flat: true}\n",
    );
    let path = folder.path();
    let text = std::fs::read_to_string(path.join("site.yml")).unwrap();
    std::fs::write(
        path.join("site.yml"),
        text.replace("FOLDER", &path.display().to_string()),
    )
    .unwrap();
    std::fs::write(path.join("hosts"), "localhost ansible_connection=local\n").unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        path.join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(path.join("socket")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", path.join("zero")).unwrap();
    let large = vec![b'x'; 20 << 20];
    std::fs::write(path.join("large"), &large).unwrap();
    let (said, code) = run(path, None);
    assert_eq!(code, 0, "{said}");
    let mut there: Vec<_> = std::fs::read_dir(path.join("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    there.sort();
    assert_eq!(there, ["large", "version"], "{said}");
    assert!(std::fs::read(path.join("out/large")).unwrap() == large);
    let version = std::fs::read("/proc/version").unwrap();
    assert_eq!(std::fs::read(path.join("out/version")).unwrap(), version);
}

/// Variables of a host are read from `host_vars` of the project alone, whatever it is called.
#[test]
fn the_name_of_a_host_leads_to_no_other_file_of_variables() {
    let folder = playbook(
        "- hosts: all\n  gather_facts: false\n  connection: local\n  tasks:\n    - debug: {msg: \"{{ found | default('nothing') }}\"}\n",
    );
    std::fs::write(folder.path().join("hosts"), "..\n").unwrap();
    std::fs::create_dir(folder.path().join("host_vars")).unwrap();
    std::fs::write(folder.path().join("elsewhere.yml"), "found: something\n").unwrap();
    let (text, code) = run(folder.path(), None);
    assert!(!text.contains("something") && text.contains("nothing"), "{text}");
    assert_eq!(code, 0, "{text}");
}
/// As OpenSSH since 9.6: such a name never reaches the shell of a ProxyCommand.
#[test]
fn a_name_with_the_marks_of_a_shell_reaches_no_proxy_command() {
    for variables in [
        "ansible_host='x;touch${IFS}made'",
        "ansible_host=192.0.2.1 ansible_user='`touch made`'",
        "ansible_host=-oProxyCommand=touch",
        "ansible_host=192.0.2.1 ansible_ssh_common_args='-J x;touch${IFS}made'",
    ] {
        let folder = playbook("- hosts: all\n  gather_facts: false\n  tasks:\n    - command: 'true'\n");
        std::fs::write(
            folder.path().join("hosts"),
            format!("web {variables} ansible_ssh_timeout=5\n"),
        )
        .unwrap();
        std::fs::create_dir(folder.path().join(".ssh")).unwrap();
        let proxy = "ProxyCommand true %h %r\n";
        std::fs::write(folder.path().join(".ssh/config"), proxy).unwrap();
        let (text, code) = run(folder.path(), None);
        assert!(!folder.path().join("made").exists(), "{text}");
        assert!(text.contains("it holds what a shell would act on"), "{text}");
        assert_ne!(code, 0, "{text}");
    }
}

#[test]
fn a_configuration_that_includes_itself_ends() {
    let folder = playbook("- hosts: all\n  gather_facts: false\n  tasks:\n    - command: 'true'\n");
    std::fs::write(folder.path().join("hosts"), "web\n").unwrap();
    std::fs::create_dir(folder.path().join(".ssh")).unwrap();
    for name in ["config", "a", "b", "c", "d", "e"] {
        std::fs::write(folder.path().join(".ssh").join(name), "Include *\n").unwrap();
    }
    let (text, code) = run(folder.path(), None);
    assert!(text.contains("includes others more than 16 files deep"), "{text}");
    assert_ne!(code, 0, "{text}");
}
