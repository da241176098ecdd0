//! Passwords typed at a terminal, without being shown, and out of files.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// A playbook with a vaulted variable (`it worked`, password `opensesame`) and a vaulted file.
fn project(folder: &Path) {
    let mut vault = vent::vault::Vault::default();
    vault.add("default", "opensesame");
    let sealed = vault.encrypt(b"vaulted: it worked\n", "default").unwrap();
    std::fs::write(folder.join("vars.yml"), sealed).unwrap();
    std::fs::write(
        folder.join("secret.txt"),
        vault.encrypt(b"the file\n", "default").unwrap(),
    )
    .unwrap();
    let play = "- hosts: localhost\n  gather_facts: false\n  vars_files: [vars.yml]\n  vars_prompt: [{name: color, prompt: Which color, default: red}]\n  tasks:\n    - copy: {src: secret.txt, dest: \"{{ out }}/opened\"}\n    - copy: {src: secret.txt, dest: \"{{ out }}/sealed\", decrypt: false}\n    - copy: {content: \"{{ vaulted }} {{ color }} {{ lookup('file', 'secret.txt') }}\", dest: \"{{ out }}/text\"}\n";
    std::fs::write(folder.join("site.yml"), play).unwrap();
}

/// Runs `vent` in a terminal of its own and types the answers, each after its question; gives what is shown.
fn in_terminal(folder: &Path, options: &str, dialogue: &[(&str, &str)]) -> String {
    let line = format!(
        "{} run -i localhost, --output plain {options} -e out={} site.yml",
        env!("CARGO_BIN_EXE_vent"),
        folder.display()
    );
    let mut script = Command::new("script")
        .current_dir(folder)
        .args(["-qec", &line, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut input, mut output) = (script.stdin.take().unwrap(), script.stdout.take().unwrap());
    let mut dialogue = dialogue.iter().peekable();
    let (mut shown, mut buffer) = (String::new(), [0; 4096]);
    loop {
        let read = output.read(&mut buffer).unwrap_or(0);
        if read == 0 {
            break;
        }
        shown.push_str(&String::from_utf8_lossy(&buffer[..read]));
        if let Some((_, answer)) = dialogue.next_if(|(question, _)| shown.ends_with(question)) {
            input.write_all(answer.as_bytes()).unwrap();
        }
    }
    script.wait().unwrap();
    shown
}

#[test]
fn passwords_are_asked_for_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path());
    let dialogue = [("Vault password: ", "opensesame\n"), ("Which color: ", "blue\n")];
    let shown = in_terminal(folder.path(), "-J", &dialogue);
    assert!(
        !shown.contains("opensesame") && !shown.contains("blue"),
        "{shown}"
    );
    assert!(shown.contains("failed=0"), "{shown}");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("text"), "it worked blue the file");
    assert_eq!(read("opened"), "the file\n");
    assert!(read("sealed").starts_with("$ANSIBLE_VAULT;1.1;AES256\n"));
}

#[test]
fn without_a_terminal_the_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path());
    let output = Command::new("setsid")
        .current_dir(folder.path())
        .args([
            env!("CARGO_BIN_EXE_vent"),
            "run",
            "-k",
            "-i",
            "localhost,",
            "site.yml",
        ])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "error: there is no terminal to ask for the SSH password\n  help: give --connection-password-file FILE\n"
    );
}

#[test]
fn a_default_stands_where_nobody_can_be_asked() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path());
    std::fs::write(folder.path().join("password"), "opensesame\n").unwrap();
    let output = Command::new("setsid")
        .current_dir(folder.path())
        .args([
            env!("CARGO_BIN_EXE_vent"),
            "run",
            "-i",
            "localhost,",
            "--vault-password-file",
            "password",
        ])
        .arg("-e")
        .arg(format!("out={}", folder.path().display()))
        .arg("site.yml")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = std::fs::read_to_string(folder.path().join("text")).unwrap();
    assert_eq!(text, "it worked red the file");
}
