//! A task's own `check_mode: true` in a run that is no check: machines are planned, and none is made.

use super::packet::{inventory, project, service};
use crate::fakes::packet::BASE;

const PLANNED: &str = "
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Plan
      vent_machines:
      check_mode: true
      diff: true
      register: planned
    - assert: {that: planned is changed and planned.machines | length == 2}
";

#[test]
fn a_task_that_is_only_to_be_planned_makes_no_machine() {
    let (server, port, given) = service(21);
    let project = project(&inventory(&server, port, 1, ""));
    std::fs::write(project.path("planned.yml"), PLANNED).unwrap();
    let text = project.run(&["run", "planned.yml"]).well();
    for part in [
        "would create worker-0 (c3.small.x86 in am, debian_12, tags demo worker rack-1)",
        "changed: [localhost] planned | Plan",
        "+worker-0 (c3.small.x86 in am",
    ] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    assert_eq!(server.count("POST"), 0, "something was made:\n{text}");
    assert!(given.lock().unwrap().is_empty());

    let made = PLANNED.replace("check_mode: true", "check_mode: false");
    std::fs::write(project.path("planned.yml"), made).unwrap();
    let text = project.run(&["run", "planned.yml"]).well();
    assert_eq!(server.count(&format!("POST {BASE}/projects/")), 3, "{text}");
    assert_eq!(given.lock().unwrap().len(), 2);
}
