//! The bridge to Python: modules that Vent does not have are run by the user's own ansible-core, used as a program on this computer,
//! with Python on the host. `docs/bridge.md` describes it.
//!
//! This room finds ansible-core, has modules built by it ([`Payload`]), and says in what words they are run. It reaches no host:
//! the engine does (`engine/attempt/bridged.rs`).

mod arguments;
mod conversation;
mod core;
mod discovery;
mod folder;
mod foreign;
mod frame;
mod payload;
mod plugins;
mod style;
mod worker;

pub use arguments::{Situation, as_json, as_pairs, for_python};
pub use core::{Core, VARIABLE, pythons};
pub use discovery::{Discovery, discovery_script};
pub use foreign::Foreign;
pub use frame::{Frame, Frames, frame};
pub use payload::{OptionSpec, Payload, PayloadFile, Spec};
pub use plugins::{Called, Names, Plugin, PluginFile, PluginFolders, Told, unmarked};
pub use style::{JSON_MARK, Style};

use crate::content::blocking;
use crate::error::{Error, Result};
use crate::template::{Asked, NameKind, PluginCall};
use folder::Folder;
use payload::Built;
use plugins::PluginState;
use serde_json::json;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::OnceCell;
use worker::Worker;

/// The text of the server on a host.
pub const SERVER: &str = include_str!("bridge/server.py");

/// The text that runs one module in a process of its own.
pub const RUNNER: &str = include_str!("bridge/runner.py");

/// The release of ansible-core whose behaviour Vent has. Playbooks and modules that need no ansible-core are told it.
pub const VERSION: &str = "2.19.14";

/// The folder of an account on a host for files on their way, if nobody says another (`remote_tmp`).
pub const REMOTE_TMP: &str = "~/.ansible/tmp";

/// How long ansible-core may take to build a module.
const BUILDING: Duration = Duration::from_secs(120);

/// How long a module may take to say what arguments it has.
const ASKING: Duration = Duration::from_secs(20);

/// What the user chose.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Only what Vent has itself is run.
    pub native_only: bool,
    /// The Python that has ansible-core.
    pub python: Option<PathBuf>,
    /// Where programs are looked for.
    pub search_path: String,
    /// The folder of what is kept on this computer.
    pub cache: Option<PathBuf>,
}

/// A payload that is built, or is being built.
type Building = Arc<OnceCell<Arc<Payload>>>;

/// The bridge of one run.
#[derive(Default)]
pub struct Bridge {
    options: Options,
    core: OnceLock<Result<Arc<Core>>>,
    folder: OnceLock<Option<Folder>>,
    worker: Mutex<Option<Arc<Worker>>>,
    payloads: Mutex<HashMap<String, Building>>,
    plugins: PluginState,
}

impl Bridge {
    /// A bridge that has done nothing yet.
    pub fn new(options: Options) -> Bridge {
        Bridge {
            options,
            ..Bridge::default()
        }
    }

    /// Whether a module can be run, as far as that is known on this computer.
    ///
    /// # Errors
    /// It needs ansible-core, and that is forbidden or not there.
    pub fn serves(&self, module: &Foreign) -> Result<()> {
        if !module.needs_core() {
            return Ok(());
        }
        if self.options.native_only {
            let text = format!(
                "the module {} needs the bridge to Python, which --native-only forbids",
                module.name
            );
            let error = Error::new(text).cause(format!("it lies in {}", module.path.display()));
            return Err(error.help("leave out --native-only"));
        }
        self.core().map(|_| ()).map_err(|error| {
            let text = format!(
                "the module {} needs the bridge to Python: {}",
                module.name,
                error.message()
            );
            error.renamed(text)
        })
    }

    fn folder(&self) -> Option<&Folder> {
        let made = || Folder::in_cache(self.options.cache.as_deref()?);
        self.folder.get_or_init(made).as_ref()
    }

    /// The user's ansible-core, looked for once.
    ///
    /// # Errors
    /// There is none of a version that is served.
    pub fn core(&self) -> Result<Arc<Core>> {
        let find = || {
            let found = Core::find(
                self.options.python.as_deref(),
                &self.options.search_path,
                self.folder(),
            );
            found.map(Arc::new)
        };
        self.core.get_or_init(find).clone()
    }

    /// As [`Bridge::core`], if it may be used.
    ///
    /// # Errors
    /// It may not, or there is none.
    pub fn allowed_core(&self) -> Result<Arc<Core>> {
        match self.options.native_only {
            true => {
                Err(Error::new("--native-only forbids the bridge to Python").help("leave out --native-only"))
            }
            false => self.core(),
        }
    }

    /// The payload of a module, built once.
    ///
    /// # Errors
    /// There is no ansible-core, or it cannot build the module.
    pub async fn payload(&self, module: &Foreign) -> Result<Arc<Payload>> {
        let key = format!("{:?}", (&module.path, &module.module_utils, &module.collections));
        let building = {
            let mut payloads = self.payloads.lock().unwrap_or_else(PoisonError::into_inner);
            payloads.entry(key).or_default().clone()
        };
        let built = building.get_or_try_init(|| self.build(module)).await?;
        Ok(built.clone())
    }

    async fn build(&self, module: &Foreign) -> Result<Arc<Payload>> {
        let core = self.core()?;
        if let Some(kept) = self
            .folder()
            .and_then(|folder| Payload::kept(folder, &core, module))
        {
            return Ok(Arc::new(kept));
        }
        let cannot = |error: Error| {
            let text = format!(
                "ansible-core {} cannot build the module {}",
                core.version, module.name
            );
            let causes = error.drawn();
            Error::new(text).cause(causes.trim_end().to_string())
        };
        let worker = self.worker(&core)?;
        let folders = json!({"collections": module.collections, "module_utils": module.module_utils});
        let asked = |mut message: serde_json::Value| {
            if let (Some(message), Some(folders)) = (message.as_object_mut(), folders.as_object()) {
                message.extend(folders.clone());
            }
            message
        };
        let message = asked(json!({"op": "build", "name": module.built_name(), "path": module.path}));
        let (answer, blob) = worker.call(&message, BUILDING).await.map_err(cannot)?;
        let built: Built =
            serde_json::from_value(answer).map_err(|error| cannot(Error::new(error.to_string())))?;
        let mut payload = Payload::new(&core, built, &blob, module).map_err(cannot)?;
        let message = asked(
            json!({"op": "spec", "module": payload.module, "path": module.path, "alone": module.is_of_project()}),
        );
        // A module that cannot be asked runs all the same; a check does not decide it.
        let spec = worker.call(&message, ASKING).await.ok();
        payload.spec = spec.and_then(|(spec, _)| serde_json::from_value(spec).ok());
        if let Some(folder) = self.folder() {
            payload.keep(folder, &core, module);
        }
        Ok(Arc::new(payload))
    }

    /// The contents of files of a payload.
    ///
    /// # Errors
    /// The cache has changed under way.
    pub fn contents(&self, module: &Foreign, payload: &Payload, files: &[usize]) -> Result<Vec<u8>> {
        let mut contents = vec![];
        for file in files.iter().filter_map(|at| payload.files.get(*at)) {
            match payload.content(file, self.folder()) {
                Ok(content) => contents.extend_from_slice(&content),
                Err(error) => {
                    if let (Some(folder), Ok(core)) = (self.folder(), self.core()) {
                        Payload::forget(folder, &core, module);
                    }
                    return Err(error);
                }
            }
        }
        Ok(contents)
    }

    /// The names of the filters or tests that files have. A file that cannot be loaded has none.
    ///
    /// # Errors
    /// There is no ansible-core, or its worker does not answer.
    pub fn names(&self, kind: NameKind, files: &[PluginFile], folders: &PluginFolders) -> Result<Vec<Names>> {
        let core = self.allowed_core()?;
        let worker = || self.worker(&core);
        self.plugins
            .names(kind, files, folders, &core, self.folder(), &worker)
    }

    /// What plugins make of sources of an inventory, given the variables of `-e`: the hosts with their variables, and the groups, each with its `hosts`, `children`,
    /// `vars` and `priority`. The thread waits for it.
    ///
    /// # Errors
    /// There is no ansible-core, or its worker does not answer.
    pub fn inventory(
        &self,
        sources: &[String],
        extra: &serde_json::Value,
        folders: &PluginFolders,
    ) -> Result<Told> {
        let core = self.allowed_core()?;
        let message = json!({"op": "inventory", "sources": sources, "extra": extra.to_string()});
        PluginState::told(&message, folders, self.worker(&core)?)
    }

    /// What vars plugins say of groups and of hosts, which come with their groups: for each list of folders in `around` the variables by
    /// `group_vars` or `host_vars` and by name, first those that are weaker than files, then those that are stronger. The thread waits.
    ///
    /// # Errors
    /// As [`Bridge::inventory`].
    pub fn variables(
        &self,
        groups: &[&str],
        hosts: &HashMap<&str, Vec<&str>>,
        around: &[&[PathBuf]],
        folders: &PluginFolders,
    ) -> Result<Told> {
        let core = self.allowed_core()?;
        let message = json!({"op": "vars", "groups": groups, "hosts": hosts, "around": around});
        PluginState::told(&message, folders, self.worker(&core)?)
    }

    /// Has a plugin called; the thread waits for it.
    ///
    /// # Errors
    /// There is no ansible-core, or its worker does not answer.
    pub fn call_plugin(
        &self,
        plugin: &Plugin,
        call: &PluginCall<'_>,
        asked: &mut dyn Asked,
    ) -> Result<Called> {
        let core = self.allowed_core()?;
        self.plugins.call(plugin, call, asked, &|| self.worker(&core))
    }

    fn worker(&self, core: &Core) -> Result<Arc<Worker>> {
        blocking(|| self.started(core))
    }

    fn started(&self, core: &Core) -> Result<Arc<Worker>> {
        let mut known = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(worker) = known.as_ref().filter(|worker| worker.is_alive()) {
            return Ok(worker.clone());
        }
        let worker = Arc::new(Worker::start(core)?);
        *known = Some(worker.clone());
        Ok(worker)
    }
}
