//! `hostname`: the name of the machine.

use super::returns::{FACTS, Returns};
use super::{Module, Outcome, Step, Stop, View};
use crate::content::Content;
use crate::host::{Action, Answer, Attributes, Effect, Output, Question, Resource, quote};
use crate::value::{Map, Value};
use schemars::JsonSchema;
use serde::Deserialize;

/// Names the machine, now and at every start.
pub(super) struct Hostname;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// The name.
    name: String,
}

const FILE: &str = "/etc/hostname";
const LIVE: &str = "cat /proc/sys/kernel/hostname";

impl Module for Hostname {
    const NAMES: &'static [&'static str] = &["ansible.builtin.hostname", "hostname"];
    type Arguments = Arguments;
    const IGNORED: &'static [&'static str] = &["use"];
    const RETURNS: &'static [Returns] = &[FACTS, &[("name", "The name.")]];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let name = arguments.name.as_str();
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        if name.is_empty() || name.len() > 64 || !name.chars().all(allowed) {
            return Err(Stop::failed(format!(
                "`{name}` is no name of a machine: letters, digits, `-` and `.`, at most 64"
            )));
        }
        let about = [Resource::Other("hostname".into())];
        view.note(Question::Content {
            path: FILE.into(),
            limit: 4096,
        });
        let live = view.probe(LIVE, &about)?.text().trim().to_string();
        let kept = view.content(FILE, 4096)?;
        let kept = kept.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_string());
        let mut actions = vec![];
        if kept.as_deref() != Some(name) {
            actions.push(Action::WriteFile {
                path: FILE.into(),
                content: Content::text(format!("{name}\n")),
                attributes: Attributes {
                    mode: kept.is_none().then_some(0o644),
                    ..Attributes::default()
                },
                validate: None,
                backup: false,
                unsafe_writes: false,
            });
        }
        if live != name {
            let question = Question::Probe {
                script: LIVE.into(),
                about: about.to_vec(),
            };
            let answer = Output {
                stdout: format!("{name}\n").into_bytes(),
                ..Output::default()
            };
            actions.push(Action::Script {
                script: format!("printf %s {} >/proc/sys/kernel/hostname", quote(name)),
                explain: format!("hostname {}", quote(name)),
                effects: vec![
                    Effect::Forgets(about[0].clone()),
                    Effect::Answers(question, Answer::Output(answer)),
                ],
            });
        }
        let (short, domain) = name.split_once('.').unwrap_or((name, ""));
        let mut facts = Map::new();
        for (key, text) in [
            ("hostname", short),
            ("nodename", name),
            ("fqdn", name),
            ("domain", domain),
        ] {
            facts.insert(key.into(), Value::string(text));
        }
        let outcome = Outcome::new().with("name", name).gathered("ansible_", facts);
        Ok(Step::Finish(actions, outcome))
    }
}
