//! The locks of hosts: no two runs, on whatever computers they go, use a host at the same time.
//!
//! A run takes the lock of a host when the first play begins that uses it, and keeps it to its end. Only
//! what a run waits for may be taken from others who wait: a run that has to wait first lets go of every
//! host that none of its running plays uses, and then takes what it needs in the order of the names. So no
//! two runs wait for each other. Nothing is locked in check mode, and never this computer itself: runs
//! against different labs share it, and a playbook may run `vent` there.

use crate::connection::{self, Failure, Kind as ConnectionKind, Waiting};
use crate::engine::state::context::Context;
use crate::engine::state::host::Host;
use crate::engine::state::run::RunState;
use crate::engine::task::way;
use crate::event::Kind;
use futures::future::join_all;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

/// The hosts that a play has locked.
#[must_use]
pub struct Locked(Vec<Arc<Host>>);

/// A host of a play, and how it is reached.
struct Way {
    host: Arc<Host>,
    connection: connection::Host,
    waiting: Waiting,
}

/// How an attempt to lock a host without waiting ended.
enum Tried {
    Held,
    Busy,
    Unreachable,
}

/// Locks the hosts of the play. A host that cannot be reached stays without a lock; its first task tells why.
pub async fn lock(context: &Context) -> Locked {
    let run = &context.run;
    let mut locked = Locked(vec![]);
    if run.settings.check {
        return locked;
    }
    let mut hosts: Vec<_> = context.play.all.iter().map(|name| run.hosts.host(name)).collect();
    hosts.sort_by(|left, right| left.name.cmp(&right.name));
    let mut ways = vec![];
    for host in hosts {
        if let Some(connection) = connection(context, &host) {
            let waiting = waiting(run, &host);
            ways.push(Way {
                host,
                connection,
                waiting,
            });
        }
    }
    let _turn = run.permits.turn.lock().await;
    let tried = join_all(ways.iter().map(|way| try_lock(run, way))).await;
    let busy = tried.iter().any(|tried| matches!(tried, Tried::Busy));
    for (way, tried) in ways.iter().zip(&tried) {
        if matches!(tried, Tried::Held) {
            locked.0.push(way.host.clone());
        }
    }
    if !busy {
        return locked;
    }
    run.permits.waiting.store(true, Ordering::SeqCst);
    unlock(run, locked).await;
    let_go(run).await;
    let mut locked = Locked(vec![]);
    for (way, tried) in ways.iter().zip(tried) {
        if !matches!(tried, Tried::Unreachable) && wait(run, way).await {
            locked.0.push(way.host.clone());
        }
    }
    run.permits.waiting.store(false, Ordering::SeqCst);
    locked
}

/// The connection to a host that all tasks of the play use if they say nothing else; none for this computer.
fn connection(context: &Context, host: &Arc<Host>) -> Option<connection::Host> {
    let target = way::of_play(context, host).ok()?;
    (target.kind == ConnectionKind::Ssh).then(|| host.connection(target))
}

async fn try_lock(run: &RunState, way: &Way) -> Tried {
    let host = &way.host;
    let mut held = host.lock.lock().await;
    if held.lock.is_none() {
        let tried = tokio::select! {
            tried = way.connection.try_lock(&run.name, way.waiting.clone()) => tried,
            () = run.permits.stop.cancelled() => return Tried::Unreachable,
        };
        match tried {
            Ok(Ok(lock)) => held.lock = Some(lock),
            Ok(Err(who)) => {
                (way.waiting)(who);
                return Tried::Busy;
            }
            Err(failure) => {
                missed(run, host, failure);
                return Tried::Unreachable;
            }
        }
    }
    held.plays += 1;
    Tried::Held
}

/// Waits for the lock; false if the host cannot be reached or the user stops the run.
async fn wait(run: &RunState, way: &Way) -> bool {
    let host = &way.host;
    let mut held = host.lock.lock().await;
    if held.lock.is_none() {
        let taken = tokio::select! {
            taken = way.connection.lock(&run.name, way.waiting.clone()) => taken,
            () = run.permits.stop.cancelled() => return false,
        };
        match taken {
            Ok(lock) => held.lock = Some(lock),
            Err(failure) => {
                missed(run, host, failure);
                return false;
            }
        }
    }
    held.plays += 1;
    true
}

/// Keeps why a host could not be reached for its first task; what else is wrong with the lock is told.
fn missed(run: &RunState, host: &Host, failure: Failure) {
    if failure.is_unreachable() {
        host.missed(failure);
        return;
    }
    run.events.tell(Kind::Notice {
        host: Some(host.name.to_string()),
        text: format!(
            "not locked against other runs: {}; {}",
            failure.message, failure.cure
        ),
    });
}

/// Tells for whom the run waits, each sentence once.
fn waiting(run: &RunState, host: &Host) -> Waiting {
    let (events, name) = (run.events.clone(), host.name.to_string());
    let last = Mutex::new(String::new());
    Arc::new(move |text| {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if *last == text {
            return;
        }
        last.clone_from(&text);
        events.tell(Kind::Notice {
            host: Some(name.clone()),
            text,
        });
    })
}

/// The play has ended. The locks stay with the run, unless a play of it waits for another run.
pub async fn unlock(run: &RunState, locked: Locked) {
    for host in locked.0 {
        let mut held = host.lock.lock().await;
        held.plays = held.plays.saturating_sub(1);
        if held.plays == 0 && run.permits.waiting.load(Ordering::SeqCst) {
            held.lock = None;
        }
    }
}

/// Lets go of every host that no running play uses.
async fn let_go(run: &RunState) {
    for host in run.hosts.all_used() {
        let mut held = host.lock.lock().await;
        if held.plays == 0 {
            held.lock = None;
        }
    }
}
