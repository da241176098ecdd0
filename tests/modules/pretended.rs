//! A machine that is only pretended: it answers and does what a case says.

use super::carry_out::Side;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use vent::content::Content;
use vent::host::*;

/// The lines that a killed program has not written.
fn unfinished(words: &[String]) -> Vec<Unfinished> {
    let read = |word: &String| match word.as_str() {
        "shadow" => Some(Unfinished::Shadow),
        "gshadow" => Some(Unfinished::GroupShadow),
        "primary-group" => Some(Unfinished::PrimaryGroup),
        "memberships" => Some(Unfinished::Memberships),
        _ => None,
    };
    words.iter().filter_map(read).collect()
}

/// A machine that is only pretended: everything it was not told about is absent.
pub struct Pretended {
    case: Json,
    outputs: Vec<Json>,
    /// What no probe of the case is like is answered as the first of them, or with nothing.
    lenient: bool,
}

fn stat(entry: &Json) -> Stat {
    let text = |name: &str, other: &str| entry[name].as_str().unwrap_or(other).to_string();
    let number = |name: &str| entry[name].as_u64().unwrap_or(0);
    Stat {
        kind: match entry["kind"].as_str() {
            Some("folder") => FileKind::Folder,
            Some("link") => FileKind::Link,
            _ => FileKind::File,
        },
        mode: u32::from_str_radix(entry["mode"].as_str().unwrap_or("0644"), 8).unwrap(),
        uid: number("uid") as u32,
        gid: number("gid") as u32,
        owner: text("owner", "root"),
        group: text("group", "root"),
        size: entry["content"].as_str().map_or(0, |text| text.len() as u64),
        accessed: 0,
        modified: number("modified") as i64,
        changed: 0,
        links: entry["links"].as_u64().unwrap_or(1),
        inode: 1,
        device: 1,
        target: entry["target"].as_str().map(str::to_string),
    }
}

impl Pretended {
    /// The machine of a case.
    pub fn of(case: &Json) -> Pretended {
        Pretended {
            case: case.clone(),
            outputs: case["outputs"].as_array().cloned().unwrap_or_default(),
            lenient: false,
        }
    }

    /// The machine of a case whose texts were changed, so that scripts are others than it says.
    pub fn lenient(case: &Json) -> Pretended {
        Pretended {
            lenient: true,
            ..Pretended::of(case)
        }
    }

    /// Something was done: from now on other answers are given.
    fn turn(&mut self) {
        let after = self.case["after"].take();
        // Files of this computer are the desk's.
        for (name, answers) in after.as_object().into_iter().flatten() {
            self.case[name] = answers.clone();
        }
    }

    fn entry(&self, kind: &str, name: &str) -> Option<&Json> {
        self.case[kind].get(name)
    }

    fn one(&self, question: &Question) -> Answer {
        let texts = |value: &Json| -> Vec<String> {
            let list = value.as_array().cloned().unwrap_or_default();
            list.iter()
                .map(|item| item.as_str().unwrap().to_string())
                .collect()
        };
        match question {
            Question::Stat { path, .. } => Answer::Stat(self.entry("files", path).map(stat)),
            Question::Digest { path } => {
                let content = self
                    .entry("files", path)
                    .and_then(|entry| entry["content"].as_str());
                Answer::Digest(content.and_then(|text| Content::bytes(text).digest()))
            }
            Question::Content { path, .. } => {
                let content = self
                    .entry("files", path)
                    .and_then(|entry| entry["content"].as_str());
                Answer::Content(content.map(|text| Arc::from(text.as_bytes())))
            }
            Question::Names { path } => {
                let names = self.entry("files", path).map(|entry| texts(&entry["names"]));
                Answer::Names(names)
            }
            Question::User { name } => Answer::User(self.entry("users", name).map(|entry| Account {
                uid: entry["uid"].as_u64().unwrap_or(1000) as u32,
                gid: entry["gid"].as_u64().unwrap_or(1000) as u32,
                comment: entry["comment"].as_str().unwrap_or("").into(),
                home: entry["home"].as_str().unwrap_or("").into(),
                shell: entry["shell"].as_str().unwrap_or("/bin/sh").into(),
                groups: texts(&entry["groups"]),
                unfinished: unfinished(&texts(&entry["unfinished"])),
            })),
            Question::Group { name } => Answer::Group(self.entry("groups", name).map(|entry| Group {
                gid: entry["gid"].as_u64().unwrap_or(1000) as u32,
                members: texts(&entry["members"]),
                unfinished: unfinished(&texts(&entry["unfinished"])),
            })),
            Question::Package { name } => {
                Answer::Package(self.entry("packages", name).map(|version| Package {
                    version: version.as_str().unwrap().into(),
                }))
            }
            Question::Unit { name } => {
                let entry = self
                    .entry("units", name)
                    .cloned()
                    .unwrap_or(json!({"load": "not-found"}));
                let text = |name: &str, other: &str| entry[name].as_str().unwrap_or(other).to_string();
                Answer::Unit(Unit {
                    load: text("load", "loaded"),
                    active: text("active", "inactive"),
                    sub: text("sub", "dead"),
                    enabled: text("enabled", "disabled"),
                    needs_reload: entry["needs_reload"].as_bool().unwrap_or(false),
                    properties: entry["properties"]
                        .as_object()
                        .into_iter()
                        .flatten()
                        .map(|(name, value)| (name.clone(), value.as_str().unwrap().into()))
                        .collect(),
                })
            }
            Question::Sysctl { key } => Answer::Text(
                self.entry("sysctls", key)
                    .map(|value| value.as_str().unwrap().into()),
            ),
            Question::KernelModule { name } => Answer::Flag(self.entry("kernel_modules", name).is_some()),
            Question::Record(question) => Answer::Record(Box::new(self.record(question))),
            Question::Probe { script, .. } => {
                let probes = self.case["probes"].as_array().cloned().unwrap_or_default();
                let found = probes
                    .iter()
                    .find(|probe| script.contains(probe["has"].as_str().unwrap()));
                let absent = json!({});
                let other = || self.lenient.then(|| probes.first().unwrap_or(&absent));
                let found = found
                    .or_else(other)
                    .unwrap_or_else(|| panic!("{}: nothing answers the probe: {script}", self.case["title"]));
                Answer::Output(Output {
                    code: found["code"].as_i64().unwrap_or(0) as i32,
                    stdout: found["stdout"].as_str().unwrap_or("").into(),
                    stderr: vec![],
                })
            }
        }
    }
}

impl Pretended {
    /// A case names the zones that there are, and records as `NAME TYPE: {ttl, values}`.
    fn record(&self, question: &RecordQuestion) -> DnsAnswer {
        let zone = question.zone.id.clone();
        let zone = zone.or_else(|| Some(self.entry("zones", &question.zone.name)?.as_str()?.to_string()));
        let text = |entry: &Json, name: &str| entry[name].as_str().map(str::to_string);
        let name = format!("{} {}", question.name, question.kind);
        let record = self.entry("records", &name).map(|entry| RecordSet {
            name: question.name.clone(),
            kind: question.kind.clone(),
            ttl: entry["ttl"].as_u64(),
            values: entry["values"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|value| value.as_str().unwrap().to_string())
                .collect(),
            identifier: text(entry, "identifier"),
            weight: entry["weight"].as_u64(),
            alias: entry.get("alias").map(|alias| Alias {
                zone_id: text(alias, "zone").unwrap(),
                name: text(alias, "name").unwrap(),
                evaluate_health: false,
            }),
            ..RecordSet::default()
        });
        DnsAnswer {
            zone_id: zone,
            record,
            servers: vec!["ns1.example.".into()],
        }
    }
}

impl Side for Pretended {
    fn answer(&mut self, questions: &[Question]) -> Vec<Answer> {
        questions.iter().map(|question| self.one(question)).collect()
    }

    fn perform(&mut self, _action: &Action) -> Performed {
        self.turn();
        let given = if self.outputs.is_empty() {
            json!({})
        } else {
            self.outputs.remove(0)
        };
        Performed {
            output: Output {
                code: given["code"].as_i64().unwrap_or(0) as i32,
                stdout: given["stdout"].as_str().unwrap_or("").into(),
                stderr: given["stderr"].as_str().unwrap_or("").into(),
            },
            started: given["started"]
                .as_str()
                .map_or_else(Default::default, |time| time.parse().unwrap()),
            seconds: given["seconds"].as_f64().unwrap_or(0.0),
            timed_out: given["timed_out"].as_bool().unwrap_or(false),
            backup: given["backup"].as_str().map(str::to_string),
            ..Performed::default()
        }
    }
}
