//! A module as the files of which it runs on a host, and what is kept of it on this computer.

use super::core::Core;
use super::folder::Folder;
use super::foreign::Foreign;
use crate::content::digest_of;
use crate::error::{Error, Result};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A module of the style [`Python`](super::Style::Python), built by ansible-core: its files, without arguments.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Payload {
    /// The version of the ansible-core that built it.
    pub core: String,
    /// Its name as Python imports it.
    pub module: String,
    /// How it writes its result; empty before ansible-core 2.19.
    pub profile: String,
    /// Its files.
    pub files: Vec<PayloadFile>,
    /// The names of the arguments `_ansible_...` that this ansible-core knows, without their beginning.
    pub internal: Vec<String>,
    /// The Pythons that are looked for on a host, in order.
    pub pythons: Vec<String>,
    /// What it says of its arguments; `None` if it could not be asked.
    pub spec: Option<Spec>,
    /// The files of this computer that its files are copies of.
    sources: Vec<Origin>,
    #[serde(skip)]
    contents: HashMap<String, Arc<[u8]>>,
}

/// A file of a payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayloadFile {
    /// Below the tree in which it lies on a host.
    pub path: String,
    /// SHA-256.
    pub digest: String,
    /// Bytes.
    pub length: u64,
}

/// What a module says of its arguments.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// Its options.
    pub options: IndexMap<String, OptionSpec>,
    /// True if it says that it changes nothing in check mode.
    pub supports_check_mode: bool,
}

/// An option of a module.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OptionSpec {
    /// Its other names.
    pub aliases: Vec<String>,
    /// Its value is never to be shown.
    pub no_log: bool,
    /// The options of the mappings that it takes.
    pub options: IndexMap<String, OptionSpec>,
}

/// The file of this computer that a file of a payload is a copy of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Origin {
    file: String,
    source: PathBuf,
    stamp: (u64, i64, i64),
}

impl Payload {
    /// What the worker built.
    pub(super) fn new(core: &Core, built: Built, blob: &[u8], module: &Foreign) -> Result<Payload> {
        let mut rest = blob;
        let mut files = vec![];
        let mut contents = HashMap::new();
        for (path, digest, length) in built.files {
            let content = rest.split_off(..length as usize);
            let content = content.filter(|content| *digest == *digest_of(content));
            let content = content.ok_or_else(|| Error::new("the worker sent other files than it said"))?;
            contents.insert(digest.clone(), Arc::from(content));
            files.push(PayloadFile { path, digest, length });
        }
        let mut payload = Payload {
            core: core.version.clone(),
            module: built.name,
            profile: built.profile,
            files,
            internal: built.internal,
            pythons: built.pythons,
            spec: None,
            sources: vec![],
            contents,
        };
        payload.sources = payload.origins(core, module);
        Ok(payload)
    }

    /// SHA-256 over the paths and digests of its files.
    pub fn digest(&self) -> Arc<str> {
        let lines = self
            .files
            .iter()
            .map(|file| format!("{} {}\n", file.path, file.digest));
        digest_of(lines.collect::<String>().as_bytes())
    }

    /// The content of one of its files.
    ///
    /// # Errors
    /// It is not in the cache any more as it was.
    pub(super) fn content(&self, file: &PayloadFile, folder: Option<&Folder>) -> Result<Arc<[u8]>> {
        if let Some(content) = self.contents.get(&file.digest) {
            return Ok(content.clone());
        }
        let kept = folder.and_then(|folder| folder.read(&format!("files/{}", file.digest)));
        let kept = kept.filter(|content| *digest_of(content) == *file.digest);
        kept.map(Arc::from).ok_or_else(|| {
            let error = Error::new(format!(
                "{} is not in the cache of the bridge any more",
                file.path
            ));
            error.help("run it again: the module is built anew")
        })
    }

    /// What is kept of a module, unless a file of it has changed since.
    pub(super) fn kept(folder: &Folder, core: &Core, module: &Foreign) -> Option<Payload> {
        let name = file_name(core, module)?;
        let payload: Payload = serde_json::from_slice(&folder.read(&name)?).ok()?;
        let whole = payload
            .files
            .iter()
            .all(|file| folder.has(&format!("files/{}", file.digest), file.length));
        let same = payload
            .sources
            .iter()
            .all(|origin| Origin::of(&origin.file, core, module).as_ref() == Some(origin));
        (whole && same).then_some(payload)
    }

    /// Keeps it.
    pub(super) fn keep(&self, folder: &Folder, core: &Core, module: &Foreign) {
        let (Some(name), Ok(text)) = (file_name(core, module), serde_json::to_vec(self)) else {
            return;
        };
        for (digest, content) in &self.contents {
            let name = format!("files/{digest}");
            if !folder.has(&name, content.len() as u64) {
                folder.write(&name, content);
            }
        }
        folder.write(&name, &text);
    }

    /// Forgets what is kept of a module.
    pub(super) fn forget(folder: &Folder, core: &Core, module: &Foreign) {
        if let Some(name) = file_name(core, module) {
            folder.remove(&name);
        }
    }

    /// The files that its files are copies of; what ansible-core generates has none.
    fn origins(&self, core: &Core, module: &Foreign) -> Vec<Origin> {
        let copies = self.files.iter().filter_map(|file| {
            let origin = Origin::of(&file.path, core, module)?;
            let content = std::fs::read(&origin.source).ok()?;
            (*digest_of(&content) == *file.digest).then_some(origin)
        });
        copies.collect()
    }
}

impl Origin {
    /// Where Ansible finds a file of a payload: the first folder that has it.
    fn of(file: &str, core: &Core, module: &Foreign) -> Option<Origin> {
        let source = if let Some(rest) = file.strip_prefix("ansible/module_utils/") {
            let own = core.folder.join("module_utils");
            let folders = module.module_utils.iter().chain([&own]);
            folders
                .map(|folder| folder.join(rest))
                .find(|path| path.is_file())?
        } else if let Some(rest) = file.strip_prefix("ansible_collections/") {
            let mut parts = rest.splitn(3, '/');
            let name = Path::new(parts.next()?).join(parts.next()?);
            let rest = parts.next()?;
            let roots = module
                .collections
                .iter()
                .map(|root| match root.ends_with(COLLECTIONS) {
                    true => root.join(&name),
                    false => root.join(COLLECTIONS).join(&name),
                });
            roots.into_iter().find(|folder| folder.is_dir())?.join(rest)
        } else {
            core.folder.join(file.strip_prefix("ansible/")?)
        };
        let stamp = stamp(&source)?;
        Some(Origin {
            file: file.into(),
            source,
            stamp,
        })
    }
}

/// The folder that holds collections, by namespace and name.
const COLLECTIONS: &str = "ansible_collections";

/// Length and time of the last change of a file.
pub(super) fn stamp(path: &Path) -> Option<(u64, i64, i64)> {
    let known = std::fs::metadata(path).ok()?;
    Some((known.len(), known.mtime(), known.mtime_nsec()))
}

/// What names a module's payload: ansible-core, the module's file as it is, and where its parts are looked for.
fn file_name(core: &Core, module: &Foreign) -> Option<String> {
    let key = format!(
        "{:?}",
        (
            &core.python,
            &core.version,
            &module.name,
            &module.path,
            stamp(&module.path)?,
            &module.module_utils,
            &module.collections
        )
    );
    Some(format!("payloads/{}", digest_of(key.as_bytes())))
}

/// The worker's answer to `build`.
#[derive(Deserialize)]
pub(super) struct Built {
    name: String,
    profile: String,
    files: Vec<(String, String, u64)>,
    internal: Vec<String>,
    pythons: Vec<String>,
}
