//! `assemble`: one file out of the pieces in a folder.

use super::place::{Place, Wanted, text_of};
use super::python_regex::{compile, search};
use super::returns::{BACKUP, FILE, Returns};
use super::{Module, Outcome, Step, Stop, View, WithFile};
use crate::content::Content;
use crate::host::FileKind;
use crate::value::Value;
use schemars::JsonSchema;
use serde::Deserialize;

/// Puts the pieces of a folder together, in the order of their names.
pub(super) struct Assemble;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Own {
    /// The folder of the pieces.
    src: String,
    /// The file.
    dest: String,
    /// The folder is on the host; a folder of this computer has to be copied first.
    #[serde(default = "yes")]
    remote_src: bool,
    /// What stands between two pieces.
    delimiter: Option<String>,
    /// Only pieces whose names match.
    regexp: Option<String>,
    /// Leave out pieces whose names begin with a dot.
    #[serde(default)]
    ignore_hidden: bool,
    /// Keep the old file beside the new one.
    #[serde(default)]
    backup: bool,
    /// A command with `%s` that must accept the new file.
    validate: Option<String>,
}

fn yes() -> bool {
    true
}

impl Own {
    /// The pieces by name.
    fn pieces(&self, view: &View<'_>) -> Result<Vec<String>, Stop> {
        let regex = self
            .regexp
            .as_deref()
            .map(|pattern| compile(pattern, ""))
            .transpose()?;
        let missing = || Stop::failed(format!("Source ({}) is not a directory", self.src));
        let folder = self.src.trim_end_matches('/');
        let mut names = view.names(folder)?.ok_or_else(missing)?;
        names.sort();
        let mut pieces = vec![];
        for name in names {
            let fits = match &regex {
                Some(regex) => search(regex, &name)?.is_some(),
                None => true,
            };
            if !fits || (self.ignore_hidden && name.starts_with('.')) {
                continue;
            }
            pieces.push(format!("{folder}/{name}"));
        }
        Ok(pieces)
    }

    fn text(&self, view: &View<'_>) -> Result<String, Stop> {
        let pieces = self.pieces(view)?;
        for piece in &pieces {
            let _ = text_of(piece, view);
        }
        let mut whole = String::new();
        for (at, piece) in pieces.iter().enumerate() {
            let stat = view.stat(piece, true)?;
            // A folder among the pieces is none of them.
            if stat.is_none_or(|stat| stat.kind == FileKind::Folder) {
                continue;
            }
            let Some(text) = text_of(piece, view)? else {
                continue;
            };
            if let Some(delimiter) = self.delimiter.as_deref().filter(|_| at > 0) {
                if !whole.ends_with('\n') {
                    whole.push('\n');
                }
                whole.push_str(&delimiter.replace("\\n", "\n"));
                if !whole.ends_with('\n') {
                    whole.push('\n');
                }
            }
            whole.push_str(&text);
        }
        Ok(whole)
    }
}

impl Module for Assemble {
    const NAMES: &'static [&'static str] = &["ansible.builtin.assemble", "assemble"];
    type Arguments = WithFile<Own>;
    const IGNORED: &'static [&'static str] = &["attributes", "decrypt"];
    const RETURNS: &'static [Returns] = &[
        FILE,
        BACKUP,
        &[
            ("src", "The folder of the pieces."),
            ("dest", "The file."),
            ("checksum", "SHA-1 of the file."),
            ("md5sum", "MD5 of the file."),
        ],
    ];

    fn step(arguments: &WithFile<Own>, view: &View<'_>) -> Result<Step, Stop> {
        let own = &arguments.own;
        if !own.remote_src {
            return Err(Stop::failed(
                "remote_src: only folders of the host; copy the folder there first",
            ));
        }
        let place = Place::new(&own.dest, &arguments.file, view)
            .backup(own.backup)
            .validate(own.validate.as_deref());
        let text = own.text(view)?;
        let content = Content::text(&text);
        let outcome = Outcome::new()
            .of(own.dest.as_str())
            .with("src", own.src.as_str())
            .with("dest", own.dest.as_str())
            .with("checksum", content.sha1().map(Value::from))
            .with("md5sum", content.md5().map(Value::from))
            .with("msg", "OK");
        let wanted = match text_of(&own.dest, view)?.as_deref() == Some(text.as_str()) {
            true => Wanted::Keep,
            false => Wanted::Write(content),
        };
        Ok(Step::Finish(place.actions(wanted, view)?, outcome))
    }
}
