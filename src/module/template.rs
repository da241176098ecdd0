//! `template`: a rendered file of this computer to the host.

use super::placed::{Placed, WRITTEN, missing};
use super::returns::{BACKUP, FILE, Returns};
use super::{Module, Step, Stop, TemplateOptions, View, WithFile};
use schemars::JsonSchema;
use serde::Deserialize;

/// Renders a template to the host.
pub(super) struct Template;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Own {
    /// The template, searched in `templates/`.
    src: String,
    /// Where to; a folder if it ends in a slash.
    dest: String,
    /// Replace a file that differs.
    #[serde(default = "yes")]
    force: bool,
    /// Keep the old file beside the new one.
    #[serde(default)]
    backup: bool,
    /// A command with `%s` that must accept the new file.
    validate: Option<String>,
    /// Remove the first newline after a block.
    #[serde(default = "yes")]
    trim_blocks: bool,
    /// Strip white space before a block.
    #[serde(default)]
    lstrip_blocks: bool,
    /// What a line ends with: `\n`, `\r` or `\r\n`.
    newline_sequence: Option<String>,
    /// Mark before a variable.
    variable_start_string: Option<String>,
    /// Mark after a variable.
    variable_end_string: Option<String>,
    /// Mark before a block.
    block_start_string: Option<String>,
    /// Mark after a block.
    block_end_string: Option<String>,
    /// Mark before a comment.
    comment_start_string: Option<String>,
    /// Mark after a comment.
    comment_end_string: Option<String>,
    /// Write through a symbolic link at `dest`.
    #[serde(default)]
    follow: bool,
    /// Encoding of the result; only utf-8.
    output_encoding: Option<String>,
}

fn yes() -> bool {
    true
}

impl Module for Template {
    const NAMES: &'static [&'static str] = &["ansible.builtin.template", "template"];
    type Arguments = WithFile<Own>;
    const PATHS: &'static [&'static str] = &["dest"];
    const IGNORED: &'static [&'static str] = &["attributes"];
    const MISSING: Option<&'static str> = Some("src and dest are required");
    const RETURNS: &'static [Returns] = &[FILE, BACKUP, WRITTEN];

    fn step(arguments: &WithFile<Own>, view: &View<'_>) -> Result<Step, Stop> {
        let own = &arguments.own;
        if own
            .output_encoding
            .as_ref()
            .is_some_and(|name| !name.eq_ignore_ascii_case("utf-8"))
        {
            return Err(Stop::failed("output_encoding: only utf-8 is supported"));
        }
        let path = view
            .control_node()
            .find("templates", &own.src)
            .map_err(|tried| missing(&own.src, &tried))?;
        let newline = match own.newline_sequence.as_deref() {
            None | Some("\n" | "\\n") => "\n",
            Some("\r" | "\\r") => "\r",
            Some("\r\n" | "\\r\\n") => "\r\n",
            Some(_) => {
                return Err(Stop::failed(
                    "newline_sequence needs to be one of: \\n, \\r or \\r\\n",
                ));
            }
        };
        let options = TemplateOptions {
            trim_blocks: own.trim_blocks,
            lstrip_blocks: own.lstrip_blocks,
            newline: newline.into(),
            marks: [
                own.variable_start_string.clone(),
                own.variable_end_string.clone(),
                own.block_start_string.clone(),
                own.block_end_string.clone(),
                own.comment_start_string.clone(),
                own.comment_end_string.clone(),
            ],
            name: own.src.clone(),
            destination: own.dest.clone(),
        };
        let content = view.control_node().render_file(&path, &options)?;
        Placed {
            content,
            source_mode: view.control_node().mode(&path),
            source: Some(path),
            dest: own.dest.clone(),
            file: &arguments.file,
            validate: own.validate.clone(),
            backup: own.backup,
            force: own.force,
            follow: own.follow,
        }
        .step(view)
    }
}
