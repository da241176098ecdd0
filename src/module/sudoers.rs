//! `sudoers`: a rule of sudo in a file of its own.

use super::blockinfile::State;
use super::place::{Place, Wanted};
use super::{FileArguments, Module, Outcome, Step, Stop, View};
use crate::content::Content;
use crate::host::{Action, quote};
use crate::value::Value;
use schemars::JsonSchema;
use serde::Deserialize;

/// Keeps a rule of sudo.
pub(super) struct Sudoers;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// Name of the rule, which is the name of its file.
    name: String,
    /// The account it is for.
    user: Option<String>,
    /// The group it is for.
    group: Option<String>,
    /// The commands that may be run; `ALL` for any.
    #[serde(default)]
    commands: Vec<String>,
    /// The host the rule holds on.
    #[serde(default = "all")]
    host: String,
    /// The account the commands run as.
    runas: Option<String>,
    /// No password is asked for.
    #[serde(default = "yes")]
    nopassword: bool,
    /// The commands may set variables of the environment.
    #[serde(default)]
    setenv: bool,
    /// The commands may not start others.
    #[serde(default)]
    noexec: bool,
    /// Values of `Defaults` for this rule.
    #[serde(default)]
    defaults: Vec<String>,
    /// Whether the rule should be there.
    #[serde(default)]
    state: State,
    /// The folder of the rules.
    #[serde(default = "folder")]
    sudoers_path: String,
    /// How the rule is checked with `visudo`: `detect` (if it is there), `required` or `absent`.
    #[serde(default = "detect")]
    validation: String,
}

fn all() -> String {
    "ALL".into()
}

fn yes() -> bool {
    true
}

fn folder() -> String {
    "/etc/sudoers.d".into()
}

fn detect() -> String {
    "detect".into()
}

impl Arguments {
    fn content(&self) -> Result<String, Stop> {
        let owner = match (&self.user, &self.group) {
            (Some(user), None) => user.clone(),
            (None, Some(group)) => format!("%{group}"),
            (Some(_), Some(_)) => {
                return Err(Stop::failed("parameters are mutually exclusive: user|group"));
            }
            (None, None) => {
                return Err(Stop::failed("one of the following is required: user, group"));
            }
        };
        if self.commands.is_empty() {
            return Err(Stop::failed(
                "state is present but all of the following are missing: commands",
            ));
        }
        let mut text = String::new();
        for default in &self.defaults {
            text.push_str(&format!("Defaults:{owner} {default}\n"));
        }
        let runas = self
            .runas
            .as_ref()
            .map_or(String::new(), |runas| format!("({runas})"));
        let flag = |set: bool, word: &'static str| if set { word } else { "" };
        text.push_str(&format!(
            "{owner} {}={runas}{}{}{} {}\n",
            self.host,
            flag(self.noexec, "NOEXEC:"),
            flag(self.nopassword, "NOPASSWD:"),
            flag(self.setenv, "SETENV:"),
            self.commands.join(", ")
        ));
        Ok(text)
    }
}

impl Module for Sudoers {
    const NAMES: &'static [&'static str] = &["community.general.sudoers", "sudoers"];
    type Arguments = Arguments;

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let path = format!(
            "{}/{}",
            arguments.sudoers_path.trim_end_matches('/'),
            arguments.name
        );
        if arguments.state == State::Absent {
            let there = view.stat(&path, false)?.is_some();
            let actions = there.then_some(Action::Remove { path });
            return Ok(Step::Finish(actions.into_iter().collect(), Outcome::new()));
        }
        let content = arguments.content()?;
        let visudo = match arguments.validation.as_str() {
            "absent" => None,
            how => {
                let found = view.probe("PATH=$PATH:/usr/sbin:/sbin command -v visudo", &[])?;
                let program = found.text().trim().to_string();
                if program.is_empty() && how == "required" {
                    return Err(Stop::failed("`visudo` is not on this host"));
                }
                (!program.is_empty()).then(|| format!("{} -c -f %s", quote(&program)))
            }
        };
        let file = FileArguments {
            mode: Some(Value::Int(0o440)),
            ..FileArguments::default()
        };
        let place = Place::new(&path, &file, view).validate(visudo.as_deref());
        let same = super::place::text_of(&path, view)?.as_deref() == Some(content.as_str());
        let wanted = match same {
            true => Wanted::Keep,
            false => Wanted::Write(Content::text(content)),
        };
        Ok(Step::Finish(place.actions(wanted, view)?, Outcome::new()))
    }
}
