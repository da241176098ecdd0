//! One host: its connections and the shells on them.

use super::r#become;
use super::failure::{Failure, FailureKind};
use super::local;
use super::lock::{Claim, Lock};
use super::pool::Pool;
use super::shell::Shell;
use super::ssh::{Connection, NoChannel};
use super::target::{Become, Kind, Target};
use super::wire::{NoHello, Pipes, Wire};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long everything from connecting to the first answer of `sh` may take; a person may be asked for a
/// passphrase meanwhile.
const PATIENCE: Duration = Duration::from_secs(180);

/// One host. Connects at the first use and again after a connection was lost; cheap to clone.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

struct Inner {
    link: Arc<Link>,
    shells: Mutex<HashMap<Option<Become>, Arc<Shell>>>,
}

impl Host {
    /// A host that is not connected yet.
    pub fn new(target: Target) -> Host {
        Host(Arc::new(Inner {
            link: Arc::new(Link {
                target,
                connections: tokio::sync::Mutex::default(),
                lock: Lock::default(),
            }),
            shells: Mutex::default(),
        }))
    }

    /// Where it is and how it is reached.
    pub fn target(&self) -> &Target {
        &self.0.link.target
    }

    /// The shells of the host as the login user, or as another one. Becoming the login user is no change
    /// (as with Ansible). The first `sh` is started here, so that a host that cannot be reached is known.
    ///
    /// # Errors
    /// All that keeps a shell from starting.
    pub async fn shell(&self, r#become: Option<&Become>) -> Result<Arc<Shell>, Failure> {
        let link = &self.0.link;
        let r#become = link.other(r#become.cloned());
        let shell = {
            let mut shells = self.0.shells.lock().unwrap_or_else(PoisonError::into_inner);
            let fresh = || Arc::new(Shell::new(Pool::new(link.clone(), r#become.clone())));
            shells.entry(r#become.clone()).or_insert_with(fresh).clone()
        };
        shell.pool.lease(false).await?.give_back();
        Ok(shell)
    }

    /// From now on the host is used under the locks of the accounts that are used, so that no other run acts as one of
    /// them meanwhile. Shells opened before are held by the lock at their next use.
    pub async fn claim(&self, claim: Claim) -> HostLock {
        self.0.link.lock.want(claim).await;
        HostLock(self.clone())
    }

    fn clear(&self) {
        let shells = self.0.shells.lock().unwrap_or_else(PoisonError::into_inner);
        shells.values().for_each(|shell| shell.pool.clear());
    }

    /// Ends the idle shells and the connection. The next use connects anew.
    pub async fn close(&self) {
        self.clear();
        for connection in self.0.link.connections.lock().await.drain(..) {
            connection.close().await;
        }
    }
}

/// The claim to a host and the locks that were taken for it, until it is dropped.
#[must_use]
pub struct HostLock(Host);

impl HostLock {
    /// True if the lock was claimed for this connection.
    pub fn is_of(&self, host: &Host) -> bool {
        Arc::ptr_eq(&self.0.0, &host.0)
    }

    /// Takes the locks of these accounts; waits until `until` for a run that has one, and for commands that an ended
    /// run has left going. What is not taken here is taken at the first use of the account. An account that cannot be
    /// become is left out.
    ///
    /// # Errors
    /// All that keeps a shell from starting, and another run that does not end in time.
    pub async fn take(&self, accounts: &[Option<Become>], until: Instant) -> Result<(), Failure> {
        let link = &self.0.0.link;
        link.lock.take(link, &link.others(accounts), until).await
    }

    /// As [`HostLock::take`], but does not wait: false if somebody has one of them.
    ///
    /// # Errors
    /// All that keeps a shell from starting.
    pub async fn try_take(&self, accounts: &[Option<Become>]) -> Result<bool, Failure> {
        let link = &self.0.0.link;
        link.lock.try_take(link, &link.others(accounts)).await
    }
}

impl Drop for HostLock {
    fn drop(&mut self) {
        self.0.0.link.lock.release();
        self.0.clear();
    }
}

/// The way to one host.
pub struct Link {
    target: Target,
    /// Usually one; more if the server allows few sessions on each.
    connections: tokio::sync::Mutex<Vec<Connection>>,
    lock: Lock,
}

impl Link {
    /// The name of the host in the inventory.
    pub fn name(&self) -> &str {
        &self.target.name
    }

    /// The lock of the host.
    pub fn lock(&self) -> &Lock {
        &self.lock
    }

    /// The account that is logged in to.
    fn login(&self) -> String {
        match self.target.kind {
            Kind::Ssh => self.target.user.clone(),
            Kind::Local if rustix::process::geteuid().is_root() => "root".to_string(),
            Kind::Local => std::env::var("USER").unwrap_or_default(),
        }
    }

    /// The account that a shell acts as.
    pub fn account(&self, r#become: Option<&Become>) -> String {
        r#become.map_or_else(|| self.login(), |other| other.user.clone())
    }

    /// Becoming the account that is logged in to is no change.
    fn other(&self, r#become: Option<Become>) -> Option<Become> {
        r#become.filter(|other| other.user != self.login())
    }

    /// The same for several, each once.
    fn others(&self, accounts: &[Option<Become>]) -> Vec<Option<Become>> {
        let mut others: Vec<Option<Become>> = vec![];
        for account in accounts {
            let account = self.other(account.clone());
            if !others.contains(&account) {
                others.push(account);
            }
        }
        others
    }

    /// Starts an `sh`.
    pub async fn open(&self, r#become: Option<&Become>) -> Result<Wire, Failure> {
        match tokio::time::timeout(PATIENCE, self.open_slowly(r#become)).await {
            Ok(result) => result,
            Err(_) => Err(self.no_shell(NoHello::Ended(
                None,
                format!("no answer in {} seconds", PATIENCE.as_secs()),
            ))),
        }
    }

    async fn open_slowly(&self, r#become: Option<&Become>) -> Result<Wire, Failure> {
        let pipes = match r#become {
            None => self.run("exec /bin/sh").await?,
            Some(other) => {
                let login = self.login();
                let dialogue = r#become::Dialogue::new(other, self.name(), &login)?;
                dialogue.hold(self.run(&dialogue.command()).await?).await?
            }
        };
        Wire::start(self.name(), pipes)
            .await
            .map_err(|end| self.no_shell(end))
    }

    async fn run(&self, command: &str) -> Result<Pipes, Failure> {
        match self.target.kind {
            Kind::Local => {
                local::spawn(command).map_err(|error| Failure::here("`sh` cannot be started", &error))
            }
            Kind::Ssh => self.start(command).await,
        }
    }

    /// Starts a program on a connection that has room for it, or on a new one.
    async fn start(&self, command: &str) -> Result<Pipes, Failure> {
        let mut connections = self.connections.lock().await;
        connections.retain(Connection::is_open);
        let mut gone = vec![];
        for (at, connection) in connections.iter().enumerate().rev() {
            let starting = connection.start(command);
            match tokio::time::timeout(self.target.connect_timeout, starting).await {
                Ok(Ok(pipes)) => return Ok(pipes),
                Ok(Err(NoChannel::Full)) => {}
                Ok(Err(NoChannel::Gone)) | Err(_) => gone.push(at),
            }
        }
        gone.into_iter().for_each(|at| drop(connections.remove(at)));
        let connection = Connection::open(&self.target).await?;
        let started = connection.start(command).await;
        connections.push(connection);
        started.map_err(|_| {
            let Target { name, user, .. } = &self.target;
            Failure::new(
                FailureKind::ShellRefused,
                format!("{name} let {user} log in, but opened no session"),
                "look at MaxSessions and ForceCommand in its /etc/ssh/sshd_config and at its log",
            )
        })
    }

    fn no_shell(&self, end: NoHello) -> Failure {
        let (name, user) = (self.name(), self.login());
        match end {
            NoHello::Ended(code, text) => {
                let status = code.map_or(String::new(), |code| format!(" (exit status {code})"));
                let text = if text.is_empty() {
                    "it wrote nothing".to_string()
                } else {
                    text
                };
                Failure::new(
                    FailureKind::ShellRefused,
                    format!("the login of {user} on {name} ended before `/bin/sh` answered{status}: {text}"),
                    format!(
                        "look at the login shell of {user} in /etc/passwd and at its start files: they must not end the shell when there is no terminal"
                    ),
                )
            }
            NoHello::Eaten => Failure::new(
                FailureKind::ShellRefused,
                format!(
                    "a start file of the login shell of {user} on {name} read the input that was meant for `/bin/sh`"
                ),
                "look for `read` in ~/.bashrc, ~/.profile and their like: they must read nothing when there is no terminal",
            ),
        }
    }
}
