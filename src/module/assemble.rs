//! `assemble`: one file out of the pieces in a folder.

use super::path_arguments::path;
use super::place::{Place, Wanted, text_of};
use super::placed::missing;
use super::python_regex::{compile, search};
use super::returns::{BACKUP, FILE, Returns};
use super::{LocalFile, Module, Outcome, Step, Stop, View, WithFile};
use crate::content::{Content, byte_text};
use crate::host::FileKind;
use crate::value::Value;
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::Path;

/// Puts the pieces of a folder together, in the order of their names.
pub(super) struct Assemble;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Own {
    /// The folder of the pieces.
    src: String,
    /// The file.
    dest: String,
    /// The folder is on the host; otherwise it is one of this computer, searched in `files/`.
    #[serde(default = "yes")]
    remote_src: bool,
    /// What stands between two pieces.
    delimiter: Option<String>,
    /// Only pieces whose names match.
    regexp: Option<String>,
    /// Leave out pieces whose names begin with a dot.
    #[serde(default)]
    ignore_hidden: bool,
    /// Open vaulted pieces of this computer.
    #[serde(default = "yes")]
    decrypt: bool,
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
    /// Which names are taken, in their order.
    fn taken(&self, mut names: Vec<String>) -> Result<Vec<String>, Stop> {
        let regex = self
            .regexp
            .as_deref()
            .map(|pattern| compile(pattern, ""))
            .transpose()?;
        names.sort();
        let mut taken = vec![];
        for name in names {
            let fits = match &regex {
                Some(regex) => search(regex, &name)?.is_some(),
                None => true,
            };
            if fits && !(self.ignore_hidden && name.starts_with('.')) {
                taken.push(name);
            }
        }
        Ok(taken)
    }

    /// The pieces of a folder of the host.
    fn of_host(&self, view: &View<'_>) -> Result<Vec<String>, Stop> {
        let source = path(&self.src, view)?;
        let folder = source.trim_end_matches('/');
        let Some(names) = view.names(folder)? else {
            let why = match view.stat(folder, true)? {
                Some(_) => "is not a directory",
                None => "does not exist",
            };
            return Err(Stop::failed(format!("Source ({source}) {why}")));
        };
        let paths: Vec<String> = self
            .taken(names)?
            .iter()
            .map(|name| format!("{folder}/{name}"))
            .collect();
        for piece in &paths {
            let _ = text_of(piece, view);
        }
        let mut pieces = vec![];
        for piece in &paths {
            let stat = view.stat(piece, true)?;
            // A folder among the pieces is none of them.
            if stat.is_some_and(|stat| stat.kind != FileKind::Folder) {
                pieces.extend(text_of(piece, view)?);
            }
        }
        Ok(pieces)
    }

    /// The pieces of a folder of this computer.
    fn of_this_computer(&self, view: &View<'_>) -> Result<Vec<String>, Stop> {
        let here = view.control_node();
        let folder = here
            .find("files", &self.src)
            .map_err(|tried| missing(&self.src, &tried))?;
        if here.file(&folder) != LocalFile::Folder {
            return Err(Stop::failed(format!(
                "Source ({}) is not a directory",
                folder.display()
            )));
        }
        let entries = here.entries(&folder).into_iter();
        let files = entries.filter(|entry| !entry.folder && entry.relative.components().count() == 1);
        let names = files.map(|entry| entry.relative.to_string_lossy().into_owned());
        let mut pieces = vec![];
        for name in self.taken(names.collect())? {
            let path = folder.join(&name);
            let file = match self.decrypt {
                true => here.file(&path),
                false => here.sealed_file(&path),
            };
            match file {
                LocalFile::File(Content::Unknown(unknown)) => return Err(Stop::Undecided(unknown)),
                LocalFile::File(content) => pieces.push(text_of_content(&content, &path)?),
                LocalFile::Closed(why) => return Err(Stop::failed(why)),
                LocalFile::Missing | LocalFile::Folder => {}
            }
        }
        Ok(pieces)
    }

    /// The pieces in one text: each begins a line, and so does what stands behind a delimiter.
    fn joined(&self, pieces: &[String]) -> String {
        let mut whole = String::new();
        let mut open = false;
        for (at, piece) in pieces.iter().enumerate() {
            if open {
                whole.push('\n');
            }
            if let Some(delimiter) = self
                .delimiter
                .as_deref()
                .filter(|text| at > 0 && !text.is_empty())
            {
                whole.push_str(&delimiter.replace("\\n", "\n"));
                if !whole.ends_with('\n') {
                    whole.push('\n');
                }
            }
            whole.push_str(piece);
            open = !piece.ends_with('\n');
        }
        whole
    }
}

/// What a file of this computer holds.
fn text_of_content(content: &Content, path: &Path) -> Result<String, Stop> {
    let bytes = content
        .read()
        .map_err(|error| Stop::failed(format!("cannot read {}: {error}", path.display())))?;
    Ok(byte_text::text_of(&bytes.unwrap_or_default()))
}

impl Module for Assemble {
    const NAMES: &'static [&'static str] = &["ansible.builtin.assemble", "assemble"];
    type Arguments = WithFile<Own>;
    const PATHS: &'static [&'static str] = &["dest"];
    const IGNORED: &'static [&'static str] = &["attributes"];
    const MISSING: Option<&'static str> = Some("src and dest are required");
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
        let place = Place::new(&own.dest, &arguments.file, view)
            .backup(own.backup)
            .validate(own.validate.as_deref());
        let pieces = match own.remote_src {
            true => own.of_host(view)?,
            false => own.of_this_computer(view)?,
        };
        let text = own.joined(&pieces);
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
