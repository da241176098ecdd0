//! The locks of hosts: no two runs, on whatever computers they go, use a host at the same time.
//!
//! A run takes the locks of a host when the first play begins that uses it, one for every account that the play acts as
//! there, and keeps them to its end. Only what a run waits for may be taken from others who wait: a run that has to wait
//! first lets go of every host that none of its running plays uses, and then takes what it needs in the order of the
//! names. So no two runs wait for each other. An account that nobody foresaw is locked at its first use, out of that
//! order; what two runs may then wait for ends with the time-out. Nothing is locked in check mode, and never this
//! computer itself: runs against different labs share it, and a playbook may run `vent` there.

use super::accounts::Accounts;
use crate::connection::{self, Become, Claim, Failure, Kind as ConnectionKind, Tell};
use crate::engine::state::context::Context;
use crate::engine::state::host::Host;
use crate::engine::state::run::RunState;
use crate::engine::task::way;
use crate::event::Kind;
use futures::future::join_all;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::time::Instant;

/// The hosts that a play has locked.
#[must_use]
pub struct Locked(Vec<Arc<Host>>);

/// A host of a play, how it is reached, and as whom it is used.
struct Way {
    host: Arc<Host>,
    connection: connection::Host,
    accounts: Vec<Option<Become>>,
    claim: Claim,
}

/// How an attempt to lock a host without waiting ended.
enum Tried {
    Held,
    Busy,
    Unreachable,
}

/// Locks the hosts of the play. A host that cannot be reached, or not be had in time, is claimed all the same, so that
/// whatever reaches it later takes the lock; its first task tells why.
pub async fn lock(context: &Context) -> Locked {
    let run = &context.run;
    if run.settings.check {
        return Locked(vec![]);
    }
    let ways = ways(context);
    let _turn = run.permits.turn.lock().await;
    let tried = join_all(ways.iter().map(|way| try_lock(run, way))).await;
    let locked = Locked(ways.iter().map(|way| way.host.clone()).collect());
    if !tried.iter().any(|tried| matches!(tried, Tried::Busy)) {
        return locked;
    }
    run.permits.waiting.store(true, Ordering::SeqCst);
    unlock(run, locked).await;
    let_go(run).await;
    // All are waited for from this moment on; one that is free is had even if another has used up the time.
    let until = Instant::now() + run.settings.lock_timeout;
    let mut locked = Locked(vec![]);
    for (way, tried) in ways.iter().zip(tried) {
        wait(run, way, until, matches!(tried, Tried::Unreachable)).await;
        locked.0.push(way.host.clone());
    }
    run.permits.waiting.store(false, Ordering::SeqCst);
    locked
}

/// The ways to the hosts of a play that are not this computer, in the order of their names.
fn ways(context: &Context) -> Vec<Way> {
    let run = &context.run;
    let mut hosts: Vec<_> = context.play.all.iter().map(|name| run.hosts.host(name)).collect();
    hosts.sort_by(|left, right| left.name.cmp(&right.name));
    let accounts = Accounts::of(context);
    let way = |host: Arc<Host>| {
        let target = way::of_play(context, &host).ok()?;
        if target.kind != ConnectionKind::Ssh {
            return None;
        }
        Some(Way {
            accounts: accounts.on(context, &host, &target),
            claim: Claim {
                owner: run.name.clone(),
                timeout: run.settings.lock_timeout,
                tell: tell(run, &host),
            },
            connection: host.connection(target),
            host,
        })
    };
    hosts.into_iter().filter_map(way).collect()
}

/// Claims the host and takes the locks that nobody has.
async fn try_lock(run: &RunState, way: &Way) -> Tried {
    let host = &way.host;
    let mut held = host.lock.lock().await;
    held.plays += 1;
    let lock = held.lock(&way.connection, &way.claim).await;
    let tried = tokio::select! {
        tried = lock.try_take(&way.accounts) => tried,
        () = run.permits.stop.cancelled() => Ok(true),
    };
    match tried {
        Ok(true) => Tried::Held,
        Ok(false) => Tried::Busy,
        Err(failure) => {
            missed(run, host, failure);
            Tried::Unreachable
        }
    }
}

/// Claims the host and waits for its locks, unless it was found unreachable or the user stops the run.
async fn wait(run: &RunState, way: &Way, until: Instant, unreachable: bool) {
    let host = &way.host;
    let mut held = host.lock.lock().await;
    held.plays += 1;
    let lock = held.lock(&way.connection, &way.claim).await;
    if unreachable {
        return;
    }
    let taken = tokio::select! {
        taken = lock.take(&way.accounts, until) => taken,
        () = run.permits.stop.cancelled() => Ok(()),
    };
    if let Err(failure) = taken {
        missed(run, host, failure);
    }
}

/// Keeps why a host could not be had for its first task; what else went wrong here is told.
fn missed(run: &RunState, host: &Host, failure: Failure) {
    if failure.is_unreachable() {
        host.missed(failure);
        return;
    }
    let text = format!(
        "not locked against other runs yet: {}; {}",
        failure.message, failure.cure
    );
    run.notice(Some(&host.name), text);
}

/// Tells about the lock of a host, a sentence that is repeated once.
fn tell(run: &RunState, host: &Host) -> Tell {
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
            held.release();
        }
    }
}

/// Lets go of every host that no running play uses.
async fn let_go(run: &RunState) {
    for host in run.hosts.all_used() {
        let mut held = host.lock.lock().await;
        if held.plays == 0 {
            held.release();
        }
    }
}
