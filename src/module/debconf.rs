//! `debconf` and `dpkg_selections`: answers to the questions of Debian's packages, and packages that are held.

use super::returns::Returns;
use super::{Module, Outcome, Step, Stop, View};
use crate::host::{Action, Effect, Resource, quote};
use crate::value::{Map, Value, repr};
use schemars::JsonSchema;
use serde::Deserialize;

/// Keeps an answer.
pub(super) struct Debconf;
/// Keeps a package's selection.
pub(super) struct DpkgSelections;

/// The type of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Boolean,
    Error,
    Multiselect,
    Note,
    Password,
    Seen,
    Select,
    String,
    Text,
    Title,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// The package.
    #[serde(alias = "pkg")]
    name: String,
    /// The question.
    #[serde(alias = "selection", alias = "setting")]
    question: Option<String>,
    /// The answer.
    #[serde(alias = "answer")]
    value: Option<Value>,
    /// Its type.
    vtype: Option<Kind>,
    /// Ask the question all the same.
    #[serde(default)]
    unseen: bool,
}

/// The choices of a `multiselect` in the order of their names.
fn sorted(choices: &str) -> Vec<&str> {
    let mut choices: Vec<&str> = choices.split(',').map(str::trim).collect();
    choices.sort_unstable();
    choices
}

impl Arguments {
    /// The choices of a `multiselect` are texts.
    fn check_choices(&self, kind: Kind) -> Result<(), Stop> {
        let items = match &self.value {
            Some(Value::List(items)) if kind == Kind::Multiselect => items,
            _ => return Ok(()),
        };
        match items.iter().find(|item| item.as_str().is_none()) {
            Some(item) => Err(Stop::failed(format!(
                "Invalid value provided for 'multiselect': {} is no text",
                repr(item)
            ))),
            None => Ok(()),
        }
    }

    fn text(&self, kind: Kind) -> String {
        match &self.value {
            Some(Value::Bool(flag)) => flag.to_string(),
            Some(Value::List(items)) => {
                let items: Vec<String> = items
                    .iter()
                    .map(|item| item.as_str().map_or_else(|| repr(item), str::to_string))
                    .collect();
                items.join(", ")
            }
            Some(value) => {
                let text = value.as_str().map_or_else(|| repr(value), str::to_string);
                if kind == Kind::Boolean {
                    text.to_lowercase()
                } else {
                    text
                }
            }
            None => String::new(),
        }
    }
}

impl Module for Debconf {
    const NAMES: &'static [&'static str] = &["ansible.builtin.debconf", "debconf"];
    type Arguments = Arguments;
    const RETURNS: &'static [Returns] = &[&[
        (
            "current",
            "The answers by their questions: that which was changed, else all.",
        ),
        ("previous", "The answer that was changed, as it was."),
    ]];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let about = Resource::Other(format!("debconf {}", arguments.name));
        let name = quote(&arguments.name);
        let mut script = format!("command -v debconf-show >/dev/null || exit 9; debconf-show {name}");
        if let (Some(question), Some(Kind::Password)) = (&arguments.question, arguments.vtype) {
            let ask = format!("get {question}");
            script = format!(
                "{script}; printf '%s\\n' {} | debconf-communicate {name} | sed 's/^0 /secret /'",
                quote(&ask)
            );
        }
        let output = view.probe(&script, std::slice::from_ref(&about))?;
        if output.code == 9 {
            return Err(Stop::failed(
                "Failed to find required executable \"debconf-show\"",
            ));
        }
        let printed = output.text();
        let known: Vec<(String, &str)> = printed
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(question, answer)| (question.trim_start_matches(['*', ' ']).to_string(), answer.trim()))
            .collect();
        let current: Map = known
            .iter()
            .map(|(question, answer)| (question.as_str().into(), Value::string(answer)))
            .collect();
        let outcome = Outcome::new()
            .with("msg", "")
            .with("current", Value::Map(current.into()));
        let Some(question) = &arguments.question else {
            return Ok(Step::done(outcome.changed(false)));
        };
        let (Some(kind), Some(_)) = (arguments.vtype, &arguments.value) else {
            return Err(Stop::failed(
                "parameters are required together: question, vtype, value",
            ));
        };
        arguments.check_choices(kind)?;
        let wanted = arguments.text(kind);
        let there = match kind {
            Kind::Password => printed
                .lines()
                .find_map(|line| line.strip_prefix("secret "))
                .map(str::to_string),
            _ => known
                .iter()
                .find(|(known, _)| known == question)
                .map(|(_, answer)| answer.to_string()),
        };
        let same = match (&there, kind, &arguments.value) {
            // The order of a list is nobody's business, that of a text is.
            (Some(there), Kind::Multiselect, Some(Value::List(_))) => sorted(there) == sorted(&wanted),
            (Some(there), Kind::Boolean, _) => there.to_lowercase() == wanted,
            (there, ..) => there.as_ref() == Some(&wanted),
        };
        if same {
            return Ok(Step::done(outcome));
        }
        let word = format!("{kind:?}").to_lowercase();
        let shown = if kind == Kind::Password {
            "********"
        } else {
            &wanted
        };
        let line = |value: &str| quote(&format!("{} {question} {word} {value}", arguments.name));
        let unseen = if arguments.unseen { " -u" } else { "" };
        let set = |value: &str| format!("printf '%s\\n' {} | debconf-set-selections{unseen}", line(value));
        let before = known.iter().find(|(known, _)| known == question);
        let outcome = outcome
            .with("current", Value::map([(question, Value::string(shown))]))
            .with(
                "previous",
                Value::map([(question, Value::string(before.map_or("", |before| before.1)))]),
            );
        Ok(Step::Finish(
            vec![Action::Script {
                script: set(&wanted),
                explain: set(shown),
                effects: vec![Effect::Forgets(about)],
            }],
            outcome,
        ))
    }
}

/// What should be with the package.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Selection {
    Deinstall,
    Hold,
    Install,
    Purge,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct SelectionArguments {
    /// The package.
    name: String,
    /// What should be with it.
    selection: Selection,
}

impl Module for DpkgSelections {
    const NAMES: &'static [&'static str] = &["ansible.builtin.dpkg_selections", "dpkg_selections"];
    type Arguments = SelectionArguments;
    const RETURNS: &'static [Returns] = &[&[
        ("before", "What was with the package before."),
        ("after", "What is with it now."),
    ]];

    fn step(arguments: &SelectionArguments, view: &View<'_>) -> Result<Step, Stop> {
        let about = Resource::Other("dpkg selections".into());
        let name = quote(&arguments.name);
        let script = format!("dpkg --get-selections {name} 2>/dev/null");
        let printed = view.probe(&script, std::slice::from_ref(&about))?.text();
        let before = printed.split_whitespace().nth(1).unwrap_or("not present");
        let wanted = format!("{:?}", arguments.selection).to_lowercase();
        let outcome = Outcome::new()
            .with("before", before)
            .with("after", wanted.as_str());
        if before == wanted {
            return Ok(Step::done(outcome));
        }
        let line = format!("echo {name} {wanted} | dpkg --set-selections");
        Ok(Step::Finish(
            vec![Action::Script {
                script: line.clone(),
                explain: line,
                effects: vec![Effect::Forgets(about)],
            }],
            outcome,
        ))
    }
}
