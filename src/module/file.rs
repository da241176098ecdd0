//! `file`: folders, links, attributes, removal.

mod times;

use super::returns::{FILE, Returns};
use super::{FileArguments, Module, Outcome, Step, Stop, View, WithFile, tree};
use crate::host::{Action, Answer, Attributes, Effect, FileKind, Question, Stat, quote, remove_empty, touch};
use schemars::JsonSchema;
use serde::Deserialize;
use times::Time;

/// Sets attributes of files, makes folders and links, removes things.
pub(super) struct File;

/// What should be at the path.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Absent,
    Directory,
    File,
    Hard,
    Link,
    Touch,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Own {
    /// The path.
    #[serde(alias = "dest", alias = "name")]
    path: String,
    /// What should be there; the default is `file` if something is there, else `directory` with `recurse`.
    state: Option<State>,
    /// What a link points at.
    src: Option<String>,
    /// Set the attributes of everything in the folder.
    #[serde(default)]
    recurse: bool,
    /// Replace a file or a link by a link, and make links to what is not there.
    #[serde(default)]
    force: bool,
    /// Set the attributes of what a link points at.
    #[serde(default = "yes")]
    follow: bool,
    /// Of what is touched: `preserve`, `now` or a time.
    modification_time: Option<String>,
    /// How that time is written.
    #[serde(default = "minutes")]
    modification_time_format: String,
    /// Of what is touched: `preserve`, `now` or a time.
    access_time: Option<String>,
    /// How that time is written.
    #[serde(default = "minutes")]
    access_time_format: String,
}

fn minutes() -> String {
    "%Y%m%d%H%M.%S".into()
}

fn yes() -> bool {
    true
}

impl Module for File {
    const NAMES: &'static [&'static str] = &["ansible.builtin.file", "file"];
    type Arguments = WithFile<Own>;
    const PATHS: &'static [&'static str] = &["path", "dest", "name", "src"];
    const IGNORED: &'static [&'static str] = &["attributes"];
    const RETURNS: &'static [Returns] = &[
        FILE,
        &[
            ("path", "The path of a file, a folder or of nothing."),
            ("dest", "The path of a link or of what was touched."),
            ("src", "What a link points at."),
            ("state", "`absent`, if nothing is there."),
        ],
    ];

    fn step(arguments: &WithFile<Own>, view: &View<'_>) -> Result<Step, Stop> {
        let own = &arguments.own;
        let path = own.path.trim_end_matches('/');
        let path = if path.is_empty() { "/" } else { path };
        view.note(Question::Stat {
            path: path.into(),
            follow: true,
        });
        if own.state == Some(State::Directory) {
            // The folders above it are made with it: what is there must be known.
            above(path).for_each(|path| view.note(Question::Stat { path, follow: false }));
        }
        let here = view.stat(path, false)?;
        let state = match (own.state, &here) {
            (Some(state), _) => state,
            (None, _) if own.recurse => State::Directory,
            (None, Some(stat)) if stat.kind == FileKind::Folder => State::Directory,
            (None, Some(stat)) if stat.kind == FileKind::Link && !own.follow => State::Link,
            (None, _) => State::File,
        };
        let context = Context {
            own,
            file: &arguments.file,
            view,
            path,
        };
        if own.src.is_some() && !matches!(state, State::Link | State::Hard) {
            return Err(Stop::failed("src option requires state to be 'link' or 'hard'"));
        }
        match state {
            State::Absent => Ok(context.absent(here.as_ref())),
            State::Directory => context.directory(here.as_ref()),
            State::File => context.file(here),
            State::Link => context.symbolic(here.as_ref()),
            State::Hard => context.hard(here.as_ref()),
            State::Touch => context.touch(here.as_ref(), view),
        }
    }
}

struct Context<'a> {
    own: &'a Own,
    file: &'a FileArguments,
    view: &'a View<'a>,
    path: &'a str,
}

impl Context<'_> {
    /// The result tells the path under this name.
    fn outcome(&self, name: &str) -> Outcome {
        Outcome::new().of(self.path).with(name, self.path)
    }

    fn absent(&self, here: Option<&Stat>) -> Step {
        let actions = here.map(|_| Action::Remove {
            path: self.path.into(),
        });
        let outcome = self.outcome("path").with("state", "absent");
        Step::Finish(actions.into_iter().collect(), outcome)
    }

    /// What must be set on something that is there; owner and group by name or number.
    fn differing(&self, stat: &Stat) -> Result<Attributes, Stop> {
        let wanted = self
            .file
            .attributes(Some(stat.mode), stat.kind == FileKind::Folder)?;
        Ok(differing(&wanted, stat))
    }

    fn set(&self, stat: &Stat, follow: bool) -> Result<Vec<Action>, Stop> {
        let attributes = self.differing(stat)?;
        let action = Action::SetAttributes {
            path: self.path.into(),
            attributes,
            follow,
            recursive: false,
        };
        let needed = matches!(&action, Action::SetAttributes { attributes, .. } if !attributes.is_empty());
        Ok(if needed { vec![action] } else { vec![] })
    }

    fn directory(&self, here: Option<&Stat>) -> Result<Step, Stop> {
        let behind = match here {
            Some(stat) if stat.kind == FileKind::Link && self.own.follow => {
                self.view.stat(self.path, true)?
            }
            other => other.cloned(),
        };
        let actions = match behind {
            None => {
                for path in above(self.path) {
                    self.view.stat(&path, false)?;
                }
                let attributes = self.file.attributes(None, true)?;
                vec![Action::MakeFolder {
                    path: self.path.into(),
                    attributes,
                }]
            }
            Some(stat) if stat.kind == FileKind::Folder => match here.filter(|_| self.own.recurse) {
                Some(here) => tree::set_attributes(self.path, here, self.file, self.view)?
                    .into_iter()
                    .collect(),
                None => self.set(&stat, true)?,
            },
            Some(_) => {
                return Err(Stop::failed(format!(
                    "{} is there and is no folder; remove it first or name another path",
                    self.path
                )));
            }
        };
        Ok(Step::Finish(actions, self.outcome("path")))
    }

    fn file(&self, here: Option<Stat>) -> Result<Step, Stop> {
        let behind = match here {
            Some(stat) if stat.kind == FileKind::Link && self.own.follow => {
                self.view.stat(self.path, true)?
            }
            other => other,
        };
        let Some(stat) = behind else {
            let message = format!(
                "file ({}) is absent, cannot continue; use `state: touch` or the copy module to make it",
                self.path
            );
            let outcome = Outcome::new().with("path", self.path).with("state", "absent");
            return Err(Stop::FailedWith(Box::new(outcome.failed(message))));
        };
        if self.own.state == Some(State::File) && stat.kind == FileKind::Folder {
            return Err(Stop::failed(format!("{} is a directory, not a file", self.path)));
        }
        Ok(Step::Finish(
            self.set(&stat, self.own.follow)?,
            self.outcome("path"),
        ))
    }

    fn source(&self) -> Result<&str, Stop> {
        self.own
            .src
            .as_deref()
            .ok_or_else(|| Stop::failed("src is required for a link: say what it points at"))
    }

    fn symbolic(&self, here: Option<&Stat>) -> Result<Step, Stop> {
        let source = match (&self.own.src, here) {
            (Some(source), _) => source.clone(),
            (
                None,
                Some(Stat {
                    target: Some(target), ..
                }),
            ) => target.clone(),
            _ => self.source()?.to_string(),
        };
        let outcome = self.outcome("dest").with("src", source.as_str());
        let behind = if source.starts_with('/') {
            source.clone()
        } else {
            let parent = self.path.rsplit_once('/').map_or("", |split| split.0);
            format!("{parent}/{source}")
        };
        let make = Action::Link {
            path: self.path.into(),
            target: source.clone(),
            symbolic: true,
        };
        match here {
            Some(stat) if stat.kind == FileKind::Link && stat.target.as_deref() == Some(&source) => {
                let follow = self.own.follow && self.view.stat(self.path, true)?.is_some();
                let behind = if follow {
                    self.view.stat(self.path, true)?
                } else {
                    None
                };
                let actions = behind.map_or(Ok(vec![]), |stat| self.set(&stat, true))?;
                return Ok(Step::Finish(actions, outcome));
            }
            Some(stat) if stat.kind != FileKind::Link && !self.own.force => {
                return Err(Stop::failed(format!(
                    "{} is there and is no link; `force: true` replaces a file",
                    self.path
                )));
            }
            Some(stat) if stat.kind == FileKind::Folder => {
                return Ok(Step::Finish(vec![self.remove_empty()?, make], outcome));
            }
            _ => {}
        }
        if !self.own.force && self.view.stat(&behind, true)?.is_none() {
            return Err(Stop::failed(format!(
                "src file does not exist, use \"force=yes\" if you really want to create the link: {behind}"
            )));
        }
        Ok(Step::Finish(vec![make], outcome))
    }

    /// Takes an empty folder away.
    ///
    /// # Errors
    /// Something is in it: a link never takes the place of what may be missed.
    fn remove_empty(&self) -> Result<Action, Stop> {
        if self.view.names(self.path)?.is_some_and(|names| !names.is_empty()) {
            return Err(Stop::failed(format!(
                "the directory {} is not empty, refusing to convert it",
                self.path
            )));
        }
        // `rmdir`, since something may come into it meanwhile.
        let line = format!("rmdir -- {}", quote(self.path));
        let gone = |follow| {
            let path = self.path.to_string();
            Effect::Answers(Question::Stat { path, follow }, Answer::Stat(None))
        };
        Ok(Action::Script {
            script: remove_empty(&self.view.destination(self.path)?),
            explain: line,
            effects: [false, true].map(gone).to_vec(),
        })
    }

    fn hard(&self, here: Option<&Stat>) -> Result<Step, Stop> {
        let source = self.source()?;
        let outcome = self.outcome("dest").with("src", source);
        let Some(there) = self.view.stat(source, true)? else {
            return Err(Stop::failed(format!("src file does not exist: {source}")));
        };
        if here.is_some_and(|stat| stat.inode == there.inode && stat.device == there.device) {
            return Ok(Step::done(outcome));
        }
        if here.is_some_and(|stat| stat.kind == FileKind::Folder) {
            return Err(Stop::failed(format!(
                "Cannot link: {} is a folder; remove it first or name another path",
                self.path
            )));
        }
        if here.is_some() && !self.own.force {
            return Err(Stop::failed(format!(
                "{} is there; `force: true` replaces it",
                self.path
            )));
        }
        let make = Action::Link {
            path: self.path.into(),
            target: source.into(),
            symbolic: false,
        };
        Ok(Step::Finish(vec![make], outcome))
    }

    fn touch(&self, here: Option<&Stat>, view: &View<'_>) -> Result<Step, Stop> {
        if here.is_none() && !view.performed().is_empty() {
            return Err(Stop::failed(format!(
                "Error, could not touch target: {} was taken away as soon as it was made",
                self.path
            )));
        }
        if here.is_none()
            && let Some(folder) = parent(self.path)
            && view.stat(folder, true)?.is_none()
        {
            return Err(Stop::failed(format!(
                "Error, could not touch target: the folder {folder} does not exist"
            )));
        }
        let own = self.own;
        let modified = Time::read(own.modification_time.as_deref(), &own.modification_time_format)?;
        let accessed = Time::read(own.access_time.as_deref(), &own.access_time_format)?;
        let is_dated = [&modified, &accessed]
            .iter()
            .any(|time| matches!(time, Time::At(_)));
        let mut actions = vec![];
        match here {
            None => actions.push(Action::WriteFile {
                path: self.path.into(),
                content: crate::content::Content::text(""),
                attributes: self.file.attributes(None, false)?,
                validate: None,
                backup: false,
                unsafe_writes: self.file.unsafe_writes,
            }),
            Some(_) if modified == Time::Keep && accessed == Time::Keep => {}
            Some(_) => {
                let Some(behind) = view.stat(self.path, true)? else {
                    return Err(Stop::failed(format!(
                        "Error, could not touch target: the link {} leads to nothing",
                        self.path
                    )));
                };
                let modified = modified.unless(behind.modified, view)?;
                let accessed = accessed.unless(behind.accessed, view)?;
                for options in times::options(modified, accessed) {
                    actions.push(Action::Script {
                        script: touch(&view.destination(self.path)?, &behind, &options),
                        explain: format!("touch {options} {}", quote(self.path)).replace("  ", " "),
                        effects: vec![],
                    });
                }
            }
        }
        if here.is_none() && is_dated {
            // It has to be there before it can be given a time.
            return Ok(Step::Act(actions));
        }
        if let Some(stat) = here {
            actions.extend(self.set(stat, self.own.follow)?);
        }
        Ok(Step::Finish(actions, self.outcome("dest")))
    }
}

/// The folders above a path, the nearest first, without the root.
fn above(path: &str) -> impl Iterator<Item = String> {
    std::iter::successors(parent(path), |path| parent(path)).map(str::to_string)
}

fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('/')
        .map(|split| split.0)
        .filter(|above| !above.is_empty())
}

/// The part of the wanted attributes that something does not have yet.
pub(super) fn differing(wanted: &Attributes, stat: &Stat) -> Attributes {
    let other = |wanted: &Option<String>, name: &str, id: u32| match wanted {
        Some(wanted) if wanted != name && *wanted != id.to_string() => Some(wanted.clone()),
        _ => None,
    };
    Attributes {
        mode: wanted.mode.filter(|mode| *mode != stat.mode),
        owner: other(&wanted.owner, &stat.owner, stat.uid),
        group: other(&wanted.group, &stat.group, stat.gid),
    }
}
