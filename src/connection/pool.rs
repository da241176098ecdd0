//! The running shells of (host, user): lent out for one frame each, started when none is idle.

use super::failure::Failure;
use super::host::Link;
use super::target::Become;
use super::wire::Wire;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How long a short call waits for another short call before a further shell is started for it.
const PATIENCE: Duration = Duration::from_millis(200);

/// How many shells serve short calls at most.
const MOST_SHORT: usize = 4;

/// The shells of one user of one host.
#[derive(Clone)]
pub struct Pool(Arc<State>);

struct State {
    link: Arc<Link>,
    r#become: Option<Become>,
    shells: Mutex<Shells>,
    freed: Notify,
    /// Cancelled when what was started so far is to end.
    gone: Mutex<CancellationToken>,
}

#[derive(Default)]
struct Shells {
    idle: Vec<Wire>,
    short: usize,
    long: usize,
}

/// A shell of its own for one frame.
pub struct Lease {
    pool: Arc<State>,
    wire: Option<Wire>,
    long: bool,
}

impl Pool {
    /// No shell yet.
    pub fn new(link: Arc<Link>, r#become: Option<Become>) -> Pool {
        Pool(Arc::new(State {
            link,
            r#become,
            shells: Mutex::default(),
            freed: Notify::new(),
            gone: Mutex::default(),
        }))
    }

    /// A shell. Short calls wait for each other, since starting a shell takes longer than they do; they
    /// never wait for long ones.
    pub async fn lease(&self, long: bool) -> Result<Lease, Failure> {
        let pool = &self.0;
        loop {
            let freed = pool.freed.notified();
            if let Some(lease) = pool.take(long, false) {
                return lease.started().await;
            }
            if tokio::time::timeout(PATIENCE, freed).await.is_err()
                && let Some(lease) = pool.take(long, true)
            {
                return lease.started().await;
            }
        }
    }

    /// Ends the idle shells, and programs that go on once they have nothing to do.
    pub fn clear(&self) {
        self.0.lock().idle.clear();
        let mut gone = self.0.gone.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *gone).cancel();
    }

    /// Cancelled when a program that is started now is to end.
    pub fn gone(&self) -> CancellationToken {
        let gone = self.0.gone.lock().unwrap_or_else(PoisonError::into_inner);
        gone.clone()
    }
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Shells> {
        self.shells.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A lease, with an idle shell if there is one; nothing if the caller has to wait.
    fn take(self: &Arc<State>, long: bool, impatient: bool) -> Option<Lease> {
        let mut shells = self.lock();
        let mut wire = None;
        while wire.is_none() {
            let Some(mut next) = shells.idle.pop() else { break };
            wire = next.is_alive().then_some(next);
        }
        let waits = shells.short > 0 && (!impatient || shells.short >= MOST_SHORT);
        if wire.is_none() && !long && waits {
            return None;
        }
        *shells.count(long) += 1;
        Some(Lease {
            pool: self.clone(),
            wire,
            long,
        })
    }
}

impl Shells {
    fn count(&mut self, long: bool) -> &mut usize {
        if long { &mut self.long } else { &mut self.short }
    }
}

impl Lease {
    async fn started(mut self) -> Result<Lease, Failure> {
        if self.wire.is_none() {
            let wire = self.pool.link.open(self.pool.r#become.as_ref()).await?;
            self.wire = Some(wire);
        }
        if let Some(wire) = &mut self.wire {
            let State { link, r#become, .. } = &*self.pool;
            link.lock().mark(link, r#become, wire).await?;
        }
        Ok(self)
    }

    /// The shell.
    ///
    /// # Panics
    /// Never: a lease that was handed out has a shell until it is given back.
    pub fn wire(&mut self) -> &mut Wire {
        match &mut self.wire {
            Some(wire) => wire,
            None => unreachable!("a lease is used after it was given back"),
        }
    }

    /// The name of the host, for messages.
    pub fn host(&self) -> &str {
        self.pool.link.name()
    }

    /// The shell has ended its frame and can serve others. A lease that is dropped otherwise ends it.
    pub fn give_back(&mut self) {
        let wanted = self.pool.link.lock().is_wanted();
        if let Some(wire) = self.wire.take().filter(|wire| wanted || !wire.is_marked()) {
            self.pool.lock().idle.push(wire);
        }
    }

    /// Takes the shell out for good.
    pub fn keep(mut self) -> Option<Wire> {
        self.wire.take()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        *self.pool.lock().count(self.long) -= 1;
        self.pool.freed.notify_one();
    }
}
