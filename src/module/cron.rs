//! `cron`: lines of a crontab.

use super::blockinfile::State;
use super::place::{lines_of, text_of};
use super::returns::Returns;
use super::{Module, Outcome, Step, Stop, View};
use crate::content::Content;
use crate::host::{Action, Attributes, Effect, Resource, quote};
use crate::value::Value;
use schemars::JsonSchema;
use serde::Deserialize;

/// Keeps a line of a crontab.
pub(super) struct Cron;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// What the line is called in the comment before it; the variable with `env`.
    name: String,
    /// The command, or the value of the variable.
    #[serde(alias = "value")]
    job: Option<String>,
    /// Whether it should be there.
    #[serde(default)]
    state: State,
    /// The account.
    user: Option<String>,
    /// A file of `/etc/cron.d` instead of the account's crontab.
    cron_file: Option<String>,
    /// Minute.
    #[serde(default = "any")]
    minute: String,
    /// Hour.
    #[serde(default = "any")]
    hour: String,
    /// Day of the month.
    #[serde(default = "any", alias = "dom")]
    day: String,
    /// Month.
    #[serde(default = "any")]
    month: String,
    /// Day of the week.
    #[serde(default = "any", alias = "dow")]
    weekday: String,
    /// `reboot`, `daily` and so on instead of a time.
    special_time: Option<String>,
    /// Keep the line, commented out.
    #[serde(default)]
    disabled: bool,
    /// The line sets a variable.
    #[serde(default)]
    env: bool,
}

fn any() -> String {
    "*".into()
}

const MARK: &str = "#Ansible: ";

impl Arguments {
    fn line(&self) -> Result<String, Stop> {
        let job = self
            .job
            .as_deref()
            .ok_or_else(|| Stop::failed("You must specify 'job' to install a new cron job or variable"))?;
        if self.env {
            return Ok(format!("{}=\"{job}\"", self.name));
        }
        let time = match &self.special_time {
            Some(special) => format!("@{special}"),
            None => [&self.minute, &self.hour, &self.day, &self.month, &self.weekday]
                .map(String::as_str)
                .join(" "),
        };
        let user = match (&self.cron_file, &self.user) {
            (Some(_), Some(user)) => format!("{user} "),
            (Some(_), None) => "root ".into(),
            (None, _) => String::new(),
        };
        Ok(format!(
            "{}{time} {user}{job}",
            if self.disabled { "#" } else { "" }
        ))
    }

    fn edited(&self, text: &str) -> Result<String, Stop> {
        let mark = format!("{MARK}{}", self.name);
        let mut lines: Vec<String> = lines_of(text).map(str::to_string).collect();
        let present = self.state == State::Present;
        if self.env {
            let at = lines.iter().position(|line| {
                line.split_once('=')
                    .is_some_and(|(name, _)| name.trim() == self.name)
            });
            match (at, present) {
                (Some(at), true) => lines[at] = self.line()?,
                (Some(at), false) => drop(lines.remove(at)),
                (None, true) => lines.insert(0, self.line()?),
                (None, false) => {}
            }
        } else {
            match (lines.iter().position(|line| *line == mark), present) {
                (Some(at), true) if at + 1 < lines.len() => lines[at + 1] = self.line()?,
                (Some(at), false) => drop(lines.drain(at..(at + 2).min(lines.len()))),
                (Some(_), true) => lines.push(self.line()?),
                (None, true) => lines.extend([mark, self.line()?]),
                (None, false) => {}
            }
        }
        Ok(lines.iter().map(|line| format!("{line}\n")).collect())
    }
}

/// The names that stand in a crontab: of lines, and of variables.
fn told(text: &str) -> Outcome {
    let jobs = text.lines().filter_map(|line| line.strip_prefix(MARK));
    let variable = |line: &str| {
        let (name, _) = line.split_once('=')?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        (!name.is_empty() && name.chars().all(plain)).then(|| Value::string(name))
    };
    Outcome::new()
        .with("jobs", Value::list(jobs.map(Value::string)))
        .with("envs", Value::list(text.lines().filter_map(variable)))
}

impl Module for Cron {
    const NAMES: &'static [&'static str] = &["ansible.builtin.cron", "cron"];
    type Arguments = Arguments;
    const PATHS: &'static [&'static str] = &["cron_file"];
    const IGNORED: &'static [&'static str] = &["backup", "insertafter", "insertbefore"];
    const RETURNS: &'static [Returns] = &[&[
        ("jobs", "The names of all lines that have one."),
        ("envs", "The variables that are set."),
        ("cron_file", "The file, if it is not the account's crontab."),
        ("state", "`absent`, if the file was emptied and removed."),
    ]];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        if let Some(file) = &arguments.cron_file {
            let path = match file.starts_with('/') {
                true => file.clone(),
                false => format!("/etc/cron.d/{file}"),
            };
            let text = text_of(&path, view)?;
            let edited = arguments.edited(text.as_deref().unwrap_or_default())?;
            let removed = edited.is_empty() && text.is_some();
            let outcome = match removed {
                true => Outcome::new().with("state", "absent"),
                false => told(&edited),
            };
            let outcome = outcome.with("cron_file", file.as_str());
            if edited == text.as_deref().unwrap_or_default() {
                return Ok(Step::done(outcome));
            }
            let action = match removed {
                true => Action::Remove { path },
                false => Action::WriteFile {
                    path,
                    content: Content::text(edited),
                    attributes: Attributes {
                        mode: text.is_none().then_some(0o644),
                        ..Attributes::default()
                    },
                    validate: None,
                    backup: false,
                    unsafe_writes: false,
                },
            };
            return Ok(Step::Finish(vec![action], outcome));
        }
        let user = arguments
            .user
            .as_deref()
            .map_or(String::new(), |user| format!(" -u {}", quote(user)));
        let about = Resource::Other(format!("crontab{user}"));
        let script = format!("command -v crontab >/dev/null || exit 9; crontab{user} -l");
        let output = view.probe(&script, std::slice::from_ref(&about))?;
        if output.code == 9 {
            return Err(Stop::failed(
                "Failed to find required executable \"crontab\": install cron",
            ));
        }
        let text = output.text();
        let edited = arguments.edited(&text)?;
        let outcome = told(&edited);
        if edited == text {
            return Ok(Step::done(outcome));
        }
        let install = Action::Script {
            script: format!("printf %s {} | crontab{user} -", quote(&edited)),
            explain: format!("crontab{user} -e  # {}", arguments.name),
            effects: vec![Effect::Forgets(about)],
        };
        Ok(Step::Finish(vec![install], outcome))
    }
}
