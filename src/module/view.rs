//! What a module sees: the host through questions, this computer through [`ControlNode`], and what its own
//! actions gave.

use super::Stop;
use crate::archive::Archive;
use crate::content::Content;
use crate::error::Result as Checked;
use crate::host::{
    Account, Answer, Destination, Group, Output, Package, Performed, Question, Resource, Stat, State, Unit,
    places,
};
use crate::value::{Map, Unknown, Value};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file of this computer.
#[derive(Clone, Debug, PartialEq)]
pub enum LocalFile {
    /// Nothing is there.
    Missing,
    /// A folder.
    Folder,
    /// A file; unknown in check mode if a step before it would make it.
    File(Content),
    /// A vaulted file that no password opens: why.
    Closed(String),
}

/// Something in a folder of this computer.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalEntry {
    /// Below the folder.
    pub relative: PathBuf,
    /// A folder itself.
    pub folder: bool,
}

/// How a template file is to be read.
#[derive(Clone, Debug, PartialEq)]
pub struct TemplateOptions {
    /// Remove the first newline after a block.
    pub trim_blocks: bool,
    /// Strip white space before a block.
    pub lstrip_blocks: bool,
    /// What a line ends with.
    pub newline: String,
    /// Marks other than Jinja's own: variable, block and comment, start and end.
    pub marks: [Option<String>; 6],
    /// The template as it was named in the task.
    pub name: String,
    /// Where the result goes.
    pub destination: String,
}

/// What this computer, Ansible's control node, can tell a module.
pub trait ControlNode {
    /// Looks for a file as Ansible does (role, play, task file), below `kind` (`files`, `templates`).
    ///
    /// # Errors
    /// The paths that were tried.
    fn find(&self, kind: &str, name: &str) -> Result<PathBuf, Vec<PathBuf>>;
    /// A file of this computer as it is, or in check mode as it would be.
    /// A vaulted one is opened.
    fn file(&self, path: &Path) -> LocalFile;
    /// A file of this computer byte for byte, vaulted or not.
    fn sealed_file(&self, path: &Path) -> LocalFile;
    /// True if a vaulted file was opened: its content is not to be shown.
    fn opened_vault(&self) -> bool;
    /// Everything below a folder, folders before what is in them.
    fn entries(&self, path: &Path) -> Vec<LocalEntry>;
    /// What is in an archive of this computer.
    ///
    /// # Errors
    /// A file that cannot be read or is no archive.
    fn archive(&self, path: &Path) -> std::io::Result<Arc<Archive>>;
    /// Permission bits of a file of this computer.
    fn mode(&self, path: &Path) -> Option<u32>;
    /// Renders a template file.
    ///
    /// # Errors
    /// An error in the template, with its place.
    fn render_file(&self, path: &Path, options: &TemplateOptions) -> Checked<Content>;
    /// Decides a condition: a bool, or unknown.
    ///
    /// # Errors
    /// An error in the expression, with its place.
    fn condition(&self, expression: &Value) -> Checked<Value>;
    /// The conditions that a variable of the project's own files lists, if `that` is a template of its name; else `that`.
    fn conditions(&self, that: &Value) -> Vec<Value> {
        vec![that.clone()]
    }
    /// Renders a value.
    ///
    /// # Errors
    /// An error in a template, with its place.
    fn render(&self, value: &Value) -> Checked<Value>;
    /// A variable, rendered; `None` if it is not defined or omitted.
    ///
    /// # Errors
    /// An error in a template, with its place.
    fn variable(&self, name: &str) -> Checked<Option<Value>>;
    /// A variable as it is written, with its templates; `None` if it is not defined.
    fn written_variable(&self, name: &str) -> Option<Value>;
    /// The variables of a file as they are written, with their templates; vaulted ones are secrets.
    ///
    /// # Errors
    /// Everything that is wrong in the file.
    fn variables_file(&self, path: &Path) -> Checked<Map>;
    /// Seconds since 1970.
    fn now(&self) -> i64;
    /// The random bytes of this task, the same at every call of its `step`.
    fn random(&self) -> [u8; 32];
}

/// What a module sees of one host in one task.
pub struct View<'a> {
    state: &'a State,
    user: &'a Arc<str>,
    control_node: &'a dyn ControlNode,
    performed: &'a [Performed],
    origin: &'a Arc<Unknown>,
    verbosity: u8,
    environment: &'a [(String, String)],
    open: RefCell<Vec<Question>>,
}

impl<'a> View<'a> {
    /// A view of what is known of a host; `performed` are the results of the task's actions so far, `origin`
    /// names the task.
    pub fn new(
        state: &'a State,
        user: &'a Arc<str>,
        control_node: &'a dyn ControlNode,
        performed: &'a [Performed],
        origin: &'a Arc<Unknown>,
        verbosity: u8,
    ) -> View<'a> {
        View {
            state,
            user,
            control_node,
            performed,
            origin,
            verbosity,
            environment: &[],
            open: RefCell::default(),
        }
    }

    /// This view in a task with variables of the environment.
    pub fn within(self, environment: &'a [(String, String)]) -> View<'a> {
        View { environment, ..self }
    }

    /// The variables of the environment that the task has.
    pub fn environment(&self) -> &[(String, String)] {
        self.environment
    }

    /// The questions that are open.
    pub fn into_open(self) -> Vec<Question> {
        self.open.into_inner()
    }

    /// This computer.
    pub fn control_node(&self) -> &dyn ControlNode {
        self.control_node
    }

    /// How many `-v` were given.
    pub fn verbosity(&self) -> u8 {
        self.verbosity
    }

    /// What the actions of this task gave so far, in the order they were performed.
    pub fn performed(&self) -> &[Performed] {
        self.performed
    }

    /// The result of this task, for a field that only applying can tell.
    pub fn unknown(&self) -> Value {
        Value::Unknown(self.origin.clone())
    }

    /// The account that the questions are asked as.
    pub fn user(&self) -> &str {
        self.user
    }

    /// Notes a question without stopping, so that several are asked in one trip.
    pub fn note(&self, question: Question) {
        if self.state.answer(self.user, &question).is_none() {
            self.open_question(&question);
        }
    }

    fn open_question(&self, question: &Question) {
        let wanted = self.state.wanted(question);
        let mut open = self.open.borrow_mut();
        if !open.contains(&wanted) {
            open.push(wanted);
        }
    }

    /// The answer to a question.
    ///
    /// # Errors
    /// `Stop::Pending` while it is not known, `Stop::Undecided` if only applying can tell.
    pub fn ask(&self, question: Question) -> Result<Answer, Stop> {
        match self.state.answer(self.user, &question) {
            Some(Answer::Unknown(unknown)) => Err(Stop::Undecided(unknown)),
            Some(answer) => Ok(answer),
            None => {
                self.open_question(&question);
                Err(Stop::Pending)
            }
        }
    }

    /// What stands at a path; with `follow` behind a symbolic link.
    ///
    /// # Errors
    /// As [`View::ask`].
    pub fn stat(&self, path: &str, follow: bool) -> Result<Option<Stat>, Stop> {
        match self.ask(Question::Stat {
            path: path.into(),
            follow,
        })? {
            Answer::Stat(stat) => Ok(stat),
            other => Err(wrong(&other)),
        }
    }

    /// Notes what the description of a path in the result will ask ([`Outcome::of`](super::Outcome::of)).
    pub(super) fn note_described(&self, path: &str) {
        self.note(description(path));
    }

    /// Stops until what the description of a path will ask is answered, if only by what cannot be told.
    ///
    /// # Errors
    /// `Stop::Pending` while it is not known.
    pub(super) fn described(&self, path: &str) -> Result<(), Stop> {
        match self.ask(description(path)) {
            Err(Stop::Undecided(_)) => Ok(()),
            answer => answer.map(|_| ()),
        }
    }

    /// Where a script of a module writes, by [`crate::host::write_file`]. What a check cannot tell does not matter there:
    /// it runs no script.
    ///
    /// # Errors
    /// `Stop::Pending` while it is not known.
    pub fn destination(&self, path: &str) -> Result<Destination, Stop> {
        let all = places(path);
        let asked: Vec<Result<Answer, Stop>> =
            all.iter().map(|question| self.ask(question.clone())).collect();
        if asked.iter().any(|answer| matches!(answer, Err(Stop::Pending))) {
            return Err(Stop::Pending);
        }
        Ok(Destination::new(path, &|path, follow| {
            self.stat(path, follow).ok()
        }))
    }

    /// The SHA-256 of a file.
    ///
    /// # Errors
    /// As [`View::ask`].
    pub fn digest(&self, path: &str) -> Result<Option<Arc<str>>, Stop> {
        match self.ask(Question::Digest { path: path.into() })? {
            Answer::Digest(digest) => Ok(digest),
            other => Err(wrong(&other)),
        }
    }

    /// The content of a file up to `limit` bytes.
    ///
    /// # Errors
    /// As [`View::ask`].
    pub fn content(&self, path: &str, limit: u64) -> Result<Option<Arc<[u8]>>, Stop> {
        match self.ask(Question::Content {
            path: path.into(),
            limit,
        })? {
            Answer::Content(content) => Ok(content),
            other => Err(wrong(&other)),
        }
    }

    /// The names in a folder.
    ///
    /// # Errors
    /// As [`View::ask`].
    pub fn names(&self, path: &str) -> Result<Option<Vec<String>>, Stop> {
        match self.ask(Question::Names { path: path.into() })? {
            Answer::Names(names) => Ok(names),
            other => Err(wrong(&other)),
        }
    }

    /// An account.
    ///
    /// # Errors
    /// As [`View::ask`].
    pub fn account(&self, name: &str) -> Result<Option<Account>, Stop> {
        match self.ask(Question::User { name: name.into() })? {
            Answer::User(account) => Ok(account),
            other => Err(wrong(&other)),
        }
    }

    /// A group.
    ///
    /// # Errors
    /// As [`View::ask`].
    pub fn group(&self, name: &str) -> Result<Option<Group>, Stop> {
        match self.ask(Question::Group { name: name.into() })? {
            Answer::Group(group) => Ok(group),
            other => Err(wrong(&other)),
        }
    }

    /// An installed package.
    ///
    /// # Errors
    /// As [`View::ask`].
    pub fn package(&self, name: &str) -> Result<Option<Package>, Stop> {
        match self.ask(Question::Package { name: name.into() })? {
            Answer::Package(package) => Ok(package),
            other => Err(wrong(&other)),
        }
    }

    /// A systemd unit.
    ///
    /// # Errors
    /// As [`View::ask`].
    pub fn unit(&self, name: &str) -> Result<Unit, Stop> {
        match self.ask(Question::Unit { name: name.into() })? {
            Answer::Unit(unit) => Ok(unit),
            other => Err(wrong(&other)),
        }
    }

    /// A kernel setting.
    ///
    /// # Errors
    /// As [`View::ask`].
    pub fn sysctl(&self, key: &str) -> Result<Option<String>, Stop> {
        match self.ask(Question::Sysctl { key: key.into() })? {
            Answer::Text(text) => Ok(text),
            other => Err(wrong(&other)),
        }
    }

    /// Whether a kernel module is there.
    ///
    /// # Errors
    /// As [`View::ask`].
    pub fn kernel_module(&self, name: &str) -> Result<bool, Stop> {
        match self.ask(Question::KernelModule { name: name.into() })? {
            Answer::Flag(flag) => Ok(flag),
            other => Err(wrong(&other)),
        }
    }

    /// What a script of ours that only reads prints.
    ///
    /// # Errors
    /// As [`View::ask`].
    pub fn probe(&self, script: &str, about: &[Resource]) -> Result<Output, Stop> {
        match self.ask(Question::Probe {
            script: script.into(),
            about: about.to_vec(),
        })? {
            Answer::Output(output) => Ok(output),
            other => Err(wrong(&other)),
        }
    }

    /// The fields of `ansible_facts` known of the host, through its variables.
    ///
    /// # Errors
    /// An error in a template.
    pub fn facts(&self) -> Result<Map, Stop> {
        match self.control_node.variable("ansible_facts")? {
            Some(Value::Map(map)) => Ok((*map).clone()),
            _ => Ok(Map::new()),
        }
    }
}

/// What is asked to describe a path in a result.
pub fn description(path: &str) -> Question {
    Question::Stat {
        path: path.into(),
        follow: false,
    }
}

fn wrong(answer: &Answer) -> Stop {
    Stop::failed(format!("an answer of the wrong kind: {answer:?}"))
}
