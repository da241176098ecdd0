//! Where an action aims at: what was known of its path and of the folders above it when the step was planned.

use super::Attempt;
use super::perform::Broken;
use crate::host::{Action, Answer, Destination, Question, Stat, State, places};
use std::collections::HashSet;
use std::sync::Arc;

/// What the script of an action on a path has to find as it was.
#[derive(Default)]
pub struct Aim {
    /// Its folder and its name there.
    pub destination: Destination,
    /// What stands at the path; a link is followed if the action follows it.
    pub here: Option<Stat>,
}

/// The path that an action changes through one of the scripts of [`crate::host`], and whether it follows a link there.
fn path_of(action: &Action) -> Option<(&str, bool)> {
    match action {
        Action::SetAttributes {
            path,
            follow,
            recursive,
            ..
        } => Some((path, *follow || *recursive)),
        Action::WriteFile { path, .. } | Action::MakeFolder { path, .. } => Some((path, true)),
        Action::Link { path, .. } | Action::Remove { path } => Some((path, false)),
        Action::Run(_) | Action::Script { .. } | Action::Fetch { .. } | Action::ChangeRecord(_) => None,
    }
}

/// What the earlier actions of a step may have changed.
#[derive(Default)]
pub struct Earlier {
    paths: HashSet<String>,
    anything: bool,
}

impl Earlier {
    /// True if what the action aims at may be something else by now. Notes what the action itself changes.
    pub fn moved(&mut self, action: &Action) -> bool {
        match path_of(action) {
            Some((path, _)) => !self.paths.insert(path.to_string()) || self.anything,
            None => {
                self.anything |= matches!(action, Action::Script { .. } | Action::Run(_));
                false
            }
        }
    }
}

impl Attempt<'_> {
    /// Where each of the actions of a step aims at, by what is known before the first of them is done; what is not known
    /// yet is asked.
    pub(super) async fn aims(&self, actions: &[Action]) -> Result<Vec<Aim>, Broken> {
        if self.check {
            return Ok(actions.iter().map(|_| Aim::default()).collect());
        }
        let state = self.known.state();
        let mut open: HashSet<Question> = HashSet::new();
        for (path, _) in actions.iter().filter_map(path_of) {
            let unknown = |question: &Question| state.answer(&self.user, question).is_none();
            open.extend(places(path).into_iter().filter(unknown));
        }
        if !open.is_empty() {
            self.ask_only(open.into_iter().collect()).await?;
        }
        let state = self.known.state();
        Ok(actions
            .iter()
            .map(|action| aim(action, &state, &self.user))
            .collect())
    }
}

fn aim(action: &Action, state: &State, user: &Arc<str>) -> Aim {
    let Some((path, follow)) = path_of(action) else {
        return Aim::default();
    };
    let stat = |path: &str, follow| {
        let path = path.to_string();
        match state.answer(user, &Question::Stat { path, follow }) {
            Some(Answer::Stat(stat)) => Some(stat),
            _ => None,
        }
    };
    Aim {
        destination: Destination::new(path, &stat),
        here: stat(path, follow).flatten(),
    }
}
