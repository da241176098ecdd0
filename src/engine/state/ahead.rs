//! Looking ahead: a distant host is asked what the coming tasks will want to know together with what the current one
//! wants, so that many tasks share one trip.
//!
//! What was looked up ahead may only leave a host as it is. A task that would change something because of it, or fail,
//! asks anew first. And it holds only until this run does something, on whatever host: two names of an inventory
//! may be one machine.

use crate::connection::Shell;
use crate::host::{Action, State};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// A host that answers sooner is near: looking ahead would cost more than it saves.
const NEAR: Duration = Duration::from_millis(8);
/// What was looked up earlier is old.
const FRESH: Duration = Duration::from_secs(5);
/// The most tasks that are looked at.
const MOST_TASKS: usize = 64;
/// The most answers that are kept; a run needs few, since each task's questions are few.
const MOST_ANSWERS: usize = 2000;

/// What this run does to hosts, as far as looking ahead has to know it.
#[derive(Default)]
pub struct Moves {
    moves: AtomicU64,
    /// A command goes on by itself and may do anything at any time.
    restless: AtomicBool,
}

impl Moves {
    /// An action is about to be performed, or was just performed. Whatever it is: also one that only waits, since
    /// somebody expects that something happens meanwhile.
    pub fn doing(&self, action: &Action) {
        if matches!(action, Action::Run(command) if command.background.is_some()) {
            self.restless.store(true, Ordering::SeqCst);
        }
        self.moved();
    }

    /// Something happened, or time went by.
    pub fn moved(&self) {
        self.moves.fetch_add(1, Ordering::SeqCst);
    }

    /// The present moment; `None` if what is seen now cannot be relied on.
    pub fn moment(&self) -> Option<u64> {
        (!self.restless.load(Ordering::SeqCst)).then(|| self.moves.load(Ordering::SeqCst))
    }
}

/// What was looked up ahead on one host.
#[derive(Default)]
pub struct Ahead(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// The shortest trip so far.
    trip: Option<Duration>,
    /// How many tasks in a row changed nothing.
    quiet: u32,
    seen: Option<Seen>,
}

/// Answers, and when and through which shell they were given.
struct Seen {
    shell: Weak<Shell>,
    moment: u64,
    at: Instant,
    state: Arc<State>,
}

impl Ahead {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how long a trip took.
    pub fn trip(&self, took: Duration) {
        let mut kept = self.kept();
        kept.trip = Some(kept.trip.map_or(took, |known| known.min(took)));
    }

    /// Notes whether a task changed something. Where one did, the next probably will: looking ahead begins small again.
    pub fn ended(&self, changed: bool) {
        let mut kept = self.kept();
        kept.quiet = if changed { 0 } else { kept.quiet.saturating_add(1) };
    }

    /// True if trips to the host are known to take so long that answers are worth keeping.
    pub fn is_far(&self) -> bool {
        self.kept().trip.is_some_and(|trip| trip >= NEAR)
    }

    /// At how many coming tasks of a distant host to look.
    pub fn reach(&self) -> usize {
        match self.kept().quiet {
            0 => 0,
            quiet => MOST_TASKS.min(4 << quiet.min(4)),
        }
    }

    /// What was looked up ahead through this shell and still holds.
    pub fn seen(&self, shell: &Arc<Shell>, moment: u64) -> Option<(Arc<State>, Instant)> {
        let mut kept = self.kept();
        let holds = |seen: &Seen| {
            seen.moment == moment && seen.at.elapsed() < FRESH && seen.shell.as_ptr() == Arc::as_ptr(shell)
        };
        if !kept.seen.as_ref().is_some_and(holds) {
            kept.seen = None;
        }
        kept.seen.as_ref().map(|seen| (seen.state.clone(), seen.at))
    }

    /// Keeps what was answered through a shell; `at`: since when the oldest of it is known.
    pub fn keep(&self, shell: &Arc<Shell>, moment: u64, at: Instant, state: Arc<State>) {
        self.kept().seen = (state.len() <= MOST_ANSWERS).then(|| Seen {
            shell: Arc::downgrade(shell),
            moment,
            at,
            state,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Command;

    #[test]
    fn only_a_distant_host_that_changes_nothing_is_looked_at_ahead() {
        let ahead = Ahead::default();
        ahead.ended(false);
        assert!(!ahead.is_far(), "how far it is away is not known yet");
        ahead.trip(Duration::from_millis(40));
        assert!(ahead.is_far());
        assert_eq!(ahead.reach(), 8);
        ahead.ended(false);
        assert_eq!(ahead.reach(), 16);
        ahead.ended(true);
        assert_eq!(ahead.reach(), 0);
        (0..100).for_each(|_| ahead.ended(false));
        assert_eq!(ahead.reach(), MOST_TASKS);
        ahead.trip(Duration::from_millis(1));
        assert!(!ahead.is_far(), "it is near after all");
    }

    #[test]
    fn the_world_stands_still_until_something_is_done() {
        let world = Moves::default();
        let before = world.moment();
        assert_eq!(world.moment(), before);
        let mut command = Command {
            reads_only: true,
            ..Command::default()
        };
        world.doing(&Action::Run(command.clone()));
        assert_ne!(world.moment(), before, "a command may do more than it says");
        command.background = Some("job".into());
        world.doing(&Action::Run(command));
        assert_eq!(world.moment(), None);
    }
}
