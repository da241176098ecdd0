//! Which filters, tests and lookups templates may name that Vent does not have: those of the project, of collections and of
//! ansible-core.

use super::Loader;
use super::collections;
use super::reader::Reader;
use super::resolution::there;
use super::routing::{Elsewhere, Led};
use crate::bridge::{Plugin, PluginFile, PluginFolders};
use crate::error::{Error, Result};
use crate::template::{self, NameKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

/// The kinds of plugins that are called by templates.
const KINDS: [NameKind; 3] = [NameKind::Filter, NameKind::Test, NameKind::Lookup];

/// The folder of inventory plugins beside a playbook.
const INVENTORY_PLUGINS: &str = "inventory_plugins";

/// The folder of vars plugins beside a playbook.
const VARS_PLUGINS: &str = "vars_plugins";

/// The folder of plugins of a kind, beside a playbook and in a role.
pub(super) fn folder_of(kind: NameKind) -> &'static str {
    match kind {
        NameKind::Filter => "filter_plugins",
        NameKind::Test => "test_plugins",
        NameKind::Lookup => "lookup_plugins",
    }
}

/// What a name was found to be, by the kind, the name, the folder of the playbook, and how many roles had been read.
pub(super) type Found =
    std::collections::HashMap<(NameKind, String, PathBuf, usize), Result<Option<Arc<Plugin>>>>;

impl Loader {
    /// The plugin of a name that Vent does not have, for templates of a playbook in this folder; `None` if it is nowhere.
    ///
    /// # Errors
    /// There is one, and something keeps it from being called.
    pub fn plugin(&self, kind: NameKind, name: &str, folder: &Path) -> Result<Option<Arc<Plugin>>> {
        let key = (
            kind,
            name.to_string(),
            folder.to_path_buf(),
            self.read_roles().len(),
        );
        let found = || self.plugins.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = found().get(&key) {
            return known.clone();
        }
        let plugin = Reader::new(self, folder).plugin(kind, name);
        let plugin = plugin.map(|plugin| plugin.map(Arc::new));
        found().insert(key, plugin.clone());
        plugin
    }
}

impl Reader<'_> {
    fn plugin(&self, kind: NameKind, name: &str) -> Result<Option<Plugin>> {
        let plain = name.strip_prefix("ansible.legacy.").unwrap_or(name);
        let folders = self.plugin_folders();
        if !plain.contains('.') {
            let own = folders.of(kind);
            let files = own
                .iter()
                .flat_map(|folder| files(folder, kind, plain, None))
                .collect();
            if let Some(path) = self.provider(kind, plain, files, &folders)? {
                return Ok(Some(Plugin::new(kind, plain, path, folders)));
            }
        }
        if template::is_own(kind, plain) {
            return Ok(None);
        }
        let (collection, short) = match collections::parted(plain) {
            Some(parts) => parts,
            None if plain.contains('.') => return Ok(None),
            None => ("ansible.builtin", plain),
        };
        let led = match self.led(&[kind.word()], kind.word(), collection, short) {
            Ok(led) => led,
            Err(Elsewhere::Gone(text)) => {
                let word = kind.word();
                return Err(Error::new(format!("the {word} `{name}` is gone: {text}")));
            }
            Err(_) => None,
        };
        let Some((led, _)) = led else { return Ok(None) };
        let short = led.name();
        let (full, files) = match &led {
            Led::Collection { folder, full, name } => {
                let below = name.rsplit_once('.').map(|(below, _)| below.replace('.', "/"));
                let folder = folder.join("plugins").join(kind.word());
                let folder = below.map_or(folder.clone(), |below| folder.join(below));
                let package = full.strip_suffix(short).map(|_| full.as_str());
                (full.clone(), files(&folder, kind, short, package))
            }
            Led::Core(name) => (name.clone(), self.files_of_core(kind, name)),
        };
        let leaf = short.rsplit('.').next().unwrap_or(short);
        let path = self.provider(kind, leaf, files, &folders)?;
        Ok(path.map(|path| Plugin::new(kind, &full, path, folders)))
    }

    /// The files of ansible-core that may have it, and Jinja's own.
    fn files_of_core(&self, kind: NameKind, name: &str) -> Vec<PluginFile> {
        let Ok(core) = self.loader.bridge.allowed_core() else {
            return vec![];
        };
        let folder = core.folder.join("plugins").join(kind.word());
        let mut files = files(&folder, kind, name, Some("ansible"));
        if kind != NameKind::Lookup {
            files.push(PluginFile {
                path: None,
                module: None,
            });
        }
        files
    }

    /// The first of these files that has the plugin. A lookup is its file; filters and tests are told by ansible-core, which is asked
    /// first of those in whose text the name stands.
    fn provider(
        &self,
        kind: NameKind,
        name: &str,
        files: Vec<PluginFile>,
        folders: &PluginFolders,
    ) -> Result<Option<PathBuf>> {
        let bridge = &self.loader.bridge;
        let (likely, mut others): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|file| mentions(file, kind, name));
        let own = template::is_own(kind, name);
        if own {
            others.clear();
        }
        if likely.is_empty() && (others.is_empty() || bridge.allowed_core().is_err()) {
            return Ok(None);
        }
        if let Err(error) = bridge.allowed_core() {
            let text = format!(
                "the {} `{name}` needs the bridge to Python: {}",
                kind.word(),
                error.message()
            );
            if own && kind != NameKind::Lookup {
                return Ok(self.own_instead(kind, name, &likely));
            }
            let error = error.renamed(text);
            return Err(match likely.first().and_then(|file| file.path.as_ref()) {
                Some(path) => error.cause(format!("it lies in {}", path.display())),
                None => error,
            });
        }
        let path = |file: &PluginFile| file.path.clone().unwrap_or_default();
        if kind == NameKind::Lookup {
            return Ok(likely.first().map(path));
        }
        let mut broken = None;
        for files in [likely, others].iter().filter(|files| !files.is_empty()) {
            let names = bridge.names(kind, files, folders)?;
            for (file, names) in files.iter().zip(names) {
                match names {
                    Ok(names) if names.iter().any(|known| known == name) => return Ok(Some(path(file))),
                    Err(cause) if mentions(file, kind, name) => {
                        broken.get_or_insert((path(file), cause));
                    }
                    _ => {}
                }
            }
        }
        match broken {
            Some((path, cause)) if !own => {
                let text = format!(
                    "no {} named '{name}': {} cannot be loaded",
                    kind.word(),
                    path.display()
                );
                Err(Error::new(text).cause(cause))
            }
            _ => Ok(None),
        }
    }

    /// Vent's own is taken where nobody can tell whether a file has another, which is said.
    fn own_instead(&self, kind: NameKind, name: &str, likely: &[PluginFile]) -> Option<PathBuf> {
        let path = likely.first().and_then(|file| file.path.as_ref())?;
        let (word, path) = (kind.word(), path.display());
        let text = format!(
            "whether {path} has a {word} `{name}` cannot be told without ansible-core: Vent's own is used"
        );
        self.loader.warn(vec![Error::new(text)]);
        None
    }

    /// Where ansible-core finds plugins: beside the playbook, of all roles that were read, of the configuration.
    fn plugin_folders(&self) -> PluginFolders {
        let bases = || std::iter::once(self.folder.clone()).chain(self.loader.read_roles());
        let all = |kind: NameKind| {
            let mut folders: Vec<PathBuf> = bases().map(|base| base.join(folder_of(kind))).collect();
            folders.extend(
                self.loader
                    .search
                    .plugins
                    .get(folder_of(kind))
                    .cloned()
                    .unwrap_or_default(),
            );
            (kind.word(), there(folders))
        };
        let mut module_utils: Vec<PathBuf> = bases().map(|base| base.join("module_utils")).collect();
        module_utils.extend(self.loader.search.module_utils.iter().cloned());
        let folder = match self.folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => &self.folder,
        };
        PluginFolders {
            basedir: std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf()),
            folders: KINDS.map(all).to_vec(),
            module_utils: there(module_utils),
            collections: self.all_collection_paths(),
        }
    }
}

/// The files of Python's in a folder of plugins: for a lookup that of its name. `package` is the full name of what is looked for in a
/// collection, or says that they are ansible-core's.
fn files(folder: &Path, kind: NameKind, name: &str, package: Option<&str>) -> Vec<PluginFile> {
    let leaf = name.rsplit('.').next().unwrap_or(name);
    let mut paths = python_files(folder);
    paths.retain(|path| kind != NameKind::Lookup || path.file_stem().is_some_and(|stem| stem == leaf));
    let module = |path: &Path| {
        let stem = path.file_stem()?.to_str()?;
        let kind = kind.word();
        match package? {
            "ansible" => Some(format!("ansible.plugins.{kind}.{stem}")),
            full => {
                let (collection, rest) = collections::parted(full)?;
                let below = rest.rsplit_once('.').map(|(below, _)| format!("{below}."));
                let below = below.unwrap_or_default();
                Some(format!(
                    "ansible_collections.{collection}.plugins.{kind}.{below}{stem}"
                ))
            }
        }
    };
    let file = |path: PathBuf| PluginFile {
        module: module(&path),
        path: Some(path),
    };
    paths.into_iter().map(file).collect()
}

/// The files of Python's in a folder, in the order of their names.
fn python_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "py") && path.is_file())
        .filter(|path| path.file_stem().is_some_and(|stem| stem != "__init__"))
        .collect();
    paths.sort();
    paths
}

/// True if a name stands in the text of a file; what Jinja has lies in none.
fn mentions(file: &PluginFile, kind: NameKind, name: &str) -> bool {
    let Some(path) = &file.path else { return false };
    if kind == NameKind::Lookup {
        return path.file_stem().is_some_and(|stem| stem == name);
    }
    let Ok(bytes) = std::fs::read(path) else {
        return false;
    };
    let text = String::from_utf8_lossy(&bytes);
    match template::is_own(kind, name) {
        true => template::may_name(&text, name),
        false => text.contains(name),
    }
}

impl Loader {
    /// Where the inventory plugin of a name is found, for a playbook in this folder; `None` if it is nowhere.
    ///
    /// # Errors
    /// There is one, and ansible-core is not there, or may not be asked.
    pub fn inventory_plugin(&self, name: &str, folder: &Path) -> Result<Option<PluginFolders>> {
        let reader = Reader::new(self, folder);
        let mut folders = reader.plugin_folders();
        let mut own = vec![folders.basedir.join(INVENTORY_PLUGINS)];
        own.extend(
            self.search
                .plugins
                .get(INVENTORY_PLUGINS)
                .cloned()
                .unwrap_or_default(),
        );
        let own = there(own);
        let path = |folder: &Path, name: &str| {
            let path = folder.join(format!("{}.py", name.replace('.', "/")));
            path.is_file().then_some(path)
        };
        let led = || {
            let (collection, short) = collections::parted(name).unwrap_or(("ansible.builtin", name));
            match reader
                .led(&["inventory"], "inventory", collection, short)
                .ok()??
                .0
            {
                Led::Collection { folder, name, .. } => path(&folder.join("plugins/inventory"), &name),
                Led::Core(name) => {
                    let core = self.bridge.allowed_core().ok()?;
                    path(&core.folder.join("plugins/inventory"), &name)
                }
            }
        };
        let plain = name.strip_prefix("ansible.legacy.").unwrap_or(name);
        let found = own.iter().find_map(|folder| path(folder, plain)).or_else(led);
        let Some(found) = found else { return Ok(None) };
        self.bridge.allowed_core().map_err(|error| {
            let text = format!(
                "the inventory plugin `{name}` needs the bridge to Python: {}",
                error.message()
            );
            error
                .renamed(text)
                .cause(format!("it lies in {}", found.display()))
        })?;
        folders.folders.push(("inventory", own));
        Ok(Some(folders))
    }

    /// Where the vars plugins for a playbook in this folder are; `None` if there are none but Ansible's own.
    pub fn vars_plugins(&self, folder: &Path) -> Option<PluginFolders> {
        let mut folders = Reader::new(self, folder).plugin_folders();
        let mut own = vec![folders.basedir.join(VARS_PLUGINS)];
        own.extend(self.search.plugins.get(VARS_PLUGINS).cloned().unwrap_or_default());
        let own = there(own);
        let named = || {
            self.search
                .vars_plugins_enabled
                .iter()
                .any(|name| !name.ends_with("host_group_vars"))
        };
        if own.iter().all(|folder| python_files(folder).is_empty()) && !named() {
            return None;
        }
        folders.folders.push(("vars", own));
        Some(folders)
    }

    /// Notes the plugins beside a playbook in this folder, and those of the configuration.
    pub(super) fn note_plugins_beside(&self, folder: &Path) {
        self.note_plugins(&|kind| {
            let name = folder_of(kind);
            let configured = self.search.plugins.get(name).cloned().unwrap_or_default();
            std::iter::once(folder.join(name)).chain(configured).collect()
        });
    }

    /// Notes the plugins beside a playbook, in a role or of the configuration that have a name of Vent's own.
    pub(super) fn note_plugins(&self, folders: &dyn Fn(NameKind) -> Vec<PathBuf>) {
        for kind in KINDS {
            for path in folders(kind).iter().flat_map(|folder| python_files(folder)) {
                match kind {
                    NameKind::Lookup => {
                        let name = path.file_stem().and_then(|stem| stem.to_str());
                        template::note_overridden_name(kind, name.unwrap_or_default());
                    }
                    _ => {
                        let text = std::fs::read(&path).unwrap_or_default();
                        template::note_overridden(kind, &String::from_utf8_lossy(&text));
                    }
                }
            }
        }
    }
}
