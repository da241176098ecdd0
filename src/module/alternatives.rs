//! `alternatives`: which of several programs a name stands for.

use super::{Module, Outcome, Step, Stop, View};
use crate::host::{Action, Effect, Resource, quote};
use schemars::JsonSchema;
use serde::Deserialize;

/// Keeps an alternative.
pub(super) struct Alternatives;

/// What should be with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Absent,
    Auto,
    Present,
    #[default]
    Selected,
}

/// A name that follows the choice, such as a manual page.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub(super) struct Subcommand {
    /// Its name.
    name: String,
    /// What it stands for.
    path: String,
    /// The link.
    link: String,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// The name.
    name: String,
    /// The program it should stand for.
    path: String,
    /// The link, if the alternative is not known yet.
    link: Option<String>,
    /// The highest is taken where nothing is chosen.
    priority: Option<i64>,
    /// What should be with it.
    #[serde(default)]
    state: State,
    /// Names that follow.
    #[serde(default, alias = "slaves")]
    subcommands: Vec<Subcommand>,
}

/// What `update-alternatives --query` tells.
#[derive(Default, Debug, PartialEq)]
struct LinkGroup {
    link: Option<String>,
    auto: bool,
    value: Option<String>,
    /// Paths, priorities and what follows.
    choices: Vec<(String, i64, Vec<(String, String)>)>,
}

fn parse(text: &str) -> LinkGroup {
    let mut known = LinkGroup::default();
    for line in text.lines() {
        if let Some((name, path)) = line.strip_prefix(' ').and_then(|rest| rest.split_once(' ')) {
            if let Some(choice) = known.choices.last_mut() {
                choice.2.push((name.into(), path.into()));
            }
            continue;
        }
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim().to_string();
        match key {
            "Link" => known.link = Some(value),
            "Status" => known.auto = value == "auto",
            "Value" => known.value = Some(value),
            "Alternative" => known.choices.push((value, 0, vec![])),
            "Priority" => {
                if let Some(choice) = known.choices.last_mut() {
                    choice.1 = value.parse().unwrap_or(0);
                }
            }
            _ => {}
        }
    }
    known
}

impl Arguments {
    /// The lines that have to be run.
    fn lines(&self, known: &LinkGroup) -> Result<Vec<String>, Stop> {
        let (name, path) = (quote(&self.name), quote(&self.path));
        let choice = known.choices.iter().find(|choice| choice.0 == self.path);
        let mut lines = vec![];
        if self.state == State::Absent {
            if choice.is_some() {
                lines.push(format!("update-alternatives --remove {name} {path}"));
            }
            return Ok(lines);
        }
        let follows = |choice: &(String, i64, Vec<(String, String)>)| {
            self.subcommands.iter().all(|wanted| {
                choice
                    .2
                    .iter()
                    .any(|(name, path)| *name == wanted.name && *path == wanted.path)
            })
        };
        let installed = choice.is_some_and(|choice| {
            self.priority.is_none_or(|priority| priority == choice.1)
                && follows(choice)
                && (self.link.is_none() || self.link == known.link)
        });
        if !installed {
            let link = self.link.as_ref().or(known.link.as_ref()).ok_or_else(|| {
                Stop::failed(
                    "Needed to install the alternative, but unable to do so as we are missing the link",
                )
            })?;
            let priority = self.priority.or(choice.map(|choice| choice.1)).unwrap_or(50);
            let mut line = format!(
                "update-alternatives --install {} {name} {path} {priority}",
                quote(link)
            );
            for follower in &self.subcommands {
                line.push_str(&format!(
                    " --slave {} {} {}",
                    quote(&follower.link),
                    quote(&follower.name),
                    quote(&follower.path)
                ));
            }
            lines.push(line);
        }
        match self.state {
            State::Selected if known.value.as_ref() != Some(&self.path) => {
                lines.push(format!("update-alternatives --set {name} {path}"));
            }
            State::Auto if !known.auto => lines.push(format!("update-alternatives --auto {name}")),
            _ => {}
        }
        Ok(lines)
    }
}

impl Arguments {
    /// What a line does, as the result tells it.
    fn sentence(&self, line: &str) -> String {
        let (name, path) = (&self.name, &self.path);
        match line.split(' ').nth(1) {
            Some("--install") => format!("Install alternative '{path}' for '{name}'."),
            Some("--remove") => format!("Remove alternative '{path}' from '{name}'."),
            Some("--set") => format!("Set alternative '{path}' for '{name}'."),
            _ => format!("Set alternative to auto for '{name}'."),
        }
    }
}

impl Module for Alternatives {
    const NAMES: &'static [&'static str] = &["community.general.alternatives", "alternatives"];
    type Arguments = Arguments;
    const PATHS: &'static [&'static str] = &["path", "link"];
    const IGNORED: &'static [&'static str] = &["family"];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let about = Resource::Other(format!("alternative {}", arguments.name));
        let script = format!("LC_ALL=C update-alternatives --query {}", quote(&arguments.name));
        let known = parse(&view.probe(&script, std::slice::from_ref(&about))?.text());
        if matches!(arguments.state, State::Present | State::Selected)
            && view.stat(&arguments.path, true)?.is_none()
        {
            let path = &arguments.path;
            return Err(Stop::failed(format!("Specified path {path} does not exist")));
        }
        let action = |line: String| Action::Script {
            script: line.clone(),
            explain: line,
            effects: vec![
                Effect::Forgets(about.clone()),
                Effect::Forgets(Resource::Path(
                    arguments.link.clone().or(known.link.clone()).unwrap_or_default(),
                )),
                Effect::Forgets(Resource::Path("/etc/alternatives".into())),
            ],
        };
        let lines = arguments.lines(&known)?;
        let said: Vec<String> = lines.iter().map(|line| arguments.sentence(line)).collect();
        let actions = lines.into_iter().map(action).collect();
        Ok(Step::Finish(actions, Outcome::new().with("msg", said.join(" "))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read() {
        let text = "Name: editor\nLink: /usr/bin/editor\nSlaves:\n editor.1.gz /usr/share/man/man1/editor.1.gz\nStatus: auto\nBest: /bin/nano\nValue: /bin/nano\n\nAlternative: /bin/nano\nPriority: 40\nSlaves:\n editor.1.gz /usr/share/man/man1/nano.1.gz\n";
        let known = parse(text);
        assert_eq!(known.link.as_deref(), Some("/usr/bin/editor"));
        assert!(known.auto && known.value.as_deref() == Some("/bin/nano"));
        let slave = (
            "editor.1.gz".to_string(),
            "/usr/share/man/man1/nano.1.gz".to_string(),
        );
        assert_eq!(known.choices, [("/bin/nano".to_string(), 40, vec![slave])]);
    }
}
