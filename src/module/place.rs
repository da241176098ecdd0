//! A file of the host that a module keeps as a whole: read, compared, written, and then described.

use super::file::differing;
use super::returns::Returns;
use super::{FileArguments, Outcome, Step, Stop, View};
use crate::content::{Content, byte_text};
use crate::host::{Action, FileKind, Question};
use crate::value::Value;

/// The longest text that is read: longer ones are no configuration.
const LIMIT: u64 = 8 << 20;

/// The text of a file of the host, `None` if it is not there. It holds every byte ([`byte_text`]), so that what is made of
/// it may be written.
///
/// # Errors
/// What is there cannot be read, or is longer than what is read: a file made of a part would lose the rest.
pub(super) fn text_of(path: &str, view: &View<'_>) -> Result<Option<String>, Stop> {
    view.note(Question::Stat {
        path: path.into(),
        follow: true,
    });
    match view.content(path, LIMIT)? {
        Some(bytes) if bytes.len() as u64 >= LIMIT => Err(Stop::failed(format!(
            "{path} is longer than 8 MiB, which is no text to be edited; copy a whole file instead"
        ))),
        Some(bytes) => Ok(Some(byte_text::text_of(&bytes))),
        None if view.stat(path, true)?.is_some() => Err(Stop::failed(format!(
            "{path} is there and is no file that can be read: is it a folder or a device, may the account read it?"
        ))),
        None => Ok(None),
    }
}

/// The lines of a text without their newlines; `\r` before one belongs to the line.
pub(super) fn lines_of(text: &str) -> std::str::SplitTerminator<'_, char> {
    text.split_terminator('\n')
}

/// The task fails since the file that it should edit is not there; the result tells it by a code of its own.
pub(super) fn no_file(message: String) -> Stop {
    Stop::FailedWith(Box::new(
        Outcome::new().with("rc", Value::Int(257)).failed(message),
    ))
}

/// The codes of [`no_file`] and [`refuse_folder`].
pub(super) const NO_FILE: Returns = &[(
    "rc",
    "257 if the file is not there and is not to be made, 256 if a folder is there.",
)];

/// The task fails if a folder stands at the path; the result tells it by a code of its own.
pub(super) fn refuse_folder(path: &str, view: &View<'_>) -> Result<(), Stop> {
    match view.stat(path, true)? {
        Some(stat) if stat.kind == FileKind::Folder => Err(Stop::FailedWith(Box::new(
            Outcome::new()
                .with("rc", Value::Int(256))
                .failed(format!("Path {path} is a directory !")),
        ))),
        _ => Ok(()),
    }
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

/// What a file holds afterwards.
pub(super) enum Held<'a> {
    /// It is not there.
    Nothing,
    /// A text.
    Text(&'a str),
    /// Only applying can tell.
    Unknown(Value),
}

impl Held<'_> {
    /// A field of the result that is made of the text; null where there is none.
    pub(super) fn field<E>(&self, make: impl FnOnce(&str) -> Result<Value, E>) -> Result<Value, E> {
        match self {
            Held::Nothing => Ok(Value::Null),
            Held::Text(text) => make(text),
            Held::Unknown(unknown) => Ok(unknown.clone()),
        }
    }
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
        view.note_described(self.path);
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
                    unsafe_writes: self.file.unsafe_writes,
                }]
            }
        })
    }

    /// Whether mode or owner of the file that is there have to be changed.
    pub(super) fn attributes_differ(&self, view: &View<'_>) -> Result<bool, Stop> {
        let Some(stat) = view.stat(self.path, true)? else {
            return Ok(false);
        };
        let wanted = self.file.attributes(Some(stat.mode), false)?;
        Ok(!differing(&wanted, &stat).is_empty())
    }

    /// What was done in the words of the modules that edit files: `edit`, and that mode or owner were changed.
    pub(super) fn message(&self, edit: impl Into<String>, view: &View<'_>) -> Result<String, Stop> {
        const ATTRIBUTES: &str = "ownership, perms or SE linux context changed";
        let edit = edit.into();
        Ok(match (self.attributes_differ(view)?, edit.is_empty()) {
            (false, _) => edit,
            (true, true) => ATTRIBUTES.into(),
            (true, false) => format!("{edit} and {ATTRIBUTES}"),
        })
    }

    /// Acts if there is something to do, and then, or at once, describes what is there.
    pub(super) fn step(
        &self,
        wanted: impl FnOnce() -> Result<Wanted, Stop>,
        describe: impl FnOnce(Held) -> Result<Outcome, Stop>,
        view: &View<'_>,
    ) -> Result<Step, Stop> {
        if let Some(first) = view.performed().first() {
            let outcome = match text_of(self.path, view) {
                Err(Stop::Undecided(_)) => describe(Held::Unknown(view.unknown()))?,
                text => describe(text?.as_deref().map_or(Held::Nothing, Held::Text))?,
            };
            let outcome = match &first.backup {
                Some(backup) => outcome.kept(backup),
                None => outcome,
            };
            return Ok(Step::done(outcome.changed(true)));
        }
        let actions = self.actions(wanted()?, view)?;
        if !actions.is_empty() {
            return Ok(Step::Act(actions));
        }
        let text = text_of(self.path, view)?;
        let held = text.as_deref().map_or(Held::Nothing, Held::Text);
        Ok(Step::done(describe(held)?.changed(false)))
    }
}
