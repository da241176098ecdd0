//! `group`: groups of the machine.

use super::blockinfile::State;
use super::returns::Returns;
use super::{Module, Outcome, Step, Stop, View};
use crate::host::{Action, Answer, Effect, Group as Known, Question, Resource, quote};
use crate::value::Value;
use schemars::JsonSchema;
use serde::Deserialize;

/// Keeps a group.
pub(super) struct Group;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// Its name.
    name: String,
    /// Whether it should be there.
    #[serde(default)]
    state: State,
    /// Its number.
    gid: Option<u32>,
    /// Take the number from those of the system.
    #[serde(default)]
    system: bool,
    /// Allow a number that is taken.
    #[serde(default)]
    non_unique: bool,
    /// Remove it even if it is somebody's primary group.
    #[serde(default)]
    force: bool,
}

impl Module for Group {
    const NAMES: &'static [&'static str] = &["ansible.builtin.group", "group"];
    type Arguments = Arguments;
    const IGNORED: &'static [&'static str] = &["local", "gid_min", "gid_max"];
    const RETURNS: &'static [Returns] = &[&[
        ("name", "The group."),
        ("state", "`present` or `absent`."),
        ("gid", "Its number."),
        ("system", "Whether it was to get a number of the system."),
    ]];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let name = arguments.name.as_str();
        let outcome = Outcome::new().with("name", name).with(
            "state",
            if arguments.state == State::Absent {
                "absent"
            } else {
                "present"
            },
        );
        if let Some(performed) = view.performed().first() {
            let gid = match performed.unknown {
                true => arguments
                    .gid
                    .map_or_else(|| view.unknown(), |gid| Value::Int(gid.into())),
                false => view.group(name)?.map(|group| i64::from(group.gid)).into(),
            };
            let outcome = outcome.changed(true);
            return Ok(Step::done(match arguments.state {
                State::Present => outcome.with("system", arguments.system).with("gid", gid),
                State::Absent => outcome,
            }));
        }
        let here = view.group(name)?;
        let quoted = quote(name);
        let unfinished = here.as_ref().is_some_and(|group| !group.unfinished.is_empty());
        let command = match (&here, arguments.state) {
            (None, State::Absent) => return Ok(Step::done(outcome)),
            (Some(_), State::Absent) if arguments.force => format!("groupdel -f {quoted}"),
            (Some(_), State::Absent) => format!("groupdel {quoted}"),
            (Some(group), State::Present) => match arguments.gid.filter(|gid| *gid != group.gid) {
                // `groupadd` was killed between its two files.
                None if unfinished => "grpconv".to_string(),
                None => {
                    let outcome = outcome.with("system", arguments.system);
                    return Ok(Step::done(outcome.with("gid", i64::from(group.gid))));
                }
                Some(gid) => format!("groupmod{} -g {gid} {quoted}", flag(arguments.non_unique, " -o")),
            },
            (None, State::Present) => format!(
                "groupadd{}{}{} {quoted}",
                flag(arguments.non_unique && arguments.gid.is_some(), " -o"),
                arguments.gid.map_or(String::new(), |gid| format!(" -g {gid}")),
                flag(arguments.system, " -r"),
            ),
        };
        let after = (arguments.state == State::Present).then(|| Known {
            gid: arguments
                .gid
                .or(here.as_ref().map(|group| group.gid))
                .unwrap_or_default(),
            members: here.map(|group| group.members).unwrap_or_default(),
            unfinished: vec![],
        });
        let question = Question::Group { name: name.into() };
        Ok(Step::Act(vec![Action::Script {
            script: command.clone(),
            explain: command,
            effects: vec![
                Effect::Forgets(Resource::Group(name.into())),
                Effect::Answers(question, Answer::Group(after)),
            ],
        }]))
    }
}

fn flag(wanted: bool, flag: &'static str) -> &'static str {
    if wanted { flag } else { "" }
}
