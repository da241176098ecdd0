//! A run and one of its plays, as the tasks of the play see them.

use super::play::PlayState;
use super::run::RunState;
use std::sync::Arc;

/// A run and one of its plays; clones are the same.
#[derive(Clone)]
pub struct Context {
    /// The run.
    pub run: Arc<RunState>,
    /// The play.
    pub play: Arc<PlayState>,
}
