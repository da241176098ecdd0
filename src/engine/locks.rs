//! The locks of hosts: no two runs, on whatever computers they go, use a host at the same time.
//!
//! A run takes the lock of a host when the first play begins that uses it, and keeps it to its end. Only
//! what a run waits for may be taken from others who wait: a run that has to wait first lets go of every
//! host that none of its running plays uses, and then takes what it needs in the order of the names. So no
//! two runs wait for each other. Nothing is locked in check mode, and never this computer itself: runs
//! against different labs share it, and a playbook may run `vent` there.

use super::host::Host;
use super::play::Context;
use super::run::Run;
use crate::connection::{self, Failure, HostLock, Kind as ConnectionKind, Waiting};
use crate::event::Kind;
use futures::future::join_all;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The lock of one host in this run.
#[derive(Default)]
pub(super) struct Held {
    lock: Option<HostLock>,
    /// How many running plays use the host.
    plays: usize,
}

/// What plays of one run have to agree on.
#[derive(Default)]
pub(super) struct Locks {
    /// One play at a time takes locks.
    turn: tokio::sync::Mutex<()>,
    /// A play waits for another run: whoever is done with a host lets go of it.
    waiting: AtomicBool,
}

/// The hosts that a play has locked.
#[must_use]
pub(super) struct Locked(Vec<Arc<Host>>);

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

impl Context {
    /// Locks the hosts of the play. A host that cannot be reached stays without a lock; its first task tells why.
    pub(super) async fn lock(self: &Arc<Context>) -> Locked {
        let run = &self.run;
        let mut locked = Locked(vec![]);
        if run.settings.check {
            return locked;
        }
        let mut hosts: Vec<_> = self.all.iter().map(|name| run.host(name)).collect();
        hosts.sort_by(|left, right| left.name.cmp(&right.name));
        let mut ways = vec![];
        for host in hosts {
            if let Some(connection) = self.connection(&host) {
                let waiting = waiting(run, &host);
                ways.push(Way {
                    host,
                    connection,
                    waiting,
                });
            }
        }
        let _turn = run.locks.turn.lock().await;
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
        run.locks.waiting.store(true, Ordering::SeqCst);
        unlock(run, locked).await;
        run.let_go().await;
        let mut locked = Locked(vec![]);
        for (way, tried) in ways.iter().zip(tried) {
            if !matches!(tried, Tried::Unreachable) && wait(run, way).await {
                locked.0.push(way.host.clone());
            }
        }
        run.locks.waiting.store(false, Ordering::SeqCst);
        locked
    }

    /// The connection to a host that all tasks of the play use if they say nothing else; none for this computer.
    fn connection(self: &Arc<Context>, host: &Arc<Host>) -> Option<connection::Host> {
        let target = self.target(host).ok()?;
        (target.kind == ConnectionKind::Ssh).then(|| host.connection(target))
    }
}

async fn try_lock(run: &Run, way: &Way) -> Tried {
    let host = &way.host;
    let mut held = host.lock.lock().await;
    if held.lock.is_none() {
        let tried = tokio::select! {
            tried = way.connection.try_lock(&run.name, way.waiting.clone()) => tried,
            () = run.stop.cancelled() => return Tried::Unreachable,
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
async fn wait(run: &Run, way: &Way) -> bool {
    let host = &way.host;
    let mut held = host.lock.lock().await;
    if held.lock.is_none() {
        let taken = tokio::select! {
            taken = way.connection.lock(&run.name, way.waiting.clone()) => taken,
            () = run.stop.cancelled() => return false,
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
fn missed(run: &Run, host: &Host, failure: Failure) {
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
fn waiting(run: &Run, host: &Host) -> Waiting {
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
pub(super) async fn unlock(run: &Run, locked: Locked) {
    for host in locked.0 {
        let mut held = host.lock.lock().await;
        held.plays = held.plays.saturating_sub(1);
        if held.plays == 0 && run.locks.waiting.load(Ordering::SeqCst) {
            held.lock = None;
        }
    }
}

impl Run {
    /// Lets go of every host that no running play uses.
    async fn let_go(&self) {
        let hosts: Vec<_> = self.known_hosts();
        for host in hosts {
            let mut held = host.lock.lock().await;
            if held.plays == 0 {
                held.lock = None;
            }
        }
    }
}
