//! `copy`: a file, a folder or a text of this computer to the host.

use super::file::differing;
use super::path_arguments::path;
use super::placed::{Placed, WRITTEN, missing};
use super::returns::{BACKUP, FILE, Returns};
use super::{FileArguments, LocalFile, Mode, Module, Outcome, Step, Stop, View, WithFile};
use crate::content::Content;
use crate::host::{Action, FileKind, Question, Resource, Writing, write_file};
use crate::value::Value;
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::Path;

/// Copies files to the host.
pub(super) struct Copy;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Own {
    /// A file or folder of this computer; with a slash at the end only what is in the folder.
    src: Option<String>,
    /// The content itself, instead of `src`.
    content: Option<Value>,
    /// Where to; a folder if it ends in a slash.
    dest: String,
    /// `src` is a path of the host.
    #[serde(default)]
    remote_src: bool,
    /// Replace a file that differs.
    #[serde(default = "yes")]
    force: bool,
    /// Keep the old file beside the new one.
    #[serde(default)]
    backup: bool,
    /// A command with `%s` that must accept the new file.
    validate: Option<String>,
    /// Mode of folders that are made.
    directory_mode: Option<Value>,
    /// Open a vaulted file.
    #[serde(default = "yes")]
    decrypt: bool,
    /// Write through a symbolic link at `dest`.
    #[serde(default)]
    follow: bool,
}

fn yes() -> bool {
    true
}

impl Module for Copy {
    const NAMES: &'static [&'static str] = &["ansible.builtin.copy", "copy"];
    type Arguments = WithFile<Own>;
    const PATHS: &'static [&'static str] = &["dest"];
    const IGNORED: &'static [&'static str] = &["local_follow", "attributes"];
    const MISSING: Option<&'static str> = Some("dest is required");
    const RETURNS: &'static [Returns] = &[FILE, BACKUP, WRITTEN];

    fn step(arguments: &WithFile<Own>, view: &View<'_>) -> Result<Step, Stop> {
        let own = &arguments.own;
        let placed = |content, source: Option<&Path>, mode| Placed {
            content,
            source: source.map(Path::to_path_buf),
            dest: own.dest.clone(),
            file: &arguments.file,
            source_mode: mode,
            validate: own.validate.clone(),
            backup: own.backup,
            force: own.force,
            follow: own.follow,
        };
        let source = own.src.as_ref().filter(|source| !source.is_empty());
        if let Some(content) = &own.content {
            if source.is_some() {
                return Err(Stop::failed("src and content are mutually exclusive"));
            }
            if own.dest.ends_with('/') {
                return Err(Stop::failed("can not use content with a dir as dest"));
            }
            return placed(text_content(content), None, None).step(view);
        }
        let Some(source) = source else {
            return Err(Stop::failed("src (or content) is required"));
        };
        if own.remote_src {
            return remote(arguments, &path(source, view)?, view);
        }
        let found = view
            .control_node()
            .find("files", source)
            .map_err(|tried| missing(source, &tried))?;
        match read(own, &found, view) {
            LocalFile::Closed(why) => Err(Stop::failed(why)),
            LocalFile::Missing => Err(missing(source, &[found])),
            LocalFile::Folder => folder(arguments, source, &found, view),
            LocalFile::File(content) => {
                placed(content, Some(&found), view.control_node().mode(&found)).step(view)
            }
        }
    }
}

/// A file of this computer, opened if it is vaulted and that is wanted.
fn read(own: &Own, path: &Path, view: &View<'_>) -> LocalFile {
    match own.decrypt {
        true => view.control_node().file(path),
        false => view.control_node().sealed_file(path),
    }
}

/// The bytes of a `content` argument: texts as they are, all else as JSON.
fn text_content(content: &Value) -> Content {
    match content {
        Value::Unknown(unknown) => Content::Unknown(unknown.clone()),
        value if value.find_unknown().is_some() => match value.find_unknown() {
            Some(unknown) => Content::Unknown(unknown.clone()),
            None => Content::text(""),
        },
        Value::List(_) | Value::Map(_) => Content::text(crate::value::json(content, None, false)),
        Value::Null => Content::text(""),
        value => match value.as_str() {
            Some(text) => Content::text(text),
            None => Content::text(crate::value::repr(value)),
        },
    }
}

/// A folder of this computer with everything in it.
fn folder(arguments: &WithFile<Own>, source: &str, path: &Path, view: &View<'_>) -> Result<Step, Stop> {
    let own = &arguments.own;
    let mut dest = own.dest.trim_end_matches('/').to_string();
    if !source.ends_with('/')
        && let Some(name) = path.file_name()
    {
        dest = format!("{dest}/{}", name.to_string_lossy());
    }
    let slash = if source.ends_with('/') { "/" } else { "" };
    let shown = format!("{}{slash}", path.display().to_string().trim_end_matches('/'));
    let entries = view.control_node().entries(path);
    for entry in &entries {
        let path = format!("{dest}/{}", entry.relative.display());
        if !entry.folder {
            view.note(Question::Digest { path: path.clone() });
        }
        view.note(Question::Stat { path, follow: true });
    }
    let made = FileArguments {
        mode: own.directory_mode.clone(),
        ..arguments.file.clone()
    };
    let mut actions = vec![];
    let mut fresh = view.stat(&dest, true)?.is_none();
    if fresh {
        actions.push(Action::MakeFolder {
            path: dest.clone(),
            attributes: made.attributes(None, true)?,
        });
    }
    for entry in entries {
        let to = format!("{dest}/{}", entry.relative.display());
        if entry.folder {
            if view.stat(&to, true)?.is_none() {
                fresh = true;
                actions.push(Action::MakeFolder {
                    path: to,
                    attributes: made.attributes(None, true)?,
                });
            }
            continue;
        }
        let from = path.join(&entry.relative);
        let content = match read(own, &from, view) {
            LocalFile::File(content) => content,
            LocalFile::Closed(why) => return Err(Stop::failed(why)),
            _ => continue,
        };
        if fresh && view.stat(&to, true)?.is_none() {
            let attributes = match arguments.file.wanted_mode()? {
                Some(Mode::Preserve) => crate::host::Attributes {
                    mode: view.control_node().mode(&from),
                    ..arguments.file.attributes(None, false)?
                },
                _ => arguments.file.attributes(None, false)?,
            };
            let validate = own.validate.clone();
            actions.push(Action::WriteFile {
                path: to,
                content,
                attributes,
                validate,
                backup: own.backup,
                unsafe_writes: arguments.file.unsafe_writes,
            });
            continue;
        }
        let placed = Placed {
            content,
            source: None,
            dest: to.clone(),
            file: &arguments.file,
            source_mode: view.control_node().mode(&from),
            validate: own.validate.clone(),
            backup: own.backup,
            force: own.force,
            follow: own.follow,
        };
        actions.extend(placed.actions(&to, view)?);
    }
    Ok(Step::Finish(
        actions,
        Outcome::new()
            .with("dest", format!("{}/", own.dest.trim_end_matches('/')))
            .with("src", shown),
    ))
}

/// A file of the host to another path of the host.
fn remote(arguments: &WithFile<Own>, source: &str, view: &View<'_>) -> Result<Step, Stop> {
    let own = &arguments.own;
    let mut dest = own.dest.clone();
    for path in [source, &dest] {
        view.note(Question::Stat {
            path: path.into(),
            follow: true,
        });
        view.note(Question::Digest { path: path.into() });
    }
    let Some(from) = view.stat(source, true)? else {
        return Err(Stop::failed(format!("Source {source} not found")));
    };
    let there = view.stat(&dest, true)?;
    if from.kind == FileKind::Folder {
        return Err(Stop::failed(format!(
            "{source} is a folder; copying folders on the host itself is not supported"
        )));
    }
    if dest.ends_with('/') || there.as_ref().is_some_and(|stat| stat.kind == FileKind::Folder) {
        let name = source.rsplit('/').next().unwrap_or_default();
        dest = format!("{}/{name}", dest.trim_end_matches('/'));
    }
    let here = view.stat(&dest, true)?;
    let preserved = arguments.file.wanted_mode()? == Some(Mode::Preserve);
    let mut wanted = arguments
        .file
        .attributes(here.as_ref().map(|stat| stat.mode), false)?;
    if preserved {
        wanted.mode = Some(from.mode);
    }
    let [sha1, md5] = hashes(source, view)?;
    let outcome = Outcome::new()
        .of(dest.as_str())
        .with("dest", dest.as_str())
        .with("src", source)
        .with("checksum", sha1)
        .with("md5sum", md5);
    if here.is_some() && (!own.force || view.digest(&dest)? == view.digest(source)?) {
        let attributes = here.map(|stat| differing(&wanted, &stat)).unwrap_or_default();
        let set = Action::SetAttributes {
            path: dest,
            attributes: attributes.clone(),
            follow: true,
            recursive: false,
        };
        return Ok(Step::Finish(
            if attributes.is_empty() { vec![] } else { vec![set] },
            outcome,
        ));
    }
    let quoted = crate::host::quote(source);
    let write = write_file(&view.destination(&dest)?, &wanted, &Writing::default());
    let copy = Action::Script {
        script: format!("( {write}) <{quoted}"),
        explain: format!("cp {quoted} {}", crate::host::quote(&dest)),
        effects: vec![crate::host::Effect::Forgets(Resource::Path(dest))],
    };
    Ok(Step::Finish(vec![copy], outcome))
}

/// SHA-1 and MD5 of a file of the host.
fn hashes(path: &str, view: &View<'_>) -> Result<[Value; 2], Stop> {
    let quoted = crate::host::quote(path);
    let script = format!("sha1sum <{quoted}; md5sum <{quoted}");
    let output = match view.probe(&script, &[Resource::Path(path.into())]) {
        Err(Stop::Undecided(_)) => return Ok([view.unknown(), view.unknown()]),
        output => output?.text(),
    };
    let mut lines = output
        .lines()
        .map(|line| line.split(' ').next().unwrap_or_default());
    Ok([(); 2].map(|()| lines.next().map(Value::string).unwrap_or_default()))
}
