//! The facts of a host, gathered without Python: one script that prints what they are made of, and the reading
//! of what it prints. Names and values are those of Ansible's `setup`.

mod hardware;
mod network;
mod system;

use crate::value::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// The script that prints what the facts are made of. It only reads, needs nothing but `sh` and what every
/// base system has, and leaves out what is not there.
pub fn facts_script() -> &'static str {
    include_str!("facts.sh")
}

/// The facts out of what the script printed: the keys of `ansible_facts`, without `ansible_` before them.
pub fn parse_facts(stdout: &[u8]) -> Map {
    let text = String::from_utf8_lossy(stdout);
    let sections = Sections::read(&text);
    let mut facts = Map::new();
    system::add(&sections, &mut facts);
    hardware::add(&sections, &mut facts);
    network::add(&sections, &mut facts);
    python(&sections, &mut facts);
    put(&mut facts, "local", local(&sections));
    put(&mut facts, "gather_subset", Value::list(["all".into()]));
    put(&mut facts, "module_setup", true);
    facts
}

/// The Python of the host, if it has one.
fn python(sections: &Sections<'_>, facts: &mut Map) {
    // Before what a Python printed that works stand the names of those that were tried.
    let lines: Vec<&str> = sections.lines("python").collect();
    let Some([version, executable, ssl, kind]) = lines.last_chunk::<4>() else {
        return;
    };
    let parts: Vec<&str> = version.split(',').collect();
    let [major, minor, micro, level, serial] = parts[..] else {
        return;
    };
    let part = |text: &str| text.parse().map_or(Value::string(text), Value::Int);
    let names = ["major", "minor", "micro", "releaselevel", "serial"];
    let values = [major, minor, micro, level, serial].map(part);
    put(facts, "python_version", format!("{major}.{minor}.{micro}"));
    let python = [
        ("version", Value::map(names.into_iter().zip(values.clone()))),
        ("version_info", Value::list(values)),
        ("executable", Value::string(executable)),
        ("has_sslcontext", Value::Bool(*ssl == "True")),
        ("type", Value::string(kind)),
    ];
    put(facts, "python", Value::map(python));
}

/// The sections of the output by name.
struct Sections<'a>(HashMap<&'a str, &'a str>);

impl<'a> Sections<'a> {
    fn read(text: &'a str) -> Sections<'a> {
        let sections = text.split('\u{1e}').skip(1);
        Sections(sections.filter_map(|section| section.split_once('\n')).collect())
    }

    /// A section without white space around it; empty if it is missing.
    fn text(&self, name: &str) -> &'a str {
        self.0.get(name).map_or("", |text| text.trim())
    }

    fn lines(&self, name: &str) -> std::str::Lines<'a> {
        self.text(name).lines()
    }
}

fn put(facts: &mut Map, name: &str, value: impl Into<Value>) {
    facts.insert(Arc::from(name), value.into());
}

fn strings<'a>(items: impl IntoIterator<Item = &'a str>) -> Value {
    Value::list(items.into_iter().map(Value::string))
}

/// `name=value` lines of a shell-like file, quotes removed.
fn assignments(text: &str) -> HashMap<&str, &str> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| {
            (
                name.trim(),
                value.trim().trim_matches(|quote| quote == '"' || quote == '\''),
            )
        })
        .collect()
}

/// The facts that the host keeps for itself in `/etc/ansible/facts.d`: JSON or INI.
fn local(sections: &Sections<'_>) -> Value {
    let mut names: Vec<&str> = sections
        .0
        .keys()
        .filter_map(|name| name.strip_prefix("local "))
        .collect();
    names.sort_unstable();
    Value::map(names.into_iter().map(|name| {
        let text = sections.text(&format!("local {name}"));
        let value = serde_json::from_str::<serde_json::Value>(text).map_or_else(|_| ini(text), Value::from);
        (name, value)
    }))
}

fn ini(text: &str) -> Value {
    let mut sections: Vec<(String, Map)> = vec![];
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            sections.push((name.to_string(), Map::new()));
        } else if let (Some((name, value)), Some(section), false) = (
            line.split_once(['=', ':']),
            sections.last_mut(),
            line.starts_with(['#', ';']),
        ) {
            put(&mut section.1, &name.trim().to_lowercase(), value.trim());
        }
    }
    Value::map(
        sections
            .into_iter()
            .map(|(name, entries)| (name, Value::Map(entries.into()))),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// Every shell that is there gives the same facts.
    #[test]
    fn the_facts_of_this_computer_are_gathered() {
        for shell in [&["dash"][..], &["bash"], &["busybox", "sh"]] {
            let output = Command::new(shell[0])
                .args(&shell[1..])
                .args(["-c", facts_script()])
                .output();
            let Ok(output) = output else { continue };
            let facts = parse_facts(&output.stdout);
            let text = |name: &str| facts.get(name).and_then(Value::as_str).unwrap_or("").to_string();
            assert_eq!(text("system"), "Linux", "{shell:?}");
            assert_eq!(
                text("nodename"),
                std::fs::read_to_string("/proc/sys/kernel/hostname")
                    .unwrap()
                    .trim()
            );
            assert!(
                matches!(facts.get("memtotal_mb"), Some(Value::Int(1..))),
                "{shell:?}"
            );
            assert!(
                matches!(facts.get("processor_vcpus"), Some(Value::Int(1..))),
                "{shell:?}"
            );
            assert!(facts.contains_key("lo") && facts.contains_key("default_ipv4"));
            assert_eq!(
                facts.get("module_setup"),
                Some(&Value::Bool(true)),
                "the script ran to its end"
            );
        }
    }

    /// A host may say of itself what it wants.
    #[test]
    fn numbers_that_no_host_has_end_nothing() {
        let most = i64::MAX;
        let text = format!(
            "\u{1e}cpuinfo\nprocessor : 0\nphysical id : 0\ncpu cores : {most}\nsiblings : {most}\nphysical id : 1\ncpu cores : 1\n\
             \u{1e}meminfo\nMemFree: {most} kB\nCached: {most} kB\nBuffers: {most} kB\n\
             \u{1e}mounts\n/dev/a / ext4 rw 0 0 {most},{most},-2,{most},-2 x\n\
             \u{1e}devices\nsda|0|{most}|512|0|0|v|m|[none]|0\n+sda|sda1|1|{most}\n\
             \u{1e}links\neth0|02:00:00:00:00:01|{most}|up|1|0x{most}|{most}|p|m\n\
             \u{1e}addresses\n2: eth0 inet 192.0.2.7/200 brd 192.0.2.255 scope global eth0\n"
        );
        let facts = parse_facts(text.as_bytes());
        assert_eq!(facts.get("processor_vcpus"), Some(&Value::Null));
        let mount = &facts.get("mounts").unwrap().as_list().unwrap()[0];
        for name in ["size_total", "size_available", "block_used", "inode_used"] {
            assert_eq!(mount.get(name), Some(&Value::Null), "{name}");
        }
        let disk = facts
            .get("devices")
            .and_then(|devices| devices.get("sda"))
            .unwrap();
        assert_eq!(disk.get("size"), Some(&Value::string("4.00 ZB")));
        let address = facts.get("eth0").and_then(|link| link.get("ipv4")).unwrap();
        assert_eq!(address.get("netmask"), Some(&Value::string("255.255.255.255")));
    }

    #[test]
    fn facts_of_the_host_itself_are_json_or_ini() {
        let facts = parse_facts(b"\x1elocal a\n{\"x\": [1]}\n\x1elocal b\n[general]\nName = v\n#no=1\n");
        let local = facts.get("local").unwrap();
        assert_eq!(
            local.get("a").and_then(|a| a.get("x")),
            Some(&Value::list([Value::Int(1)]))
        );
        let general = local.get("b").and_then(|b| b.get("general")).unwrap();
        assert_eq!(general, &Value::map([("name", Value::string("v"))]));
    }
}
