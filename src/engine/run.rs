//! A whole run: the graph of playbooks, each started as soon as all it needs is done.

mod listing;

use super::play;
use super::state::play::Out;
use super::state::run::{Parts, RunState};
use crate::error::cures::did_you_mean;
use crate::error::fault::{Fault, caught};
use crate::error::{INTERRUPTED, Result, nearest};
use crate::event::{Ending, Kind};
use crate::inventory::pattern;
use crate::model::Item;
use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt};
use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

pub use listing::{ListedPlaybook, listing};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Ansible's exit code: 0, 2 (a task failed), 4 (a host unreachable), 99 (stopped).
    pub code: i32,
}

/// What went wrong in a run, for its exit code.
#[derive(Default)]
struct Trouble(Mutex<Wrongs>);

#[derive(Default)]
struct Wrongs {
    failed: bool,
    unreachable: bool,
    wrong: bool,
}

impl Trouble {
    fn wrongs(&self) -> MutexGuard<'_, Wrongs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how a play ended.
    fn note(&self, end: &play::PlayEnd) {
        let mut wrongs = self.wrongs();
        wrongs.wrong |= end.wrong;
        for (_, out) in &end.failed {
            wrongs.failed |= *out == Out::Failed;
            wrongs.unreachable |= *out == Out::Unreachable;
        }
    }

    /// Ansible's exit code.
    fn code(&self, stopped: bool) -> i32 {
        let wrongs = self.wrongs();
        match (stopped, wrongs.unreachable, wrongs.failed, wrongs.wrong) {
            (true, ..) => INTERRUPTED.into(),
            (_, true, ..) => 4,
            (_, _, true, _) => 2,
            (_, _, _, true) => 1,
            _ => 0,
        }
    }
}

/// Runs the graph to its end.
///
/// # Errors
/// A `--limit` that matches nobody, or a part of it that does, where that is an error.
pub async fn run(parts: Parts) -> Result<Finished> {
    let started = Instant::now();
    let mut limited = match &parts.settings.limit {
        Some(limit) => Some(pattern::limit(&parts.inventory, limit)?),
        None => None,
    };
    if let Some(limited) = &mut limited {
        let unmatched = std::mem::take(&mut limited.unmatched);
        limited.unmatched = parts.settings.rules.mismatch.judged(unmatched)?;
    }
    let run = Arc::new(RunState::new(parts, limited));
    let trouble = Arc::new(Trouble::default());
    let playbooks = run.graph.nodes.iter().map(|node| node.name.clone()).collect();
    run.events.tell(Kind::RunStarted {
        check: run.settings.check,
        playbooks,
    });
    tell_prompts(&run);
    if let Some(limited) = &run.limited {
        run.warn(&limited.unmatched);
    }
    nodes(&run, &trouble).await;
    if let Some(text) = not_begun(&run) {
        run.notice(None, text);
    }
    let hosts = run.hosts.all_used();
    run.permits
        .unless_ended(join_all(hosts.iter().map(|host| host.close())))
        .await;
    let (modules, plugins) = (run.bridged.counts(), run.bridged.plugin_counts());
    if !modules.is_empty() || !plugins.is_empty() {
        let tasks = modules.values().sum();
        run.events.tell(Kind::Bridged {
            tasks,
            modules,
            plugins,
        });
    }
    let hosts = run.stats.all();
    run.events.tell(Kind::Stats { hosts });
    let code = trouble.code(run.permits.is_stopped());
    run.events.tell(Kind::RunEnded {
        code,
        seconds: started.elapsed().as_secs_f64(),
    });
    Ok(Finished { code })
}

/// Tells what was asked before the run began.
fn tell_prompts(run: &RunState) {
    let plays = run.graph.nodes.iter();
    for (node, play) in plays.flat_map(|node| node.plays.iter().map(move |play| (node, play))) {
        let place = play.place.short();
        let Some(answers) = run.settings.prompted.get(&place) else {
            continue;
        };
        for prompt in &play.prompts {
            if answers.contains_key(prompt.name.as_str()) {
                run.events.tell(Kind::VarsPrompted {
                    playbook: node.name.clone(),
                    place: place.clone(),
                    variable: prompt.name.clone(),
                    question: run.mask(&prompt.question),
                    private: prompt.private,
                });
            }
        }
    }
}

/// How a node ended.
struct NodeEnd {
    ending: Ending,
    /// The hosts that failed in it or above it.
    gone: HashSet<Arc<str>>,
    /// All hosts of a batch failed, so that the rest of its playbook is not run.
    over: bool,
    /// Something that no host is to blame for ended it, so that nothing behind it is run.
    broken: bool,
}

impl NodeEnd {
    fn of(ending: Ending) -> NodeEnd {
        NodeEnd {
            ending,
            gone: HashSet::new(),
            over: false,
            broken: false,
        }
    }
}

/// Whether a node may start, by what became of those that it needs.
enum Turn {
    /// Not yet.
    Waits,
    /// One that it needs, by its number, keeps it from being run.
    Blocked(usize),
    /// It starts, without these hosts.
    Comes(HashSet<Arc<str>>),
}

fn turn(run: &RunState, at: usize, ends: &[Option<NodeEnd>]) -> Turn {
    let node = &run.graph.nodes[at];
    let mut gone = HashSet::new();
    let mut waits = false;
    for need in &node.needs {
        let Some(end) = &ends[*need] else {
            waits = true;
            continue;
        };
        let same = run.graph.nodes[*need].root == node.root;
        let goes_on = node.follows && end.ending == Ending::Failed && !end.broken && !(end.over && same);
        if end.ending != Ending::Done && !goes_on {
            return Turn::Blocked(*need);
        }
        gone.extend(end.gone.iter().cloned());
    }
    match waits {
        true => Turn::Waits,
        false => Turn::Comes(gone),
    }
}

/// Starts every playbook as soon as all it needs is done.
async fn nodes(run: &Arc<RunState>, trouble: &Arc<Trouble>) {
    let count = run.graph.nodes.len();
    let mut ends: Vec<Option<NodeEnd>> = (0..count).map(|_| None).collect();
    let mut started = vec![false; count];
    let mut running = FuturesUnordered::new();
    loop {
        for at in 0..count {
            if started[at] {
                continue;
            }
            let (cause, gone) = match turn(run, at, &ends) {
                Turn::Waits => continue,
                Turn::Blocked(need) => (Some(run.graph.nodes[need].name.clone()), HashSet::new()),
                Turn::Comes(gone) => (None, gone),
            };
            started[at] = true;
            let stopped = run.permits.is_stopped();
            if cause.is_some() || stopped {
                let ending = if stopped { Ending::Stopped } else { Ending::Blocked };
                ends[at] = Some(NodeEnd::of(ending));
                run.events.tell(Kind::PlaybookEnded {
                    playbook: run.graph.nodes[at].name.clone(),
                    ending,
                    cause,
                    seconds: 0.0,
                });
                continue;
            }
            let (run, trouble) = (run.clone(), trouble.clone());
            running.push(tokio::spawn(async move {
                let ended = caught(self::node(&run, &trouble, at, gone)).await;
                (
                    at,
                    ended.unwrap_or_else(|fault| broken(&run, &trouble, at, &fault)),
                )
            }));
        }
        match running.next().await {
            Some(Ok((at, end))) => ends[at] = Some(end),
            Some(Err(panic)) => std::panic::resume_unwind(panic.into_panic()),
            None if started.iter().all(|started| *started) => return,
            None => {}
        }
    }
}

/// A playbook that a fault ended: those that need it do not begin.
fn broken(run: &RunState, trouble: &Trouble, at: usize, fault: &Fault) -> NodeEnd {
    let playbook = run.graph.nodes[at].name.clone();
    let error = fault.error(&format!("the playbook `{playbook}`"));
    run.notice(None, error.to_string());
    trouble.wrongs().wrong = true;
    run.events.tell(Kind::PlaybookEnded {
        playbook,
        ending: Ending::Failed,
        cause: None,
        seconds: 0.0,
    });
    NodeEnd {
        broken: true,
        ..NodeEnd::of(Ending::Failed)
    }
}

async fn node(run: &Arc<RunState>, trouble: &Trouble, at: usize, mut gone: HashSet<Arc<str>>) -> NodeEnd {
    let started = Instant::now();
    let node = &run.graph.nodes[at];
    run.events.tell(Kind::PlaybookStarted {
        playbook: node.name.clone(),
    });
    let before = gone.len();
    let mut end = NodeEnd::of(Ending::Done);
    for play in &node.plays {
        if run.permits.is_stopped() {
            end.ending = Ending::Stopped;
            break;
        }
        let played = play::run(run, at, play, &gone).await;
        trouble.note(&played);
        gone.extend(played.failed.into_iter().map(|(name, _)| name));
        // Ansible runs no further play of a playbook once all hosts of a batch failed.
        (end.over, end.broken) = (played.over, played.broken);
        if end.over || end.broken {
            break;
        }
    }
    if (gone.len() > before || end.broken) && !run.permits.stop_now.is_cancelled() {
        end.ending = Ending::Failed;
    } else if run.permits.is_stopped() && end.ending == Ending::Done {
        // Its last tasks were not begun.
        end.ending = Ending::Stopped;
    }
    run.events.tell(Kind::PlaybookEnded {
        playbook: node.name.clone(),
        ending: end.ending,
        cause: None,
        seconds: started.elapsed().as_secs_f64(),
    });
    NodeEnd { gone, ..end }
}

/// What is said if `--start-at-task` named a task that never came.
fn not_begun(run: &RunState) -> Option<String> {
    let wanted = run.settings.start_at_task.as_ref()?;
    if run.begun.load(Ordering::Relaxed) {
        return None;
    }
    let mut names = vec![];
    for play in run.graph.nodes.iter().flat_map(|node| &node.plays) {
        play.items().for_each(|items| names_in(items, &mut names));
    }
    let hint = match nearest(wanted, names.iter().map(String::as_str)) {
        Some(near) => did_you_mean(near),
        None => "`--list-tasks` shows all names".into(),
    };
    Some(format!("no task is named `{wanted}`, so nothing was run; {hint}"))
}

/// The names of the tasks in a list.
fn names_in(items: &[Item], names: &mut Vec<String>) {
    for item in items {
        match item {
            Item::Task(task) => names.extend(
                task.keywords
                    .name
                    .as_ref()
                    .and_then(|name| name.value.as_str())
                    .map(str::to_string),
            ),
            Item::Block(block) => names_in(&block.block, names),
            Item::Include(_) => {}
        }
    }
}
