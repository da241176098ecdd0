//! A host in a run: its connection, what is known of it, and the variables it was given.

use super::ahead::Ahead;
use crate::connection::{self, Claim, Failure, HostLock};
use crate::host::State;
use crate::value::{Map, Value};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Makes connections; given in by the program, so that the engine need not know options and files.
pub trait Reach: Send + Sync {
    /// The variables that it reads, those that mean the same together.
    fn variables(&self) -> &'static [&'static [&'static str]];

    /// The way to a host, from its variables (`ansible_host`, `ansible_user`, ...), rendered.
    ///
    /// # Errors
    /// An option that is refused, with what to do.
    fn target(&self, name: &str, variables: &Map) -> crate::error::Result<connection::Target>;
}

/// The locks of one host in this run.
#[derive(Default)]
pub struct Held {
    /// Those that the run has, one for every connection: each is another way to be an account there.
    locks: Vec<HostLock>,
    /// How many running plays use the host.
    pub plays: usize,
}

impl Held {
    /// The lock of a connection; claimed now if it was not.
    pub async fn lock(&mut self, connection: &connection::Host, claim: &Claim) -> &HostLock {
        let known = self.locks.iter().position(|lock| lock.is_of(connection));
        let at = match known {
            Some(at) => at,
            None => {
                self.locks.push(connection.claim(claim.clone()).await);
                self.locks.len() - 1
            }
        };
        &self.locks[at]
    }

    /// Lets go.
    pub fn release(&mut self) {
        self.locks.clear();
    }
}

/// A host.
pub struct Host {
    pub name: Arc<str>,
    /// Its address as tasks see it where nobody has said one (`ansible_host`): its name.
    pub address: Arc<Map>,
    /// What is known of it; only a check keeps that from task to task.
    pub known: Arc<Knowledge>,
    data: Mutex<Data>,
    /// One for every way that was gone: another password or key is another way.
    connections: Mutex<Vec<connection::Host>>,
    /// One play at a time.
    pub permit: Arc<tokio::sync::Mutex<()>>,
    /// One run at a time.
    pub lock: tokio::sync::Mutex<Held>,
    missed: Mutex<Option<Failure>>,
    /// What was looked up before its turn.
    pub ahead: Ahead,
}

/// What is known of a host.
#[derive(Default)]
pub struct Knowledge(Mutex<Arc<State>>);

impl Knowledge {
    fn held(&self) -> MutexGuard<'_, Arc<State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A snapshot.
    pub fn state(&self) -> Arc<State> {
        self.held().clone()
    }

    /// Changes what is known.
    pub fn change(&self, change: impl FnOnce(&mut State)) {
        change(Arc::make_mut(&mut self.held()));
    }

    /// Puts something else in its place.
    pub fn replace(&self, state: Arc<State>) {
        *self.held() = state;
    }
}

/// What a host was given in this run.
#[derive(Default)]
pub struct Data {
    /// Gathered facts, without the prefix `ansible_`.
    pub facts: Arc<Map>,
    /// Names among them that are variables as they stand, without `ansible_` before them: modules that are programs chose them.
    own_names: HashSet<Arc<str>>,
    /// Whether facts were gathered.
    pub gathered: bool,
    /// Variables of `include_vars`, with the playbook that read them.
    pub included: Vec<(usize, Arc<Map>)>,
    /// Variables of `set_fact` and registered results, with the playbook that made them.
    set: HashMap<Arc<str>, Vec<(usize, Value)>>,
    /// The facts as variables, and the facts they were made of.
    injected: Option<(Arc<Map>, Arc<Map>)>,
}

impl Data {
    /// The facts as top-level variables; made once for the same facts.
    pub fn injected(&mut self) -> Arc<Map> {
        match &self.injected {
            Some((facts, injected)) if Arc::ptr_eq(facts, &self.facts) => injected.clone(),
            _ => {
                let injected = super::facts::injected(&self.facts, &self.own_names);
                self.injected = Some((self.facts.clone(), injected.clone()));
                injected
            }
        }
    }

    /// Takes facts by the names that a module which is a program gave them.
    pub fn take_returned(&mut self, returned: &Map) {
        let facts = Arc::make_mut(&mut self.facts);
        for (name, value) in returned {
            let short = match name.strip_prefix("ansible_") {
                Some(short) => Arc::from(short),
                None => {
                    self.own_names.insert(name.clone());
                    name.clone()
                }
            };
            facts.insert(short, value.clone());
        }
    }

    /// A variable of `set_fact` or a registered result, the newest of those that `sees` lets through by the playbook
    /// that made it.
    pub fn set(&self, name: &str, sees: impl Fn(usize) -> bool) -> Option<Value> {
        let values = self.set.get(name)?;
        let seen = values.iter().rev().find(|(by, _)| sees(*by));
        seen.map(|(_, value)| value.clone())
    }

    /// The names of these variables.
    pub fn set_names(&self, sees: impl Fn(usize) -> bool) -> Vec<Arc<str>> {
        let visible = |values: &[(usize, Value)]| values.iter().any(|(by, _)| sees(*by));
        let all = self.set.iter().filter(|(_, values)| visible(values));
        all.map(|(name, _)| name.clone()).collect()
    }
}

impl Host {
    pub fn new(name: &str) -> Host {
        let name: Arc<str> = name.into();
        let names = ["ansible_host", "ansible_ssh_host"];
        let address = names.map(|variable| (variable.into(), Value::String(name.clone())));
        Host {
            address: Arc::new(Map::from(address)),
            name,
            known: Arc::default(),
            data: Mutex::default(),
            connections: Mutex::default(),
            permit: Arc::default(),
            lock: tokio::sync::Mutex::default(),
            missed: Mutex::default(),
            ahead: Ahead::default(),
        }
    }

    /// What the host was given; held only for moments.
    pub fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A snapshot of what is known.
    pub fn state(&self) -> Arc<State> {
        self.known.state()
    }

    /// The connection along a way; the same way gives the same connection.
    pub fn connection(&self, target: connection::Target) -> connection::Host {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let known = connections.iter().find(|known| *known.target() == target);
        if let Some(known) = known {
            return known.clone();
        }
        let made = connection::Host::new(target);
        connections.push(made.clone());
        made
    }

    /// Notes why the host could not be reached just now.
    pub fn missed(&self, failure: Failure) {
        *self.missed.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
    }

    /// Why the host could not be reached just now; told once, so that the next task tries again.
    pub fn take_missed(&self) -> Option<Failure> {
        self.missed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Ends all connections; the next use connects anew, and takes the lock again if the run has it.
    pub async fn reset(&self) {
        let open = {
            let connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
            connections.clone()
        };
        for connection in open {
            connection.close().await;
        }
    }

    /// Ends all connections and lets go of the lock.
    pub async fn close(&self) {
        *self.lock.lock().await = Held::default();
        let open = {
            let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *connections)
        };
        for connection in open {
            connection.close().await;
        }
    }

    /// Gives the host a variable that tasks of playbook `node`, and those that need it, see.
    pub fn set(&self, node: usize, name: &str, value: Value) {
        let mut data = self.data();
        let values = data.set.entry(name.into()).or_default();
        values.retain(|(by, _)| *by != node);
        values.push((node, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{Secret, Target};

    #[test]
    fn another_password_is_another_way() {
        let host = Host::new("a");
        let way = |password: &str| Target {
            password: Some(Secret::new(password)),
            ..Target::ssh("a", "::1", 22, "root")
        };
        for password in ["old", "new", "old"] {
            let connection = host.connection(way(password));
            assert_eq!(connection.target().password, Some(Secret::new(password)));
        }
        assert_eq!(host.connections.lock().unwrap().len(), 2);
    }
}
