//! What would have been done: the part of a host's state that check mode changes.

use super::question::lies_in;
use super::{Action, Answer, Attributes, FileKind, Question, Resource, Stat};
use crate::content::Content;
use crate::value::Unknown;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Paths and answers as they would be after the actions of a check.
#[derive(Clone, Debug, Default)]
pub(super) struct Overlay {
    paths: BTreeMap<String, Node>,
    answers: HashMap<Question, Answer>,
    forgotten: Vec<(Resource, Arc<Unknown>)>,
}

/// What stands at a path of the overlay.
#[derive(Clone, Debug)]
enum Node {
    Absent,
    /// `fresh`: it was not there before, so nothing else is in it.
    Folder {
        stat: Box<Stat>,
        fresh: bool,
    },
    File {
        stat: Box<Stat>,
        content: Option<Content>,
    },
    Link {
        stat: Box<Stat>,
    },
    Unknown(Arc<Unknown>),
}

/// How the overlay answers.
#[derive(Debug)]
pub(super) enum OverlayAnswer {
    /// It knows.
    Answer(Answer),
    /// Ask this instead.
    Elsewhere(Question),
    /// It says nothing about it.
    Nothing,
}

/// What is known of a path: `None` if it was never asked.
type KnownStat<'a> = &'a dyn Fn(&str) -> Option<Option<Stat>>;

impl Overlay {
    /// Something that was planned.
    pub(super) fn pending(&self) -> Option<String> {
        let path = self
            .paths
            .keys()
            .next()
            .map(|path| format!("what is planned for {path}"));
        let forgotten = || {
            let (_, origin) = self.forgotten.first()?;
            Some(origin.origin.clone())
        };
        let answered = || (!self.answers.is_empty()).then(|| "what earlier tasks would do".to_string());
        path.or_else(forgotten).or_else(answered)
    }

    pub(super) fn answer(&self, question: &Question) -> OverlayAnswer {
        if let Some(answer) = self.answers.get(question) {
            return OverlayAnswer::Answer(answer.clone());
        }
        match question {
            Question::Stat { path, follow } => self.at(path, *follow, question),
            Question::Digest { path } | Question::Content { path, .. } | Question::Names { path } => {
                self.at(path, true, question)
            }
            _ => {
                let about = question.about();
                let forgotten = self
                    .forgotten
                    .iter()
                    .find(|(resource, _)| about.iter().any(|a| resource.touches(a)));
                match forgotten {
                    Some((_, origin)) => OverlayAnswer::Answer(Answer::Unknown(origin.clone())),
                    None => OverlayAnswer::Nothing,
                }
            }
        }
    }

    /// Follows links of the overlay, then answers about the path it arrives at.
    fn at(&self, path: &str, follow: bool, question: &Question) -> OverlayAnswer {
        let mut path = normal(path);
        for _ in 0..40 {
            match self.link_in(&path, follow) {
                Some(next) => path = next,
                None => break,
            }
        }
        match self.node(&path) {
            Some(node) => OverlayAnswer::Answer(self.describe(&path, node, question)),
            None => {
                let asked = with_path(question, &path);
                if asked == *question {
                    OverlayAnswer::Nothing
                } else {
                    OverlayAnswer::Elsewhere(asked)
                }
            }
        }
    }

    /// The path with its first symbolic link of the overlay replaced by what it points at.
    fn link_in(&self, path: &str, follow: bool) -> Option<String> {
        self.paths.iter().find_map(|(at, node)| {
            let Node::Link { stat } = node else { return None };
            let rest = path.strip_prefix(at.as_str())?;
            if !(rest.starts_with('/') || rest.is_empty() && follow) {
                return None;
            }
            let target = stat.target.as_deref()?;
            let parent = at.rsplit_once('/').map_or("", |split| split.0);
            let base = if target.starts_with('/') {
                target.to_string()
            } else {
                format!("{parent}/{target}")
            };
            Some(normal(&format!("{base}{rest}")))
        })
    }

    fn node(&self, path: &str) -> Option<Node> {
        if let Some(node) = self.paths.get(path) {
            return Some(node.clone());
        }
        let mut above = path;
        while let Some((parent, _)) = above.rsplit_once('/') {
            match self.paths.get(parent) {
                Some(Node::Absent | Node::Folder { fresh: true, .. } | Node::File { .. }) => {
                    return Some(Node::Absent);
                }
                Some(Node::Unknown(origin)) => return Some(Node::Unknown(origin.clone())),
                Some(_) => return None,
                None => above = parent,
            }
        }
        None
    }

    fn describe(&self, path: &str, node: Node, question: &Question) -> Answer {
        match (question, node) {
            (_, Node::Unknown(origin)) => Answer::Unknown(origin),
            (Question::Stat { .. }, Node::Absent) => Answer::Stat(None),
            (
                Question::Stat { .. },
                Node::Folder { stat, .. } | Node::File { stat, .. } | Node::Link { stat },
            ) => Answer::Stat(Some(*stat)),
            (
                Question::Digest { .. },
                Node::File {
                    content: Some(Content::Unknown(origin)),
                    ..
                },
            )
            | (
                Question::Content { .. },
                Node::File {
                    content: Some(Content::Unknown(origin)),
                    ..
                },
            ) => Answer::Unknown(origin),
            (
                Question::Digest { .. },
                Node::File {
                    content: Some(content),
                    ..
                },
            ) => Answer::Digest(content.digest()),
            (
                Question::Content { limit, .. },
                Node::File {
                    content: Some(content),
                    ..
                },
            ) => Answer::Content(read(&content, *limit)),
            (Question::Digest { .. }, _) => Answer::Digest(None),
            (Question::Content { .. }, _) => Answer::Content(None),
            (_, Node::Folder { fresh: true, .. }) => {
                let prefix = format!("{path}/");
                let there = self
                    .paths
                    .iter()
                    .filter(|(_, node)| !matches!(node, Node::Absent));
                let names = there.filter_map(|(path, _)| path.strip_prefix(&prefix));
                Answer::Names(Some(
                    names
                        .filter(|name| !name.contains('/'))
                        .map(str::to_string)
                        .collect(),
                ))
            }
            (_, Node::Folder { .. }) => Answer::Unknown(Arc::new(Unknown {
                origin: format!("what is done in {path}"),
            })),
            _ => Answer::Names(None),
        }
    }

    pub(super) fn set(&mut self, question: Question, answer: Answer) {
        self.answers.insert(question, answer);
    }

    pub(super) fn forget(&mut self, resource: &Resource, origin: &Arc<Unknown>) {
        self.answers
            .retain(|question, _| !question.about().iter().any(|about| resource.touches(about)));
        match resource {
            Resource::Path(path) => self.unknown(path, origin),
            resource => self.forgotten.push((resource.clone(), origin.clone())),
        }
    }

    pub(super) fn unknown(&mut self, path: &str, origin: &Arc<Unknown>) {
        self.paths.insert(normal(path), Node::Unknown(origin.clone()));
    }

    pub(super) fn remove(&mut self, path: &str) {
        let path = normal(path);
        self.paths.retain(|at, _| !lies_in(at, &path));
        self.paths.insert(path, Node::Absent);
    }

    /// Applies an action on files; `known` tells what was there before.
    pub(super) fn apply(&mut self, action: &Action, origin: &Arc<Unknown>, known: KnownStat<'_>) {
        let touched = action.touches();
        self.answers.retain(|question, _| {
            let about = question.about();
            matches!(question, Question::Probe { .. })
                || !touched.iter().any(|t| about.iter().any(|a| t.touches(a)))
        });
        match action {
            Action::WriteFile {
                path,
                content,
                attributes,
                ..
            } => match content {
                Content::Made(_) => self.write(path, &Content::Unknown(origin.clone()), attributes, known),
                content => self.write(path, content, attributes, known),
            },
            Action::MakeFolder { path, attributes } => self.folder(path, attributes, known),
            Action::SetAttributes {
                path,
                attributes,
                follow,
                recursive,
            } => {
                self.attributes(path, attributes, *follow, known, origin);
                if *recursive {
                    let below: Vec<String> = self
                        .paths
                        .keys()
                        .filter(|at| lies_in(at, path))
                        .cloned()
                        .collect();
                    for path in below {
                        self.attributes(&path, attributes, false, known, origin);
                    }
                }
            }
            Action::Link {
                path,
                target,
                symbolic: true,
            } => {
                let mut stat = blank(FileKind::Link, 0o777, target.len() as u64);
                stat.target = Some(target.clone());
                self.paths
                    .insert(normal(path), Node::Link { stat: Box::new(stat) });
            }
            Action::Link { path, target, .. } => match self.node(&normal(target)) {
                Some(node) => drop(self.paths.insert(normal(path), node)),
                None => self.unknown(path, origin),
            },
            Action::Remove { path } => self.remove(path),
            Action::Run(_) | Action::Script { .. } | Action::Fetch { .. } | Action::ChangeRecord(_) => {}
        }
    }

    fn write(&mut self, path: &str, content: &Content, attributes: &Attributes, known: KnownStat<'_>) {
        let mut path = normal(path);
        while let Some(next) = self.link_in(&path, true) {
            path = next;
        }
        let before = known(&path).flatten();
        let mut stat = before.unwrap_or_else(|| blank(FileKind::File, 0o644, 0));
        stat.kind = FileKind::File;
        stat.size = content.length().unwrap_or(stat.size);
        set(&mut stat, attributes);
        self.paths.insert(
            path,
            Node::File {
                stat: Box::new(stat),
                content: Some(content.clone()),
            },
        );
    }

    fn folder(&mut self, path: &str, attributes: &Attributes, known: KnownStat<'_>) {
        let path = normal(path);
        let mut at = String::new();
        for part in path.split('/').filter(|part| !part.is_empty()) {
            at = format!("{at}/{part}");
            let there = match self.node(&at) {
                Some(Node::Absent) => false,
                Some(_) => true,
                None => known(&at) != Some(None),
            };
            if there && at != path {
                continue;
            }
            let fresh = !there || matches!(self.paths.get(&at), Some(Node::Folder { fresh: true, .. }));
            let mut stat = known(&at)
                .flatten()
                .unwrap_or_else(|| blank(FileKind::Folder, 0o755, 4096));
            set(&mut stat, attributes);
            self.paths.insert(
                at.clone(),
                Node::Folder {
                    stat: Box::new(stat),
                    fresh,
                },
            );
        }
    }

    fn attributes(
        &mut self,
        path: &str,
        attributes: &Attributes,
        follow: bool,
        known: KnownStat<'_>,
        origin: &Arc<Unknown>,
    ) {
        let mut path = normal(path);
        while let Some(next) = self.link_in(&path, follow) {
            path = next;
        }
        match self.paths.get_mut(&path) {
            Some(Node::Folder { stat, .. } | Node::File { stat, .. } | Node::Link { stat }) => {
                set(stat, attributes)
            }
            Some(_) => {}
            None => match known(&path).flatten() {
                Some(mut stat) => {
                    set(&mut stat, attributes);
                    self.keep(path, stat);
                }
                None => self.unknown(&path, origin),
            },
        }
    }

    /// Only the attributes change: the content stays the host's.
    fn keep(&mut self, path: String, stat: Stat) {
        for follow in [false, true] {
            self.set(
                Question::Stat {
                    path: path.clone(),
                    follow,
                },
                Answer::Stat(Some(stat.clone())),
            );
        }
    }
}

/// A path without doubled or trailing slashes, `.` and `..`.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = vec![];
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

fn with_path(question: &Question, path: &str) -> Question {
    let path = path.to_string();
    match question {
        Question::Stat { path: old, follow } if normal(old) != path => Question::Stat {
            path,
            follow: *follow,
        },
        Question::Digest { path: old } if normal(old) != path => Question::Digest { path },
        Question::Content { path: old, limit } if normal(old) != path => {
            Question::Content { path, limit: *limit }
        }
        Question::Names { path: old } if normal(old) != path => Question::Names { path },
        other => other.clone(),
    }
}

fn blank(kind: FileKind, mode: u32, size: u64) -> Stat {
    let owner = || "root".to_string();
    Stat {
        kind,
        mode,
        uid: 0,
        gid: 0,
        owner: owner(),
        group: owner(),
        size,
        accessed: 0,
        modified: 0,
        changed: 0,
        links: 1,
        inode: 0,
        device: 0,
        target: None,
    }
}

fn set(stat: &mut Stat, attributes: &Attributes) {
    if let Some(mode) = attributes.mode {
        stat.mode = mode;
    }
    if let Some(owner) = &attributes.owner {
        stat.uid = owner
            .parse()
            .unwrap_or(if *owner == stat.owner { stat.uid } else { u32::MAX });
        stat.owner.clone_from(owner);
    }
    if let Some(group) = &attributes.group {
        stat.gid = group
            .parse()
            .unwrap_or(if *group == stat.group { stat.gid } else { u32::MAX });
        stat.group.clone_from(group);
    }
}

fn read(content: &Content, limit: u64) -> Option<Arc<[u8]>> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    match content {
        Content::Bytes(bytes) => Some(Arc::from(&bytes[..bytes.len().min(limit)])),
        Content::LocalFile { path, .. } => {
            let mut bytes = std::fs::read(path).ok()?;
            bytes.truncate(limit);
            Some(bytes.into())
        }
        Content::Made(_) | Content::Unknown(_) => None,
    }
}
