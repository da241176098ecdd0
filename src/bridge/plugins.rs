//! Plugins of Python's that run on this computer: which names the files of filters and tests have, and their calls.

use super::conversation::Conversation;
use super::core::Core;
use super::folder::Folder;
use super::payload::stamp;
use super::worker::{Worker, refusal};
use crate::error::Result;
use crate::template::{Asked, NameKind, PluginCall, PluginFailure};
use crate::value::{Value, json as as_json, parse_json};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Where the names that files have are kept, in the folder of the bridge.
const KEPT: &str = "plugins.json";

/// Where a project has its plugins, the strongest folders first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PluginFolders {
    /// The folder of the playbook.
    pub basedir: PathBuf,
    /// Folders by kind.
    pub folders: Vec<(&'static str, Vec<PathBuf>)>,
    /// Folders with what plugins import.
    pub module_utils: Vec<PathBuf>,
    /// Folders with collections.
    pub collections: Vec<PathBuf>,
}

/// A plugin that Vent does not have.
#[derive(Clone, Debug)]
pub struct Plugin {
    /// What it is.
    pub kind: NameKind,
    /// The name that ansible-core finds it by, behind all redirections.
    pub name: String,
    /// Its file; empty if it is Jinja's.
    pub path: PathBuf,
    /// Where all plugins of the project lie.
    pub folders: PluginFolders,
}

impl Plugin {
    /// A plugin in a file.
    pub fn new(kind: NameKind, name: &str, path: PathBuf, folders: PluginFolders) -> Plugin {
        Plugin {
            kind,
            name: name.to_string(),
            path,
            folders,
        }
    }
}

/// A file that may have filters or tests.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PluginFile {
    /// Where it lies; what Jinja itself has lies nowhere.
    pub path: Option<PathBuf>,
    /// Its name as Python imports it, if it is no file of the project's own.
    pub module: Option<String>,
}

/// What a call of a plugin came to.
#[derive(Debug)]
pub struct Called {
    /// The results, one for each value.
    pub results: std::result::Result<Vec<Value>, PluginFailure>,
    /// Warnings.
    pub warnings: Vec<String>,
}

/// What plugins told of an inventory. Among variables a list with one text is a template, and one with one list is a list.
#[derive(Debug)]
pub struct Told {
    /// The parts of the answer.
    pub parts: Vec<Value>,
    /// Warnings.
    pub warnings: Vec<String>,
}

/// A value of [`Told`] out of its marks.
pub fn unmarked(value: &Value) -> Value {
    match value {
        Value::List(marked) => match marked.first() {
            Some(Value::List(items)) => Value::list(items.iter().map(unmarked)),
            Some(Value::String(text)) => Value::trusted(text, None),
            _ => Value::list([]),
        },
        Value::Map(map) => Value::map(map.iter().map(|(key, item)| (key, unmarked(item)))),
        other => other.clone(),
    }
}

/// The names that a file has, or why it has none.
pub type Names = std::result::Result<Vec<String>, String>;

/// What is kept of a file.
#[derive(Serialize, Deserialize)]
struct Kept {
    stamp: Option<(u64, i64, i64)>,
    names: Vec<String>,
}

/// What a run knows of plugins: names of files, and children of the worker that wait for calls.
#[derive(Default)]
pub(super) struct PluginState {
    names: Mutex<HashMap<(NameKind, PluginFile), Names>>,
    idle: Mutex<HashMap<PluginFolders, Vec<Conversation>>>,
}

impl PluginFolders {
    /// The folders of a kind.
    pub fn of(&self, kind: NameKind) -> &[PathBuf] {
        let found = self.folders.iter().find(|(word, _)| *word == kind.word());
        found.map_or(&[], |(_, folders)| folders)
    }

    fn described(&self) -> serde_json::Map<String, Json> {
        let folders: serde_json::Map<String, Json> = self
            .folders
            .iter()
            .map(|(kind, folders)| ((*kind).to_string(), json!(folders)))
            .collect();
        let described = json!({
            "basedir": self.basedir, "folders": folders, "module_utils": self.module_utils, "collections": self.collections,
        });
        described.as_object().cloned().unwrap_or_default()
    }

    /// A message that says where plugins lie.
    fn message(&self, message: &Json) -> Json {
        let mut all = self.described();
        all.extend(message.as_object().cloned().unwrap_or_default());
        Json::Object(all)
    }
}

impl PluginState {
    /// The names that each of these files has: known, kept since the file was as it is, or told by the worker.
    pub(super) fn names(
        &self,
        kind: NameKind,
        files: &[PluginFile],
        folders: &PluginFolders,
        core: &Core,
        kept: Option<&Folder>,
        worker: &dyn Fn() -> Result<std::sync::Arc<Worker>>,
    ) -> Result<Vec<Names>> {
        let mut known = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let mut store = Store::read(core, kept);
        for file in files {
            if let Some(names) = store.names(kind, file) {
                known.entry((kind, file.clone())).or_insert(Ok(names));
            }
        }
        let missing: Vec<&PluginFile> = files
            .iter()
            .filter(|file| !known.contains_key(&(kind, (*file).clone())))
            .collect();
        if !missing.is_empty() {
            let described: Vec<Json> = missing
                .iter()
                .map(|file| json!([file.path, file.module]))
                .collect();
            let message = json!({"op": "names", "kind": kind.word(), "files": described});
            let mut conversation = Conversation::with(worker()?)?;
            let (answer, _) = conversation.ask(&folders.message(&message), &[], &mut Nothing)?;
            let found = answer.get("found").and_then(Json::as_array).cloned();
            for (file, found) in missing.iter().zip(found.unwrap_or_default()) {
                let names = names_in(&found);
                if let Ok(names) = &names {
                    store.keep(kind, file, names);
                }
                known.insert((kind, (*file).clone()), names);
            }
            store.write();
        }
        let none = || Err("the worker does not tell what it has".to_string());
        Ok(files
            .iter()
            .map(|file| known.get(&(kind, file.clone())).cloned().unwrap_or_else(none))
            .collect())
    }

    /// What plugins answer to a message that needs no variables.
    pub(super) fn told(
        message: &Json,
        folders: &PluginFolders,
        worker: std::sync::Arc<Worker>,
    ) -> Result<Told> {
        let mut conversation = Conversation::with(worker)?;
        let (answer, blob) = conversation.ask(&folders.message(message), &[], &mut Nothing)?;
        if let Some(error) = refusal(&answer) {
            return Err(error);
        }
        let parts = parse_json(&String::from_utf8_lossy(&blob)).unwrap_or_default();
        Ok(Told {
            parts: parts.as_list().unwrap_or_default().to_vec(),
            warnings: warnings(&answer),
        })
    }

    /// Has a plugin called.
    pub(super) fn call(
        &self,
        plugin: &Plugin,
        call: &PluginCall<'_>,
        asked: &mut dyn Asked,
        worker: &dyn Fn() -> Result<std::sync::Arc<Worker>>,
    ) -> Result<Called> {
        let (folders, name) = (&plugin.folders, &plugin.name);
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = idle().get_mut(folders).and_then(Vec::pop);
        let mut conversation = match waiting {
            Some(waiting) => waiting,
            None => Conversation::with(worker()?)?,
        };
        let message = json!({"op": "call", "kind": call.kind.word(), "name": name});
        let list = |values: &[Value]| Value::list(values.iter().cloned());
        let given = Value::map([
            ("values", list(call.values)),
            ("arguments", list(call.arguments)),
            ("named", Value::Map(call.named.clone().into())),
        ]);
        let given = as_json(&given, None, false);
        let (answer, blob) = conversation.ask(&folders.message(&message), given.as_bytes(), asked)?;
        idle().entry(folders.clone()).or_default().push(conversation);
        called(&answer, &blob)
    }
}

/// The warnings in an answer.
fn warnings(answer: &Json) -> Vec<String> {
    let said = answer.get("said").and_then(Json::as_array);
    let text = |said: &Json| {
        let part = |name: &str| said.get(name).and_then(Json::as_str);
        let warning = part("warning").map(str::to_string);
        warning.or_else(|| part("deprecated").map(|text| format!("deprecated: {text}")))
    };
    said.into_iter().flatten().filter_map(text).collect()
}

/// What an answer to a call says.
fn called(answer: &Json, blob: &[u8]) -> Result<Called> {
    if let Some(error) = refusal(answer) {
        return Err(error);
    }
    let text = |name: &str| answer.get(name).and_then(Json::as_str).map(str::to_string);
    let results = match (text("undefined"), text("failed")) {
        (Some(undefined), _) => Err(PluginFailure::Undefined(undefined)),
        (_, Some(failed)) => Err(PluginFailure::Failed(failed)),
        _ => {
            let read = parse_json(&String::from_utf8_lossy(blob));
            match read.ok().as_ref().and_then(Value::as_list) {
                Some(results) => Ok(results.to_vec()),
                None => Err(PluginFailure::Failed(
                    "the plugin gave a text that is no UTF-8, or a value too deep in itself".into(),
                )),
            }
        }
    };
    Ok(Called {
        results,
        warnings: warnings(answer),
    })
}

fn names_in(found: &Json) -> Names {
    match found.get("names").and_then(Json::as_array) {
        Some(names) => Ok(names
            .iter()
            .filter_map(|name| Some(name.as_str()?.to_string()))
            .collect()),
        None => {
            let failed = found.get("failed").and_then(Json::as_str);
            Err(failed.unwrap_or("it tells nothing").to_string())
        }
    }
}

/// The names of files that are kept.
struct Store<'a> {
    core: &'a Core,
    folder: Option<&'a Folder>,
    kept: HashMap<String, Kept>,
    changed: bool,
}

impl Store<'_> {
    fn read<'a>(core: &'a Core, folder: Option<&'a Folder>) -> Store<'a> {
        let kept = folder.and_then(|folder| folder.read(KEPT)).unwrap_or_default();
        Store {
            core,
            folder,
            kept: serde_json::from_slice(&kept).unwrap_or_default(),
            changed: false,
        }
    }

    fn key(&self, kind: NameKind, file: &PluginFile) -> String {
        let (python, version) = (&self.core.python, &self.core.version);
        format!("{:?}", (kind.word(), python, version, &file.path, &file.module))
    }

    fn names(&self, kind: NameKind, file: &PluginFile) -> Option<Vec<String>> {
        let kept = self.kept.get(&self.key(kind, file))?;
        let stamp = file.path.as_deref().and_then(stamp);
        (kept.stamp == stamp).then(|| kept.names.clone())
    }

    fn keep(&mut self, kind: NameKind, file: &PluginFile, names: &[String]) {
        let kept = Kept {
            stamp: file.path.as_deref().and_then(stamp),
            names: names.to_vec(),
        };
        self.kept.insert(self.key(kind, file), kept);
        self.changed = true;
    }

    fn write(&self) {
        if let (true, Some(folder), Ok(text)) = (self.changed, self.folder, serde_json::to_vec(&self.kept)) {
            folder.write(KEPT, &text);
        }
    }
}

/// Answers nothing: what only tells names asks nothing.
struct Nothing;

impl Asked for Nothing {
    fn names(&mut self, _: Option<&str>) -> Option<Vec<std::sync::Arc<str>>> {
        None
    }

    fn variable(&mut self, _: Option<&str>, _: &str) -> crate::template::Known {
        crate::template::Known::Missing
    }

    fn hosts(&mut self) -> Vec<std::sync::Arc<str>> {
        vec![]
    }
}
