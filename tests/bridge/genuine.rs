//! The same playbook by Vent and by genuine `ansible-playbook`: what is registered is the same.

use super::Project;
use serde_json::Value;
use std::collections::BTreeMap;

const PLAYBOOK: &str = "- hosts: localhost
  gather_facts: false
  vars: {ansible_python_interpreter: \"{{ lookup('env', 'PATH').split(':')[0] }}/python3\"}
  tasks:
    - mine: {name: x, number: '5', list: 'a,b', deep: {a: [1, {b: null}]}}
      register: plain
    - mine: {wrong: x}
      register: unsupported
      ignore_errors: true
    - mine: {number: many}
      register: no_number
      ignore_errors: true
    - mine: {end: fail}
      register: fails
      ignore_errors: true
    - mine: {end: raise}
      register: raises
      ignore_errors: true
    - mine: {end: nothing}
      register: says_nothing
      ignore_errors: true
    - mine: {end: junk}
      register: junk
    - mine: {end: rc}
      register: rc
      ignore_errors: true
    - mine: {end: skip}
      register: skip
    - mine: {name: \"{{ item }}\"}
      register: loop
      loop: [1, two]
    - old: {a: 'b c', l: [1, null, true], e: ''}
      register: old
    - copy:
        content: \"{{ {'plain': plain, 'unsupported': unsupported, 'no_number': no_number, 'fails': fails, 'raises': raises, 'says_nothing': says_nothing, 'junk': junk, 'rc': rc, 'skip': skip, 'loop': loop, 'old': old} | to_json }}\"
        dest: \"{{ out }}\"
";

const MINE: &str = "#!/usr/bin/python
import sys
from ansible.module_utils.basic import AnsibleModule
def main():
    m = AnsibleModule(argument_spec=dict(name=dict(), number=dict(type='int'), list=dict(type='list', elements='str'),
        deep=dict(type='dict'), end=dict()))
    end = m.params['end']
    if end == 'fail':
        m.fail_json(msg='on purpose', more=1)
    if end == 'raise':
        raise ValueError('raised on purpose')
    if end == 'nothing':
        sys.exit(0)
    if end == 'junk':
        print('before'); print('{\"changed\": true, \"x\": 1}'); print('behind'); sys.exit(5)
    if end == 'rc':
        m.exit_json(rc=3, stdout='a\\nb', stderr='')
    if end == 'skip':
        m.exit_json(skipped=True, msg='not needed')
    m.exit_json(changed=True, name=m.params['name'], number=m.params['number'], list=m.params['list'], deep=m.params['deep'])
main()
";

/// What differs, with its reason, by the names of the result and of the field.
const DIFFERENT: &[(&str, &str, &str)] = &[
    ("raises", "exception", "a traceback has other lines"),
    (
        "says_nothing",
        "msg",
        "ansible-core tells a failure to read, Vent what is missing",
    ),
    (
        "says_nothing",
        "exception",
        "ansible-core's own traceback of reading",
    ),
    (
        "fails",
        "exception",
        "ansible-core puts a word in place of a traceback that was not asked for",
    ),
    ("unsupported", "exception", "the same"),
    ("no_number", "exception", "the same"),
    ("loop", "skipped", "Vent tells of no loop that it was not skipped"),
    ("loop", "failed", "Vent tells of every loop whether it failed"),
    ("rc", "msg", "Vent gives every failure a message"),
    (
        "rc",
        "exception",
        "ansible-core puts a word in place of a traceback that was not asked for",
    ),
];

fn results(project: &Project, name: &str) -> BTreeMap<String, Value> {
    let mut all: BTreeMap<String, Value> =
        serde_json::from_str(&std::fs::read_to_string(project.path(name)).unwrap()).unwrap();
    // ansible-core leaves `invocation` in the items of loops, and nowhere else.
    for item in all.get_mut("loop").unwrap()["results"].as_array_mut().unwrap() {
        item.as_object_mut().unwrap().remove("invocation");
    }
    all
}

#[test]
#[ignore = "needs ansible-core"]
fn results_are_those_of_ansible_playbook() {
    let project = Project::new(&[
        ("site.yml", PLAYBOOK),
        ("library/mine.py", MINE),
        (
            "library/old",
            "#!/bin/sh\n. \"$1\"\necho \"{\\\"a\\\": \\\"$a\\\", \\\"l\\\": \\\"$l\\\", \\\"e\\\": \\\"$e\\\", \\\"d\\\": \\\"$_ansible_diff\\\"}\"\n",
        ),
    ]);
    let out = |name: &str| format!("out={}", project.path(name).display());
    project
        .vent(&["run", "site.yml", "-e", &out("vent.json")])
        .ended(0);
    project
        .ansible(&["site.yml", "-e", &out("ansible.json")])
        .ended(0);
    let (own, genuine) = (results(&project, "vent.json"), results(&project, "ansible.json"));
    let mut wrong = vec![];
    for (name, genuine) in &genuine {
        let own = &own[name];
        let fields = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        for field in fields(genuine).into_iter().chain(fields(own)) {
            let excused = DIFFERENT
                .iter()
                .any(|(result, other, _)| result == name && *other == field);
            if own.get(&field) != genuine.get(&field) && !excused {
                wrong.push(format!(
                    "{name}.{field}: {:?}, genuine {:?}",
                    own.get(&field),
                    genuine.get(&field)
                ));
            }
        }
    }
    println!("{} differences with a reason", DIFFERENT.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
