//! One content on its way to one path of the host, for `copy` and `template`.

use super::file::differing;
use super::returns::Returns;
use super::{FileArguments, Mode, Outcome, Step, Stop, View};
use crate::content::Content;
use crate::host::{Action, Attributes, FileKind, Question};
use crate::value::Value;
use std::path::PathBuf;

/// No file of this computer is found at the paths that were tried.
pub(super) fn missing(source: &str, tried: &[std::path::PathBuf]) -> Stop {
    let tried: Vec<String> = tried.iter().map(|path| format!("  {}", path.display())).collect();
    Stop::failed(format!(
        "could not find or access '{source}' on this computer; looked for\n{}",
        tried.join("\n")
    ))
}

/// What is told of a file that was written as a whole.
pub(super) const WRITTEN: Returns = &[
    ("dest", "The file; of a folder where its content was copied to."),
    ("path", "The file, if nothing was written."),
    (
        "src",
        "What was written: a file of this computer, or with `remote_src` of the host.",
    ),
    ("checksum", "SHA-1 of the file."),
    ("md5sum", "MD5 of the file, if it was written."),
];

/// One content on its way to one path.
pub(super) struct Placed<'a> {
    pub(super) content: Content,
    /// The file of this computer that it comes from; its name is taken in `dest`, if that is a folder.
    pub(super) source: Option<PathBuf>,
    pub(super) dest: String,
    pub(super) file: &'a FileArguments,
    /// Permission bits of the source, for `mode: preserve`.
    pub(super) source_mode: Option<u32>,
    pub(super) validate: Option<String>,
    pub(super) backup: bool,
    pub(super) force: bool,
    pub(super) follow: bool,
}

impl Placed<'_> {
    /// What is to be done so that the content stands at `dest`.
    pub(super) fn step(self, view: &View<'_>) -> Result<Step, Stop> {
        let path = self.path(view)?;
        let actions = self.actions(&path, view)?;
        let hash = |hash: Option<String>| hash.map_or_else(|| view.unknown(), Value::from);
        let kept = !self.force && view.stat(&path, true)?.is_some();
        let mut outcome = Outcome::new().of(path.as_str()).with("dest", path.as_str());
        if !kept {
            outcome = outcome.with("checksum", hash(self.content.sha1()));
        }
        let written = actions
            .iter()
            .any(|action| matches!(action, Action::WriteFile { .. }));
        if !written {
            return Ok(Step::Finish(actions, outcome.with("path", path)));
        }
        if let Some(source) = &self.source {
            outcome = outcome.with("src", source.display().to_string());
        }
        Ok(Step::Finish(
            actions,
            outcome.with("md5sum", hash(self.content.md5())),
        ))
    }

    /// The file that it becomes.
    fn path(&self, view: &View<'_>) -> Result<String, Stop> {
        let mut path = self.dest.clone();
        let name = || {
            let name = self.source.as_ref().and_then(|source| source.file_name());
            name.map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default()
        };
        if self.follow
            && let Some(target) = view.stat(&path, false)?.and_then(|stat| stat.target)
        {
            path = if target.starts_with('/') {
                target
            } else {
                format!("{}/{target}", path.rsplit_once('/').map_or("", |split| split.0))
            };
        }
        if path.ends_with('/') {
            path.push_str(&name());
        } else {
            view.note(Question::Digest { path: path.clone() });
            view.note_described(&path);
            let folder = view
                .stat(&path, true)?
                .is_some_and(|stat| stat.kind == FileKind::Folder);
            if folder && self.source.is_none() {
                return Err(Stop::failed("can not use content with a dir as dest"));
            }
            if folder {
                path = format!("{path}/{}", name());
            }
        }
        Ok(path)
    }

    /// What is to be done so that the content stands at `path`.
    pub(super) fn actions(&self, path: &str, view: &View<'_>) -> Result<Vec<Action>, Stop> {
        view.note(Question::Digest { path: path.into() });
        view.note_described(path);
        let here = view.stat(path, true)?;
        let mut actions = vec![];
        if here.is_none() {
            actions.extend(self.parent(path, view)?);
        }
        let wanted = match self.file.wanted_mode()? {
            Some(Mode::Preserve) => Attributes {
                mode: self.source_mode,
                ..self.file.attributes(None, false)?
            },
            _ => self.file.attributes(here.as_ref().map(|stat| stat.mode), false)?,
        };
        let path = path.to_string();
        let Some(stat) = here else {
            actions.push(self.write(path, wanted));
            return Ok(actions);
        };
        if stat.kind != FileKind::File {
            return Err(Stop::failed(format!("{path} is there and is no file")));
        }
        let same = match (&self.content, self.force) {
            (_, false) => true,
            (Content::Unknown(unknown), _) => return Err(Stop::Undecided(unknown.clone())),
            (content, _) => view.digest(&path)? == content.digest(),
        };
        let attributes = differing(&wanted, &stat);
        if !same {
            actions.push(self.write(path, wanted));
        } else if !attributes.is_empty() {
            actions.push(Action::SetAttributes {
                path,
                attributes,
                follow: true,
                recursive: false,
            });
        }
        Ok(actions)
    }

    fn write(&self, path: String, attributes: Attributes) -> Action {
        let (content, validate) = (self.content.clone(), self.validate.clone());
        Action::WriteFile {
            path,
            content,
            attributes,
            validate,
            backup: self.backup,
            unsafe_writes: self.file.unsafe_writes,
        }
    }

    /// The folder must be there, unless `dest` names a folder: then it is made.
    fn parent(&self, path: &str, view: &View<'_>) -> Result<Option<Action>, Stop> {
        let parent = path
            .rsplit_once('/')
            .map_or(".", |split| if split.0.is_empty() { "/" } else { split.0 });
        match view.stat(parent, true)? {
            Some(stat) if stat.kind == FileKind::Folder => Ok(None),
            None if self.dest.ends_with('/') => {
                let attributes = Attributes::default();
                Ok(Some(Action::MakeFolder {
                    path: parent.into(),
                    attributes,
                }))
            }
            Some(_) => Err(Stop::failed(format!("Destination {parent} is no directory"))),
            None => {
                let message = format!("Destination directory {parent} does not exist");
                let checksum = self.content.sha1().map(Value::from);
                let outcome = Outcome::new().with("checksum", checksum);
                Err(Stop::FailedWith(Box::new(outcome.failed(message))))
            }
        }
    }
}
