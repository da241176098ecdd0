//! A run: what its playbooks share.

use super::ahead::Moves;
use super::bridged::Bridged;
use super::host::Reach;
use super::hosts::Hosts;
use super::permits::Permits;
use super::secrets::Secrets;
use super::settings::Settings;
use super::stats::Stats;
use crate::content::Digests;
use crate::error::{Error, Errors};
use crate::event::{Events, Kind, LINES, Origin};
use crate::graph::Graph;
use crate::inventory::Inventory;
use crate::inventory::pattern::Limited;
use crate::model::Action;
use crate::model::load::Loader;
use crate::module::{self, Entry};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// Reads the inventory anew.
pub type Reload = dyn Fn() -> Result<Inventory, Errors> + Send + Sync;

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

/// A run.
pub struct RunState {
    /// The choices of the user.
    pub settings: Settings,
    /// The playbooks.
    pub graph: Graph,
    /// Where events go.
    pub events: Events,
    /// How hosts are reached.
    pub reach: Arc<dyn Reach>,
    /// Reads files while running.
    pub loader: Arc<Loader>,
    /// Reads the inventory anew.
    pub reload: Arc<Reload>,
    /// Digests of files of this computer.
    pub digests: Arc<Digests>,
    /// Its inventory and its hosts.
    pub hosts: Hosts,
    /// What may go on at the same time, and when it must end.
    pub permits: Permits,
    /// The account of this process.
    pub local_user: Arc<str>,
    /// Who has the locks, as other runs are told; no other run has this name.
    pub name: String,
    /// What the run does, as far as looking ahead has to know it.
    pub moves: Moves,
    /// The modules of others.
    pub bridged: Bridged,
    /// How often each host was ok, changed, failed.
    pub stats: Stats,
    /// The task of `--start-at-task` has come, or none is waited for.
    pub begun: AtomicBool,
    /// The hosts of `--limit`.
    pub limited: Option<Limited>,
    pub(super) secrets: Secrets,
    /// What tasks may call, by every name.
    modules: HashMap<&'static str, &'static Entry>,
    warned: Mutex<HashSet<String>>,
}

impl RunState {
    /// A run of these parts, on the hosts of `limited` only.
    pub fn new(parts: Parts, limited: Option<Limited>) -> RunState {
        let local_user = local_user();
        let run = RunState {
            name: name(&parts.settings, &local_user),
            permits: Permits::new(parts.settings.forks, parts.stop, parts.stop_now),
            begun: AtomicBool::new(parts.settings.start_at_task.is_none()),
            graph: parts.graph,
            events: parts.events,
            reach: parts.reach,
            modules: parts
                .modules
                .iter()
                .flat_map(|entry| entry.names.iter().map(move |name| (*name, entry)))
                .collect(),
            bridged: Bridged::new(parts.loader.bridge.clone()),
            loader: parts.loader,
            reload: parts.reload,
            settings: parts.settings,
            digests: Arc::default(),
            hosts: Hosts::new(parts.inventory),
            local_user: local_user.into(),
            moves: Moves::default(),
            stats: Stats::default(),
            secrets: Secrets::default(),
            warned: Mutex::default(),
            limited,
        };
        run.learn_secrets();
        run
    }

    /// True if `node` sees the variables that `other` made.
    pub fn sees(&self, node: usize, other: usize) -> bool {
        self.graph.sees(node, other)
    }

    /// The module of a name, full or short.
    pub fn module(&self, name: &str) -> Option<&'static Entry> {
        let short = name.strip_prefix("ansible.legacy.").unwrap_or(name);
        self.modules.get(short).copied()
    }

    /// The module of a task; one that Vent does not have is [`module::FOREIGN`].
    pub fn module_of(&self, action: &Action) -> Option<&'static Entry> {
        match action.foreign {
            Some(_) => Some(&module::FOREIGN),
            None => self.module(&action.module),
        }
    }

    /// The names of all modules.
    pub fn module_names(&self) -> impl Iterator<Item = &'static str> {
        self.modules.keys().copied()
    }

    /// Tells warnings, each once.
    pub fn warn(&self, warnings: &[Error]) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        for warning in warnings {
            // What was typed has no line.
            let place = warning.place().filter(|place| place.source.path.is_some());
            let place = place.map(|place| place.short());
            let more: Vec<&str> = [place.as_deref(), warning.cure()].into_iter().flatten().collect();
            if warned.insert(warning.message().to_string()) {
                let text = match &more[..] {
                    [] => warning.message().to_string(),
                    more => format!("{} ({})", warning.message(), more.join(": ")),
                };
                let text = self.mask(&text);
                self.events.tell(Kind::Warning { text, origin: None });
            }
        }
    }

    /// Tells what was suspicious in files that were read since the run began, with the lines there.
    pub fn warn_of_files(&self, warnings: Vec<Error>) {
        for warning in warnings {
            let origin = warning.place().map(|place| Origin {
                place: place.short(),
                column: place.line_column().1,
                lines: place
                    .lines(LINES)
                    .into_iter()
                    .map(|line| self.mask(line))
                    .collect(),
            });
            let text = self.mask(warning.message());
            let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
            if warned.insert(format!("{text} {origin:?}")) {
                self.events.tell(Kind::Warning { text, origin });
            }
        }
    }

    /// Tells a sentence, of a host if it is about one.
    pub fn notice(&self, host: Option<&str>, text: String) {
        let host = host.map(str::to_string);
        let text = self.mask(&text);
        self.events.tell(Kind::Notice { host, text });
    }
}

/// The name of a run: what was typed, by whom and where; that of the run around it, if there is one.
fn name(Settings { title, within, .. }: &Settings, user: &str) -> String {
    if let Some(around) = within {
        return around.clone();
    }
    let computer = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let process = std::process::id();
    format!("`{title}` of {user}@{computer}, process {process}")
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
