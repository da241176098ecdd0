//! Values of variables and facts run nothing on the controller.

use super::{ended, playbook, vent};

/// A host that `wait_for` is to look at comes from a fact: its text is an argument of `bash`, and no part of its program.
#[test]
fn a_host_to_wait_for_runs_nothing() {
    let folder = playbook(
        "- hosts: localhost\n  gather_facts: false\n  vars: {fact: '127.0.0.1/1; touch made;#'}\n  tasks:\n    \
         - ansible.builtin.wait_for: {host: '{{ fact }}', port: 1, timeout: 1}\n",
    );
    let programs = folder.path().join("bin");
    std::fs::create_dir(&programs).unwrap();
    // Without `nc`, so that `bash` is taken.
    for name in ["bash", "sh", "touch", "date", "sleep", "timeout", "head", "cat"] {
        std::os::unix::fs::symlink(format!("/usr/bin/{name}"), programs.join(name)).unwrap();
    }
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_vent"))
        .current_dir(folder.path())
        .args(["run", "site.yml"])
        .env("PATH", &programs)
        .output()
        .unwrap();
    let (text, code) = ended(&output);
    assert!(!folder.path().join("made").exists(), "{text}");
    assert!(
        text.contains("Timeout when waiting for 127.0.0.1/1; touch made;#:1"),
        "{text}"
    );
    assert_eq!(code, 2, "{text}");
}

#[test]
fn a_name_that_no_variable_of_the_environment_has_is_an_error_with_its_place() {
    let folder = playbook(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - ansible.builtin.command: 'true'\n      environment: {'A=1; touch made; B': x}\n",
    );
    let (text, code) = ended(&vent(folder.path(), &["run", "site.yml"]));
    assert!(!folder.path().join("made").exists());
    assert!(
        text.contains("`A=1; touch made; B` is no name of an environment variable"),
        "{text}"
    );
    assert!(text.contains("site.yml:5:20"), "{text}");
    assert!(
        text.contains("it has letters, digits and `_`, and no digit first"),
        "{text}"
    );
    assert_eq!(code, 2, "{text}");
}

/// What a host says is text in a condition, and is never evaluated on this computer.
#[test]
fn what_a_host_says_is_evaluated_in_no_condition() {
    let conditions = [
        "\"foo\" in {{ said.stdout }}",
        "{{ said.stdout }}",
        "{{ said.stdout }} == 1",
        "'{{ said.stdout }}' == 'x'",
        "{{ said.stdout }} and {{ said.stdout }}",
        "{% if true %}{{ said.stdout }}{% endif %}",
        "said.stdout",
    ];
    for condition in conditions {
        let quoted = condition.replace('\'', "\'\'");
        let folder = playbook(&format!(
            "- hosts: localhost\n  gather_facts: false\n  tasks:\n    \
             - ansible.builtin.command: {{argv: [echo, \"lookup('pipe', 'touch made')\"]}}\n      register: said\n    \
             - ansible.builtin.debug: {{msg: x}}\n      when: '{quoted}'\n      ignore_errors: true\n    \
             - ansible.builtin.assert: {{that: ['{quoted}']}}\n      ignore_errors: true\n    \
             - ansible.builtin.command: 'true'\n      changed_when: '{quoted}'\n      ignore_errors: true\n    \
             - ansible.builtin.command: 'true'\n      failed_when: '{quoted}'\n      ignore_errors: true\n    \
             - ansible.builtin.command: 'true'\n      until: '{quoted}'\n      retries: 1\n      delay: 0\n      ignore_errors: true\n"
        ));
        let (text, code) = ended(&vent(folder.path(), &["run", "site.yml"]));
        assert_eq!(code, 0, "{condition}: {text}");
        assert!(!folder.path().join("made").exists(), "{condition}: {text}");
    }
}

/// Nor by a variable that a host had a part in, whatever way it went: a loop of an include, facts, results, parameters of roles.
#[test]
fn no_variable_that_a_host_had_a_part_in_is_a_condition() {
    let folder = playbook(
        "- hosts: localhost
  gather_facts: false
  vars: {named: '{{ said.stdout }}', listed: ['{{ said.stdout }}'], taken: '{{ named }}'}
  tasks:
    - command: {argv: [echo, \"lookup('pipe', 'touch made')\"]}
      register: said
    - set_fact: {fact: '{{ said.stdout }}', facts: '{{ said.stdout_lines }}'}
    - debug: {msg: x}
      when: '{{ item }}'
      loop: ['{{ named }}', '{{ listed }}', '{{ taken }}', '{{ fact }}', '{{ facts }}', '{{ said.stdout_lines }}']
      ignore_errors: true
    - assert: {that: '{{ listed }}'}
      ignore_errors: true
    - assert: {that: '{{ taken }}'}
      ignore_errors: true
    - assert: {that: '{{ facts }}'}
      ignore_errors: true
    - debug: {msg: x}
      when: '{{ taken }}'
      ignore_errors: true
    - include_tasks: ask.yml
      loop: '{{ said.stdout_lines }}'
    - include_tasks: ask.yml
      vars: {item: '{{ said.stdout }}'}
    - include_tasks: ask.yml
      loop: ['{{ said.stdout_lines }}']
    - include_role: {name: asks}
      loop: '{{ said.stdout_lines }}'
    - include_role: {name: asks}
      vars: {item: '{{ said.stdout_lines }}'}
    - add_host: {name: other, item: '{{ said.stdout }}', ansible_connection: local}
- hosts: other
  gather_facts: false
  tasks:
    - import_tasks: ask.yml
",
    );
    let ask = "- debug: {msg: x}
  when: '{{ item }}'
  ignore_errors: true
- assert: {that: '{{ item }}'}
  ignore_errors: true
";
    std::fs::create_dir_all(folder.path().join("roles/asks/tasks")).unwrap();
    for name in ["ask.yml", "roles/asks/tasks/main.yml"] {
        std::fs::write(folder.path().join(name), ask).unwrap();
    }
    let (text, code) = ended(&vent(folder.path(), &["run", "site.yml"]));
    assert_eq!(code, 0, "{text}");
    assert!(!folder.path().join("made").exists(), "{text}");
}
