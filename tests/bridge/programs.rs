//! Modules in other languages than Python: run as they are, where there is neither ansible-core nor Python.

use super::{PLAY, Project, assert_ends};
use std::os::unix::fs::PermissionsExt;

/// Prints its arguments, as an old-style module is given them.
const OLD: &str = "#!/bin/sh\n. \"$1\"\necho \"{\\\"changed\\\": true, \\\"a\\\": \\\"$a\\\", \\\"l\\\": \\\"$l\\\", \\\"check\\\": \\\"$_ansible_check_mode\\\", \
                   \\\"words\\\": \\\"$#\\\", \\\"env\\\": \\\"$GREETING\\\"}\"\n";

const WANT_JSON: &str =
    "#!/bin/sh\n# WANT_JSON\nprintf '{\"changed\": false, \"got\": %s}' \"$(cat \"$1\")\"\n";

const JSON_ARGS: &str = "#!/bin/sh\ncat <<'END'\n{\"got\": <<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>}\nEND\n";

#[test]
fn modules_in_other_languages_run_without_ansible_core_and_python() {
    let project = Project::new(&[
        (
            "site.yml",
            &format!(
                "{PLAY}    - old: {{a: \"b c\", l: [1, two]}}\n      register: old\n      environment: {{GREETING: hello}}\n    \
                 - json: {{a: \"b c\"}}\n      register: json\n    - marked: {{a: \"b c\"}}\n      register: marked\n    \
                 - assert:\n        that:\n          - old.a == 'b c' and old.l == \"[1, 'two']\" and old.check == 'False' and old.words == '1'\n          \
                 - old.env == 'hello' and old is changed\n          - json.got.a == 'b c' and json.got._ansible_module_name == 'json' and json is not changed\n          \
                 - marked.got.a == 'b c'\n"
            ),
        ),
        ("library/old.sh", OLD),
        ("library/json", WANT_JSON),
        ("library/marked", JSON_ARGS),
    ]);
    let said = project.bare(&["run", "site.yml", "-v"]);
    said.ended(0)
        .holds(&["bridged: 3 tasks", "ansible.legacy.old: 1"])
        .lacks("warning:");
    // The module is kept for its account alone, its arguments are not.
    let kept = project.path("tmp/vent");
    assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let left: Vec<_> = std::fs::read_dir(&kept)
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert_eq!(left, ["programs"]);
    project.bare(&["validate", "site.yml"]).ended(0);
}

#[test]
fn a_binary_runs_as_it_is() {
    let project = Project::new(&[(
        "site.yml",
        &format!("{PLAY}    - binary: {{a: 1}}\n      register: r\n"),
    )]);
    // A program of this computer, which ends with what is no result: that it ran is seen by that.
    std::fs::create_dir(project.path("library")).unwrap();
    std::fs::copy("/bin/ls", project.path("library/binary")).unwrap();
    let said = project.bare(&["run", "site.yml", "-vv"]);
    said.ended(2)
        .holds(&["no start of json char found", "/arguments"]);
}

#[test]
fn a_module_runs_once_whatever_it_ends_with() {
    let project = Project::new(&[
        ("site.yml", &format!("{PLAY}    - counting: {{}}\n")),
        (
            "library/counting",
            "#!/bin/sh\necho run >>FOLDER/runs\nexit 217\n",
        ),
    ]);
    project.bare(&["run", "site.yml"]).ended(2).holds(&["217"]);
    assert_eq!(std::fs::read_to_string(project.path("runs")).unwrap(), "run\n");
}

#[test]
fn the_interpreter_of_a_module_is_that_of_its_first_line_or_of_the_variable_for_it() {
    let project = Project::new(&[
        (
            "site.yml",
            &format!(
                "{PLAY}    - mine: {{}}\n      register: r\n    - debug: {{msg: \"by {{{{ r.by }}}}\"}}\n"
            ),
        ),
        (
            "library/mine",
            "#!/usr/bin/no-such-thing\necho '{\"by\": \"sh\"}'\n",
        ),
        ("other", "#!/bin/sh\necho '{\"by\": \"other\"}'\n"),
    ]);
    let said = project.bare(&["run", "site.yml"]);
    said.ended(2)
        .holds(&["probably need to set the interpreter", "no-such-thing"]);
    let said = project.bare(&[
        "run",
        "site.yml",
        "-e",
        &format!(
            "ansible_no-such-thing_interpreter={}",
            project.path("other").display()
        ),
    ]);
    said.ended(0).holds(&["by other"]);
    project.write("library/mine", "echo\n");
    project
        .bare(&["run", "site.yml"])
        .ended(2)
        .holds(&["names no interpreter"]);
}

#[test]
fn what_a_module_prints_is_read_as_ansible_reads_it() {
    let project = Project::new(&[
        (
            "site.yml",
            &format!(
                "{PLAY}    - mine: {{}}\n      register: r\n    - assert: {{that: [\"r.n | string == 'nan'\", r.x == 1, mine_fact == 5, ansible_facts.mine_fact == 5, \
                 \"r.ansible_facts.ansible_host is not defined\", \"r.text == '{{' ~ '{{ 1 }}' ~ '}}'\"]}}\n    \
                 - ill: {{}}\n      ignore_errors: true\n      register: r\n    - assert: {{that: [r is failed, \"r.module_stdout == 'nothing\\\\n'\", r.rc == 3]}}\n    \
                 - counting: {{}}\n      register: r\n      until: r.n | int >= 3\n      delay: 0\n      retries: 5\n    - assert: {{that: r.attempts == 3}}\n"
            ),
        ),
        (
            "library/mine",
            "#!/bin/sh\necho welcome\necho '{\"n\": NaN, \"x\": 1, \"text\": \"{{ 1 }}\", \"ansible_facts\": {\"mine_fact\": 5, \"ansible_host\": \"x\"}}'\necho bye\nexit 7\n",
        ),
        ("library/ill", "#!/bin/sh\necho nothing\nexit 3\n"),
        (
            "library/counting",
            "#!/bin/sh\nread n <FOLDER/count || n=0\nn=$((n + 1))\necho $n >FOLDER/count\necho \"{\\\"n\\\": $n}\"\n",
        ),
        ("count", "0\n"),
    ]);
    let said = project.bare(&["run", "site.yml"]);
    said.ended(0)
        .holds(&["Module invocation had junk after the JSON data: bye"]);
}

#[test]
fn a_check_runs_no_module_that_cannot_say_what_it_does() {
    let project = Project::new(&[
        (
            "site.yml",
            &format!("{PLAY}    - mine: {{}}\n    - command: \"true\"\n"),
        ),
        ("library/mine", "#!/bin/sh\ntouch FOLDER/ran\necho '{}'\n"),
    ]);
    let said = project.bare(&["run", "site.yml", "--check"]);
    said.ended(0).holds(&[
        "undecided: [localhost]",
        "mine does not say whether it supports check mode",
    ]);
    assert!(!project.path("ran").exists());
}

#[test]
fn a_module_goes_on_by_itself_and_is_asked_about_and_one_that_takes_too_long_is_ended() {
    let project = Project::new(&[
        (
            "site.yml",
            &format!(
                "{PLAY}    - slow: {{}}\n      async: 60\n      poll: 0\n      register: job\n    \
                 - async_status: {{jid: \"{{{{ job.ansible_job_id }}}}\"}}\n      register: r\n      until: r.finished\n      delay: 0.2\n      retries: 100\n    \
                 - assert: {{that: [r.word == 'done', r is changed]}}\n    \
                 - slow: {{}}\n      async: 60\n      poll: 1\n      register: r\n    - assert: {{that: r.word == 'done'}}\n    \
                 - long: {{}}\n      timeout: 1\n"
            ),
        ),
        (
            "library/slow",
            "#!/bin/sh\nsleep 0.5\necho '{\"changed\": true, \"word\": \"done\"}'\n",
        ),
        (
            "library/long",
            "#!/bin/sh\nsleep 60 & echo $! >FOLDER/pid; wait\ntouch FOLDER/ended\n",
        ),
    ]);
    let said = project.bare(&["run", "site.yml"]);
    said.ended(2).holds(&["Timed out after 1 second(s)."]);
    let pid = std::fs::read_to_string(project.path("pid")).unwrap();
    assert_ends(pid.trim());
    assert!(!project.path("ended").exists());
}

#[test]
fn a_folder_that_others_may_enter_is_not_used_and_clean_leaves_nothing() {
    let project = Project::new(&[
        ("site.yml", &format!("{PLAY}    - mine: {{}}\n")),
        ("library/mine", "#!/bin/sh\necho '{}'\n"),
    ]);
    let folder = project.path("tmp/vent");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    project
        .bare(&["run", "site.yml"])
        .ended(2)
        .holds(&["is not a folder of"]);
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    project.bare(&["run", "site.yml"]).ended(0);
    assert!(folder.join("programs").exists());
    project
        .bare(&["clean", "localhost"])
        .ended(0)
        .holds(&["changed=1"]);
    assert!(!folder.exists());
    project
        .bare(&["clean", "localhost"])
        .ended(0)
        .holds(&["changed=0"]);
}

#[test]
fn a_module_of_the_project_is_stronger_than_one_of_the_same_short_name() {
    let project = Project::new(&[
        (
            "site.yml",
            "- hosts: localhost\n  gather_facts: false\n  roles: [only_modules]\n  tasks:\n    - ping: {}\n      register: r\n    \
             - ansible.builtin.ping: {}\n      register: own\n    - in_role: {}\n      register: role\n    \
             - action: \"{{ 'in_role' }}\"\n      register: rendered\n    \
             - assert: {that: [r.by == 'project', own.ping == 'pong', role.by == 'role', rendered.by == 'role', \"'by' not in own\"]}\n",
        ),
        ("library/ping", "#!/bin/sh\necho '{\"by\": \"project\"}'\n"),
        (
            "roles/only_modules/library/in_role",
            "#!/bin/sh\necho '{\"by\": \"role\"}'\n",
        ),
    ]);
    project.bare(&["run", "site.yml"]).ended(0);
}

#[test]
fn without_ansible_core_what_needs_it_is_told_once_with_its_cure() {
    let python = "#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\n";
    let project = Project::new(&[
        (
            "site.yml",
            &format!(
                "{PLAY}    - mine: {{}}\n      ignore_errors: true\n    - sysvinit: {{name: x}}\n      when: false\n"
            ),
        ),
        ("library/mine.py", python),
    ]);
    let said = project.bare(&["run", "site.yml"]);
    said.ended(0).holds(&[
        "module `mine`: site.yml:4:7: the module ansible.legacy.mine needs the bridge to Python: this needs ansible-core 2.16 to 2.20 on this computer, and there is none",
        "VENT_ANSIBLE_PYTHON=/path/to/python3",
        "module `sysvinit`: site.yml:6:7: Vent does not have Ansible's module `sysvinit`",
    ]);
    project
        .bare(&["validate", "site.yml"])
        .ended(4)
        .holds(&["needs ansible-core 2.16 to 2.20"]);
    let said = project.bare(&["validate", "site.yml", "--native-only"]);
    said.ended(4)
        .holds(&["which --native-only forbids", "leave out --native-only"]);
}

#[test]
fn what_a_module_is_given_stands_among_no_arguments() {
    let look = "case $(cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ') in *\"$token\"*) f=true ;; *) f=false ;; esac\n\
                case $(cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' ' ') in *\"$token\"*) e=true ;; *) e=false ;; esac\n\
                echo \"{\\\"length\\\": ${#token}, \\\"found\\\": $f, \\\"environment\\\": $e}\"\n";
    let project = Project::new(&[
        (
            "site.yml",
            &format!(
                "{PLAY}    - old: {{token: much-secret-word}}\n      register: r\n    - marked: {{token: much-secret-word}}\n      register: m\n    \
                 - assert: {{that: [r.length == 16, not r.found, not r.environment, m.length == 16, not m.found]}}\n"
            ),
        ),
        ("library/old", &format!("#!/bin/sh\n. \"$1\"\n{look}")),
        (
            "library/marked",
            &format!(
                "#!/bin/sh\ntoken=$(sed -n 's/.*\"token\": \"\\([^\"]*\\)\".*/\\1/p' <<'END'\n<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>\nEND\n)\n{look}"
            ),
        ),
    ]);
    project.bare(&["run", "site.yml", "-vv"]).ended(0);
}
