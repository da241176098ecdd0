//! A file of the host that a module keeps as a whole: read, compared, written, and then described.

use super::file::differing;
use super::{FileArguments, Outcome, Step, Stop, View};
use crate::content::Content;
use crate::host::{Action, Question};

/// The longest text that is read: longer ones are no configuration.
const LIMIT: u64 = 8 << 20;

/// The text of a file of the host, `None` if it is not there.
pub(super) fn text_of(path: &str, view: &View<'_>) -> Result<Option<String>, Stop> {
    let content = view.content(path, LIMIT)?;
    Ok(content.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// What is to become of the file at a path.
pub(super) enum Wanted {
    /// It stays; only mode and owner are looked at.
    Keep,
    /// It is written.
    Write(Content),
    /// It goes.
    Absent,
}

/// Where and how a file is kept.
pub(super) struct Place<'a> {
    path: &'a str,
    file: &'a FileArguments,
    default_mode: Option<u32>,
    backup: bool,
    validate: Option<&'a str>,
}

impl<'a> Place<'a> {
    /// The file at `path`; everything about it is asked for at once.
    pub(super) fn new(path: &'a str, file: &'a FileArguments, view: &View<'_>) -> Place<'a> {
        let place = Place {
            path,
            file,
            default_mode: None,
            backup: false,
            validate: None,
        };
        place.note(view);
        place
    }

    /// Mode of a file that is made anew.
    pub(super) fn default_mode(mut self, mode: u32) -> Place<'a> {
        self.default_mode = Some(mode);
        self
    }

    /// Whether the file that was there is kept under another name.
    pub(super) fn backup(mut self, backup: bool) -> Place<'a> {
        self.backup = backup;
        self
    }

    /// A command with `%s` that must accept the new file.
    pub(super) fn validate(mut self, command: Option<&'a str>) -> Place<'a> {
        self.validate = command;
        self
    }

    fn note(&self, view: &View<'_>) {
        for path in [self.path, self.folder()] {
            view.note(Question::Stat {
                path: path.into(),
                follow: true,
            });
        }
        view.note(Question::Content {
            path: self.path.into(),
            limit: LIMIT,
        });
    }

    fn folder(&self) -> &str {
        match self.path.rsplit_once('/') {
            Some(("", _)) => "/",
            Some((folder, _)) => folder,
            None => ".",
        }
    }

    /// The actions that bring it about.
    pub(super) fn actions(&self, wanted: Wanted, view: &View<'_>) -> Result<Vec<Action>, Stop> {
        let path = self.path.to_string();
        let here = view.stat(self.path, true)?;
        let attributes = self.file.attributes(here.as_ref().map(|stat| stat.mode), false)?;
        Ok(match (wanted, here) {
            (Wanted::Absent, None) | (Wanted::Keep, None) => vec![],
            (Wanted::Absent, Some(_)) => vec![Action::Remove { path }],
            (Wanted::Keep, Some(stat)) => {
                let attributes = differing(&attributes, &stat);
                let set = Action::SetAttributes {
                    path,
                    attributes: attributes.clone(),
                    follow: true,
                    recursive: false,
                };
                if attributes.is_empty() { vec![] } else { vec![set] }
            }
            (Wanted::Write(content), here) => {
                if here.is_none() && view.stat(self.folder(), true)?.is_none() {
                    return Err(Stop::failed(format!(
                        "The directory '{}' does not exist or the path is not a directory",
                        self.folder()
                    )));
                }
                let mut attributes = attributes;
                if here.is_none() {
                    attributes.mode = attributes.mode.or(self.default_mode);
                }
                vec![Action::WriteFile {
                    path,
                    content,
                    attributes,
                    validate: self.validate.map(str::to_string),
                    backup: self.backup,
                }]
            }
        })
    }

    /// Acts if there is something to do, and then, or at once, describes what is there.
    pub(super) fn step(
        &self,
        wanted: impl FnOnce() -> Result<Wanted, Stop>,
        describe: impl FnOnce(Option<&str>) -> Result<Outcome, Stop>,
        view: &View<'_>,
    ) -> Result<Step, Stop> {
        let mut changed = false;
        if let Some(first) = view.performed().first() {
            changed = true;
            let outcome = match text_of(self.path, view) {
                Err(Stop::Undecided(_)) => Outcome::new(),
                text => describe(text?.as_deref())?,
            };
            let outcome = match &first.backup {
                Some(backup) => outcome.with("backup_file", backup.as_str()),
                None => outcome,
            };
            return Ok(Step::done(outcome.changed(changed)));
        }
        let actions = self.actions(wanted()?, view)?;
        if !actions.is_empty() {
            return Ok(Step::Act(actions));
        }
        let text = text_of(self.path, view)?;
        Ok(Step::done(describe(text.as_deref())?.changed(changed)))
    }
}
