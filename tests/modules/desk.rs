//! This computer as far as modules under test see it: what a case says of it, and its real files.

use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use vent::content::{Content, Digests};
use vent::error::Result as Checked;
use vent::module::{ControlNode, LocalEntry, LocalFile, TemplateOptions};
use vent::source::Source;
use vent::template::{self, Decision, FileOptions, Scope, Variables};
use vent::value::{Map, Value};
use vent::vault::Vault;

/// This computer.
#[derive(Default)]
pub struct Desk {
    /// Files with their contents.
    files: BTreeMap<String, String>,
    /// Those that are there once something was done.
    made: BTreeMap<String, String>,
    acted: AtomicBool,
    variables: Map,
    now: i64,
}

/// The variables of a case.
struct World(Map);

impl Variables for World {
    fn get(&self, name: &str) -> Option<Value> {
        self.0.get(name).cloned()
    }
    fn names(&self) -> Vec<Arc<str>> {
        self.0.keys().cloned().collect()
    }
    fn host(&self, _: &str) -> Option<Arc<dyn Variables>> {
        None
    }
    fn hosts(&self) -> Vec<Arc<str>> {
        vec![]
    }
}

impl Desk {
    /// A computer with nothing on it but what is really there, at this moment.
    pub fn real() -> Desk {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Desk {
            now: now.unwrap().as_secs() as i64,
            ..Desk::default()
        }
    }

    /// The computer of a case: `computer` are files with their contents, `now` is the time.
    pub fn of(case: &Json) -> Desk {
        let files = |from: &Json| {
            let files = from["computer"].as_object().cloned().unwrap_or_default();
            let text = |text: &Json| text.as_str().unwrap().to_string();
            files
                .iter()
                .map(|(path, content)| (path.clone(), text(content)))
                .collect()
        };
        let variables = case["variables"].as_object().into_iter().flatten();
        Desk {
            files: files(case),
            made: files(&case["after"]),
            acted: AtomicBool::new(false),
            variables: variables
                .map(|(name, value)| (name.as_str().into(), Value::from(value.clone())))
                .collect(),
            now: case["now"].as_i64().unwrap_or(1_000_000),
        }
    }

    /// Something was done.
    pub fn turn(&self) {
        self.acted.store(true, Ordering::Relaxed);
    }

    fn text(&self, path: &Path) -> Option<&String> {
        let path = path.to_str().unwrap();
        let made = self.made.get(path).filter(|_| self.acted.load(Ordering::Relaxed));
        made.or(self.files.get(path))
    }

    fn scope(&self) -> Scope {
        Scope::new(Arc::new(World(self.variables.clone())), Arc::default())
    }

    /// The paths of the case's files below a folder.
    fn below<'a>(&'a self, folder: &'a Path) -> impl Iterator<Item = &'a Path> {
        let paths = self.files.keys().map(Path::new);
        paths.filter_map(move |path| path.strip_prefix(folder).ok())
    }
}

impl ControlNode for Desk {
    fn find(&self, _kind: &str, name: &str) -> Result<PathBuf, Vec<PathBuf>> {
        let path = PathBuf::from(name);
        let there = self.text(&path).is_some() || self.below(&path).next().is_some() || path.exists();
        match there {
            true => Ok(path),
            false => Err(vec![path]),
        }
    }
    fn file(&self, path: &Path) -> LocalFile {
        if let Some(text) = self.text(path) {
            return LocalFile::File(Content::bytes(text));
        }
        if self.below(path).next().is_some() {
            return LocalFile::Folder;
        }
        match Content::local_file(path, &Digests::default()) {
            Ok(content) => LocalFile::File(content),
            Err(_) => LocalFile::Missing,
        }
    }
    fn sealed_file(&self, path: &Path) -> LocalFile {
        self.file(path)
    }
    fn opened_vault(&self) -> bool {
        false
    }
    fn entries(&self, path: &Path) -> Vec<LocalEntry> {
        let files = self.below(path).map(|relative| LocalEntry {
            relative: relative.into(),
            folder: false,
        });
        files.collect()
    }
    fn archive(&self, path: &Path) -> std::io::Result<Arc<vent::archive::Archive>> {
        let (digest, _) = Digests::default().of(path)?;
        vent::archive::open(path, &digest)
    }
    fn mode(&self, _path: &Path) -> Option<u32> {
        Some(0o644)
    }
    fn render_file(&self, path: &Path, options: &TemplateOptions) -> Checked<Content> {
        let text = self.files[path.to_str().unwrap()].clone();
        let options = FileOptions {
            trim_blocks: options.trim_blocks,
            ..FileOptions::default()
        };
        let rendered = template::render_file(&Source::file(path, text), &options, &self.scope())?;
        Ok(Content::bytes(rendered.text.unwrap()))
    }
    fn condition(&self, expression: &Value) -> Checked<Value> {
        Ok(match template::condition(expression, &self.scope())? {
            Decision::True => true.into(),
            Decision::False => false.into(),
            Decision::Unknown(unknown) => Value::Unknown(unknown),
        })
    }
    fn render(&self, value: &Value) -> Checked<Value> {
        let rendered = template::render(value, &self.scope())?;
        Ok(rendered.map_or(Value::Null, |rendered| rendered.value))
    }
    fn variable(&self, name: &str) -> Checked<Option<Value>> {
        Ok(self.variables.get(name).cloned())
    }
    fn written_variable(&self, name: &str) -> Option<Value> {
        self.variables.get(name).cloned()
    }
    fn variables_file(&self, path: &Path) -> Checked<Map> {
        let source = Source::file(path, self.files[path.to_str().unwrap()].clone());
        let (node, _) = vent::yaml::parse_one(&source)?;
        match node.unwrap().value(&Vault::default())? {
            Value::Map(map) => Ok((*map).clone()),
            other => panic!("{other:?}"),
        }
    }
    fn now(&self) -> i64 {
        self.now
    }
    fn random(&self) -> [u8; 32] {
        [7; 32]
    }
}
