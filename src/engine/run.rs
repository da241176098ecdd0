//! A whole run: the graph of playbooks, each started as soon as all it needs is done.

mod inventory;
mod secrets;
mod selection;

use super::ahead::World;
use super::host::{Host, Reach};
use super::locks::Locks;
use super::play;
use super::settings::Settings;
use crate::connection::Stream;
use crate::error::{Error, Errors, INTERRUPTED, Result};
use crate::event::{Ending, Events, Kind, Status, TaskEnded, TaskName};
use crate::graph::Graph;
use crate::inventory::Inventory;
use crate::inventory::pattern::{self, Limited};
use crate::model::load::Loader;
use crate::module::Entry;
use crate::source::Place;
use crate::value::Value;
use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt};
use indexmap::IndexMap;
use std::collections::HashSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// What is not a command may take so long after the user has ended the run; commands are killed within 2 seconds.
const GRACE: Duration = Duration::from_secs(4);

/// A run.
pub struct Run {
    pub(super) settings: Settings,
    pub(super) graph: Graph,
    pub(super) events: Events,
    pub(super) reach: Arc<dyn Reach>,
    pub(super) modules: &'static [Entry],
    pub(super) loader: Arc<Loader>,
    pub(super) reload: Arc<Reload>,
    pub(super) forks: Semaphore,
    /// Start nothing new.
    pub(super) stop: CancellationToken,
    /// End what runs.
    pub(super) stop_now: CancellationToken,
    /// The account of this process.
    pub(super) local_user: Arc<str>,
    /// Who has the locks, as other runs are told; no other run has this name.
    pub(super) name: String,
    pub(super) locks: Locks,
    /// What the run does, as far as looking ahead has to know it.
    pub(super) world: World,
    inventory: RwLock<Arc<Inventory>>,
    groups: Mutex<Option<Value>>,
    hosts: Mutex<IndexMap<Arc<str>, Arc<Host>>>,
    secrets: Mutex<HashSet<String>>,
    begun: AtomicBool,
    limited: Option<Limited>,
    warned: Mutex<HashSet<String>>,
    trouble: Mutex<Trouble>,
}

#[derive(Default)]
struct Trouble {
    failed: bool,
    unreachable: bool,
    wrong: bool,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Ansible's exit code: 0, 2 (a task failed), 4 (a host unreachable), 99 (stopped).
    pub code: i32,
}

/// Reads the inventory anew.
pub type Reload = dyn Fn() -> std::result::Result<Inventory, Errors> + Send + Sync;

/// Everything a run works with.
pub struct Parts {
    /// The choices of the user.
    pub settings: Settings,
    /// The playbooks.
    pub graph: Graph,
    /// The hosts.
    pub inventory: Inventory,
    /// Where events go.
    pub events: Events,
    /// How hosts are reached.
    pub reach: Arc<dyn Reach>,
    /// What tasks may call.
    pub modules: &'static [Entry],
    /// Reads files while running.
    pub loader: Arc<Loader>,
    /// Reads the inventory anew.
    pub reload: Arc<Reload>,
    /// Cancelled by the user: start nothing new.
    pub stop: CancellationToken,
    /// Cancelled by the user a second time: end what runs.
    pub stop_now: CancellationToken,
}

/// Runs the graph to its end.
///
/// # Errors
/// A `--limit` that matches nobody.
pub async fn run(parts: Parts) -> Result<Finished> {
    let started = Instant::now();
    let limited = match &parts.settings.limit {
        Some(limit) => Some(pattern::limit(&parts.inventory, limit)?),
        None => None,
    };
    let run = Arc::new(Run {
        forks: Semaphore::new(parts.settings.forks.max(1)),
        name: name(&parts.settings),
        begun: AtomicBool::new(parts.settings.start_at_task.is_none()),
        graph: parts.graph,
        events: parts.events,
        reach: parts.reach,
        modules: parts.modules,
        loader: parts.loader,
        reload: parts.reload,
        stop: parts.stop,
        stop_now: parts.stop_now,
        settings: parts.settings,
        local_user: local_user().into(),
        locks: Locks::default(),
        world: World::default(),
        inventory: RwLock::new(Arc::new(parts.inventory)),
        groups: Mutex::default(),
        hosts: Mutex::default(),
        secrets: Mutex::default(),
        limited,
        warned: Mutex::default(),
        trouble: Mutex::default(),
    });
    run.learn_secrets();
    let playbooks = run.graph.nodes.iter().map(|node| node.name.clone()).collect();
    run.events.tell(Kind::RunStarted {
        check: run.settings.check,
        playbooks,
    });
    if let Some(limited) = &run.limited {
        run.warn(&limited.unmatched);
    }
    nodes(&run).await;
    if let Some(text) = run.not_begun() {
        run.events.tell(Kind::Notice { host: None, text });
    }
    let hosts = run.known_hosts();
    run.unless_ended(join_all(hosts.iter().map(|host| host.close())))
        .await;
    let code = run.code();
    run.events.tell(Kind::RunEnded {
        code,
        seconds: started.elapsed().as_secs_f64(),
    });
    Ok(Finished { code })
}

/// The name of a run: what was typed, by whom and where; that of the run around it, if there is one.
fn name(Settings { title, within, .. }: &Settings) -> String {
    if let Some(around) = within {
        return around.clone();
    }
    let computer = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let process = std::process::id();
    format!("`{title}` of {}@{computer}, process {process}", local_user())
}

/// The name of the account of this process.
fn local_user() -> String {
    let uid = rustix::process::geteuid().as_raw();
    let line = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = line.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, id) = (fields.next()?, fields.next()?, fields.next()?);
        (id.parse() == Ok(uid)).then(|| name.to_string())
    });
    name.unwrap_or_else(|| uid.to_string())
}

/// Starts every playbook as soon as all it needs is done.
async fn nodes(run: &Arc<Run>) {
    let count = run.graph.nodes.len();
    let mut endings: Vec<Option<Ending>> = vec![None; count];
    let mut started = vec![false; count];
    let mut running = FuturesUnordered::new();
    loop {
        for at in 0..count {
            if started[at] {
                continue;
            }
            let node = &run.graph.nodes[at];
            let cause = node.needs.iter().find(|need| {
                matches!(
                    endings[**need],
                    Some(Ending::Failed | Ending::Blocked | Ending::Stopped)
                )
            });
            let ready = node.needs.iter().all(|need| endings[*need] == Some(Ending::Done));
            if cause.is_none() && !ready {
                continue;
            }
            started[at] = true;
            let stopped = run.stop.is_cancelled();
            if cause.is_some() || stopped {
                let ending = if stopped { Ending::Stopped } else { Ending::Blocked };
                endings[at] = Some(ending);
                let cause = cause.map(|need| run.graph.nodes[*need].name.clone());
                run.events.tell(Kind::PlaybookEnded {
                    playbook: node.name.clone(),
                    ending,
                    cause,
                    seconds: 0.0,
                });
                continue;
            }
            let run = run.clone();
            running.push(tokio::spawn(async move { (at, self::node(&run, at).await) }));
        }
        match running.next().await {
            Some(Ok((at, ending))) => endings[at] = Some(ending),
            Some(Err(panic)) => std::panic::resume_unwind(panic.into_panic()),
            None if started.iter().all(|started| *started) => return,
            None => {}
        }
    }
}

async fn node(run: &Arc<Run>, at: usize) -> Ending {
    let started = Instant::now();
    let node = &run.graph.nodes[at];
    run.events.tell(Kind::PlaybookStarted {
        playbook: node.name.clone(),
    });
    let mut gone = HashSet::new();
    let mut ending = Ending::Done;
    for play in &node.plays {
        if run.stop.is_cancelled() {
            ending = Ending::Stopped;
            break;
        }
        let end = play::run(run, at, play, &gone).await;
        gone.extend(end.failed);
        if end.broken {
            run.trouble().wrong = true;
            ending = Ending::Failed;
            break;
        }
        // Ansible runs no further play of a playbook once all hosts of a batch failed.
        if end.over {
            break;
        }
    }
    if !gone.is_empty() && !run.stop_now.is_cancelled() {
        ending = Ending::Failed;
    } else if run.stop.is_cancelled() && ending == Ending::Done {
        // Its last tasks were not begun.
        ending = Ending::Stopped;
    }
    let seconds = started.elapsed().as_secs_f64();
    run.events.tell(Kind::PlaybookEnded {
        playbook: node.name.clone(),
        ending,
        cause: None,
        seconds,
    });
    ending
}

impl Run {
    fn trouble(&self) -> std::sync::MutexGuard<'_, Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn code(&self) -> i32 {
        let trouble = self.trouble();
        match (
            self.stop.is_cancelled(),
            trouble.unreachable,
            trouble.failed,
            trouble.wrong,
        ) {
            (true, ..) => INTERRUPTED.into(),
            (_, true, ..) => 4,
            (_, _, true, _) => 2,
            (_, _, _, true) => 1,
            _ => 0,
        }
    }

    /// The result of some work, unless the user wants it ended at once and it does not end soon by itself, as a
    /// command does that is killed.
    pub(super) async fn unless_ended<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let impatient = async {
            self.stop_now.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            biased;
            done = work => Some(done),
            () = impatient => None,
        }
    }

    /// Counts a failure for the exit code.
    pub(super) fn count(&self, out: play::Out) {
        let mut trouble = self.trouble();
        trouble.failed |= out == play::Out::Failed;
        trouble.unreachable |= out == play::Out::Unreachable;
    }

    /// True if `node` sees the variables that `other` made.
    pub(super) fn sees(&self, node: usize, other: usize) -> bool {
        self.graph.sees(node, other)
    }

    /// Tells warnings, each once.
    fn warn(&self, warnings: &[Error]) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        for warning in warnings {
            let place = warning.place().map(|place| place.short());
            let more: Vec<&str> = [place.as_deref(), warning.cure()].into_iter().flatten().collect();
            if warned.insert(warning.message().to_string()) {
                let text = match &more[..] {
                    [] => warning.message().to_string(),
                    more => format!("{} ({})", warning.message(), more.join(": ")),
                };
                self.events.tell(Kind::Warning { text });
            }
        }
    }

    /// Tells an error that no host is to blame for.
    pub(super) fn tell_error(&self, playbook: &str, play: &str, error: &Error) {
        self.trouble().wrong = true;
        let name = TaskName {
            playbook: playbook.into(),
            play: play.into(),
            host: "localhost".into(),
            task: play.into(),
            place: error.place().map(Place::short).unwrap_or_default(),
            ..TaskName::default()
        };
        self.events.tell(Kind::TaskEnded(Box::new(TaskEnded {
            name,
            item: None,
            looped: false,
            status: Status::Failed,
            message: Some(error.line()),
            result: serde_json::Value::Null,
            diffs: vec![],
            digests: vec![],
            commands: vec![],
            report: Some(error.to_string()),
            origin: None,
            seconds: 0.0,
        })));
    }

    /// A line of a running command.
    pub(super) fn watch(&self, name: &TaskName, stream: Stream, line: &str) {
        self.events.tell(Kind::Output {
            host: name.host.clone(),
            task: name.task.clone(),
            error: stream == Stream::Stderr,
            line: self.mask(line),
        });
    }
}
