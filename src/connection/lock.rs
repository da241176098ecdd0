//! One run at a time per host, across processes and computers.
//!
//! Two files lie beside each other on the host. `lock` is held exclusively by a shell of the run that does
//! nothing else, and `lock.commands` is held shared by every other shell of the run. Both locks belong to
//! the shells, so they end with them; but the wrapper of a command that outlives its run keeps
//! `lock.commands`, and the next run waits for that command too. `lock.owner` says who it is.

use super::failure::{Failure, FailureKind};
use super::host::Link;
use super::wire::Wire;
use super::{frame, shell};
use crate::words::quote;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;

/// Told, each time it changes, for whom a run waits.
pub type Waiting = Arc<dyn Fn(String) + Send + Sync>;

/// The time between two looks at a lock that another run holds.
const PAUSE: Duration = Duration::from_millis(300);

/// Finds the folder of the lock files and opens them as 8 and 9. `/var/lib/vent` serves everybody once
/// root has made it; without root it is a folder of the user. Status 9: there is no such folder.
const OPEN: &str = r#"d=/var/lib/vent; u=$(id -u)
if ! { [ -r "$d/lock" ] && [ -r "$d/lock.commands" ]; }; then
  if [ "$u" = 0 ]; then mkdir -p "$d"; else
    d=${XDG_RUNTIME_DIR:-}; { [ -n "$d" ] && [ -w "$d" ]; } || d=/tmp/vent-$u
    mkdir -p -m 700 "$d"; [ -O "$d" ] || d=
  fi
  [ -n "$d" ] && ( umask 0; for f in lock lock.commands lock.owner; do [ -e "$d/$f" ] || : >"$d/$f"; done )
fi
if [ -n "$d" ] && [ -r "$d/lock" ] && [ -r "$d/lock.commands" ]; then exec 8<"$d/lock" 9<"$d/lock.commands"; else d=; fi
"#;

/// Takes the lock of the run and makes sure that no command of another run is left: status 0, or 1 while
/// another run holds it, or 2 while a command of another run goes on, or 3 if this run itself holds it under
/// another name of the same host. Prints the folder, and the owner who is in the way. Without the program
/// `flock` a folder with the number of the holding shell stands for the lock. `$w` is the owner to be.
const TRY: &str = r#"if [ -z "$d" ]; then r=9
elif ! command -v flock >/dev/null 2>&1; then
  if mkdir "$d/lock.held" 2>/dev/null; then echo $$ >"$d/lock.held/shell"; r=0
  else read p <"$d/lock.held/shell" 2>/dev/null; if kill -0 "${p:-0}" 2>/dev/null && [ "${p:-$$}" != $$ ]; then r=1; else echo $$ >"$d/lock.held/shell"; r=0; fi; fi
elif ! flock -n 8; then r=1
elif flock -n 9; then flock -u 9; r=0
else r=2; fi
printf '%s\n' "$d"
if [ $r = 0 ]; then printf '%s\n' "$w" >"$d/lock.owner"
elif [ $r != 9 ]; then o=$(cat "$d/lock.owner" 2>/dev/null); [ $r = 1 ] && [ "$o" = "$w" ] && r=3; printf '%s\n' "$o"; fi
( exit $r )"#;

/// What a link knows about the lock of its host.
#[derive(Default)]
pub struct Lock {
    wanted: AtomicBool,
    held: Mutex<Option<Held>>,
}

struct Held {
    what: String,
    waiting: Waiting,
    folder: String,
    holder: Wire,
}

impl Lock {
    /// Takes the lock; waits while another run has it.
    pub async fn take(&self, link: &Link, what: &str, waiting: Waiting) -> Result<(), Failure> {
        let mut held = self.held.lock().await;
        *held = Some(acquire(link, what.to_string(), waiting).await?);
        self.wanted.store(true, Ordering::Release);
        Ok(())
    }

    /// Takes the lock if nobody has it; else tells who has it.
    pub async fn try_take(
        &self,
        link: &Link,
        what: &str,
        waiting: Waiting,
    ) -> Result<Option<String>, Failure> {
        let mut held = self.held.lock().await;
        let mut holder = link.open(None).await?;
        match attempt(link, &mut holder, OPEN, what).await? {
            Attempt::Held(folder) => {
                *held = Some(Held {
                    what: what.to_string(),
                    waiting,
                    folder,
                    holder,
                });
                self.wanted.store(true, Ordering::Release);
                Ok(None)
            }
            Attempt::Busy(text) => Ok(Some(text)),
        }
    }

    /// Lets go. Shells that are marked are ended by whoever has them.
    pub fn release(&self) {
        self.wanted.store(false, Ordering::Release);
        // Whoever holds it this moment sees that it is not wanted any more.
        if let Ok(mut held) = self.held.try_lock() {
            *held = None;
        }
    }

    /// True while the lock is wanted.
    pub fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Acquire)
    }

    /// Marks a shell of this run. A lock that was lost with its connection is taken again first.
    pub async fn mark(&self, link: &Link, wire: &mut Wire) -> Result<(), Failure> {
        if !self.is_wanted() {
            return Ok(());
        }
        let mut held = self.held.lock().await;
        if let Some(lost) = held.take_if(|held| !held.holder.is_alive()) {
            *held = Some(acquire(link, lost.what, lost.waiting).await?);
        }
        if !self.is_wanted() {
            *held = None;
        }
        let Some(folder) = held
            .as_ref()
            .map(|held| quote(&format!("{}/lock.commands", held.folder)))
        else {
            return Ok(());
        };
        drop(held);
        if !wire.is_marked() {
            let script = format!(
                "[ -r {folder} ] && command -v flock >/dev/null 2>&1 && exec 9<{folder} && flock -s 9"
            );
            run(wire, &script).await?;
            wire.set_marked();
        }
        Ok(())
    }
}

async fn acquire(link: &Link, what: String, waiting: Waiting) -> Result<Held, Failure> {
    let mut holder = link.open(None).await?;
    let mut told = String::new();
    let mut before = OPEN;
    loop {
        match attempt(link, &mut holder, before, &what).await? {
            Attempt::Held(folder) => {
                return Ok(Held {
                    what,
                    waiting,
                    folder,
                    holder,
                });
            }
            Attempt::Busy(now) => {
                if now != told {
                    waiting(now.clone());
                    told = now;
                }
            }
        }
        before = "";
        tokio::time::sleep(PAUSE).await;
    }
}

/// How one attempt to take the lock ended.
enum Attempt {
    /// It is held; the folder of its files.
    Held(String),
    /// Somebody else has it; the sentence about them.
    Busy(String),
}

async fn attempt(link: &Link, holder: &mut Wire, before: &str, what: &str) -> Result<Attempt, Failure> {
    let tried = run(holder, &format!("{before}w={}\n{TRY}", quote(what))).await?;
    let text = String::from_utf8_lossy(&tried.stdout).into_owned();
    let (folder, owner) = text.split_once('\n').unwrap_or((&text, ""));
    match tried.code {
        0 | 3 => Ok(Attempt::Held(folder.to_string())),
        1 | 2 => Ok(Attempt::Busy(wait_text(link.name(), tried.code, owner))),
        _ => {
            let name = link.name();
            Err(Failure::new(
                FailureKind::NoLock,
                format!(
                    "there is no place for the lock of {name}: neither /var/lib/vent nor a folder of the user can be used"
                ),
                format!("let root make it once on {name}: `install -d /var/lib/vent`"),
            ))
        }
    }
}

fn wait_text(host: &str, code: i32, owner: &str) -> String {
    let owner: String = owner
        .trim()
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect();
    let owner = if owner.is_empty() {
        "another run".to_string()
    } else {
        owner
    };
    match code {
        2 => format!("{host} still runs a command of {owner}, which has ended; waiting for the command"),
        _ => format!("{host} is in use by {owner}; waiting for it"),
    }
}

async fn run(wire: &mut Wire, script: &str) -> Result<shell::Output, Failure> {
    let (nonce, parser) = wire.frame()?;
    wire.send(&frame::here(&nonce, script)).await?;
    shell::collect(wire, parser).await
}
