//! `slurp`: the content of a file as base64.

use super::fetch::shut;
use super::returns::Returns;
use super::{Module, Outcome, Step, Stop, View};
use crate::host::{FileKind, Question};
use base64::Engine;
use schemars::JsonSchema;
use serde::Deserialize;

/// Reads a file of the host.
pub(super) struct Slurp;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// The file.
    #[serde(alias = "path")]
    src: String,
}

/// The longest file that is read into a result.
const LIMIT: u64 = 64 << 20;

impl Module for Slurp {
    const NAMES: &'static [&'static str] = &["ansible.builtin.slurp", "slurp"];
    type Arguments = Arguments;
    const PATHS: &'static [&'static str] = &["src", "path"];
    const RETURNS: &'static [Returns] = &[&[
        ("content", "The content, encoded."),
        ("encoding", "`base64`."),
        ("source", "The file."),
    ]];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let path = arguments.src.as_str();
        view.note(Question::Content {
            path: path.into(),
            limit: LIMIT,
        });
        match view.stat(path, true)? {
            None if shut(path, view)? => {
                return Err(Stop::failed(format!("File is not readable: {path}")));
            }
            None => return Err(Stop::failed(format!("File not found: {path}"))),
            Some(stat) if stat.kind == FileKind::Folder => {
                return Err(Stop::failed(format!(
                    "Source is a directory and must be a file: {path}"
                )));
            }
            Some(_) => {}
        }
        let content = match view.content(path, LIMIT) {
            // Reading changes nothing, whatever there will be to read.
            Err(Stop::Undecided(_)) => {
                let outcome = Outcome::new().changed(false).with("content", view.unknown());
                return Ok(Step::done(
                    outcome.with("source", path).with("encoding", "base64"),
                ));
            }
            content => content?,
        };
        let Some(content) = content else {
            return Err(Stop::failed(format!("File is not readable: {path}")));
        };
        if content.len() as u64 == LIMIT {
            return Err(Stop::failed(format!("{path} is longer than 64 MiB; use fetch")));
        }
        let encoded = base64::engine::general_purpose::STANDARD.encode(&content);
        Ok(Step::done(
            Outcome::new()
                .changed(false)
                .with("content", encoded)
                .with("source", path)
                .with("encoding", "base64"),
        ))
    }
}
