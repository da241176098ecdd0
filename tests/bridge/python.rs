//! Modules of Python's, by the installed ansible-core.

use super::{PLAY, Project, assert_ends};

/// Tells its arguments, and what is around it.
const MINE: &str = "#!/usr/bin/python
import os
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.mine import WORD
def main():
    module = AnsibleModule(
        argument_spec=dict(
            name=dict(), state=dict(default='there'), token=dict(no_log=True, aliases=['key']),
            users=dict(type='list', elements='dict', options=dict(password=dict(no_log=True)))),
        supports_check_mode=True)
    module.warn('take care')
    module.deprecate('it is old', version='9.0', collection_name='ansible.builtin')
    module.exit_json(
        changed=module.params['name'] == 'changes', word=WORD, given=module.params, said=module.params['token'], server=os.getppid(),
        pid=os.getpid(), greeting=os.environ.get('GREETING'), check=module.check_mode,
        ansible_facts=dict(mine=5, ansible_other=6), diff=dict(before='a\\n', after='b\\n', after_header='the thing'))
if __name__ == '__main__':
    main()
";

#[test]
#[ignore = "needs ansible-core"]
fn modules_of_the_project_and_of_its_collections_run_with_what_they_import() {
    let at = "collections/ansible_collections/acme/tools";
    let module = |word: &str| {
        format!(
            "#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\n{word}\n\
             m = AnsibleModule(dict(a=dict(), b=dict()), supports_check_mode=True)\nm.exit_json(word=WORD, a=m.params['a'], b=m.params['b'])\n"
        )
    };
    let project = Project::new(&[
        (
            "site.yml",
            "- hosts: localhost\n  gather_facts: false\n  collections: [acme.tools]\n  roles: [one, two]\n  module_defaults:\n    \
             group/acme.tools.all: {a: by-group}\n    mine: {state: by-name}\n    acme.tools.there: {b: by-full-name}\n  tasks:\n    \
             - mine: {name: \"{{ 'x' }}\", token: \"{{ none | default(omit) }}\"}\n      environment: {GREETING: hello}\n      register: r\n    \
             - mine: {}\n      register: again\n    - acme.tools.old_name: {}\n      register: moved\n    \
             - there: {b: own}\n      register: short\n    \
             - assert:\n        that:\n          - r.word == 'own utils' and r.given.name == 'x' and r.given.state == 'by-name' and r.given.token is none\n          \
             - r.greeting == 'hello' and again.greeting is none\n          - r.server == again.server and r.pid != again.pid\n          \
             - mine == 5 and ansible_facts.mine == 5 and ansible_other == 6 and ansible_facts.other == 6\n          \
             - r.warnings == ['take care'] and r.deprecations[0].msg == 'it is old'\n          \
             - moved.word == 'collection utils' and moved.a == 'by-group' and moved.b == 'by-full-name'\n          \
             - short.word == 'collection utils' and short.b == 'own'\n          - from_one.word == 'one' and from_two.word == 'two'\n",
        ),
        ("library/mine.py", MINE),
        ("module_utils/mine.py", "WORD = 'own utils'\n"),
        ("roles/one/tasks/main.yml", "- same: {}\n  register: from_one\n"),
        (
            "roles/one/library/same.py",
            &module("from ansible.module_utils.parts import WORD"),
        ),
        ("roles/one/module_utils/parts.py", "WORD = 'one'\n"),
        ("roles/two/tasks/main.yml", "- same: {}\n  register: from_two\n"),
        ("roles/two/library/same.py", &module("WORD = 'two'")),
        (
            &format!("{at}/galaxy.yml"),
            "namespace: acme\nname: tools\nversion: 1.0.0\n",
        ),
        (
            &format!("{at}/plugins/modules/there.py"),
            &module("from ansible_collections.acme.tools.plugins.module_utils.words import WORD"),
        ),
        (
            &format!("{at}/plugins/module_utils/words.py"),
            "WORD = 'collection utils'\n",
        ),
        (
            &format!("{at}/meta/runtime.yml"),
            "plugin_routing:\n  modules:\n    old_name: {redirect: acme.tools.there}\naction_groups:\n  all: [there]\n",
        ),
    ]);
    let said = project.vent(&["run", "site.yml", "-v"]);
    said.ended(0).holds(&[
        "[WARNING]: take care",
        "deprecated: it is old",
        "bridged: 6 tasks",
        "acme.tools.there: 2",
    ]);
    // What it was built of has changed.
    project.write("module_utils/mine.py", "WORD = 'changed utils'\n");
    project
        .vent(&["run", "site.yml", "-vv"])
        .ended(2)
        .holds(&["changed utils"]);
}

#[test]
#[ignore = "needs ansible-core"]
fn values_of_options_with_no_log_are_shown_nowhere() {
    let project = Project::new(&[
        (
            "site.yml",
            &format!(
                "{PLAY}    - mine: {{name: changes, key: geheimnis, users: [{{password: verborgen}}]}}\n      register: r\n    \
                 - debug: {{msg: \"a geheimnis and what is verborgen\"}}\n"
            ),
        ),
        ("library/mine.py", MINE),
        ("module_utils/mine.py", "WORD = 'x'\n"),
    ]);
    let said = project.vent(&["run", "site.yml", "-vvv", "--diff"]);
    said.ended(0)
        .lacks("geheimnis")
        .lacks("verborgen")
        .holds(&["VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"]);
}

#[test]
#[ignore = "needs ansible-core"]
fn a_check_runs_what_supports_it_as_long_as_nothing_is_pending() {
    let opaque = MINE.replace("supports_check_mode=True", "supports_check_mode=False");
    let project = Project::new(&[
        (
            "site.yml",
            &format!(
                "{PLAY}    - mine: {{}}\n      register: r\n    - debug: {{msg: \"check {{{{ r.check }}}}\"}}\n    - opaque: {{}}\n      when: opaque is defined\n    \
                 - mine: {{name: changes}}\n      when: changes is defined\n    - copy: {{dest: FOLDER/made, content: x}}\n      when: copies is defined\n    \
                 - mine: {{}}\n"
            ),
        ),
        ("library/mine.py", MINE),
        ("library/opaque.py", &opaque),
        ("module_utils/mine.py", "WORD = 'x'\n"),
    ]);
    let check = |more: &[&str]| project.vent(&[&["run", "site.yml", "--check", "-D"], more].concat());
    check(&[])
        .ended(0)
        .holds(&["check True", "undecided=0", "-a\n+b"])
        .lacks("Undecided");
    check(&["-e", "opaque=true"])
        .ended(0)
        .holds(&["does not support check mode", "undecided=2"]);
    check(&["-e", "changes=true"]).ended(0).holds(&[
        "changed: [localhost]",
        "would have to see the result of",
        "undecided=1",
    ]);
    check(&["-e", "copies=true"])
        .ended(0)
        .holds(&["would have to see what is planned for", "undecided=1"]);
}

#[test]
#[ignore = "needs ansible-core"]
fn a_failure_tells_its_place_and_its_traceback_whole_with_vvv() {
    let project = Project::new(&[
        ("site.yml", &format!("{PLAY}    - broken: {{}}\n")),
        (
            "library/broken.py",
            "#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\ndef main():\n    AnsibleModule(dict())\n    raise ValueError('on purpose')\nmain()\n",
        ),
    ]);
    let said = project.vent(&["run", "site.yml"]);
    said.ended(2)
        .holds(&["--> site.yml:4:7", "ValueError: on purpose"])
        .lacks("Traceback (most recent");
    project
        .vent(&["run", "site.yml", "-vvv"])
        .ended(2)
        .holds(&["Traceback (most recent", "in main"]);
    let said = project.vent(&[
        "run",
        "site.yml",
        "-e",
        "ansible_python_interpreter=/nowhere/python",
    ]);
    said.ended(2).holds(&[
        "ansible.legacy.broken needs Python on localhost, and /nowhere/python does not start there",
        "--> site.yml:4:7",
    ]);
    let said = project.vent(&["run", "site.yml", "--native-only"]);
    said.ended(2)
        .holds(&["which --native-only forbids", "--> site.yml:4:7"]);
}

#[test]
#[ignore = "needs ansible-core"]
fn a_python_that_is_too_old_is_told_with_its_version() {
    let hello = r#"{"python": [3, 5, 0]}"#;
    let old = format!(
        "#!/bin/sh\nprintf '\\0\\0\\0\\{:03o}\\0\\0\\0\\0%s' '{hello}'\ncat >/dev/null\n",
        hello.len()
    );
    let project = Project::new(&[
        ("site.yml", &format!("{PLAY}    - mine: {{}}\n")),
        ("library/mine.py", MINE),
        ("module_utils/mine.py", "WORD = 'x'\n"),
        ("old", &old),
    ]);
    let chosen = format!("ansible_python_interpreter={}", project.path("old").display());
    project
        .vent(&["run", "site.yml", "-e", &chosen])
        .ended(2)
        .holds(&[
            "needs Python 3.8 or newer on localhost",
            "old is Python 3.5",
            "--> site.yml:4:7",
        ]);
}

#[test]
#[ignore = "needs ansible-core"]
fn a_module_leaves_nothing_in_the_server_and_one_that_takes_too_long_is_ended_with_its_children() {
    let rude = "#!/usr/bin/python\nimport os, subprocess, time\nfrom ansible.module_utils import basic\n\
                m = basic.AnsibleModule(dict(sleep=dict(type='int', default=0)))\nseen = getattr(basic, 'SPOILED', None)\nbasic.SPOILED = 1\nos.chdir('/')\nos.environ['SPOILED'] = '1'\n\
                if m.params['sleep']:\n    child = subprocess.Popen(['sleep', '60'])\n    open('FOLDER/pids', 'w').write('%d %d' % (os.getpid(), child.pid))\n    time.sleep(60)\n\
                m.exit_json(seen=seen, cwd=os.getcwd(), spoiled=os.environ.get('SPOILED'))\n";
    let after = "#!/usr/bin/python\nimport os\nfrom ansible.module_utils import basic\nm = basic.AnsibleModule(dict())\n\
                 m.exit_json(seen=getattr(basic, 'SPOILED', None), cwd=os.getcwd(), spoiled=os.environ.get('SPOILED'))\n";
    let project = Project::new(&[
        (
            "site.yml",
            &format!(
                "{PLAY}    - rude: {{}}\n    - after: {{}}\n      register: r\n    - assert: {{that: [r.seen is none, r.spoiled is none, r.cwd != '/']}}\n    \
                 - after: {{}}\n      async: 60\n      poll: 0\n      register: job\n    \
                 - async_status: {{jid: \"{{{{ job.ansible_job_id }}}}\"}}\n      register: r\n      until: r.finished\n      delay: 0.2\n      retries: 100\n    \
                 - assert: {{that: [r.seen is none, r.ansible_job_id == job.ansible_job_id]}}\n    - rude: {{sleep: 60}}\n      timeout: 1\n"
            ),
        ),
        ("library/rude.py", rude),
        ("library/after.py", after),
    ]);
    project
        .vent(&["run", "site.yml"])
        .ended(2)
        .holds(&["Timed out after 1 second(s)."]);
    let pids = std::fs::read_to_string(project.path("pids")).unwrap();
    pids.split_whitespace().for_each(assert_ends);
}

#[test]
#[ignore = "needs ansible-core"]
fn modules_of_ansible_core_and_of_installed_collections_run() {
    let project = Project::new(&[
        (
            "site.yml",
            &format!(
                "{PLAY}    - yum_repository: {{name: acme, description: x, baseurl: \"http://localhost/\", reposdir: FOLDER/repos}}\n      register: r\n    \
                 - mount_facts: {{}}\n    - community.general.git_config: {{name: user.name, value: me, scope: file, file: FOLDER/gitconfig}}\n      register: g\n    \
                 - community.general.read_csv: {{path: FOLDER/list.csv, key: name}}\n      register: c\n    - read_csv: {{path: FOLDER/list.csv}}\n      register: short\n    \
                 - assert: {{that: [r is changed, g is changed, c.dict.a.size == '1', \"short.list[0].name == 'a'\", \"ansible_playbook_python.endswith('python')\", ansible_facts.mount_points | length > 0]}}\n"
            ),
        ),
        ("list.csv", "name,size\na,1\n"),
        ("repos/x", ""),
    ]);
    project
        .vent(&["run", "site.yml"])
        .ended(0)
        .holds(&["bridged: 5 tasks"]);
    project
        .vent(&["run", "site.yml"])
        .ended(2)
        .holds(&["r is changed"]);
    project.vent(&["validate", "site.yml"]).ended(0);
    let kept = project.path("tmp/vent");
    assert!(kept.exists());
    project.vent(&["clean", "localhost"]).ended(0);
    assert!(!kept.exists());
}

#[test]
#[ignore = "needs ansible-core"]
fn a_name_that_ansible_core_leads_on_is_told_by_where_it_leads() {
    let project = Project::new(&[(
        "site.yml",
        &format!("{PLAY}    - yum: {{name: x}}\n    - ansible.builtin.yum: {{name: x}}\n"),
    )]);
    let led = "`ansible.builtin.dnf` is an action plugin, which Vent does not run";
    let validated = project.vent(&["validate", "site.yml"]);
    validated.ended(4).holds(&[led, "site.yml:4", "site.yml:5"]);
}

#[test]
#[ignore = "needs ansible-core"]
fn a_file_that_was_changed_on_the_host_is_not_used() {
    let project = Project::new(&[
        ("site.yml", &format!("{PLAY}    - mine: {{}}\n")),
        ("library/mine.py", MINE),
        ("module_utils/mine.py", "WORD = 'x'\n"),
    ]);
    project.vent(&["run", "site.yml"]).ended(0);
    let tree =
        |number: usize| project.path(&format!("tmp/vent/2.19.14-{number}/ansible/module_utils/mine.py"));
    std::fs::write(tree(0), "WORD = 'tampered'\n").unwrap();
    project
        .vent(&["run", "site.yml", "-vv"])
        .ended(0)
        .lacks("tampered");
    assert_eq!(std::fs::read_to_string(tree(1)).unwrap(), "WORD = 'x'\n");
}

#[test]
#[ignore = "needs ansible-core"]
fn a_host_that_answers_something_else_than_a_server_fails_the_task() {
    let project = Project::new(&[
        ("site.yml", &format!("{PLAY}    - mine: {{}}\n")),
        ("library/mine.py", MINE),
        ("module_utils/mine.py", "WORD = 'x'\n"),
        ("without_end", "#!/bin/sh\nexec yes\n"),
        ("zeros", "#!/bin/sh\nexec cat /dev/zero\n"),
        ("nothing", "#!/bin/sh\n"),
        ("other", "#!/bin/sh\nprintf '\\0\\0\\0\\2\\0\\0\\0\\0[]'\n"),
    ]);
    for (name, said) in [
        ("without_end", "y\n"),
        ("zeros", "does not start there"),
        ("nothing", "exit status 0"),
        ("other", "it answers something else than was asked"),
    ] {
        let chosen = format!("ansible_python_interpreter={}", project.path(name).display());
        project
            .vent(&["run", "site.yml", "-e", &chosen])
            .ended(2)
            .holds(&[said]);
    }
}
