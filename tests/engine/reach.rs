//! Variables and options that tell how a host is reached.

use super::remote::{Lab, printed};
use super::{playbook, vent};
use crate::ssh_server::run;
use std::net::TcpListener;

#[test]
#[ignore = "needs root: logs in at an sshd"]
fn an_encrypted_key_is_opened_by_a_variable_of_the_play() {
    let lab = Lab::new(&["web"]);
    let key = lab.servers[0].path("key").display().to_string();
    run(
        "ssh-keygen",
        &["-q", "-p", "-P", "", "-N", "open sesame", "-f", &key],
    );
    for name in [
        "ansible_ssh_private_key_passphrase",
        "ansible_private_key_passphrase",
    ] {
        lab.playbook(
            "site.yml",
            &format!(
                "- hosts: web\n  vars: {{words: [open, sesame], {name}: \"{{{{ words | join(' ') }}}}\"}}\n  gather_facts: false\n  \
                 tasks:\n    - ansible.builtin.ping:\n"
            ),
        );
        let text = printed(&lab.run(&["site.yml"]));
        assert!(text.contains("ok=1"), "{text}");
    }
}

#[test]
fn a_host_is_waited_for_as_long_as_its_variable_or_the_command_says() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let folder = playbook(
        "- hosts: silent\n  gather_facts: false\n  tasks:\n    - ansible.builtin.command: \"true\"\n",
    );
    let waited = |variables: &str, options: &[&str]| {
        let host = format!("silent ansible_host=127.0.0.1 ansible_port={port} {variables}\n");
        std::fs::write(folder.path().join("hosts"), host).unwrap();
        let arguments = [&["run", "site.yml", "-i", "hosts", "--check"], options].concat();
        let out = vent(folder.path(), &arguments);
        let text = String::from_utf8([out.stdout, out.stderr].concat()).unwrap();
        (out.status.code(), text)
    };
    for (variables, options, code, words) in [
        (
            "ansible_timeout=1",
            &["-T", "3000"][..],
            4,
            "no answer in 1 seconds",
        ),
        ("ansible_ssh_timeout=2", &[], 4, "no answer in 2 seconds"),
        ("", &["-T", "1"], 4, "no answer in 1 seconds"),
        ("ansible_timeout=long", &[], 2, "no number of seconds: 'long'"),
    ] {
        let (ended, text) = waited(variables, options);
        assert_eq!(ended, Some(code), "{text}");
        assert!(text.contains(words), "{words}: {text}");
    }
}
