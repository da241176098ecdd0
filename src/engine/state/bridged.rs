//! What a run knows of the modules and plugins of others: the bridge, the Pythons of hosts, the servers that run there.

use crate::bridge::{Bridge, Frame, PayloadFile};
use crate::connection::{Failure, Shell};
use indexmap::IndexMap;
use serde_json::Value as Json;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, oneshot};

/// What a run knows of the modules and plugins of others.
pub struct Bridged {
    /// Builds them.
    pub bridge: Arc<Bridge>,
    servers: Mutex<HashMap<(usize, String), Servers>>,
    pythons: Mutex<HashMap<(Arc<str>, Arc<str>), String>>,
    counts: Mutex<IndexMap<String, usize>>,
    plugins: Mutex<IndexMap<String, usize>>,
}

/// The servers of one account with one Python; whoever starts one holds the lock.
pub type Servers = Arc<tokio::sync::Mutex<Vec<Arc<Server>>>>;

/// Something that a server is to do.
pub struct Request {
    /// Its number; the answer has it too.
    pub id: u64,
    /// What.
    pub message: Json,
    /// Bytes that go along.
    pub blob: Vec<u8>,
    /// Where the answer goes; none for what is not answered.
    pub answer: Option<oneshot::Sender<Result<Frame, Lost>>>,
}

/// Why a server gave no answer.
#[derive(Clone, Debug)]
pub enum Lost {
    /// Its connection is gone.
    Connection(Failure),
    /// It has ended: what it said.
    Ended(String),
}

/// A server on a host: Python, with what all modules need.
pub struct Server {
    /// The version of its Python.
    pub python: (u32, u32),
    requests: mpsc::UnboundedSender<Request>,
    numbers: AtomicU64,
    /// It stands for the account that the server runs as.
    _shell: Arc<Shell>,
    stored: Mutex<Stored>,
}

/// What lies on the host.
#[derive(Default)]
struct Stored {
    /// The trees that hold payloads, by their digests.
    trees: HashMap<Arc<str>, String>,
    /// The digests of what the server has imported.
    imported: HashMap<String, String>,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Bridged {
    /// Nothing is known yet.
    pub fn new(bridge: Arc<Bridge>) -> Bridged {
        Bridged {
            bridge,
            servers: Mutex::default(),
            pythons: Mutex::default(),
            counts: Mutex::default(),
            plugins: Mutex::default(),
        }
    }

    /// The servers of an account of a host with this Python.
    pub fn servers(&self, shell: &Arc<Shell>, python: &str) -> Servers {
        let key = (Arc::as_ptr(shell).addr(), python.to_string());
        held(&self.servers).entry(key).or_default().clone()
    }

    /// The Python that an account found on a host: what one may run, another may not.
    pub fn python(&self, host: &Arc<str>, account: &Arc<str>) -> Option<String> {
        held(&self.pythons).get(&(host.clone(), account.clone())).cloned()
    }

    /// Notes the Python that an account found on a host.
    pub fn found_python(&self, host: &Arc<str>, account: &Arc<str>, python: &str) {
        held(&self.pythons).insert((host.clone(), account.clone()), python.to_string());
    }

    /// Counts a task that was run.
    pub fn count(&self, module: &str) {
        *held(&self.counts).entry(module.to_string()).or_default() += 1;
    }

    /// Counts calls of a plugin.
    pub fn count_plugin(&self, kind: &str, name: &str, times: usize) {
        *held(&self.plugins).entry(format!("{kind} {name}")).or_default() += times;
    }

    /// How often each plugin was called.
    pub fn plugin_counts(&self) -> IndexMap<String, usize> {
        held(&self.plugins).clone()
    }

    /// How often each module was run.
    pub fn counts(&self) -> IndexMap<String, usize> {
        held(&self.counts).clone()
    }
}

impl Server {
    /// A server that takes requests there.
    pub fn new(python: (u32, u32), requests: mpsc::UnboundedSender<Request>, shell: Arc<Shell>) -> Server {
        Server {
            python,
            requests,
            numbers: AtomicU64::new(1),
            _shell: shell,
            stored: Mutex::default(),
        }
    }

    /// True while it takes requests.
    pub fn is_alive(&self) -> bool {
        !self.requests.is_closed()
    }

    /// A number for the next request.
    pub fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Hands a request over; one that nobody takes any more is dropped, and with it its answer.
    pub fn request(&self, request: Request) {
        let _ = self.requests.send(request);
    }

    /// The tree that holds a payload.
    pub fn tree(&self, payload: &str) -> Option<String> {
        held(&self.stored).trees.get(payload).cloned()
    }

    /// Notes the tree that holds a payload, and which of its files the server has imported.
    pub fn stores(&self, payload: Arc<str>, tree: &str, files: &[PayloadFile], imported: &[String]) {
        let mut stored = held(&self.stored);
        if stored.imported.is_empty() {
            let known = files.iter().filter(|file| imported.contains(&file.path));
            stored.imported = known
                .map(|file| (file.path.clone(), file.digest.clone()))
                .collect();
        }
        stored.trees.insert(payload, tree.to_string());
    }

    /// True if what the server has imported is the same in a payload.
    pub fn fits(&self, files: &[PayloadFile]) -> bool {
        let stored = held(&self.stored);
        files.iter().all(|file| {
            let imported = stored.imported.get(&file.path);
            imported.is_none_or(|digest| *digest == file.digest)
        })
    }
}
