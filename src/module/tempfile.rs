//! `tempfile`: a file or folder nobody else has.

use super::returns::{FILE, Returns};
use super::{Module, Outcome, Step, Stop, View};
use crate::host::{Action, quote};
use crate::value::{Value, repr};
use schemars::JsonSchema;
use serde::Deserialize;

/// Makes a temporary file or folder.
pub(super) struct Tempfile;

/// What is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Directory,
    #[default]
    File,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// A file or a folder.
    #[serde(default)]
    state: Kind,
    /// The folder it is made in.
    path: Option<String>,
    /// What its name begins with.
    #[serde(default = "prefix")]
    prefix: String,
    /// What its name ends in.
    #[serde(default)]
    suffix: String,
}

fn prefix() -> String {
    "ansible.".into()
}

impl Module for Tempfile {
    const NAMES: &'static [&'static str] = &["ansible.builtin.tempfile", "tempfile"];
    type Arguments = Arguments;
    const PATHS: &'static [&'static str] = &["path"];
    const RETURNS: &'static [Returns] = &[FILE, &[("path", "What was made.")]];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let (folder, word) = match arguments.state {
            Kind::Directory => (" -d", "directory"),
            Kind::File => ("", "file"),
        };
        for (name, text) in [("prefix", &arguments.prefix), ("suffix", &arguments.suffix)] {
            if text.contains('/') {
                return Err(Stop::failed(format!(
                    "{name} must be a valid file name component, got {}",
                    repr(&Value::string(text))
                )));
            }
        }
        let outcome = Outcome::new().changed(true);
        if let Some(performed) = view.performed().first() {
            return Ok(Step::done(match performed.unknown {
                true => outcome.with("path", view.unknown()).with("state", word),
                false => {
                    let path = performed.output.text();
                    outcome.with("path", path.trim()).of(path.trim())
                }
            }));
        }
        let name = quote(&format!("{}XXXXXXXX{}", arguments.prefix, arguments.suffix));
        let base = match &arguments.path {
            Some(path) => quote(path),
            None => "\"${TMPDIR:-/tmp}\"".into(),
        };
        let script = format!("mktemp{folder} {base}/{name}");
        Ok(Step::Act(vec![Action::Script {
            explain: script.clone(),
            script,
            effects: vec![],
        }]))
    }
}
