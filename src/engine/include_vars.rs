//! `include_vars`: variables out of a file or a folder of files, while running.

use super::host::Host;
use super::play::Context;
use super::scope;
use super::special::words;
use crate::error::{Error, Result};
use crate::model::Task;
use crate::module::Outcome;
use crate::template::Scope;
use crate::value::{self, Map, Value};
use fancy_regex::Regex;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The arguments of `include_vars`.
pub(super) const ARGUMENTS: &[&str] = &[
    "file",
    "dir",
    "name",
    "depth",
    "extensions",
    "files_matching",
    "hash_behaviour",
    "ignore_files",
    "ignore_unknown_extensions",
];

/// Which files of a folder are read.
struct Choice {
    /// Levels of folders; 0: all.
    depth: i64,
    extensions: Vec<String>,
    matching: Option<Regex>,
    ignored: Vec<Regex>,
    /// Leave out files with other endings, instead of an error.
    lenient: bool,
}

impl Choice {
    fn read(arguments: &Value) -> Result<Choice> {
        let pattern = |text: &str, end: &str| {
            Regex::new(&format!("{text}{end}"))
                .map_err(|error| Error::new(format!("`{text}` is no regular expression")).cause(error))
        };
        let extensions = words(arguments.get("extensions").filter(|value| !value.is_null()));
        let extensions = match extensions.is_empty() {
            true => ["yaml", "yml", "json"].map(str::to_string).to_vec(),
            false => extensions,
        };
        let matching = arguments.get("files_matching").and_then(Value::as_str);
        let ignored = words(arguments.get("ignore_files").filter(|value| !value.is_null()));
        let lenient = arguments.get("ignore_unknown_extensions");
        Ok(Choice {
            depth: arguments.get("depth").and_then(value::to_integer).unwrap_or(0),
            extensions,
            matching: matching.map(|text| pattern(text, "")).transpose()?,
            ignored: ignored
                .iter()
                .map(|text| pattern(text, "$"))
                .collect::<Result<_>>()?,
            lenient: lenient.and_then(value::to_bool).unwrap_or(false),
        })
    }

    /// The files of a folder and of those in it, folder by folder in the order of their names.
    fn files(&self, folder: &Path, level: i64) -> Result<Vec<PathBuf>> {
        let unreadable = |error| Error::new(format!("cannot read {}", folder.display())).cause(error);
        let entries = std::fs::read_dir(folder).map_err(unreadable)?;
        let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        entries.sort();
        let (folders, files): (Vec<_>, Vec<_>) = entries.into_iter().partition(|path| path.is_dir());
        let mut found = vec![];
        for file in files {
            if self.takes(&file)? {
                found.push(file);
            }
        }
        if self.depth == 0 || level < self.depth {
            for folder in folders {
                found.extend(self.files(&folder, level + 1)?);
            }
        }
        Ok(found)
    }

    fn takes(&self, file: &Path) -> Result<bool> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let fits = |pattern: &Regex| pattern.is_match(&*name).unwrap_or(false);
        if !self.matching.as_ref().is_none_or(fits) || self.ignored.iter().any(fits) {
            return Ok(false);
        }
        let ending = file.extension().unwrap_or_default().to_string_lossy();
        let known = self.extensions.iter().any(|known| *known == ending);
        if !known && !self.lenient {
            let error = Error::new(format!(
                "{} does not have a valid extension: {}",
                file.display(),
                self.extensions.join(", ")
            ));
            return Err(error.help(
                "take the file away, name it in `ignore_files`, or set `ignore_unknown_extensions: true`",
            ));
        }
        Ok(known)
    }
}

impl Context {
    /// `include_vars`. `scope` is the task's own: with `hash_behaviour: merge` what it knows is added to.
    ///
    /// # Errors
    /// Files that are not there or hold something else than variables.
    pub(super) fn include_vars(
        self: &Arc<Context>,
        host: &Host,
        task: &Task,
        arguments: &Value,
        known: &Scope,
    ) -> Result<Outcome> {
        let text = |name: &str| arguments.get(name).and_then(Value::as_str);
        for name in arguments.as_map().into_iter().flat_map(|map| map.keys()) {
            if !ARGUMENTS.contains(&&**name) && &**name != "_raw_params" {
                let error = Error::new(format!("`include_vars` has no argument `{name}`"));
                return Err(error.help(format!("the arguments are: {}", ARGUMENTS.join(", "))));
            }
        }
        let files = match (text("dir"), text("file").or(text("_raw_params"))) {
            (Some(folder), _) => {
                let folder = self.find_variables(task, folder, Path::is_dir)?;
                Choice::read(arguments)?.files(&folder, 1)?
            }
            (None, Some(name)) => vec![self.find_variables(task, name, Path::is_file)?],
            (None, None) => return Err(Error::new("`include_vars` needs a file or a dir")),
        };
        let mut map = Map::new();
        for file in &files {
            let read = self.run.loader.variables(file)?;
            map.extend(read.into_iter().map(|(name, placed)| (name, placed.value)));
        }
        if let Some(name) = text("name") {
            map = [(Arc::from(name), Value::Map(map.into()))].into_iter().collect();
        }
        if text("hash_behaviour") == Some("merge") {
            for (name, value) in &mut map {
                if let Some(old) = known.variables().get(name) {
                    *value = merged(&old, value);
                }
            }
        }
        let shown = Value::Map(Arc::new(map.clone()));
        host.data().included.push((self.node, Arc::new(map)));
        let names = Value::list(files.iter().map(|file| file.display().to_string().into()));
        Ok(Outcome::new()
            .changed(false)
            .with("ansible_facts", shown)
            .with("ansible_included_var_files", names))
    }

    /// The file or folder of variables with a name, searched where the task's files are.
    fn find_variables(&self, task: &Task, name: &str, is_there: fn(&Path) -> bool) -> Result<PathBuf> {
        let tried: Vec<PathBuf> = scope::search(self, Some(task))
            .iter()
            .flat_map(|base| [base.join("vars").join(name), base.join(name)])
            .collect();
        let there = tried.iter().find(|path| is_there(path));
        there.cloned().ok_or_else(|| {
            let shown: Vec<String> = tried.iter().map(|path| format!("  {}", path.display())).collect();
            Error::new(format!(
                "`include_vars` finds no `{name}`; looked for\n{}",
                shown.join("\n")
            ))
        })
    }
}

/// Mappings upon mappings add to them, however deep; all else replaces what was there.
fn merged(old: &Value, new: &Value) -> Value {
    let (Value::Map(old), Value::Map(new)) = (old, new) else {
        return new.clone();
    };
    let mut all = (**old).clone();
    for (name, value) in &**new {
        let value = all
            .get(name)
            .map_or_else(|| value.clone(), |old| merged(old, value));
        all.insert(name.clone(), value);
    }
    Value::Map(all.into())
}
