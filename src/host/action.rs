//! Actions: everything Vent can do to a host.

use super::{Answer, Output, Question, RecordChange, Resource};
use crate::content::Content;
use jiff::civil::DateTime;
use std::path::PathBuf;

/// Something to be done to a host. One function of the engine performs them; in check mode they are
/// applied to the overlay instead.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Writes a whole file through a temporary one in the same folder, then renames it.
    WriteFile {
        /// Where to.
        path: String,
        /// What.
        content: Content,
        /// Mode and owner; what is left open is kept from the file that is there, else the system's default.
        attributes: Attributes,
        /// A command with `%s` for the temporary file, which must succeed before the rename.
        validate: Option<String>,
        /// Keep the old file beside it under a name with the time.
        backup: bool,
        /// Where the file cannot be replaced (a bind mount for example), write into it as it is, as Ansible's
        /// `unsafe_writes` does: who reads it meanwhile sees a part of it.
        unsafe_writes: bool,
    },
    /// Makes a folder and those above it.
    MakeFolder {
        /// Where.
        path: String,
        /// Mode and owner of every folder that is made.
        attributes: Attributes,
    },
    /// Changes mode and owner.
    SetAttributes {
        /// Of what.
        path: String,
        /// To what.
        attributes: Attributes,
        /// Change what a symbolic link points at.
        follow: bool,
        /// With everything below it.
        recursive: bool,
    },
    /// Makes a symbolic or a hard link, replacing a link or file that is there.
    Link {
        /// Where.
        path: String,
        /// What it points at.
        target: String,
        /// A symbolic one.
        symbolic: bool,
    },
    /// Removes a file, a link, or a folder with everything in it.
    Remove {
        /// What.
        path: String,
    },
    /// A command of the user's.
    Run(Command),
    /// A script of ours that changes the host.
    Script {
        /// The shell text; a failure is an exit status other than 0.
        script: String,
        /// The line a person would type, for `vent explain`; no secrets.
        explain: String,
        /// What it does to later answers.
        effects: Vec<Effect>,
    },
    /// Copies a file of the host to this computer.
    Fetch {
        /// The file on the host.
        path: String,
        /// The file on this computer; folders above it are made.
        to: PathBuf,
    },
    /// Changes records of the domain name system; this computer does it.
    ChangeRecord(Box<RecordChange>),
}

/// Mode and owner of a file; `None` leaves a thing as it is.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Attributes {
    /// Permission bits.
    pub mode: Option<u32>,
    /// Name or number.
    pub owner: Option<String>,
    /// Name or number.
    pub group: Option<String>,
}

impl Attributes {
    /// True if nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.mode.is_none() && self.owner.is_none() && self.group.is_none()
    }
}

/// A mode as `chmod` takes it: four octal digits.
pub fn mode_text(mode: u32) -> String {
    format!("{mode:04o}")
}

/// A command of the user's, run apart from our own shell.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Command {
    /// Shell text; quoted words for a command without a shell.
    pub script: String,
    /// Interpreter instead of `sh` (the `executable` argument).
    pub interpreter: Option<String>,
    /// Folder to run in.
    pub folder: Option<String>,
    /// Variables of the environment.
    pub environment: Vec<(String, String)>,
    /// Standard input.
    pub input: Option<Vec<u8>>,
    /// Seconds until it is killed.
    pub timeout: Option<u64>,
    /// What it makes (`creates`): assumed to exist after it in check mode.
    pub creates: Vec<String>,
    /// What it removes (`removes`).
    pub removes: Vec<String>,
    /// True if the user says that it changes nothing: a check goes on believing what it knows of the host.
    pub reads_only: bool,
    /// What a person would type, if the script holds more.
    pub line: Option<String>,
    /// It goes on by itself under this name (`async` with `poll: 0`).
    pub background: Option<String>,
}

/// What an action does to a later answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// The question will be answered so.
    Answers(Question, Answer),
    /// What is answered about the resource can no longer be told.
    Forgets(Resource),
}

/// What an action gave.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Performed {
    /// Exit status and output; all empty for actions on files.
    pub output: Output,
    /// When it began, by the clock of this computer and in its time zone.
    pub started: DateTime,
    /// Seconds it took.
    pub seconds: f64,
    /// The time-out was reached and the command killed.
    pub timed_out: bool,
    /// Where the old file was kept.
    pub backup: Option<String>,
    /// Set in check mode where the answer cannot be known.
    pub unknown: bool,
}

impl Action {
    /// What the action touches.
    pub fn touches(&self) -> Vec<Resource> {
        match self {
            Action::WriteFile { path, .. }
            | Action::MakeFolder { path, .. }
            | Action::SetAttributes { path, .. }
            | Action::Link { path, .. }
            | Action::Remove { path } => vec![Resource::Path(path.clone())],
            Action::Run(_) | Action::Fetch { .. } => vec![],
            Action::ChangeRecord(change) => vec![change.question.about()],
            Action::Script { effects, .. } => effects
                .iter()
                .flat_map(|effect| match effect {
                    Effect::Answers(question, _) => question.about(),
                    Effect::Forgets(resource) => vec![resource.clone()],
                })
                .collect(),
        }
    }

    /// True if nothing can be said about what it changes.
    pub fn is_opaque(&self) -> bool {
        matches!(self, Action::Run(command) if !command.reads_only)
    }
}
