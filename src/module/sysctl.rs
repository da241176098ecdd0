//! `sysctl`: settings of the kernel, in a file and live.

use super::blockinfile::State;
use super::place::{lines_of, text_of};
use super::{Module, Outcome, Step, Stop, View};
use crate::content::Content;
use crate::host::{Action, Answer, Attributes, Effect, Question, quote};
use crate::value::Value;
use schemars::JsonSchema;
use serde::Deserialize;

/// Keeps a setting of the kernel.
pub(super) struct Sysctl;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// Its name.
    #[serde(alias = "key")]
    name: String,
    /// Its value.
    #[serde(alias = "val")]
    value: Option<Value>,
    /// Whether it should stand in the file.
    #[serde(default)]
    state: State,
    /// The file.
    #[serde(default = "file")]
    sysctl_file: String,
    /// Set it now as well.
    #[serde(default)]
    sysctl_set: bool,
    /// Read the file again after it changed.
    #[serde(default = "yes")]
    reload: bool,
    /// Go on when the kernel does not know a setting.
    #[serde(default)]
    ignoreerrors: bool,
}

fn file() -> String {
    "/etc/sysctl.conf".into()
}

fn yes() -> bool {
    true
}

impl Arguments {
    fn wanted(&self) -> Result<String, Stop> {
        let text = match &self.value {
            Some(Value::Unknown(unknown)) => return Err(Stop::Undecided(unknown.clone())),
            None | Some(Value::Null) => String::new(),
            Some(Value::Bool(flag)) => u8::from(*flag).to_string(),
            Some(value) => value
                .as_str()
                .map_or_else(|| crate::value::repr(value), str::to_string),
        };
        Ok(match text.to_ascii_lowercase().as_str() {
            "y" | "yes" | "true" | "on" | "t" => "1".into(),
            "n" | "no" | "false" | "off" | "f" => "0".into(),
            _ => text.split_whitespace().collect::<Vec<_>>().join(" "),
        })
    }

    /// The file with the setting as it is wanted; the last line of a name counts, doubled ones go.
    fn edited(&self, text: &str, wanted: &str) -> String {
        let mut lines: Vec<String> = vec![];
        let mut found = false;
        for line in lines_of(text) {
            let (name, value) = line.split_once('=').unwrap_or((line, ""));
            if line.trim_start().starts_with(['#', ';']) || name.trim() != self.name {
                lines.push(line.to_string());
            } else if self.state == State::Present && !found {
                found = true;
                let same = value.split_whitespace().eq(wanted.split_whitespace());
                lines.push(if same {
                    line.to_string()
                } else {
                    format!("{}={wanted}", self.name)
                });
            }
        }
        if self.state == State::Present && !found {
            lines.push(format!("{}={wanted}", self.name));
        }
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    fn script(&self, command: String, live: &Question, wanted: &str) -> Action {
        let quiet = if self.ignoreerrors { " || :" } else { "" };
        Action::Script {
            script: format!("PATH=$PATH:/usr/sbin:/sbin; {command}{quiet}"),
            explain: command,
            effects: vec![Effect::Answers(live.clone(), Answer::Text(Some(wanted.into())))],
        }
    }
}

impl Module for Sysctl {
    const NAMES: &'static [&'static str] = &["ansible.posix.sysctl", "sysctl"];
    type Arguments = Arguments;

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let present = arguments.state == State::Present;
        if present && arguments.value.as_ref().is_none_or(Value::is_null) {
            return Err(Stop::failed("value is required with state=present"));
        }
        let wanted = arguments.wanted()?;
        let live = Question::Sysctl {
            key: arguments.name.clone(),
        };
        view.note(live.clone());
        let path = arguments.sysctl_file.as_str();
        let text = text_of(path, view)?;
        let mut actions = vec![];
        let edited = arguments.edited(text.as_deref().unwrap_or_default(), &wanted);
        let same = edited == text.as_deref().unwrap_or_default();
        if !same {
            actions.push(Action::WriteFile {
                path: path.into(),
                content: Content::text(edited),
                attributes: Attributes {
                    mode: text.is_none().then_some(0o644),
                    ..Attributes::default()
                },
                validate: None,
                backup: false,
                unsafe_writes: false,
            });
        }
        if present && arguments.sysctl_set {
            let now = view.sysctl(&arguments.name)?;
            let now = now.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
            if now.as_deref() != Some(wanted.as_str()) {
                let setting = quote(&format!("{}={wanted}", arguments.name));
                actions.push(arguments.script(format!("sysctl -w {setting}"), &live, &wanted));
            }
        }
        if !same && arguments.reload {
            let ignore = if arguments.ignoreerrors { " -e" } else { "" };
            actions.push(arguments.script(format!("sysctl{ignore} -p {}", quote(path)), &live, &wanted));
        }
        Ok(Step::Finish(actions, Outcome::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_changed_added_or_removed() {
        let mut arguments = Arguments {
            name: "a.b".into(),
            value: Some("1".into()),
            state: State::Present,
            sysctl_file: file(),
            sysctl_set: false,
            reload: false,
            ignoreerrors: false,
        };
        assert_eq!(
            arguments.edited("# a.b=0\na.b = 0\na.b=2\nc=1\n", "1"),
            "# a.b=0\na.b=1\nc=1\n"
        );
        assert_eq!(arguments.edited("a.b = 1", "1"), "a.b = 1\n");
        assert_eq!(arguments.edited("", "1"), "a.b=1\n");
        arguments.state = State::Absent;
        assert_eq!(arguments.edited("a.b=1\nc=1\n", ""), "c=1\n");
    }
}
