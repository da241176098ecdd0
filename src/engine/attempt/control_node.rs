//! This computer as modules see it: files, templates, variables, time.

use crate::archive;
use crate::content::{Content, Digests, blocking};
use crate::engine::state::host::Knowledge;
use crate::error::{Error, Result};
use crate::host::{Answer, FileKind, Question};
use crate::model::load::Loader;
use crate::module::{ControlNode, LocalEntry, LocalFile, TemplateOptions};
use crate::source::Source;
use crate::template::{self, Decision, FileOptions, Scope, TemplateFile};
use crate::value::{Map, Value};
use crate::vault;
use crate::words::is_variable;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// This computer in one task of one host.
pub struct TaskControlNode {
    pub scope: Scope,
    /// Digests of files.
    pub digests: Arc<Digests>,
    /// Reads files of variables.
    pub loader: Arc<Loader>,
    /// In check mode: what would have been done to this computer.
    pub localhost: Option<Arc<Knowledge>>,
    pub now: i64,
    pub random: [u8; 32],
    pub user: Arc<str>,
    /// A vaulted file was opened.
    pub opened: AtomicBool,
}

impl TaskControlNode {
    /// What check mode knows of a path of this computer.
    fn planned(&self, question: Question) -> Option<Answer> {
        self.localhost.as_ref()?.state().answer(&self.user, &question)
    }

    fn planned_stat(&self, path: &str) -> Option<Answer> {
        self.planned(Question::Stat {
            path: path.into(),
            follow: true,
        })
    }

    /// A path that is missing here may be made by a step that check mode did not run.
    fn missing(&self) -> LocalFile {
        let opaque = self
            .localhost
            .as_ref()
            .and_then(|host| host.state().opaque().cloned());
        opaque.map_or(LocalFile::Missing, |origin| {
            LocalFile::File(Content::Unknown(origin))
        })
    }

    fn exists(&self, path: &Path) -> bool {
        match self.planned_stat(&path.to_string_lossy()) {
            Some(Answer::Stat(stat)) => stat.is_some(),
            Some(_) => true,
            None => path.exists(),
        }
    }
}

/// A path of this computer, with `$NAME` and `~` expanded.
fn expanded(path: &str) -> PathBuf {
    let path = with_variables(path);
    let home = || std::env::home_dir().unwrap_or_default();
    match path.strip_prefix('~') {
        Some("") => home(),
        Some(below) if below.starts_with('/') => home().join(below.trim_start_matches('/')),
        _ => PathBuf::from(path),
    }
}

/// A text with variables of the environment expanded, as Python's `expandvars` does: what is not set stays as it is written.
fn with_variables(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, length) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, _)) => (name, name.len() + 2),
            None => {
                let end = after
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .unwrap_or(after.len());
                (&after[..end], end)
            }
        };
        let value = Some(name).filter(|name| is_variable(name)).map(std::env::var);
        match value {
            Some(Ok(value)) => out.push_str(&value),
            _ => out.push_str(&rest[at..=at + length]),
        }
        rest = &after[length..];
    }
    out + rest
}

impl ControlNode for TaskControlNode {
    fn find(&self, kind: &str, name: &str) -> std::result::Result<PathBuf, Vec<PathBuf>> {
        let name = expanded(name);
        if name.is_absolute() {
            let opaque = self
                .localhost
                .as_ref()
                .is_some_and(|host| host.state().opaque().is_some());
            return if self.exists(&name) || opaque {
                Ok(name)
            } else {
                Err(vec![name])
            };
        }
        let mut tried = vec![];
        for folder in &self.scope.surroundings().search {
            for path in [folder.join(kind).join(&name), folder.join(&name)] {
                if self.exists(&path) {
                    return Ok(path);
                }
                tried.push(path);
            }
        }
        Err(tried)
    }

    fn file(&self, path: &Path) -> LocalFile {
        let file = self.sealed_file(path);
        let begins = |path: &Path| -> std::io::Result<bool> {
            use std::io::Read;
            let mut first = [0; vault::HEADER.len()];
            let read = std::fs::File::open(path)?.read(&mut first)?;
            Ok(first[..read] == *vault::HEADER.as_bytes())
        };
        let bytes = match &file {
            LocalFile::File(Content::Bytes(bytes)) if bytes.starts_with(vault::HEADER.as_bytes()) => {
                bytes.to_vec()
            }
            LocalFile::File(Content::LocalFile { path, .. }) if begins(path).unwrap_or(false) => {
                match std::fs::read(path) {
                    Ok(bytes) => bytes,
                    Err(_) => return self.missing(),
                }
            }
            _ => return file,
        };
        match self.scope.surroundings().opener.open(bytes) {
            Ok(bytes) => {
                self.opened.store(true, Ordering::Relaxed);
                LocalFile::File(Content::bytes(bytes))
            }
            Err(error) => LocalFile::Closed(format!("cannot open {}: {}", path.display(), error.line())),
        }
    }

    fn opened_vault(&self) -> bool {
        self.opened.load(Ordering::Relaxed)
    }

    fn sealed_file(&self, path: &Path) -> LocalFile {
        let text = path.to_string_lossy();
        match self.planned_stat(&text) {
            Some(Answer::Stat(None)) => return self.missing(),
            Some(Answer::Unknown(origin)) => return LocalFile::File(Content::Unknown(origin)),
            Some(Answer::Stat(Some(stat))) if stat.kind == FileKind::Folder => return LocalFile::Folder,
            Some(_) => match self.planned(Question::Content {
                path: text.into(),
                limit: u64::MAX,
            }) {
                Some(Answer::Content(Some(bytes))) => return LocalFile::File(Content::Bytes(bytes)),
                Some(Answer::Unknown(origin)) => return LocalFile::File(Content::Unknown(origin)),
                _ => {}
            },
            None => {}
        }
        if path.is_dir() {
            return LocalFile::Folder;
        }
        match std::fs::metadata(path) {
            Ok(found) if found.len() <= 1 << 16 => std::fs::read(path)
                .map_or_else(|_| self.missing(), |bytes| LocalFile::File(Content::bytes(bytes))),
            Ok(_) => {
                Content::local_file(path, &self.digests).map_or_else(|_| self.missing(), LocalFile::File)
            }
            Err(_) => self.missing(),
        }
    }

    fn entries(&self, path: &Path) -> Vec<LocalEntry> {
        let mut found = vec![];
        let mut open = vec![PathBuf::new()];
        while let Some(below) = open.pop() {
            let Ok(entries) = std::fs::read_dir(path.join(&below)) else {
                continue;
            };
            let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
            names.sort();
            for name in names {
                let relative = below.join(name);
                let folder = path.join(&relative).is_dir();
                if folder {
                    open.push(relative.clone());
                }
                found.push(LocalEntry { relative, folder });
            }
        }
        found
    }

    fn archive(&self, path: &Path) -> std::io::Result<Arc<archive::Archive>> {
        let (digest, _) = self.digests.of(path)?;
        blocking(|| archive::open(path, &digest))
    }

    fn mode(&self, path: &Path) -> Option<u32> {
        Some(std::fs::metadata(path).ok()?.permissions().mode() & 0o7777)
    }

    fn render_file(&self, path: &Path, options: &TemplateOptions) -> Result<Content> {
        let wrong = || Error::new(format!("cannot read the template {}", path.display()));
        let bytes = std::fs::read(path).map_err(|error| wrong().cause(error))?;
        if bytes.starts_with(vault::HEADER.as_bytes()) {
            self.opened.store(true, Ordering::Relaxed);
        }
        let bytes = self.scope.surroundings().opener.open(bytes)?;
        let text = String::from_utf8(bytes).map_err(|_| wrong().cause("it is no text (UTF-8)"))?;
        let file = TemplateFile {
            name: &options.name,
            path,
            destination: &options.destination,
            now: self.now,
        };
        let scope = template::of_template_file(&file, &self.scope);
        let default = FileOptions::default();
        let [variable, variable_end, block, block_end, comment, comment_end] = options.marks.clone();
        let pair = |begin: Option<String>, end: Option<String>, default: (String, String)| {
            (begin.unwrap_or(default.0), end.unwrap_or(default.1))
        };
        let options = FileOptions {
            trim_blocks: options.trim_blocks,
            lstrip_blocks: options.lstrip_blocks,
            newline_sequence: options.newline.clone(),
            block: pair(block, block_end, default.block),
            variable: pair(variable, variable_end, default.variable),
            comment: pair(comment, comment_end, default.comment),
        };
        let rendered = template::render_file(&Source::file(path, text), &options, &scope)?;
        Ok(match (rendered.text, rendered.unknown) {
            (_, Some(origin)) => Content::Unknown(origin),
            (text, None) => Content::text(text.unwrap_or_default()),
        })
    }

    fn conditions(&self, that: &Value) -> Vec<Value> {
        template::listed_conditions(that, &self.scope)
    }

    fn condition(&self, expression: &Value) -> Result<Value> {
        Ok(match template::condition(expression, &self.scope)? {
            Decision::True => Value::Bool(true),
            Decision::False => Value::Bool(false),
            Decision::Unknown(origin) => Value::Unknown(origin),
        })
    }

    fn render(&self, value: &Value) -> Result<Value> {
        Ok(template::render(value, &self.scope)?.map_or(Value::Null, |evaluated| evaluated.value))
    }

    fn variable(&self, name: &str) -> Result<Option<Value>> {
        match self.scope.variables().get(name) {
            Some(value) => Ok(template::render(&value, &self.scope)?.map(|evaluated| evaluated.value)),
            None => Ok(None),
        }
    }

    fn written_variable(&self, name: &str) -> Option<Value> {
        self.scope.variables().get(name)
    }

    fn variables_file(&self, path: &Path) -> Result<Map> {
        let variables = self.loader.variables(path)?;
        let values = variables
            .iter()
            .map(|(name, placed)| (name.clone(), placed.value.clone()));
        Ok(values.collect())
    }

    fn now(&self) -> i64 {
        self.now
    }

    fn random(&self) -> [u8; 32] {
        self.random
    }
}
