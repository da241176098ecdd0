//! Host patterns and limits that match nobody, compared with ansible-playbook 2.19.

use super::{playbook, vent};

const SITE: &str = r#"
- hosts: a:nobody
  gather_facts: false
  connection: local
  tasks:
    - ansible.builtin.debug: {msg: hello}
- hosts: bb
  gather_facts: false
  tasks:
    - ansible.builtin.debug: {msg: hello}
- hosts: nobody
  gather_facts: false
  tasks:
    - ansible.builtin.debug: {msg: hello}
"#;

/// Exit code and the lines that warn or tell an error.
fn told(limit: &[&str]) -> (Option<i32>, String) {
    let folder = playbook(SITE);
    std::fs::write(folder.path().join("hosts"), "a\nb\nc\n[empty]\n").unwrap();
    let mut arguments = vec!["run", "site.yml", "-i", "hosts"];
    arguments.extend(limit);
    let output = vent(folder.path(), &arguments);
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    let lines = text
        .lines()
        .filter(|line| line.starts_with("[WARNING]") || line.starts_with("error"));
    (output.status.code(), lines.collect::<Vec<_>>().join("\n"))
}

#[test]
fn a_pattern_that_matches_nobody_is_warned_of_once() {
    let plays = "[WARNING]: Could not match supplied host pattern, ignoring: nobody (site.yml:2: `vent inventory --graph` shows all hosts and groups)\n\
                 [WARNING]: Could not match supplied host pattern, ignoring: bb (site.yml:7: did you mean `b`?)";
    assert_eq!(told(&[]), (Some(0), plays.into()));
    let limit = "[WARNING]: Could not match supplied host pattern, ignoring: aa (did you mean `a`?)\n";
    assert_eq!(told(&["-l", "a,aa"]), (Some(0), format!("{limit}{plays}")));
}

#[test]
fn a_limit_that_leaves_nobody_is_an_error() {
    for limit in ["nobody", "empty", "a:!a", "a[5]", "@missing"] {
        let (code, text) = told(&["-l", limit]);
        assert_eq!(code, Some(1), "{limit}");
        assert!(text.starts_with("error"), "{limit}: {text}");
    }
    assert_eq!(told(&["-l", "!a"]).0, Some(0));
}
