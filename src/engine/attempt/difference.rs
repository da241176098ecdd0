//! What an action changes, as a diff.

use super::Attempt;
use super::perform::Broken;
use crate::content::{Content, byte_text, unified};
use crate::event::Diff;
use crate::host::{Action, Answer, Attributes, FileKind, Question, mode_text};

/// Contents up to this size are shown in a diff.
const SHOWN: u64 = 1 << 20;

impl Attempt<'_> {
    /// What an action changes; `None` for a command of the user.
    pub async fn difference(&self, action: &Action) -> Result<Option<Diff>, Broken> {
        let sentence = |path: &str, text: String| {
            Some(Diff {
                path: path.to_string(),
                text,
            })
        };
        Ok(match action {
            Action::WriteFile {
                path,
                content,
                attributes,
                ..
            } => Some(self.written(path, content, attributes).await?),
            Action::MakeFolder { path, .. } => sentence(path, format!("+ folder {path}\n")),
            Action::Remove { path } => {
                let what = match self.stat(path, false).await? {
                    Some(Answer::Stat(Some(stat))) if stat.kind == FileKind::Folder => "folder",
                    _ => "file",
                };
                sentence(path, format!("- {what} {path}\n"))
            }
            Action::Link { path, target, .. } => sentence(path, format!("+ link {path} -> {target}\n")),
            Action::SetAttributes { path, attributes, .. } => {
                let before = self.stat(path, true).await?;
                sentence(path, attribute_diff(attributes, before))
            }
            Action::Script { explain, .. } => sentence("", format!("$ {explain}\n")),
            Action::ChangeRecord(change) => sentence(&change.question.name, change.difference()),
            Action::Run(_) | Action::Fetch { .. } => None,
        })
    }

    async fn written(&self, path: &str, content: &Content, attributes: &Attributes) -> Result<Diff, Broken> {
        let (size, mode) = match self.stat(path, true).await? {
            Some(Answer::Stat(Some(stat))) => (Some(stat.size), Some(stat.mode)),
            _ => (None, None),
        };
        let hidden = self.shuts_others_out(attributes.mode.or(mode));
        let before = match size {
            Some(size) if size <= SHOWN && !hidden => {
                let question = Question::Content {
                    path: path.to_string(),
                    limit: SHOWN,
                };
                match self.known(question).await? {
                    Some(Answer::Content(content)) => content,
                    _ => None,
                }
            }
            _ => None,
        };
        let known = size.is_none() || before.is_some();
        Ok(Diff {
            path: path.to_string(),
            text: content_diff(path, before.as_deref(), content, hidden, known),
        })
    }

    /// True if what is written with this mode is not to be shown: it shuts out all but the owner, and the task does not say `diff`.
    fn shuts_others_out(&self, mode: Option<u32>) -> bool {
        !self.shows_private && mode.is_some_and(|mode| mode & 0o077 == 0)
    }

    /// True if what the action writes is not to be shown.
    pub async fn is_private(&self, action: &Action) -> Result<bool, Broken> {
        let Action::WriteFile { path, attributes, .. } = action else {
            return Ok(false);
        };
        let mode = match attributes.mode {
            Some(mode) => Some(mode),
            None => match self.stat(path, true).await? {
                Some(Answer::Stat(stat)) => stat.map(|stat| stat.mode),
                _ => None,
            },
        };
        Ok(self.shuts_others_out(mode))
    }

    async fn stat(&self, path: &str, follow: bool) -> Result<Option<Answer>, Broken> {
        let path = path.to_string();
        self.known(Question::Stat { path, follow }).await
    }

    /// An answer, asked for if it is not known yet.
    pub(super) async fn known(&self, question: Question) -> Result<Option<Answer>, Broken> {
        let state = self.known.state();
        if let Some(answer) = state.answer(&self.user, &question) {
            return Ok(Some(answer));
        }
        self.ask_only(vec![state.wanted(&question)]).await?;
        Ok(self.known.state().answer(&self.user, &question))
    }
}

fn attribute_diff(wanted: &Attributes, before: Option<Answer>) -> String {
    let Some(Answer::Stat(Some(before))) = before else {
        return String::new();
    };
    let mut text = String::new();
    let mut line = |name: &str, old: String, new: String| {
        if old != new {
            text.push_str(&format!("-{name}: {old}\n+{name}: {new}\n"));
        }
    };
    if let Some(mode) = wanted.mode {
        line("mode", mode_text(before.mode), mode_text(mode));
    }
    if let Some(owner) = &wanted.owner {
        line("owner", before.owner, owner.clone());
    }
    if let Some(group) = &wanted.group {
        line("group", before.group, group.clone());
    }
    text
}

fn content_diff(path: &str, before: Option<&[u8]>, content: &Content, hidden: bool, known: bool) -> String {
    let after: Option<Vec<u8>> = match content {
        Content::Bytes(bytes) => Some(bytes.to_vec()),
        Content::LocalFile { path, length, .. } if *length <= SHOWN => std::fs::read(path).ok(),
        _ => None,
    };
    let text = |bytes: &[u8]| (!bytes.contains(&0)).then(|| byte_text::text_of(bytes));
    let texts = (text(before.unwrap_or_default()), after.as_deref().and_then(text));
    match texts {
        (Some(before), Some(after)) if !hidden && known => {
            let lines = unified(
                &before,
                &after,
                (&format!("{path} (before)"), &format!("{path} (after)")),
            );
            byte_text::shown(&lines).into_owned()
        }
        _ => {
            let lines =
                after.map(|after| format!("{} lines, ", after.split(|byte| *byte == b'\n').count() - 1));
            let digest = content.digest().map_or("content not known yet".into(), |digest| {
                format!("sha256 {digest}")
            });
            format!("~ {path}: changed, {}{digest}\n", lines.unwrap_or_default())
        }
    }
}
