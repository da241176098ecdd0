//! Documents that Ansible's commands print: their keys are sorted.

use crate::value::{Value, json};
use crate::yaml;
use clap::ValueEnum;

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Document {
    Json,
    Yaml,
}

impl Document {
    /// A value as a document. Secrets are written in clear.
    pub fn written(self, value: &Value) -> String {
        match self {
            Document::Json => format!("{}\n", json(value, Some(4), true)),
            Document::Yaml => {
                let layout = yaml::Layout {
                    sort_keys: true,
                    ..yaml::Layout::default()
                };
                yaml::write_with(value, &layout)
            }
        }
    }
}
