//! What is known of one host in one run: answers that were fetched, and in check mode the effects of
//! what would have been done.

use super::overlay::{Overlay, OverlayAnswer};
use super::{Action, Answer, DnsAnswer, Effect, Question};
use crate::value::Unknown;
use std::collections::HashMap;
use std::sync::Arc;

/// What is known of a host. Cheap to clone for looking ahead.
#[derive(Clone, Debug, Default)]
pub struct State {
    answers: HashMap<(Arc<str>, Question), Answer>,
    overlay: Overlay,
    opaque: Option<Arc<Unknown>>,
}

impl State {
    /// The answer for a user of the host, if it is known.
    pub fn answer(&self, user: &Arc<str>, question: &Question) -> Option<Answer> {
        match self.overlay.answer(question) {
            OverlayAnswer::Answer(answer) => Some(answer),
            OverlayAnswer::Elsewhere(question) => self.fetched(user, &question),
            OverlayAnswer::Nothing => self.fetched(user, question),
        }
    }

    /// What check mode would have made the answer, if what was planned touches it.
    pub fn planned(&self, user: &Arc<str>, question: &Question) -> Option<Answer> {
        match self.overlay.answer(question) {
            OverlayAnswer::Answer(answer) => Some(answer),
            OverlayAnswer::Elsewhere(question) => self.fetched(user, &question),
            OverlayAnswer::Nothing => None,
        }
    }

    /// The question that must be put to the host to answer `question`: a link made in check mode points elsewhere.
    pub fn wanted(&self, question: &Question) -> Question {
        match self.overlay.answer(question) {
            OverlayAnswer::Elsewhere(question) => question,
            _ => question.clone(),
        }
    }

    fn fetched(&self, user: &Arc<str>, question: &Question) -> Option<Answer> {
        self.answers.get(&(user.clone(), question.clone())).cloned()
    }

    /// How many answers of the host are kept.
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// True if nothing was answered yet.
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// Keeps an answer of the host.
    pub fn learn(&mut self, user: &Arc<str>, question: Question, answer: Answer) {
        self.answers.insert((user.clone(), question), answer);
    }

    /// After an action was really performed: what it touched must be asked again. A user's command may have
    /// touched anything.
    pub fn performed(&mut self, action: &Action) {
        if action.is_opaque() {
            self.answers.clear();
            return;
        }
        let touched = action.touches();
        self.answers.retain(|(_, question), _| {
            let about = question.about();
            !touched
                .iter()
                .any(|touched| about.iter().any(|about| touched.touches(about)))
        });
    }

    /// In check mode: applies what the action would do to what is answered later. `origin` says which task.
    pub fn apply(&mut self, action: &Action, origin: &Arc<Unknown>) {
        match action {
            Action::Run(command) if !command.reads_only => {
                self.opaque.get_or_insert_with(|| origin.clone());
                for path in &command.removes {
                    self.overlay.remove(path);
                }
                for path in &command.creates {
                    self.overlay.unknown(path, origin);
                }
            }
            Action::Run(_) | Action::Fetch { .. } => {}
            Action::Script { effects, .. } => {
                for effect in effects {
                    self.apply_effect(effect, origin);
                }
            }
            Action::ChangeRecord(change) => {
                let question = Question::Record(Box::new(change.question.clone()));
                let answer = DnsAnswer {
                    zone_id: Some(change.zone_id.clone()),
                    record: change.after.clone(),
                    servers: vec![],
                };
                self.overlay.set(question, Answer::Record(Box::new(answer)));
            }
            action => {
                let mut overlay = std::mem::take(&mut self.overlay);
                let before = overlay.clone();
                overlay.apply(action, origin, &|path| match before.answer(&stat(path)) {
                    OverlayAnswer::Answer(Answer::Stat(stat)) => Some(stat),
                    _ => self.known_stat(path),
                });
                self.overlay = overlay;
            }
        }
    }

    fn apply_effect(&mut self, effect: &Effect, origin: &Arc<Unknown>) {
        match effect {
            Effect::Answers(question, answer) => self.overlay.set(question.clone(), answer.clone()),
            Effect::Forgets(resource) => self.overlay.forget(resource, origin),
        }
    }

    /// What any user was told about a path.
    fn known_stat(&self, path: &str) -> Option<Option<super::Stat>> {
        let wanted = stat(path);
        self.answers
            .iter()
            .find_map(|((_, question), answer)| match answer {
                Answer::Stat(stat) if *question == wanted => Some(stat.clone()),
                _ => None,
            })
    }

    /// The first command of the user's that was not run in check mode: a later failure on this host may be
    /// its doing.
    pub fn opaque(&self) -> Option<&Arc<Unknown>> {
        self.opaque.as_ref()
    }

    /// What check mode has planned that a program on the host would have to see and cannot; `None` if nothing was planned.
    pub fn pending(&self) -> Option<String> {
        match &self.opaque {
            Some(origin) => Some(origin.origin.clone()),
            None => self.overlay.pending(),
        }
    }
}

fn stat(path: &str) -> Question {
    Question::Stat {
        path: path.to_string(),
        follow: false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Attributes, Command, FileKind, Resource};
    use super::*;
    use crate::content::Content;

    fn root() -> Arc<str> {
        "root".into()
    }

    fn origin() -> Arc<Unknown> {
        Arc::new(Unknown {
            origin: "the task".into(),
        })
    }

    fn write(path: &str, text: &str) -> Action {
        Action::WriteFile {
            path: path.into(),
            content: Content::bytes(text),
            attributes: Attributes {
                mode: Some(0o600),
                ..Attributes::default()
            },
            validate: None,
            backup: false,
            unsafe_writes: false,
        }
    }

    #[test]
    fn a_file_that_would_be_written_is_there_afterwards() {
        let mut state = State::default();
        state.apply(&write("/etc/a", "x"), &origin());
        match state.answer(&root(), &stat("/etc/a")) {
            Some(Answer::Stat(Some(stat))) => {
                assert_eq!((stat.kind, stat.mode, stat.size), (FileKind::File, 0o600, 1))
            }
            other => panic!("{other:?}"),
        }
        let content = Question::Content {
            path: "/etc/a".into(),
            limit: 10,
        };
        assert_eq!(
            state.answer(&root(), &content),
            Some(Answer::Content(Some(Arc::from(&b"x"[..]))))
        );
    }

    #[test]
    fn what_would_be_made_is_there_but_cannot_be_read() {
        let mut state = State::default();
        let mut action = write("/key", "");
        if let Action::WriteFile { content, .. } = &mut action {
            *content = Content::made("a key", || Ok(vec![1]));
        }
        state.apply(&action, &origin());
        assert!(matches!(
            state.answer(&root(), &stat("/key")),
            Some(Answer::Stat(Some(_)))
        ));
        let digest = Question::Digest { path: "/key".into() };
        assert_eq!(state.answer(&root(), &digest), Some(Answer::Unknown(origin())));
    }

    #[test]
    fn a_new_folder_is_empty_and_a_removed_one_is_gone() {
        let mut state = State::default();
        state.learn(&root(), stat("/srv/new"), Answer::Stat(None));
        state.apply(
            &Action::MakeFolder {
                path: "/srv/new".into(),
                attributes: Attributes::default(),
            },
            &origin(),
        );
        assert_eq!(
            state.answer(&root(), &stat("/srv/new/file")),
            Some(Answer::Stat(None))
        );
        state.apply(&Action::Remove { path: "/srv".into() }, &origin());
        assert_eq!(state.answer(&root(), &stat("/srv/new")), Some(Answer::Stat(None)));
        assert_eq!(state.answer(&root(), &stat("/other")), None);
    }

    #[test]
    fn a_link_that_would_be_made_is_followed() {
        let mut state = State::default();
        state.apply(
            &Action::Link {
                path: "/a".into(),
                target: "/b".into(),
                symbolic: true,
            },
            &origin(),
        );
        let follow = Question::Stat {
            path: "/a".into(),
            follow: true,
        };
        assert_eq!(
            state.wanted(&follow),
            Question::Stat {
                path: "/b".into(),
                follow: true
            }
        );
        state.apply(&write("/b", "text"), &origin());
        let digest = Question::Digest { path: "/a".into() };
        assert_eq!(
            state.answer(&root(), &digest),
            Some(Answer::Digest(Content::bytes("text").digest()))
        );
    }

    #[test]
    fn a_command_touches_what_it_creates_and_may_explain_later_failures() {
        let mut state = State::default();
        let command = Command {
            creates: vec!["/made".into()],
            ..Command::default()
        };
        state.apply(&Action::Run(command), &origin());
        assert!(matches!(
            state.answer(&root(), &stat("/made")),
            Some(Answer::Unknown(_))
        ));
        assert_eq!(state.answer(&root(), &stat("/other")), None);
        assert!(state.opaque().is_some());
    }

    #[test]
    fn what_was_really_done_is_asked_again() {
        let mut state = State::default();
        state.learn(&root(), stat("/etc/a"), Answer::Stat(None));
        state.learn(&root(), stat("/var/a"), Answer::Stat(None));
        state.performed(&write("/etc/a", "x"));
        assert_eq!(state.answer(&root(), &stat("/etc/a")), None);
        assert!(state.answer(&root(), &stat("/var/a")).is_some());
        state.performed(&Action::Run(Command::default()));
        assert_eq!(state.answer(&root(), &stat("/var/a")), None);
    }

    #[test]
    fn scripts_tell_their_effects() {
        let mut state = State::default();
        let package = Question::Package { name: "jq".into() };
        let action = Action::Script {
            script: "apt-get install jq".into(),
            explain: String::new(),
            effects: vec![
                Effect::Answers(package.clone(), Answer::Package(Some(Default::default()))),
                Effect::Forgets(Resource::Other("hostname".into())),
            ],
        };
        state.apply(&action, &origin());
        assert_eq!(
            state.answer(&root(), &package),
            Some(Answer::Package(Some(Default::default())))
        );
        let probe = Question::Probe {
            script: "hostname".into(),
            about: vec![Resource::Other("hostname".into())],
        };
        assert!(matches!(state.answer(&root(), &probe), Some(Answer::Unknown(_))));
    }
}
