//! Looking ahead from within an attempt: what is asked along for the coming tasks, and what such answers are good for.

use super::perform::Broken;
use super::{Attempt, Done};
use crate::engine::state::ahead::{Ahead, Moves};
use crate::host::{Question, State};
use std::time::Instant;

/// Tells what the coming tasks would ask, given what is known and at how many to look.
type Coming<'a> = &'a (dyn Fn(&State, usize) -> Vec<Question> + Sync);

/// What an attempt needs to look ahead.
pub struct Looking<'a> {
    /// What was looked up on the host.
    pub ahead: &'a Ahead,
    /// What the run does.
    pub moves: &'a Moves,
    /// The task may be tried again and again, so that each try asks all of it anew.
    pub repeated: bool,
    /// The questions of the coming tasks.
    pub coming: Coming<'a>,
}

/// What one attempt may use of earlier answers, and leave to later ones.
pub struct Glance {
    /// When the attempt began; `None` if it neither uses answers of others nor leaves any to them.
    moment: Option<u64>,
    /// Since when the oldest answer is known.
    since: Instant,
    /// Answers of earlier attempts are among those it uses.
    borrowed: bool,
}

impl Glance {
    pub fn is_borrowed(&self) -> bool {
        self.borrowed
    }
}

impl Attempt<'_> {
    /// Begins with what was looked up ahead. A check knows it already, for it forgets nothing. A near host is asked
    /// anew by every task.
    pub fn begin(&self) -> Glance {
        let looks = self.shell.is_some() && self.looking.ahead.is_far() && !self.looking.repeated;
        let moment = self.looking.moves.moment().filter(|_| looks);
        let mut glance = Glance {
            moment,
            since: Instant::now(),
            borrowed: false,
        };
        let seen = moment
            .zip(self.shell.as_ref())
            .and_then(|(moment, shell)| self.looking.ahead.seen(shell, moment));
        if let Some((state, since)) = seen.filter(|_| !self.check) {
            self.known.replace(state);
            glance.since = since;
            glance.borrowed = true;
        }
        glance
    }

    /// Forgets what was looked up ahead: to change something, or to fail, takes answers of its own.
    pub fn begin_anew(&self, glance: &mut Glance) {
        self.known.change(|state| *state = State::default());
        *glance = Glance {
            moment: None,
            since: Instant::now(),
            borrowed: false,
        };
    }

    /// Asks what is open, and along with it what the coming tasks would ask.
    pub async fn ask(&self, open: Vec<Question>, glance: &mut Glance) -> Result<(), Broken> {
        // A service answers by the keys of the task's own environment, which other tasks may not have.
        if open
            .iter()
            .any(|question| matches!(question, Question::Record(_)))
        {
            glance.moment = None;
            return self.ask_only(open).await;
        }
        let more = self.asked_along(&open, glance);
        let started = Instant::now();
        let asked = if more.is_empty() {
            self.ask_only(open).await
        } else {
            match self.ask_only(open.iter().cloned().chain(more).collect()).await {
                // What the coming tasks ask must not make this one fail.
                Err(Broken::Action(_)) => self.ask_only(open).await,
                asked => asked,
            }
        };
        self.looking.ahead.trip(started.elapsed());
        asked
    }

    /// What the coming tasks would ask beside what is open.
    fn asked_along(&self, open: &[Question], glance: &Glance) -> Vec<Question> {
        let most = self.looking.ahead.reach();
        if glance.moment.is_none() || most == 0 {
            return vec![];
        }
        let mut more = (self.looking.coming)(&self.known.state(), most);
        more.retain(|question| !open.contains(question));
        more
    }

    /// Leaves what was answered to the coming tasks, if this one changed nothing.
    pub fn end(&self, glance: &Glance, done: &Done) {
        let ahead = self.looking.ahead;
        if self.check {
            ahead.ended(false);
            return;
        }
        if done.acted && !done.touched {
            // Whether a command changed something is judged later.
            return;
        }
        ahead.ended(done.touched);
        if let Some(moment) = glance.moment.filter(|_| !done.acted)
            && let Some(shell) = &self.shell
        {
            ahead.keep(shell, moment, glance.since, self.known.state());
        }
    }
}
