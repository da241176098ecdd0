//! One play: what it is while it runs, and its course from batch to batch.

mod hosts;
mod meta;
mod sections;
mod way;

pub(super) use sections::usual_task;
pub(super) use way::Way;

use super::handlers::Handlers;
use super::host::Host;
use super::items::Failed;
use super::locks;
use super::run::Run;
use crate::error::Error;
use crate::event::Kind;
use crate::model::Play;
use crate::vars::Layer;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A play while it runs.
pub(super) struct Context {
    pub(super) run: Arc<Run>,
    /// Number of its playbook in the graph.
    pub(super) node: usize,
    /// Name of its playbook.
    pub(super) name: String,
    /// Folder of its playbook.
    pub(super) folder: PathBuf,
    /// The same as it was written, so that roles and files have one name however they are brought.
    pub(super) written: PathBuf,
    pub(super) play: Arc<Play>,
    /// All hosts of the play.
    pub(super) all: Vec<Arc<str>>,
    pub(super) handlers: Handlers,
    /// `max_fail_percentage`.
    most_failed: Option<f64>,
    /// `meta: end_play`: no further batch.
    ended: AtomicBool,
    batch: Mutex<Vec<Arc<str>>>,
    out: Mutex<HashMap<Arc<str>, Out>>,
    /// Uses of roles of which a host did a task; true if it has them behind it.
    role_uses: Mutex<HashMap<(Arc<str>, Arc<str>), bool>>,
    files: Mutex<HashMap<Arc<str>, Vec<Layer>>>,
}

/// Why a host is out of a play.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Out {
    Failed,
    Unreachable,
    /// `meta: end_host` and its like.
    Ended,
}

/// How a play ended.
#[derive(Default)]
pub(super) struct PlayEnd {
    /// Hosts that failed or could not be reached.
    pub(super) failed: HashSet<Arc<str>>,
    /// Something kept the play from running at all.
    pub(super) broken: bool,
    /// A whole batch failed, so that the rest of the playbook is not run.
    pub(super) over: bool,
}

impl Context {
    fn out(&self) -> std::sync::MutexGuard<'_, HashMap<Arc<str>, Out>> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many hosts failed or could not be reached.
    fn failures(&self) -> usize {
        self.out().values().filter(|out| **out != Out::Ended).count()
    }

    /// True if the host does no more tasks of this play.
    pub(super) fn is_out(&self, host: &Host) -> bool {
        self.out().contains_key(&host.name)
    }

    /// True if the host has this use of a role behind it.
    pub(super) fn has_run_role(&self, host: &Host, role: &Arc<str>) -> bool {
        self.role_uses().get(&(host.name.clone(), role.clone())) == Some(&true)
    }

    /// The host did a task of this use of a role.
    pub(super) fn role_began(&self, host: &Host, role: &Arc<str>) {
        self.role_uses()
            .entry((host.name.clone(), role.clone()))
            .or_insert(false);
    }

    /// The host came to the end of this use of a role. As in Ansible, one of which it skipped every task did not run.
    pub(super) fn role_ended(&self, host: &Host, role: &Arc<str>) {
        if let Some(done) = self.role_uses().get_mut(&(host.name.clone(), role.clone())) {
            *done = true;
        }
    }

    fn role_uses(&self) -> MutexGuard<'_, HashMap<(Arc<str>, Arc<str>), bool>> {
        self.role_uses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_unreachable(&self, host: &Host) -> bool {
        self.out().get(&host.name) == Some(&Out::Unreachable)
    }

    /// True if handlers still run on the host: it is in the play, or it failed and handlers are forced.
    pub(super) fn runs_handlers(&self, host: &Host, forced: bool) -> bool {
        match self.out().get(&host.name) {
            None => true,
            Some(Out::Failed) => forced,
            Some(Out::Unreachable | Out::Ended) => false,
        }
    }

    /// The host failed.
    pub(super) fn failed(&self, host: &Host, unreachable: bool) {
        self.out().insert(
            host.name.clone(),
            if unreachable {
                Out::Unreachable
            } else {
                Out::Failed
            },
        );
    }

    /// The hosts are back after a rescue.
    pub(super) fn rescued(&self, failed: &Failed) {
        let mut out = self.out();
        for (host, cause) in failed {
            out.remove(&host.name);
            // Those that were only given up because of others are not counted, as in Ansible.
            if cause.is_some() {
                self.run.events.tell(Kind::Rescued {
                    host: host.name.to_string(),
                });
            }
        }
    }

    /// Brings back the hosts that failed; gives them.
    pub(super) fn resume(&self, hosts: &[Arc<Host>]) -> Vec<Arc<Host>> {
        let mut out = self.out();
        let failed = |host: &&Arc<Host>| out.get(&host.name) == Some(&Out::Failed);
        let failed: Vec<_> = hosts.iter().filter(failed).cloned().collect();
        for host in &failed {
            out.remove(&host.name);
        }
        failed
    }

    /// True if more hosts of the batch failed than `max_fail_percentage` allows. As in Ansible, hosts that
    /// cannot be reached do not count.
    pub(super) fn too_many_failed(&self) -> bool {
        let Some(most) = self.most_failed else {
            return false;
        };
        let out = self.out();
        let batch = self.batch.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = batch.iter().filter(|name| out.get(*name) == Some(&Out::Failed));
        failed.count() as f64 * 100.0 > most * batch.len() as f64
    }

    /// The host leaves the play without having failed.
    pub(super) fn end(&self, host: &Host) {
        self.out().insert(host.name.clone(), Out::Ended);
    }

    /// `ansible_play_hosts`.
    pub(super) fn alive(&self) -> Vec<Arc<str>> {
        let out = self.out();
        self.all
            .iter()
            .filter(|name| !out.contains_key(*name))
            .cloned()
            .collect()
    }

    /// `ansible_play_batch`.
    pub(super) fn batch_alive(&self) -> Vec<Arc<str>> {
        let out = self.out();
        let batch = self.batch.lock().unwrap_or_else(PoisonError::into_inner);
        batch
            .iter()
            .filter(|name| !out.contains_key(*name))
            .cloned()
            .collect()
    }

    /// The name of the play.
    pub(super) fn title(&self) -> String {
        self.play.title().to_string()
    }

    /// Variables of the play's `vars_files` for a host, the strongest first.
    pub(super) fn vars_files(&self, host: &Host) -> Vec<Layer> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.get(&host.name).cloned().unwrap_or_default()
    }
}

/// Runs a play; `gone` are hosts that failed in an earlier play of the same playbook.
pub(super) async fn run(run: &Arc<Run>, node: usize, play: &Arc<Play>, gone: &HashSet<Arc<str>>) -> PlayEnd {
    let context = match hosts::prepare(run, node, play, gone) {
        Ok(Some(context)) => context,
        Ok(None) => return PlayEnd::default(),
        Err(error) => return broken(run, node, play, &error),
    };
    run.events.tell(Kind::PlayStarted {
        playbook: context.name.clone(),
        play: context.title(),
        place: play.place.short(),
        hosts: context.all.iter().map(ToString::to_string).collect(),
    });
    let _permits = hosts::permits(&context).await;
    let locked = context.lock().await;
    let end = batches(&context).await;
    locks::unlock(run, locked).await;
    end
}

/// Runs the play batch by batch on the hosts that it holds.
async fn batches(context: &Arc<Context>) -> PlayEnd {
    let (run, node, play) = (&context.run, context.node, &context.play);
    let batches = hosts::read_vars_files(context).and_then(|()| hosts::batches(context));
    let batches = match batches {
        Ok(batches) => batches,
        Err(error) => return broken(run, node, play, &error),
    };
    let mut over = false;
    for batch in batches {
        *context.batch.lock().unwrap_or_else(PoisonError::into_inner) =
            batch.iter().map(|host| host.name.clone()).collect();
        let count = batch.len();
        let before = context.failures();
        sections::batch(context, batch).await;
        over = context.failures() - before == count;
        if over || context.ended.load(Ordering::Relaxed) || run.stop.is_cancelled() {
            break;
        }
    }
    let out = context.out();
    out.values().for_each(|out| run.count(*out));
    let failed = out
        .iter()
        .filter(|(_, out)| **out != Out::Ended)
        .map(|(name, _)| name.clone())
        .collect();
    PlayEnd {
        failed,
        broken: false,
        over,
    }
}

/// The end of a play that could not begin.
fn broken(run: &Run, node: usize, play: &Play, error: &Error) -> PlayEnd {
    run.tell_error(&run.graph.nodes[node].name, play.title(), error);
    PlayEnd {
        broken: true,
        ..PlayEnd::default()
    }
}
