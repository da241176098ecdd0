//! `fetch`: a file of the host to this computer.

use super::returns::Returns;
use super::{LocalFile, Module, Nature, Outcome, Step, Stop, View};
use crate::content::{Content, byte_text};
use crate::host::{Action, FileKind, Question, Resource, quote};
use crate::value::Value;
use crate::words::component;
use schemars::JsonSchema;
use serde::Deserialize;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// Copies a file of the host here.
pub(super) struct Fetch;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// The file of the host.
    src: Value,
    /// The folder here; with `flat` the file itself.
    dest: String,
    /// Do not put the name of the host and its folders below `dest`.
    #[serde(default)]
    flat: bool,
    /// Fail if the file is not there.
    #[serde(default = "yes")]
    fail_on_missing: bool,
}

fn yes() -> bool {
    true
}

impl Arguments {
    fn target(&self, source: &str, view: &View<'_>) -> Result<PathBuf, Stop> {
        let text = |name: &str| -> Result<String, Stop> {
            let value = view.control_node().variable(name)?;
            Ok(value
                .as_ref()
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_string())
        };
        let base = PathBuf::from(text("playbook_dir")?).join(&self.dest);
        let below = |text: &str| {
            // What the host is asked for may be a value of its own: it stays below the folder.
            contained(text).ok_or_else(|| {
                Stop::failed(format!(
                    "Detected directory traversal, expected to be contained in '{}' but got '{}'",
                    base.display(),
                    base.join(text).display()
                ))
            })
        };
        Ok(match (self.flat, self.dest.ends_with('/')) {
            (true, true) => base.join(below(source.rsplit('/').next().unwrap_or_default())?),
            (true, false) => base,
            (false, _) => base
                .join(component(&text("inventory_hostname")?))
                .join(below(source.trim_start_matches('/'))?),
        })
    }
}

/// A relative path without `.` and `..`; nothing of one that leads out, or to where it begins.
fn contained(path: &str) -> Option<PathBuf> {
    let mut parts: Vec<&str> = vec![];
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    // A name of the host is the same bytes here.
    let bytes = |part: &&str| OsString::from_vec(byte_text::bytes_of(part).into_owned());
    (!parts.is_empty()).then(|| parts.iter().map(bytes).collect())
}

/// True if a folder on the way to a path is closed to the account.
pub(super) fn shut(path: &str, view: &View<'_>) -> Result<bool, Stop> {
    let script = format!("LC_ALL=C stat -L -- {} 2>&1 >/dev/null", quote(path));
    let output = view.probe(&script, &[Resource::Path(path.into())])?;
    Ok(output.text().contains("Permission denied"))
}

impl Module for Fetch {
    const NAMES: &'static [&'static str] = &["ansible.builtin.fetch", "fetch"];
    type Arguments = Arguments;
    // As in Ansible, which looks at those it knows.
    const OPEN: bool = true;
    const PATHS: &'static [&'static str] = &["src"];
    const NATURE: Nature = Nature {
        skips_check: true,
        ..Nature::OF_A_HOST
    };
    const IGNORED: &'static [&'static str] = &["validate_checksum"];
    const MISSING: Option<&'static str> = Some("src and dest are required");
    const RETURNS: &'static [Returns] = &[&[
        ("dest", "The file of this computer."),
        ("file", "The file of the host, if it was not fetched."),
        ("checksum", "SHA-1 of the file."),
        ("md5sum", "MD5 of the file."),
        ("remote_checksum", "SHA-1 of the file, if it was fetched."),
        ("remote_md5sum", "Nothing, as in Ansible."),
    ]];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let path = match &arguments.src {
            Value::Unknown(unknown) => return Err(Stop::Undecided(unknown.clone())),
            source => source.as_str().ok_or_else(|| {
                Stop::failed("Invalid type supplied for source option, it must be a string")
            })?,
        };
        view.note(Question::Digest { path: path.into() });
        match view.stat(path, true)? {
            Some(stat) if stat.kind != FileKind::File => {
                let what = match stat.kind {
                    FileKind::Folder => "a directory, fetch cannot work on directories",
                    FileKind::Pipe => "a pipe, fetch works on regular files",
                    FileKind::Socket => "a socket, fetch works on regular files",
                    _ => "a device, fetch works on regular files",
                };
                let message = format!("remote file is {what}");
                if arguments.fail_on_missing {
                    return Err(Stop::failed(message));
                }
                let message = format!("{message}, not transferring, ignored");
                return Ok(Step::done(
                    Outcome::new()
                        .changed(false)
                        .with("msg", message)
                        .with("file", path),
                ));
            }
            None if arguments.fail_on_missing => {
                if shut(path, view)? {
                    return Err(Stop::failed(format!("File is not readable: {path}")));
                }
                return Err(Stop::failed(
                    "the remote file does not exist, not transferring, ignored",
                ));
            }
            None => {
                let message = "the remote file does not exist, not transferring, ignored";
                return Ok(Step::done(
                    Outcome::new()
                        .changed(false)
                        .with("msg", message)
                        .with("file", path),
                ));
            }
            Some(_) => {}
        }
        let to = arguments.target(path, view)?;
        let here = match view.control_node().sealed_file(&to) {
            LocalFile::File(content) => Some(content),
            LocalFile::Missing | LocalFile::Closed(_) => None,
            LocalFile::Folder if arguments.flat && !arguments.dest.ends_with('/') => {
                return Err(Stop::failed(
                    "dest is an existing directory, use a trailing slash if you want to fetch src into that directory",
                ));
            }
            LocalFile::Folder => {
                return Err(Stop::failed(format!(
                    "calculated dest '{}' is an existing directory, use another path that does not point to an existing directory",
                    to.display()
                )));
            }
        };
        let outcome = Outcome::new().with("dest", to.display().to_string());
        if let Some(performed) = view.performed().first() {
            let hash = |hash: Option<String>| match performed.unknown {
                true => view.unknown(),
                false => hash.map(Value::from).unwrap_or_default(),
            };
            let sha1 = hash(here.as_ref().and_then(Content::sha1));
            return Ok(Step::done(
                outcome
                    .changed(true)
                    .with("checksum", sha1.clone())
                    .with("md5sum", hash(here.as_ref().and_then(Content::md5)))
                    .with("remote_checksum", sha1)
                    .with("remote_md5sum", Value::Null),
            ));
        }
        let digest = view.digest(path)?;
        match here {
            Some(here) if here.digest() == digest => Ok(Step::done(
                outcome
                    .with("file", path)
                    .with("checksum", here.sha1().map(Value::from))
                    .with("md5sum", here.md5().map(Value::from)),
            )),
            _ => Ok(Step::Act(vec![Action::Fetch {
                path: path.into(),
                to,
            }])),
        }
    }
}
