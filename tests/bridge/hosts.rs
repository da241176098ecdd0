//! Modules that Vent does not have, by other accounts and over SSH.

use super::{Project, assert_ends};
use crate::ssh_server::{Server, run};
use std::os::unix::fs::MetadataExt;
use std::process::Command;

const ACCOUNT: &str = "vent-bridge";

/// An account of this computer, while it exists.
struct Account(tempfile::TempDir);

impl Account {
    fn new() -> Account {
        Account::remove();
        let home = tempfile::tempdir().unwrap();
        let path = home.path().to_str().unwrap();
        run("useradd", &["-M", "-d", path, "-s", "/bin/bash", ACCOUNT]);
        run("chown", &[ACCOUNT, path]);
        Account(home)
    }

    fn remove() {
        let _ = Command::new("userdel").args(["-f", ACCOUNT]).output();
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        Account::remove();
    }
}

#[test]
#[ignore = "needs ansible-core"]
fn each_account_has_modules_of_its_own_and_clean_takes_them_from_all() {
    let account = Account::new();
    let module = "#!/usr/bin/python\nimport os\nfrom ansible.module_utils.basic import AnsibleModule\n\
                  m = AnsibleModule(dict())\nm.exit_json(uid=os.getuid(), file=__file__)\n";
    let project = Project::new(&[
        (
            "site.yml",
            "- hosts: box\n  gather_facts: false\n  vars: {ansible_remote_tmp: ~/.ansible/tmp}\n  tasks:\n    - mine: {}\n      register: own\n    \
             - mine: {}\n      become: true\n      become_method: su\n      become_user: vent-bridge\n      register: other\n    \
             - shell_one: {}\n      become: true\n      become_method: su\n      become_user: vent-bridge\n      register: shell\n    \
             - assert: {that: [own.uid == 0, other.uid != 0, shell.who == 'vent-bridge']}\n",
        ),
        (
            "hosts",
            "box ansible_connection=local ansible_remote_tmp=~/.ansible/tmp\n",
        ),
        ("library/mine.py", module),
        (
            "library/shell_one",
            "#!/bin/sh\necho \"{\\\"who\\\": \\\"$(id -un)\\\"}\"\n",
        ),
    ]);
    // The account has to reach neither the project nor its files.
    let said = project.vent(&["run", "-i", "hosts", "site.yml"]);
    said.ended(0);
    let kept = account.0.path().join(".ansible/tmp/vent");
    let known = kept.metadata().unwrap();
    assert_eq!(known.mode() & 0o777, 0o700);
    assert_eq!(known.uid(), account.0.path().metadata().unwrap().uid());
    let of_root = std::path::Path::new("/root/.ansible/tmp/vent");
    assert!(of_root.exists());
    project
        .vent(&["clean", "-i", "hosts", "box"])
        .ended(0)
        .holds(&["changed=1"]);
    assert!(!kept.exists() && !of_root.exists());
    project
        .vent(&["clean", "-i", "hosts", "box"])
        .ended(0)
        .holds(&["changed=0"]);
}

#[test]
#[ignore = "needs ansible-core"]
fn over_ssh_a_server_stays_for_the_run_and_ends_with_it() {
    let server = Server::apart("");
    server.target();
    let project = Project::new(&[
        (
            "site.yml",
            "- hosts: far\n  gather_facts: false\n  tasks:\n    - mine: {}\n      register: one\n    - mine: {}\n      register: two\n    \
             - mine: {}\n      register: again\n      loop: [1, 2]\n    - assert: {that: [one.parent == two.parent, \"again.results[1].parent == one.parent\", one.pid != two.pid]}\n    \
             - copy: {content: \"{{ one.parent }}\", dest: FOLDER/parent}\n",
        ),
        (
            "library/mine.py",
            "#!/usr/bin/python\nimport os\nfrom ansible.module_utils.basic import AnsibleModule\n\
             m = AnsibleModule(dict())\nm.exit_json(pid=os.getpid(), parent=os.getppid())\n",
        ),
        (
            "hosts",
            &format!(
                "far ansible_host=127.0.0.1 ansible_port={} ansible_user=root ansible_ssh_private_key_file={} \
                 ansible_ssh_common_args='-o UserKnownHostsFile={}'\n",
                server.port,
                server.path("key").display(),
                server.path("known_hosts").display()
            ),
        ),
    ]);
    project
        .vent(&["run", "-i", "hosts", "site.yml"])
        .ended(0)
        .holds(&["bridged: 4 tasks"]);
    let parent = std::fs::read_to_string(project.path("parent")).unwrap();
    let began = std::time::Instant::now();
    assert_ends(&parent);
    println!("the server ended {:?} after the run", began.elapsed());
}
