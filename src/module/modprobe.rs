//! `modprobe`: modules of the kernel.

use super::blockinfile::State;
use super::returns::Returns;
use super::{Module, Outcome, Step, Stop, View};
use crate::content::Content;
use crate::host::{Action, Answer, Attributes, Effect, Question, Resource, quote};
use crate::value::Value;
use schemars::JsonSchema;
use serde::Deserialize;

/// Loads a module of the kernel.
pub(super) struct Modprobe;

/// What is kept for the next start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Persistent {
    #[default]
    Disabled,
    Absent,
    Present,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// Its name.
    name: String,
    /// Whether it should be loaded.
    #[serde(default)]
    state: State,
    /// Parameters of the module.
    #[serde(default)]
    params: String,
    /// Load it at every start too.
    #[serde(default)]
    persistent: Persistent,
}

impl Arguments {
    /// Files that load the module at the start, and those that set its parameters.
    fn files(&self, view: &View<'_>) -> Result<[Vec<String>; 2], Stop> {
        let name = quote(&self.name);
        let (load, options) = ("/etc/modules-load.d", "/etc/modprobe.d");
        let script = format!(
            "for f in {load}/*.conf; do grep -qE \"^[[:space:]]*\"{name}\"[[:space:]]*([#;].*)?$\" \"$f\" && printf 'load %s\\0' \"$f\"; done; \
             for f in {options}/*.conf; do grep -qE \"^options[[:space:]]+\"{name}\"[[:space:]]+\"{}\"[[:space:]]*([#;].*)?$\" \"$f\" && printf 'options %s\\0' \"$f\"; done; :",
            quote(&self.params)
        );
        let about = [Resource::Path(load.into()), Resource::Path(options.into())];
        let text = view.probe(&script, &about)?.text();
        let of = |kind: &str| {
            let paths = text.split('\0').filter_map(|record| record.strip_prefix(kind));
            paths.map(str::to_string).collect()
        };
        Ok([of("load "), of("options ")])
    }

    fn persist(&self, view: &View<'_>) -> Result<Vec<Action>, Stop> {
        let mut actions = vec![];
        if self.persistent == Persistent::Disabled {
            return Ok(actions);
        }
        let [load, options] = self.files(view)?;
        if self.persistent == Persistent::Absent {
            let edits = load.iter().chain(&options).map(|path| {
                let (name, path) = (quote(&self.name), quote(path));
                let line = format!("sed -i -E 's/^([[:space:]]*(options[[:space:]]+)?'{name}'([[:space:]].*)?)$/#\\1/' {path}");
                (line, path)
            });
            for (script, path) in edits {
                actions.push(Action::Script {
                    script: script.clone(),
                    explain: script,
                    effects: vec![Effect::Forgets(Resource::Path(path))],
                });
            }
            return Ok(actions);
        }
        let write = |folder: &str, text: String| Action::WriteFile {
            path: format!("{folder}/{}.conf", self.name),
            content: Content::text(text),
            attributes: Attributes {
                mode: Some(0o644),
                ..Attributes::default()
            },
            validate: None,
            backup: false,
            unsafe_writes: false,
        };
        if load.is_empty() {
            actions.push(write("/etc/modules-load.d", format!("{}\n", self.name)));
        }
        if !self.params.is_empty() && options.is_empty() {
            actions.push(write(
                "/etc/modprobe.d",
                format!("options {} {}\n", self.name, self.params),
            ));
        }
        Ok(actions)
    }
}

impl Module for Modprobe {
    const NAMES: &'static [&'static str] = &["community.general.modprobe", "modprobe"];
    type Arguments = Arguments;
    const RETURNS: &'static [Returns] = &[&[
        ("name", "The module of the kernel."),
        ("params", "Its parameters."),
        ("state", "`present` or `absent`."),
    ]];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        // It stands in expressions of `grep` and `sed` below.
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !arguments.name.chars().all(fits) {
            return Err(Stop::failed(format!(
                "`{}` is no name of a module: it has letters, digits, `-`, `_` and `.`",
                arguments.name
            )));
        }
        let question = Question::KernelModule {
            name: arguments.name.clone(),
        };
        view.note(question.clone());
        let mut actions = arguments.persist(view)?;
        let loaded = view.kernel_module(&arguments.name)?;
        let wanted = arguments.state == State::Present;
        if loaded != wanted {
            let verb = if wanted { "modprobe" } else { "modprobe -r" };
            let params = match (wanted, arguments.params.as_str()) {
                (true, params) => {
                    let words = shlex::split(params);
                    let wrong = || Stop::failed(format!("the quotes of `params` are not closed: {params}"));
                    words
                        .ok_or_else(wrong)?
                        .iter()
                        .map(|word| format!(" {}", quote(word)))
                        .collect()
                }
                _ => String::new(),
            };
            let command = format!("{verb} {}{params}", quote(&arguments.name));
            let mut effects = vec![Effect::Answers(question, Answer::Flag(wanted))];
            if wanted {
                // A module brings settings of its own, such as net.bridge with br_netfilter.
                effects.push(Effect::Forgets(Resource::Path("/proc/sys".into())));
            }
            actions.push(Action::Script {
                script: command.clone(),
                explain: command,
                effects,
            });
        }
        let state = if wanted { "present" } else { "absent" };
        Ok(Step::Finish(
            actions,
            Outcome::new()
                .with("name", arguments.name.as_str())
                .with("params", arguments.params.as_str())
                .with("state", Value::string(state)),
        ))
    }
}
