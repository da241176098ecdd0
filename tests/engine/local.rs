//! Playbooks on this computer: check, apply, run again; every event of the check held against the real run.

use super::{events, playbook, vent};

const SITE: &str = r#"
- hosts: localhost
  gather_facts: false
  vars:
    root: FOLDER/out
  tasks:
    - name: Make a folder
      ansible.builtin.file: {path: "{{ root }}/sub", state: directory, mode: "0750"}
    - name: Write into it
      ansible.builtin.copy: {content: "line\n", dest: "{{ root }}/sub/file", mode: "0640"}
      notify: Tell
    - name: Link to it
      ansible.builtin.file: {src: "{{ root }}/sub/file", dest: "{{ root }}/link", state: link}
    - name: Read it
      ansible.builtin.command: cat {{ root }}/link
      register: read
      changed_when: false
    - name: Depend on it
      ansible.builtin.copy: {content: "{{ read.stdout }}", dest: "{{ root }}/copy", mode: "0600"}
    - name: Add a line
      ansible.builtin.lineinfile: {path: "{{ root }}/sub/file", line: more}
    - name: Each of some
      ansible.builtin.file: {path: "{{ root }}/{{ item }}", state: directory, mode: "0755"}
      loop: [a, b]
    - name: Not at all
      ansible.builtin.command: /bin/false
      when: read is failed
  handlers:
    - name: Tell
      ansible.builtin.command: touch {{ root }}/told
      args: {creates: "{{ root }}/told"}
"#;

#[test]
fn a_check_says_what_the_run_does_and_touches_nothing() {
    let folder = playbook(SITE);
    let check = events(folder.path(), &["--check"]);
    assert!(!folder.path().join("out").exists(), "the check touched something");
    let real = events(folder.path(), &[]);
    assert_eq!(check.keys().collect::<Vec<_>>(), real.keys().collect::<Vec<_>>());
    let mut undecided = vec![];
    for (key, (planned, digests)) in &check {
        let (done, real_digests) = &real[key];
        if planned == "undecided" {
            undecided.push(key);
            continue;
        }
        assert_eq!(planned, done, "{key:?}");
        if digests.as_array().is_some_and(|digests| !digests.is_empty()) && !key.0.contains("line") {
            assert_eq!(digests, real_digests, "{key:?}");
        }
    }
    println!("{} of {} undecided", undecided.len(), check.len());
    assert!(undecided.len() <= 2, "{undecided:?}");
    let content = std::fs::read_to_string(folder.path().join("out/sub/file")).unwrap();
    assert_eq!(content, "line\nmore\n");
}

#[test]
fn a_second_run_changes_nothing() {
    let folder = playbook(&SITE.replace("    - name: Add a line\n      ansible.builtin.lineinfile: {path: \"{{ root }}/sub/file\", line: more}\n", ""));
    events(folder.path(), &[]);
    let again = events(folder.path(), &[]);
    let changed: Vec<_> = again
        .iter()
        .filter(|(_, (status, _))| status == "changed")
        .collect();
    assert!(changed.is_empty(), "{changed:?}");
}

#[test]
fn a_failure_is_rescued_and_the_exit_code_is_ansibles() {
    let folder = playbook(
        r#"
- hosts: localhost
  gather_facts: false
  tasks:
    - block:
        - ansible.builtin.command: /bin/false
      rescue:
        - ansible.builtin.debug: {msg: "after {{ ansible_failed_task.action }}"}
"#,
    );
    let output = vent(folder.path(), &["run", "site.yml"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("after ansible.builtin.command"), "{text}");
    assert!(text.contains("rescued=1"), "{text}");
    assert_eq!(output.status.code(), Some(0));
    let folder = playbook(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - ansible.builtin.fail: {msg: no}\n",
    );
    assert_eq!(vent(folder.path(), &["run", "site.yml"]).status.code(), Some(2));
}

#[test]
fn errors_name_their_place_and_cure() {
    for (text, error) in [
        (
            "- hosts: localhost\n  tasks:\n    - ansible.builtin.cpoy: {}\n",
            "error: no module is called `ansible.builtin.cpoy`\n --> site.yml:3:7\n  |\n3 |     - ansible.builtin.cpoy: {}\n  |       ^^^^^^^^^^^^^^^^^^^^\n  help: did you mean `ansible.builtin.copy`?\n",
        ),
        (
            "- hosts: localhost\n  handlrs: []\n",
            "error: `handlrs` is not a keyword of a play\n --> site.yml:2:3\n  |\n2 |   handlrs: []\n  |   ^^^^^^^\n  help: did you mean `handlers`?\n",
        ),
    ] {
        let folder = playbook(text);
        let output = vent(folder.path(), &["run", "site.yml"]);
        assert_eq!(String::from_utf8_lossy(&output.stderr), error);
        assert_eq!(output.status.code(), Some(4));
    }
}

#[test]
fn needs_in_a_circle_are_shown_with_their_path() {
    let folder = playbook("- import_playbook: 01-a.yml\n- import_playbook: 02-b.yml\n");
    for (file, need) in [("01-a.yml", "b"), ("02-b.yml", "a")] {
        let text = format!(
            "- hosts: localhost\n  gather_facts: false\n  vars: {{vent_needs: [{need}]}}\n  tasks: []\n"
        );
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    let output = vent(folder.path(), &["run", "site.yml"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        text.starts_with("error: the needs lead in a circle: a -> b -> a\n"),
        "{text}"
    );
}

#[test]
fn many_hosts_may_make_the_same_folders_at_once() {
    let folder = playbook(
        r#"
- hosts: all
  gather_facts: false
  connection: local
  tasks:
    - ansible.builtin.file: {path: "FOLDER/out/{{ round }}/a/b/c", state: directory, mode: "0750"}
      loop: "{{ range(15) | list }}"
      loop_control: {loop_var: round}
"#,
    );
    let hosts: Vec<_> = (0..12).map(|number| format!("host-{number}")).collect();
    std::fs::write(folder.path().join("hosts"), hosts.join("\n")).unwrap();
    let output = vent(folder.path(), &["run", "site.yml", "-i", "hosts"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
}

/// Ansible runs no further play of a playbook once every host of a batch failed; with one host left, it does.
#[test]
fn a_playbook_ends_where_a_whole_batch_failed() {
    let folder = playbook(
        r#"
- hosts: "{{ first }}"
  gather_facts: false
  connection: local
  tasks:
    - ansible.builtin.command: /bin/false
      when: inventory_hostname == 'a'
- hosts: all
  gather_facts: false
  connection: local
  tasks:
    - ansible.builtin.file: {path: "FOLDER/{{ inventory_hostname }}", state: touch, mode: "0600"}
"#,
    );
    std::fs::write(folder.path().join("hosts"), "a\nb\n").unwrap();
    let output = vent(
        folder.path(),
        &["run", "site.yml", "-i", "hosts", "-e", "first=a"],
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(!folder.path().join("b").exists(), "the second play ran");
    let output = vent(
        folder.path(),
        &["run", "site.yml", "-i", "hosts", "-e", "first=all"],
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(!folder.path().join("a").exists() && folder.path().join("b").exists());
}

/// As with ansible-playbook 2.19 on the same playbook.
#[test]
fn keywords_and_variables_of_a_play_count_for_its_delegates() {
    let folder = playbook(
        "- hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks:\n    \
         - ansible.builtin.shell: echo {{ item }} >>FOLDER/ran\n      delegate_to: \"{{ item }}\"\n      loop: [one, two]\n\
         - hosts: localhost\n  gather_facts: false\n  vars: {ansible_connection: local}\n  tasks:\n    \
         - ansible.builtin.shell: echo by variable >>FOLDER/ran\n      delegate_to: one\n",
    );
    std::fs::write(
        folder.path().join("hosts"),
        "one ansible_host=192.0.2.1\ntwo ansible_host=192.0.2.2\n",
    )
    .unwrap();
    let output = vent(folder.path(), &["run", "site.yml", "-i", "hosts"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    let ran = std::fs::read_to_string(folder.path().join("ran")).unwrap();
    assert_eq!(ran, "one\ntwo\nby variable\n");
}

#[test]
fn a_server_that_falls_silent_is_given_up_after_the_timeout() {
    // It takes the connection and the request, and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = playbook(&format!(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - ansible.builtin.get_url: {{url: 'http://{}/x', dest: \
         FOLDER/x, timeout: 1}}\n",
        silent.local_addr().unwrap()
    ));
    let begun = std::time::Instant::now();
    let ended = std::process::Command::new("timeout")
        .args(["20", env!("CARGO_BIN_EXE_vent"), "run", "site.yml"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(2), "{:?}", begun.elapsed());
    assert!(!folder.path().join("x").exists());
}
