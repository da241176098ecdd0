//! What Ansible gets past when it reads a playbook stops nothing here: it is told of before anything runs, fails the task that needs
//! it, and is refused by `vent validate`.

use super::{playbook, vent};
use std::path::Path;

/// What a command said, standard error first, and its exit code.
fn said(folder: &Path, arguments: &[&str]) -> (String, i32) {
    let output = vent(folder, arguments);
    let text =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    (text, output.status.code().unwrap())
}

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

fn holds(text: &str, all: &[&str]) {
    for part in all {
        assert!(text.contains(part), "no `{part}` in: {text}");
    }
}

const PLAY: &str = "- hosts: localhost\n  gather_facts: false\n";

#[test]
fn what_is_not_there_fails_the_task_that_needs_it_and_no_other() {
    let folder = playbook(&format!(
        "{PLAY}  tasks:\n    - community.docker.docker_container: {{name: a}}\n      when: false\n    \
         - community.docker.docker_container: {{name: b}}\n      when: false\n    \
         - block: [{{mysql_db: {{name: x}}}}]\n      rescue: [{{debug: {{msg: \"rescued {{{{ ansible_failed_result.msg }}}}\"}}}}]\n    \
         - debug: {{msg: \"{{{{ 'x' | no_filter }}}}\"}}\n      when: false\n    \
         - debug: {{msg: \"{{{{ lookup('no_lookup') }}}}\"}}\n      when: x is defined and x is no_test\n    \
         - copy: {{dest: /x, content: y, owned: z}}\n      when: false\n    \
         - include_tasks: more.yml\n      when: false\n    \
         - command: \"true\"\n      notify: Nobody\n      when: false\n    \
         - debug: {{msg: x}}\n      with_community.general.no_loop: [1]\n      when: false\n"
    ));
    write(folder.path(), &[("more.yml", "- dnf: {name: x}\n")]);
    let (text, code) = said(folder.path(), &["run", "site.yml"]);
    holds(
        &text,
        &[
            "module `community.docker.docker_container`, 2 times: site.yml:4:7: Vent does not have the module",
            "module `mysql_db`: site.yml:8:16: Vent does not have the module `mysql_db` of the collection community.mysql",
            "rescued Vent does not have the module `mysql_db`",
            "filter `no_filter`: site.yml:10:",
            "test `no_test`",
            "lookup `no_lookup`",
            "argument `owned` of `copy`: site.yml:14:36: `copy` has no argument `owned` (did you mean `owner`?)",
            "module `dnf`: more.yml:1:3: Vent does not have Ansible's module `dnf`",
            "handler Nobody",
            "lookup `community.general.no_loop`",
        ],
    );
    assert_eq!(code, 0, "{text}");
    assert_eq!(text.matches("warning:").count(), 1, "{text}");
    let (text, code) = said(folder.path(), &["validate", "site.yml"]);
    holds(
        &text,
        &[
            "error: Vent does not have",
            "no filter named 'no_filter'",
            "Nobody",
        ],
    );
    // At each of its places.
    let missing = "error: Vent does not have the module `community.docker.docker_container`";
    assert_eq!(text.matches(missing).count(), 2, "{text}");
    assert_eq!(code, 4, "{text}");
}

#[test]
fn what_ansible_refuses_when_it_reads_stays_refused() {
    let collection = "collections/ansible_collections/acme/tools/plugins/modules/there.py";
    for (task, files, wanted) in [
        ("copi: {}", None, "no module is called `copi`"),
        (
            "ansible.builtin.docker_container: {}",
            None,
            "no module is called",
        ),
        (
            "acme.tools.nowhere: {}",
            Some(collection),
            "no module is called `acme.tools.nowhere`",
        ),
        (
            "acme.tools.there: {}",
            Some("collections/ansible_collections/acme/tools/plugins/action/there.py"),
            "`acme.tools.there` is an action plugin, which Vent does not run",
        ),
        (
            "mine: {}",
            Some("action_plugins/mine.py"),
            "`ansible.legacy.mine` is an action plugin, which Vent does not run",
        ),
        (
            "debug: {}\n      with_nothing_known: [1]",
            None,
            "a lookup that does not exist",
        ),
    ] {
        let folder = playbook(&format!("{PLAY}  tasks:\n    - {task}\n"));
        write(
            folder.path(),
            &files.map(|file| (file, "")).into_iter().collect::<Vec<_>>(),
        );
        let (text, code) = said(folder.path(), &["run", "site.yml"]);
        assert!(text.contains(wanted), "{task}: {text}");
        let late = wanted.ends_with("does not run");
        assert_eq!(code, if late { 2 } else { 4 }, "{task}: {text}");
    }
}

#[test]
fn an_argument_that_is_left_out_while_running_is_none() {
    let folder = playbook(&format!(
        "{PLAY}  tasks:\n    - debug: {{msg: well, no_such: \"{{{{ nothing | default(omit) }}}}\"}}\n    - debug: {{msg: ill, no_such: \"{{{{ 1 }}}}\"}}\n"
    ));
    let (text, code) = said(folder.path(), &["run", "site.yml"]);
    holds(
        &text,
        &["well", "`debug` has no argument `no_such`", "--> site.yml:5:25"],
    );
    assert_eq!(code, 2, "{text}");
    assert!(!text.contains("warning:"), "{text}");
}

#[test]
fn names_are_made_of_variables_that_are_known_when_they_are_read() {
    let folder = playbook(
        "- import_playbook: \"{{ book }}.yml\"\n- hosts: localhost\n  gather_facts: false\n  vars: {part: one, named: mine}\n  roles: [\"{{ named }}\"]\n  tasks:\n    \
         - import_tasks: \"{{ playbook_dir }}/parts/{{ part }}.yml\"\n    \
         - import_role: {name: \"{{ named }}\", tasks_from: \"{{ part }}\"}\n    \
         - action: \"{{ item }} msg=by-action-{{ item }}\"\n      loop: [debug, ansible.builtin.debug]\n    \
         - local_action: {module: \"{{ 'debug' }}\", msg: by-local-action}\n    \
         - set_fact: {\"{{ part }}_fact\": by-set-fact}\n    - set_fact: \"{{ part }}_pair=by-pair\"\n    \
         - debug: {msg: \"{{ one_fact }} {{ one_pair }}\"}\n",
    );
    let debug = |text: &str| format!("- debug: {{msg: {text}}}\n");
    write(
        folder.path(),
        &[
            (
                "other.yml",
                &format!("{PLAY}  tasks: [{{debug: {{msg: by-import}}}}]\n"),
            ),
            ("parts/one.yml", &debug("by-import-tasks")),
            ("roles/mine/tasks/main.yml", &debug("by-role")),
            ("roles/mine/tasks/one.yml", &debug("by-tasks-from")),
        ],
    );
    let (text, code) = said(folder.path(), &["run", "site.yml", "-e", "book=other"]);
    holds(
        &text,
        &[
            "by-import",
            "by-import-tasks",
            "by-role",
            "by-tasks-from",
            "by-action-debug",
            "by-action-ansible.builtin.debug",
            "by-local-action",
            "by-set-fact by-pair",
        ],
    );
    assert_eq!(code, 0, "{text}");
    let (text, code) = said(folder.path(), &["run", "site.yml"]);
    holds(
        &text,
        &[
            "'book' is undefined",
            "`import_playbook` is read before anything runs",
            "give it with -e",
        ],
    );
    assert_eq!(code, 4, "{text}");
}

#[test]
fn roles_and_playbooks_of_collections_are_found_where_ansible_finds_them() {
    let folder = playbook(
        "- import_playbook: acme.tools.book\n- hosts: localhost\n  gather_facts: false\n  roles: [acme.tools.full]\n\
         - hosts: localhost\n  gather_facts: false\n  collections: [acme.tools]\n  roles: [short, {role: ../up/away}]\n",
    );
    let at = "mine/ansible_collections/acme/tools";
    let debug = |text: &str| format!("- debug: {{msg: {text}}}\n");
    write(
        folder.path(),
        &[
            ("ansible.cfg", "[defaults]\ncollections_path = mine\n"),
            (&format!("{at}/roles/full/tasks/main.yml"), &debug("full-name")),
            (
                &format!("{at}/roles/full/meta/main.yml"),
                "dependencies: [below]\n",
            ),
            (
                &format!("{at}/roles/below/tasks/main.yml"),
                &debug("of-the-same-collection"),
            ),
            (&format!("{at}/roles/short/tasks/main.yml"), &debug("short-name")),
            (
                &format!("{at}/playbooks/book.yml"),
                &format!("{PLAY}  roles: [short]\n  tasks: [{{debug: {{msg: of-the-book}}}}]\n"),
            ),
            ("up/away/tasks/main.yml", &debug("up-and-away")),
        ],
    );
    let (text, code) = said(folder.path(), &["run", "site.yml"]);
    holds(
        &text,
        &[
            "of-the-book",
            "full-name",
            "of-the-same-collection",
            "short-name",
            "up-and-away",
        ],
    );
    assert_eq!(code, 0, "{text}");
    let inside = folder.path().join(at).join("playbooks");
    let (text, code) = said(&inside, &["run", "book.yml"]);
    holds(&text, &["short-name", "of-the-book"]);
    assert_eq!(code, 0, "{text}");
    let (text, code) = said(folder.path(), &["run", "acme.tools.book"]);
    holds(&text, &["short-name", "of-the-book"]);
    assert_eq!(code, 0, "{text}");
}

#[test]
fn a_host_that_is_no_machine_of_ours_is_refused_alone() {
    let folder = playbook("- hosts: all\n  gather_facts: false\n  tasks:\n    - ping:\n");
    write(
        folder.path(),
        &[(
            "hosts",
            "here ansible_connection=local\nwindow ansible_connection=winrm\nswitch ansible_connection=ansible.netcommon.network_cli\n",
        )],
    );
    let (text, _) = said(folder.path(), &["run", "site.yml", "-i", "hosts"]);
    holds(
        &text,
        &[
            "ok: [here]",
            "the connection `winrm` is for Windows, which Vent does not manage",
            "the connection `ansible.netcommon.network_cli` is for network devices",
        ],
    );
}

#[test]
fn without_stated_needs_what_is_set_stays_for_all_that_follows() {
    let folder = playbook(&format!(
        "- import_playbook: first.yml\n{PLAY}  tasks:\n    - set_fact: {{shared: later}}\n"
    ));
    write(
        folder.path(),
        &[(
            "first.yml",
            &format!("{PLAY}  tasks: [{{debug: {{msg: \"{{{{ shared | default('not yet') }}}}\"}}}}]\n"),
        )],
    );
    let (text, code) = said(folder.path(), &["run", "site.yml"]);
    holds(&text, &["not yet"]);
    assert_eq!(code, 0, "{text}");
}
