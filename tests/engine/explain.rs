//! `vent explain`: what it prints, typed into a shell, does what the playbook does.

use super::{playbook, vent};
use std::path::Path;
use std::process::Command;

const SITE: &str = r#"
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Make a folder
      ansible.builtin.file: {path: FOLDER/out/sub, state: directory, mode: "0750"}
    - name: Write into it
      ansible.builtin.copy:
        content: "it's $HOME and `this`\nEOF\n"
        dest: FOLDER/out/sub/file
        mode: "0640"
      notify: Tell
    - name: Link to it
      ansible.builtin.file: {src: FOLDER/out/sub/file, dest: FOLDER/out/link, state: link}
    - name: Add a line
      ansible.builtin.lineinfile: {path: FOLDER/out/lines, line: more, create: true, mode: "0644"}
    - name: Each of some
      ansible.builtin.copy: {content: "{{ item }}", dest: "FOLDER/out/{{ item }}", mode: "0644"}
      loop: [one, two words]
    - name: Run something
      ansible.builtin.shell: echo "$greeting" >there
      args: {chdir: FOLDER/out, creates: FOLDER/out/there}
      environment: {greeting: it's me}
  handlers:
    - name: Tell
      ansible.builtin.command: cp FOLDER/out/sub/file FOLDER/out/told
      args: {creates: FOLDER/out/told}
"#;

fn explained(folder: &Path, arguments: &[&str]) -> String {
    let all = [&["explain", "site.yml"], arguments].concat();
    let output = vent(folder, &all);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Every file below `out` with its mode and content.
fn files(folder: &Path) -> String {
    let script = "cd out && find . | sort | while read -r f; do stat -c '%A %N' \"$f\"; [ -f \"$f\" ] && cat \"$f\"; done; :";
    let output = Command::new("sh")
        .current_dir(folder)
        .args(["-c", script])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_is_printed_can_be_typed() {
    let folder = playbook(SITE);
    let text = explained(folder.path(), &[]);
    assert!(
        !folder.path().join("out").exists(),
        "explaining touched something"
    );
    let heads: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
    let names = [
        "Make a folder",
        "Write into it",
        "Link to it",
        "Add a line",
        "Each of some",
        "Run something",
        "Tell",
    ];
    assert_eq!(heads.len(), names.len(), "{text}");
    for (head, name) in heads.iter().zip(names) {
        assert!(head.starts_with(&format!("## {name} (site.yml:")), "{head}");
    }
    let typed = Command::new("sh")
        .current_dir(folder.path())
        .args(["-ec", &text])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&typed.stderr);
    assert!(typed.status.success(), "{text}\n{errors}");
    let typed = files(folder.path());
    assert!(typed.contains("it's me\n"), "{typed}");
    let again = explained(folder.path(), &[]);
    assert_eq!(again, "### site\n\n# nothing is left to be done\n\n");
    std::fs::remove_dir_all(folder.path().join("out")).unwrap();
    assert!(vent(folder.path(), &["run", "site.yml"]).status.success());
    assert_eq!(typed, files(folder.path()));
}

#[test]
fn what_shuts_others_out_or_is_not_logged_is_not_printed() {
    let folder = playbook(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    \
         - ansible.builtin.copy: {content: hidden-in-file, dest: FOLDER/key, mode: '0600'}\n    \
         - ansible.builtin.copy: {content: shown-in-file, dest: FOLDER/unit, mode: '0600'}\n      \
           diff: '{{ ansible_diff_mode }}'\n    \
         - ansible.builtin.copy: {content: hidden-in-unit, dest: FOLDER/unit, mode: '0600'}\n      diff: false\n    \
         - ansible.builtin.command: echo hidden-in-command\n      no_log: true\n    \
         - ansible.builtin.command: echo shown\n      register: said\n    \
         - ansible.builtin.command: echo later\n      when: said.stdout == 'shown'\n",
    );
    let text = explained(folder.path(), &[]);
    assert!(!text.contains("hidden-in"), "{text}");
    assert!(text.contains("14 bytes that are not shown"), "{text}");
    assert!(text.contains("shown-in-file"), "{text}");
    assert!(text.contains("\necho shown\n"), "{text}");
    assert!(text.contains("# cannot be told before "), "{text}");
    assert!(!folder.path().join("key").exists());
}

#[test]
fn only_chosen_tasks_are_printed() {
    let folder = playbook(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - ansible.builtin.command: echo one\n      tags: [a]\n    \
         - ansible.builtin.command: echo two\n      tags: [b]\n",
    );
    let text = explained(folder.path(), &["--tags", "b"]);
    assert!(text.contains("echo two") && !text.contains("echo one"), "{text}");
    let wrong = vent(folder.path(), &["explain", "nowhere.yml"]);
    assert_eq!(wrong.status.code(), Some(1));
}
