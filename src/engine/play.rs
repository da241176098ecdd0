//! One play: its course from batch to batch.

mod accounts;
mod block;
mod debts;
mod handlers;
pub mod hosts;
mod include;
mod list;
mod locks;
mod meta;
mod sections;
mod task;

use super::state::context::Context;
use super::state::host::Host;
use super::state::play::Out;
use super::state::run::RunState;
use super::task::TaskResult;
use crate::error::Error;
use crate::event::Kind;
use crate::model::{Play, Task};
use crate::source::Place;
use std::collections::HashSet;
use std::sync::Arc;

/// Hosts that failed in a list, with the task and the result that failed.
type Failed = Vec<(Arc<Host>, Option<(Arc<Task>, TaskResult)>)>;

/// How a play ended.
#[derive(Default)]
pub struct PlayEnd {
    /// Hosts that failed or could not be reached, and which of both.
    pub failed: Vec<(Arc<str>, Out)>,
    /// Something kept the play from running at all.
    pub broken: bool,
    /// Something in it was wrong that no host is to blame for.
    pub wrong: bool,
    /// A whole batch failed, so that the rest of the playbook is not run.
    pub over: bool,
}

/// Runs a play; `gone` are hosts that failed in an earlier play of the same playbook.
pub async fn run(run: &Arc<RunState>, node: usize, play: &Arc<Play>, gone: &HashSet<Arc<str>>) -> PlayEnd {
    let context = match hosts::prepare(run, node, play, gone) {
        Ok(Some(context)) => context,
        Ok(None) => return PlayEnd::default(),
        Err(error) => return broken(run, node, play, &error),
    };
    run.events.tell(Kind::PlayStarted {
        playbook: context.play.name.clone(),
        play: context.play.title(),
        place: play.place.short(),
        hosts: context.play.all.iter().map(ToString::to_string).collect(),
    });
    let _permits = hosts::permits(&context).await;
    let locked = locks::lock(&context).await;
    let end = batches(&context).await;
    locks::unlock(run, locked).await;
    end
}

/// Runs the play batch by batch on the hosts that it holds.
async fn batches(context: &Context) -> PlayEnd {
    let Context { run, play } = context;
    let batches = hosts::read_vars_files(context).and_then(|()| hosts::batches(context));
    let batches = match batches {
        Ok(batches) => batches,
        Err(error) => return broken(run, play.node, &play.play, &error),
    };
    let mut over = false;
    for (number, batch) in batches.into_iter().enumerate() {
        if number > 0 {
            run.events.tell(Kind::BatchStarted {
                playbook: play.name.clone(),
                play: play.title(),
                place: play.play.place.short(),
                hosts: batch.iter().map(|host| host.name.to_string()).collect(),
            });
        }
        play.begin_batch(&batch);
        let count = batch.len();
        let before = play.failures();
        sections::batch(context, batch).await;
        over = play.failures() - before == count;
        if over || play.is_ended() || run.permits.is_stopped() {
            break;
        }
    }
    // Where the last hosts fail one by one, Ansible is silent.
    if over && play.play.max_fail_percentage.is_some() {
        run.events.tell(Kind::NoHostsRemaining {
            playbook: play.name.clone(),
            play: play.title(),
        });
    }
    let mut failed = play.all_out();
    failed.retain(|(_, out)| *out != Out::Ended);
    PlayEnd {
        failed,
        broken: false,
        wrong: play.is_wrong(),
        over,
    }
}

/// The end of a play that could not begin.
fn broken(run: &RunState, node: usize, play: &Play, error: &Error) -> PlayEnd {
    tell_broken(run, &run.graph.nodes[node].name, play, error);
    PlayEnd {
        broken: true,
        wrong: true,
        ..PlayEnd::default()
    }
}

/// Tells an error that no host is to blame for.
fn tell_broken(run: &RunState, playbook: &str, play: &Play, error: &Error) {
    run.events.tell(Kind::PlayBroken {
        playbook: playbook.into(),
        play: play.title().into(),
        place: error.place().map(Place::short).unwrap_or_default(),
        message: run.mask(&error.line()),
        report: run.mask(&error.to_string()),
    });
}
