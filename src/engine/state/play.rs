//! A play while it runs: who is out of it, which batch, which roles are behind which host.

use super::handlers::Handlers;
use super::host::Host;
use crate::model::{Play, Role, Task};
use crate::template::Surroundings;
use crate::value::Value;
use crate::vars::{Layer, Levels};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Why a host is out of a play.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Out {
    /// A task failed.
    Failed,
    /// It could not be reached.
    Unreachable,
    /// `meta: end_host` and its like.
    Ended,
}

/// What all hosts see of a task alike; made once for a task and kept, since templates and files are read in it.
#[derive(Clone)]
pub struct Common {
    /// The variables of the play, of roles, blocks and the task itself.
    pub levels: Levels,
    /// Where files are searched, and how lookups behave.
    pub surroundings: Arc<Surroundings>,
}

/// What [`Common`] is kept by: the address of the task (0: none), and whether its turn has not come.
type CommonKey = (usize, bool);

/// A play while it runs.
pub struct PlayState {
    /// Number of its playbook in the graph.
    pub node: usize,
    /// Name of its playbook.
    pub name: String,
    /// Folder of its playbook.
    pub folder: PathBuf,
    /// The same as it was written, so that roles and files have one name however they are brought.
    pub written: PathBuf,
    /// What its file says.
    pub play: Arc<Play>,
    /// All its hosts.
    pub all: Vec<Arc<str>>,
    /// Its handlers, and who is notified.
    pub handlers: Handlers,
    /// `max_fail_percentage`.
    most_failed: Option<f64>,
    hosts: Mutex<PlayHosts>,
    files: Mutex<HashMap<Arc<str>, Vec<Layer>>>,
    /// With the task, so that its address stays its own.
    common: Mutex<HashMap<CommonKey, (Option<Arc<Task>>, Arc<Common>)>>,
    /// Included roles whose variables all tasks see.
    public: Mutex<Vec<Arc<Role>>>,
}

/// What changes of the hosts of a play.
#[derive(Default)]
struct PlayHosts {
    /// `meta: end_play`: no further batch.
    ended: bool,
    /// Something was wrong that no host is to blame for.
    wrong: bool,
    batch: Vec<Arc<str>>,
    out: HashMap<Arc<str>, Out>,
    /// Uses of roles of which a host did a task; true if it has them behind it.
    role_uses: HashMap<(Arc<str>, Arc<str>), bool>,
    /// The magic variables of the hosts, until one goes or comes.
    names: Option<HostNames>,
}

/// The magic variables that name the hosts of a play.
#[derive(Clone)]
pub struct HostNames {
    /// `ansible_play_hosts_all`.
    pub all: Value,
    /// `ansible_play_hosts`.
    pub alive: Value,
    /// `ansible_play_batch`.
    pub batch: Value,
}

impl PlayState {
    /// A play that begins on these hosts.
    pub fn new(
        (node, name): (usize, String),
        (folder, written): (PathBuf, PathBuf),
        play: &Arc<Play>,
        all: Vec<Arc<str>>,
        most_failed: Option<f64>,
    ) -> PlayState {
        PlayState {
            node,
            name,
            folder,
            written,
            play: play.clone(),
            all,
            handlers: Handlers::new(&play.handlers),
            most_failed,
            hosts: Mutex::default(),
            files: Mutex::default(),
            common: Mutex::default(),
            public: Mutex::default(),
        }
    }

    fn hosts(&self) -> MutexGuard<'_, PlayHosts> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes who is out.
    fn change_out<T>(&self, change: impl FnOnce(&mut HashMap<Arc<str>, Out>) -> T) -> T {
        let mut hosts = self.hosts();
        hosts.names = None;
        change(&mut hosts.out)
    }

    /// How many hosts failed or could not be reached.
    pub fn failures(&self) -> usize {
        self.hosts()
            .out
            .values()
            .filter(|out| **out != Out::Ended)
            .count()
    }

    /// The hosts that are out, and why.
    pub fn all_out(&self) -> Vec<(Arc<str>, Out)> {
        let hosts = self.hosts();
        hosts.out.iter().map(|(name, out)| (name.clone(), *out)).collect()
    }

    /// True if the host does no more tasks of this play.
    pub fn is_out(&self, host: &Host) -> bool {
        self.hosts().out.contains_key(&host.name)
    }

    /// True if the host could not be reached.
    pub fn is_unreachable(&self, host: &Host) -> bool {
        self.hosts().out.get(&host.name) == Some(&Out::Unreachable)
    }

    /// True if handlers still run on the host: it is in the play, or it failed and handlers are forced.
    pub fn runs_handlers(&self, host: &Host, forced: bool) -> bool {
        match self.hosts().out.get(&host.name) {
            None => true,
            Some(Out::Failed) => forced,
            Some(Out::Unreachable | Out::Ended) => false,
        }
    }

    /// True if more hosts of the batch failed than `max_fail_percentage` allows. As in Ansible, hosts that
    /// cannot be reached do not count.
    pub fn too_many_failed(&self) -> bool {
        let Some(most) = self.most_failed else {
            return false;
        };
        let hosts = self.hosts();
        let is_failed = |name: &&Arc<str>| hosts.out.get(*name) == Some(&Out::Failed);
        let failed = hosts.batch.iter().filter(is_failed).count();
        failed as f64 * 100.0 > most * hosts.batch.len() as f64
    }

    /// The host is out.
    pub fn put_out(&self, host: &Host, out: Out) {
        self.change_out(|all| all.insert(host.name.clone(), out));
    }

    /// The host is back.
    pub fn bring_back(&self, host: &Host) {
        self.change_out(|all| all.remove(&host.name));
    }

    /// All hosts are back (`meta: clear_host_errors`).
    pub fn bring_all_back(&self) {
        self.change_out(HashMap::clear);
    }

    /// Brings back the hosts that failed; gives them.
    pub fn resume(&self, hosts: &[Arc<Host>]) -> Vec<Arc<Host>> {
        self.change_out(|out| {
            let failed = |host: &&Arc<Host>| out.get(&host.name) == Some(&Out::Failed);
            let failed: Vec<_> = hosts.iter().filter(failed).cloned().collect();
            for host in &failed {
                out.remove(&host.name);
            }
            failed
        })
    }

    /// The next batch begins.
    pub fn begin_batch(&self, batch: &[Arc<Host>]) {
        let mut hosts = self.hosts();
        hosts.names = None;
        hosts.batch = batch.iter().map(|host| host.name.clone()).collect();
    }

    /// The hosts of the batch that are not out.
    pub fn alive_in_batch(&self) -> Vec<Arc<str>> {
        let hosts = self.hosts();
        let alive = hosts.batch.iter().filter(|name| !hosts.out.contains_key(*name));
        alive.cloned().collect()
    }

    /// `meta: end_play`: no further batch begins.
    pub fn end(&self) {
        self.hosts().ended = true;
    }

    /// Something was wrong that no host is to blame for.
    pub fn note_wrong(&self) {
        self.hosts().wrong = true;
    }

    /// True if something was wrong that no host is to blame for.
    pub fn is_wrong(&self) -> bool {
        self.hosts().wrong
    }

    /// True if no further batch begins.
    pub fn is_ended(&self) -> bool {
        self.hosts().ended
    }

    /// True if the host has this use of a role behind it.
    pub fn has_run_role(&self, host: &Host, role: &Arc<str>) -> bool {
        self.hosts().role_uses.get(&(host.name.clone(), role.clone())) == Some(&true)
    }

    /// The host did a task of this use of a role.
    pub fn role_began(&self, host: &Host, role: &Arc<str>) {
        let mut hosts = self.hosts();
        let uses = &mut hosts.role_uses;
        uses.entry((host.name.clone(), role.clone())).or_insert(false);
    }

    /// The host came to the end of this use of a role. As in Ansible, one of which it skipped every task did not run.
    pub fn role_ended(&self, host: &Host, role: &Arc<str>) {
        if let Some(done) = self.hosts().role_uses.get_mut(&(host.name.clone(), role.clone())) {
            *done = true;
        }
    }

    /// The magic variables that name the hosts of the play.
    pub fn host_names(&self) -> HostNames {
        let mut hosts = self.hosts();
        if let Some(names) = &hosts.names {
            return names.clone();
        }
        let value = |names: &[Arc<str>], is_in: &dyn Fn(&Arc<str>) -> bool| {
            Value::list(
                names
                    .iter()
                    .filter(|name| is_in(name))
                    .cloned()
                    .map(Value::String),
            )
        };
        let is_alive = |name: &Arc<str>| !hosts.out.contains_key(name);
        let names = HostNames {
            all: value(&self.all, &|_| true),
            alive: value(&self.all, &is_alive),
            batch: value(&hosts.batch, &is_alive),
        };
        hosts.names = Some(names.clone());
        names
    }

    /// The name of the play.
    pub fn title(&self) -> String {
        self.play.title().to_string()
    }

    /// Variables of the play's `vars_files` for a host, the strongest first.
    pub fn vars_files(&self, host: &Host) -> Vec<Layer> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.get(&host.name).cloned().unwrap_or_default()
    }

    /// Keeps the variables of the play's `vars_files` for a host.
    pub fn keep_vars_files(&self, host: &Host, layers: Vec<Layer>) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert(host.name.clone(), layers);
    }

    /// Shows the variables of included roles to all tasks from now on; one that says what it said before takes its new place among them.
    pub fn publish(&self, roles: Vec<Arc<Role>>) {
        if roles.is_empty() {
            return;
        }
        let mut public = self.public.lock().unwrap_or_else(PoisonError::into_inner);
        for role in roles {
            public.retain(|known| *known != role);
            public.push(role);
        }
        drop(public);
        self.common.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The included roles whose variables all tasks see, the strongest last.
    pub fn published(&self) -> Vec<Arc<Role>> {
        self.public.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What all hosts see of a task alike, made by `make` at its first use. `ahead`: its turn has not come.
    pub fn common(
        &self,
        task: Option<&Arc<Task>>,
        ahead: bool,
        make: impl FnOnce() -> Common,
    ) -> Arc<Common> {
        let address = task.map_or(0, |task| Arc::as_ptr(task) as usize);
        let mut all = self.common.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || (task.cloned(), Arc::new(make()));
        let (_, common) = all.entry((address, ahead)).or_insert_with(made);
        common.clone()
    }
}
