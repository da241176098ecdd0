//! What must not be shown is not shown, in whatever way it goes out.

use super::{playbook, vent};

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
