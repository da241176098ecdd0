//! What `--check` says comes true: random playbooks are checked and then run, and no task ends otherwise than the
//! check had said. What the check called undecided may end in any way.

use serde_json::Value as Json;
use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Random numbers that are the same at every run (xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn one<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len() as u64) as usize]
    }
}

/// A task; later ones hang on what earlier ones did.
fn task(random: &mut Random, number: usize) -> String {
    let path = format!("{{{{ out }}}}/{}", random.one(&["a", "b", "d/a", "d/b", "e"]));
    let text = random.one(&[
        "one",
        "two",
        "{{ r.stdout | default('none') }}",
        "{{ s.changed | default('none') }}",
    ]);
    let mode = random.one(&["\"0644\"", "\"0600\"", "\"u=rw,go=\""]);
    let flag = random.one(&["true", "false", "\"{{ r.rc | default(0) == 0 }}\""]);
    let body = match random.below(11) {
        0 => format!(
            "copy: {{dest: \"{path}\", content: \"{text}\\n\", mode: {mode}, force: {flag}}}\n  register: s"
        ),
        1 => format!(
            "file: {{path: \"{path}\", state: touch, modification_time: preserve, access_time: preserve}}\n  register: s"
        ),
        2 => format!("file: {{path: \"{path}\", state: absent}}\n  register: s"),
        3 => "file: {path: \"{{ out }}/d\", state: directory}".to_string(),
        4 => format!("lineinfile: {{path: \"{path}\", line: \"{text}\", create: {flag}}}\n  register: s"),
        5 => format!("shell: \"echo {text}; touch {{{{ out }}}}/made\"\n  register: r"),
        6 => format!("stat: {{path: \"{path}\"}}\n  register: t"),
        7 => format!("debug: {{msg: \"{text}\"}}\n  when: t.stat.exists | default(false)"),
        8 => format!(
            "blockinfile: {{path: \"{path}\", block: \"{text}\", create: true}}\n  when: s is changed"
        ),
        9 => format!("replace: {{path: \"{path}\", regexp: one, replace: \"{text}\"}}"),
        _ => format!(
            "file: {{path: \"{path}\", mode: {mode}}}\n  when: (r.rc | default(0)) == {}",
            random.below(2)
        ),
    };
    format!("- name: task {number}\n  {body}\n  ignore_errors: true\n")
}

fn playbook(random: &mut Random) -> String {
    let mut text =
        String::from("- hosts: localhost\n  gather_facts: false\n  vars: {s: {changed: false}}\n  tasks:\n");
    for number in 0..14 {
        for line in task(random, number).lines() {
            writeln!(text, "    {line}").unwrap();
        }
    }
    text
}

/// The status of every task.
fn statuses(playbook: &Path, out: &Path, check: bool) -> HashMap<String, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vent"));
    command.args(["run", "-i", "localhost,", "--output", "json", "-e"]);
    command
        .arg(format!("out={}", out.display()))
        .arg(playbook)
        .stdin(Stdio::null());
    if check {
        command.arg("--check");
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let events = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Json>(line).ok());
    let found: HashMap<String, String> = events
        .filter_map(|event| {
            Some((
                event.get("task")?.as_str()?.to_string(),
                event.get("status")?.as_str()?.to_string(),
            ))
        })
        .collect();
    assert_eq!(
        found.len(),
        14,
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    found
}

#[test]
fn a_check_is_never_contradicted() {
    let (mut decided, mut all) = (0, 0);
    for seed in 1..=40_u64 {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        std::fs::create_dir(&out).unwrap();
        let path = folder.path().join("random.yml");
        let text = playbook(&mut random);
        std::fs::write(&path, &text).unwrap();
        // Twice: on an empty folder, and on what the first run left.
        for round in [1, 2] {
            let said = statuses(&path, &out, true);
            let came = statuses(&path, &out, false);
            for (task, said) in &said {
                all += 1;
                if said == "undecided" {
                    continue;
                }
                decided += 1;
                assert_eq!(
                    Some(said),
                    came.get(task),
                    "seed {seed}, round {round}: {task} was said to be {said}\n{text}"
                );
            }
        }
    }
    println!("{decided} of {all} tasks were decided");
    assert!(decided * 2 > all, "only {decided} of {all} tasks were decided");
}
