//! One run at a time per host, across processes and computers.
//!
//! A run holds the lock of every account that it acts as on a host: a shell of that account does nothing else. The lock
//! ends with the shell; but the wrapper of a command that outlives its run keeps a part of it, and the next run waits
//! for that command too. `script` says what the lock is on the host, and who can touch it.

mod script;

use super::failure::{Failure, FailureKind};
use super::host::Link;
use super::target::Become;
use super::wire::Wire;
use super::{frame, shell};
use crate::words::quote;
use futures::future::join_all;
use script::{Attempt, Holder, HolderKind};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Told sentences about a lock: for whom a run waits, whom it does not wait for any longer.
pub type Tell = Arc<dyn Fn(String) + Send + Sync>;

/// The time between two looks at a lock that another run holds.
const PAUSE: Duration = Duration::from_millis(300);

/// How long the shells of a run that has let go may take to end, before they are called a command that has outlived it.
const CLOSING: Duration = Duration::from_secs(1);

/// How long one look may take: a shell of the same account that somebody has stopped could keep it from ending.
const LOOK: Duration = Duration::from_secs(30);

/// Who wants a lock, and how.
#[derive(Clone)]
pub struct Claim {
    /// What others are told who wait for it; no other run says the same.
    pub owner: String,
    /// How long others are waited for.
    pub timeout: Duration,
    /// What is to be told.
    pub tell: Tell,
}

/// What a link knows about the locks of its host.
#[derive(Default)]
pub struct Lock {
    wanted: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    claim: Option<Claim>,
    accounts: HashMap<Option<Become>, Held>,
}

/// The lock of an account.
enum Held {
    /// A shell holds it.
    By {
        folder: String,
        holder: LockShell,
        by_another_shell: bool,
    },
    /// The account has no place for it, which was told.
    NoPlace,
}

impl Held {
    fn is_alive(&mut self) -> bool {
        match self {
            Held::By { holder, .. } => holder.wire.is_alive(),
            Held::NoPlace => true,
        }
    }
}

/// A shell that does nothing but hold a lock.
struct LockShell {
    wire: Wire,
    /// It knows [`script::LESSON`], which comes to it with the first attempt.
    taught: bool,
}

impl Lock {
    /// From now on shells of this host are used under the lock of their account.
    pub async fn want(&self, claim: Claim) {
        let mut state = self.state.lock().await;
        state.claim = Some(claim);
        self.wanted.store(true, Ordering::Release);
    }

    /// Takes the locks of these accounts one after the other; whoever has one is waited for until `until`. An account
    /// that cannot be become is left to the first task that wants it.
    pub async fn take(
        &self,
        link: &Link,
        accounts: &[Option<Become>],
        until: Instant,
    ) -> Result<(), Failure> {
        let mut state = self.state.lock().await;
        // Two runs that want the same accounts come to them in the same order.
        let mut accounts: Vec<_> = accounts.iter().collect();
        accounts.sort_by_key(|account| link.account(account.as_ref()));
        for account in accounts {
            match state.ensure(link, account, until, false).await {
                Ok(_) => {}
                Err(failure) if is_left_to_tasks(&failure) => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }

    /// Takes the locks of these accounts that nobody has; false if somebody has one of them. Which run that is, is told;
    /// a command that outlived its run is told of by [`Lock::take`], if it is one.
    pub async fn try_take(&self, link: &Link, accounts: &[Option<Become>]) -> Result<bool, Failure> {
        let mut state = self.state.lock().await;
        let Some(claim) = state.claim.clone() else {
            return Ok(true);
        };
        let missing = accounts
            .iter()
            .filter(|account| !state.accounts.contains_key(*account));
        let tried = join_all(missing.map(|account| try_account(link, account, &claim))).await;
        let mut is_free = true;
        for tried in tried {
            match tried {
                Ok((account, Ok(held))) => {
                    state.accounts.insert(account, held);
                }
                Ok((_, Err(holder))) => {
                    is_free = false;
                    if holder.kind != HolderKind::Command {
                        (claim.tell)(holder.waiting(link.name()));
                    }
                }
                Err(failure) if is_left_to_tasks(&failure) => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(is_free)
    }

    /// Lets go. Shells that are marked are ended by whoever has them.
    pub fn release(&self) {
        self.wanted.store(false, Ordering::Release);
        // Whoever holds it this moment sees that it is not wanted any more.
        if let Ok(mut state) = self.state.try_lock() {
            *state = State::default();
        }
    }

    /// True while the lock is wanted.
    pub fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Acquire)
    }

    /// Marks a shell of this run. The lock of its account is taken first if it is not held: an account that nobody
    /// foresaw, or a lock that was lost with its connection.
    ///
    /// This wait is out of the order in which locks are taken at the beginning of a play, so that two runs may come to
    /// wait for each other here; but each wait ends with the time-out, its task fails, and the run lets go at its end.
    pub async fn mark(&self, link: &Link, account: &Option<Become>, wire: &mut Wire) -> Result<(), Failure> {
        if !self.is_wanted() {
            return Ok(());
        }
        let mut state = self.state.lock().await;
        let Some(claim) = &state.claim else {
            return Ok(());
        };
        let until = Instant::now() + claim.timeout;
        let folder = state.ensure(link, account, until, !wire.is_marked()).await?;
        if !self.is_wanted() {
            *state = State::default();
            return Ok(());
        }
        drop(state);
        if let Some(folder) = folder.filter(|_| !wire.is_marked()) {
            let file = quote(&format!("{folder}/lock.commands"));
            let script =
                format!("[ -r {file} ] && command -v flock >/dev/null 2>&1 && exec 9<{file} && flock -s 9");
            run(wire, &script).await?;
            wire.set_marked();
        }
        Ok(())
    }
}

impl State {
    /// Makes sure that the lock of an account is held; gives its folder. `again` looks anew whether it is, if another
    /// shell of this run held it when it was taken: that one may have let go.
    async fn ensure(
        &mut self,
        link: &Link,
        account: &Option<Become>,
        until: Instant,
        again: bool,
    ) -> Result<Option<String>, Failure> {
        let Some(claim) = self.claim.clone() else {
            return Ok(None);
        };
        let mut known = self.accounts.remove(account);
        if known.as_mut().is_some_and(|held| !held.is_alive()) {
            known = None;
        }
        let held = match known {
            Some(Held::By {
                holder,
                by_another_shell: true,
                ..
            }) if again => wait(link, account, &claim, until, holder).await?,
            Some(held) => held,
            None => wait(link, account, &claim, until, open(link, account).await?).await?,
        };
        let folder = match &held {
            Held::By { folder, .. } => Some(folder.clone()),
            Held::NoPlace => None,
        };
        self.accounts.insert(account.clone(), held);
        Ok(folder)
    }
}

/// True for an account that cannot be become: a task that wants it tells why, and there may be none.
fn is_left_to_tasks(failure: &Failure) -> bool {
    matches!(
        failure.kind,
        FailureKind::BecomePassword | FailureKind::BecomeRefused
    )
}

async fn open(link: &Link, account: &Option<Become>) -> Result<LockShell, Failure> {
    Ok(LockShell {
        wire: link.open(account.as_ref()).await?,
        taught: false,
    })
}

/// One attempt with a shell of its own; the holder if it fails.
async fn try_account(
    link: &Link,
    account: &Option<Become>,
    claim: &Claim,
) -> Result<(Option<Become>, Result<Held, Holder>), Failure> {
    let shell = open(link, account).await?;
    let tried = attempt(link, account, claim, shell, false).await?;
    Ok((account.clone(), tried.map_err(|(holder, _)| holder)))
}

/// Waits for the lock.
async fn wait(
    link: &Link,
    account: &Option<Become>,
    claim: &Claim,
    until: Instant,
    mut shell: LockShell,
) -> Result<Held, Failure> {
    let mut told = String::new();
    let mut command_since = None;
    loop {
        let is_last = Instant::now() >= until;
        let holder = match attempt(link, account, claim, shell, is_last).await? {
            Ok(held) => return Ok(held),
            Err((holder, back)) => {
                shell = back;
                holder
            }
        };
        let is_closing = match holder.kind {
            HolderKind::Command => command_since.get_or_insert_with(Instant::now).elapsed() < CLOSING,
            HolderKind::Run | HolderKind::OldRun => {
                command_since = None;
                false
            }
        };
        if is_last && !is_closing {
            return Err(late(link.name(), &holder, claim.timeout));
        }
        let now = holder.waiting(link.name());
        if !is_closing && now != told {
            (claim.tell)(now.clone());
            told = now;
        }
        let next = Instant::now() + PAUSE;
        tokio::time::sleep_until(if is_last { next } else { next.min(until) }).await;
    }
}

/// One attempt; if it fails, who has the lock, and the shell for the next one.
async fn attempt(
    link: &Link,
    account: &Option<Become>,
    claim: &Claim,
    mut shell: LockShell,
    is_last: bool,
) -> Result<Result<Held, (Holder, LockShell)>, Failure> {
    let lesson = if shell.taught { "" } else { script::LESSON };
    let text = format!("{lesson}{}", script::attempt(&claim.owner, is_last));
    let tried = tokio::time::timeout(LOOK, run(&mut shell.wire, &text)).await;
    let Ok(tried) = tried else {
        return Err(stuck(link, account));
    };
    let tried = tried?;
    shell.taught = true;
    Ok(match Attempt::read(tried.code, &tried.stdout) {
        Attempt::Held {
            folder,
            by_another_shell,
            passed,
        } => {
            if let Some(name) = passed {
                (claim.tell)(format!(
                    "{name} still holds the lock of Vent 0.1.0 on {} and is not waited for any longer",
                    link.name()
                ));
            }
            Ok(Held::By {
                folder,
                holder: shell,
                by_another_shell,
            })
        }
        Attempt::NoPlace => {
            (claim.tell)(no_place(link, account));
            Ok(Held::NoPlace)
        }
        Attempt::Busy(holder) => Err((holder, shell)),
    })
}

/// The time-out is over.
fn late(host: &str, holder: &Holder, timeout: Duration) -> Failure {
    let (name, seconds) = (&holder.name, timeout.as_secs());
    let longer = "`--lock-timeout` waits longer";
    let (message, cure) = match holder.kind {
        HolderKind::Run => (
            format!("{host} is in use by {name}, which did not end in {seconds} seconds"),
            format!("wait for that run or end it; {longer}"),
        ),
        HolderKind::Command => (
            format!(
                "{host} still runs a command of {name}, which has ended; the command did not end in {seconds} seconds"
            ),
            format!("end the command on {host}, or wait for it; {longer}"),
        ),
        HolderKind::OldRun => (
            format!(
                "{host} is in use by {name}, which holds the lock of Vent 0.1.0 and did not end in {seconds} seconds"
            ),
            format!("wait for it, or end it on {host}; {longer}"),
        ),
    };
    Failure::new(FailureKind::Locked, message, cure)
}

fn stuck(link: &Link, account: &Option<Become>) -> Failure {
    let (host, account, seconds) = (link.name(), link.account(account.as_ref()), LOOK.as_secs());
    Failure::new(
        FailureKind::Locked,
        format!("the lock of {account} on {host} could not be looked at in {seconds} seconds"),
        format!(
            "look on {host} for a stopped shell of {account} that has a file `lock.gate` open, and end it"
        ),
    )
}

fn no_place(link: &Link, account: &Option<Become>) -> String {
    let (host, account) = (link.name(), link.account(account.as_ref()));
    let (places, cure) = match account.as_str() {
        "root" => (
            "/var/lib/vent cannot be made, or others may write in it or above it",
            "look at the owners and modes of /var/lib and /var/lib/vent".to_string(),
        ),
        _ => (
            "neither below /tmp nor in its home a folder can be made that is its own",
            format!("give {account} a home on {host} that nobody else may write in"),
        ),
    };
    format!("{account} on {host} is not locked against other runs: {places}; {cure}")
}

async fn run(wire: &mut Wire, script: &str) -> Result<shell::Output, Failure> {
    let (nonce, parser) = wire.frame()?;
    wire.send(&frame::here(&nonce, script)).await?;
    shell::collect(wire, parser).await
}
