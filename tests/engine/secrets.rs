//! What must not be shown is not shown, in whatever way it goes out.

use super::{playbook, vent};
use std::process::Command;

#[test]
fn what_a_command_of_no_log_prints_is_in_no_event() {
    let folder = playbook(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - ansible.builtin.command: echo hunter2-printed\n      \
         no_log: true\n    - ansible.builtin.command: echo seen-by-all\n",
    );
    for more in [["--output", "json"], ["--output", "plain"]] {
        let output = vent(folder.path(), &["run", "site.yml", "-vv", more[0], more[1]]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("seen-by-all"), "{text}");
        assert!(!text.contains("hunter2-printed"), "{text}");
    }
}

#[test]
fn a_secret_of_several_lines_is_masked_line_by_line() {
    let folder = playbook(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - name: Write {{ ansible_become_password }}\n      \
         ansible.builtin.copy: {content: \"a: 1\\n{{ ansible_become_password }}\\n\", dest: FOLDER/conf, mode: '0644'}\n    \
         - ansible.builtin.command: cat FOLDER/conf\n",
    );
    let secret = r#"{"ansible_become_password": "first-secret-line\nsecond-secret-line"}"#;
    for output in ["json", "plain"] {
        let arguments = [
            "run", "site.yml", "-vv", "--diff", "-e", secret, "--output", output,
        ];
        let output = vent(folder.path(), &arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("a: 1"), "{text}");
        assert!(!text.contains("secret-line"), "{text}");
        std::fs::remove_file(folder.path().join("conf")).unwrap();
    }
}

#[test]
fn the_secrets_of_a_group_are_learned_when_a_host_joins_it() {
    let folder = playbook(
        "- hosts: a\n  gather_facts: false\n  tasks:\n    - group_by: {key: late}\n    \
         - ansible.builtin.command: echo {{ ansible_become_password }} and more\n",
    );
    std::fs::write(folder.path().join("hosts.ini"), "a ansible_connection=local\n").unwrap();
    std::fs::create_dir(folder.path().join("group_vars")).unwrap();
    std::fs::write(
        folder.path().join("group_vars/late.yml"),
        "ansible_become_password: hunter2-late\n",
    )
    .unwrap();
    for output in ["json", "plain"] {
        let output = vent(
            folder.path(),
            &["run", "site.yml", "-i", "hosts.ini", "-vv", "--output", output],
        );
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("and more"), "{text}");
        assert!(!text.contains("hunter2-late"), "{text}");
    }
}

/// Tasks of every kind, none of which may show its values; the last one fails.
const HIDDEN: &str = "- hosts: localhost
  gather_facts: false
  vars: {item: {hide: false}}
  tasks:
    - ansible.builtin.debug: {msg: seen-by-all}
    - no_log: true
      block:
        - ansible.builtin.command: sh -c 'echo hunter2; echo hunter2 >&2; exit 1'
          ignore_errors: true
        - ansible.builtin.fail: {msg: hunter2}
          ignore_errors: true
        - ansible.builtin.assert: {that: [false], fail_msg: hunter2}
          ignore_errors: true
        - ansible.builtin.debug: {msg: '{{ nothing_of_the_kind ~ \"hunter2\" }}'}
          ignore_errors: true
        - ansible.builtin.debug: {msg: '{{ item }}'}
          loop: [hunter2, {hunter2: hunter2}]
          loop_control: {label: 'a hunter2 label'}
        - ansible.builtin.fail: {msg: '{{ item }}'}
          loop: [hunter2]
          ignore_errors: true
        - ansible.builtin.copy: {content: 'hunter2', dest: FOLDER/made, mode: '0600'}
        - ansible.builtin.lineinfile: {line: 'another hunter2', path: FOLDER/made}
        - ansible.builtin.command: sh -c 'echo hunter2; exit 1'
          register: tried
          until: tried.rc == 0
          retries: 1
          delay: 0
          ignore_errors: true
        - ansible.builtin.include_tasks: other.yml
        - ansible.builtin.pause: {prompt: hunter2, seconds: 1}
        - ansible.builtin.set_fact: {known: hunter2}
    - ansible.builtin.debug: {msg: '{{ item.value }}'}
      loop: [{hide: true, value: hunter2}]
      loop_control: {label: 'a label'}
      no_log: '{{ item.hide }}'
    - ansible.builtin.command: sh -c 'echo hunter2; exit 1'
      no_log: true
";

#[test]
fn what_no_log_hides_goes_out_in_no_way() {
    let folder = playbook(HIDDEN);
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("other.yml", "- ansible.builtin.debug: {msg: hunter2}\n");
    // SHA-256 of what is written: who guesses the secret could make sure of it.
    let digest = "f52fbd32b2b3b86ff88ef6c490628285f482af15ddcb29541f94bcf526a3f6c7";
    for (command, output, check) in [
        ("run", "json", false),
        ("run", "plain", false),
        ("run", "json", true),
        ("run", "plain", true),
        ("explain", "plain", true),
    ] {
        let _ = std::fs::remove_file(folder.path().join("made"));
        let mut arguments = vec![command, "site.yml"];
        if command == "run" {
            arguments.extend(["-vvv", "--diff", "--output", output]);
        }
        if command == "run" && check {
            arguments.push("--check");
        }
        let ended = vent(folder.path(), &arguments);
        let text = [ended.stdout, ended.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let text = text.concat();
        assert!(command == "explain" || text.contains("seen-by-all"), "{text}");
        for secret in ["hunter2", digest, "\"included\":\"other.yml\""] {
            let shown: Vec<&str> = text.lines().filter(|line| line.contains(secret)).collect();
            assert!(
                shown.is_empty(),
                "{arguments:?} shows {secret}:\n{}",
                shown.join("\n")
            );
        }
    }
}

#[test]
fn the_journal_holds_nothing_that_no_log_hides() {
    let folder = playbook(HIDDEN);
    std::fs::write(folder.path().join("other.yml"), "[]\n").unwrap();
    let state = folder.path().join("state");
    Command::new(env!("CARGO_BIN_EXE_vent"))
        .current_dir(folder.path())
        .args(["run", "site.yml"])
        .env("XDG_STATE_HOME", &state)
        .output()
        .unwrap();
    let journals = std::fs::read_dir(state.join("vent/runs")).unwrap();
    let texts: Vec<String> = journals
        .map(|journal| std::fs::read_to_string(journal.unwrap().path()).unwrap())
        .collect();
    assert!(texts.concat().contains("seen-by-all"));
    assert!(!texts.concat().contains("hunter2"), "{}", texts.concat());
}

#[test]
fn passwords_are_learned_wherever_they_are_set() {
    let variables = "ansible_become_password: hunter2-read";
    let tasks = [
        ("vars: {ansible_become_password: hunter2-read}", ""),
        ("", "    - ansible.builtin.include_vars: vars.yml\n"),
        (
            "",
            "    - ansible.builtin.set_fact: {ansible_become_password: hunter2-read}\n",
        ),
        (
            "",
            "    - ansible.builtin.add_host: {name: other, ansible_become_password: hunter2-read}\n",
        ),
    ];
    for (head, task) in tasks {
        let head = match head {
            "" => String::new(),
            head => format!("  {head}\n"),
        };
        let folder = playbook(&format!(
            "- hosts: localhost\n  gather_facts: false\n{head}  tasks:\n{task}    \
             - ansible.builtin.command: echo hunter2-read and more\n"
        ));
        std::fs::write(folder.path().join("vars.yml"), variables).unwrap();
        for output in ["json", "plain"] {
            let ended = vent(folder.path(), &["run", "site.yml", "-vv", "--output", output]);
            let text = String::from_utf8_lossy(&ended.stdout).into_owned();
            assert!(text.contains("and more"), "{text}");
            assert!(!text.contains("hunter2-read"), "{head}{task}{text}");
        }
    }
}
