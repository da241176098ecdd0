//! `include_vars`: variables out of a file or a folder of files, while a run goes on.

use super::python_regex::{compile, search};
use super::returns::Returns;
use super::{ControlNode, LocalFile, Module, Nature, Outcome, Step, Stop, View};
use crate::content::Content;
use crate::value::{Map, Value, merged};
use crate::vault;
use fancy_regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Reads variables out of files of this computer.
pub(super) struct IncludeVars;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// The file, searched in `vars/` of the role or of the playbook's folder.
    #[serde(alias = "_raw_params")]
    file: Option<String>,
    /// A folder of such files, searched in the same places; all below it are read, in the order of their names.
    dir: Option<String>,
    /// The variable that gets what is read, as a mapping; without it, everything is a variable of its own.
    name: Option<String>,
    /// With `merge`, mappings that are there already are added to, however deep.
    hash_behaviour: Option<HashBehaviour>,
    /// How many levels of folders are read; 0 means all.
    depth: Option<usize>,
    /// The endings that files of variables have; any other ending is an error [default: yaml, yml, json].
    extensions: Option<Vec<String>>,
    /// A regular expression that the names of files match.
    files_matching: Option<String>,
    /// Regular expressions for the end of names that are passed over; in a text they are separated by white space.
    ignore_files: Option<Value>,
    /// Pass over files with other endings.
    ignore_unknown_extensions: Option<bool>,
}

/// What happens to mappings that are there already.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum HashBehaviour {
    /// They are replaced.
    Replace,
    /// They are added to.
    Merge,
}

impl Module for IncludeVars {
    const NAMES: &'static [&'static str] = &["ansible.builtin.include_vars", "include_vars"];
    type Arguments = Arguments;
    const NATURE: Nature = Nature::WITHOUT_HOST;
    const FREE_FORM: Option<&'static str> = Some("file");
    const RETURNS: &'static [Returns] = &[&[
        ("ansible_facts", "The variables, by name."),
        ("ansible_included_var_files", "Paths of the files that were read."),
        ("message", "Why nothing was read, if the task failed."),
    ]];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        read(arguments, view).map_err(|stop| match stop {
            Stop::Failed(message) => {
                let outcome = Outcome::new().changed(false).with("message", message.as_str());
                Stop::FailedWith(Box::new(outcome.failed(message)))
            }
            other => other,
        })
    }
}

/// Reads the files.
fn read(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
    let computer = view.control_node();
    let files = arguments.files(computer)?;
    let mut read = Map::new();
    let mut hidden = false;
    for file in &files {
        match computer.sealed_file(file) {
            LocalFile::File(Content::Unknown(origin)) => return Err(Stop::Undecided(origin)),
            LocalFile::File(content) => hidden |= is_vaulted(&content),
            _ => {}
        }
        read.extend(computer.variables_file(file)?);
    }
    if let Some(name) = &arguments.name {
        read = [(Arc::from(name.as_str()), Value::Map(read.into()))]
            .into_iter()
            .collect();
    }
    if arguments.hash_behaviour == Some(HashBehaviour::Merge) {
        for (name, value) in &mut read {
            if let Some(old) = computer.written_variable(name) {
                *value = merged(&old, value);
            }
        }
    }
    let names = files.iter().map(|file| file.display().to_string().into());
    let outcome = Outcome::new()
        .changed(false)
        .with("ansible_included_var_files", Value::list(names))
        .with("ansible_facts", Value::Map(read.clone().into()));
    Ok(Step::done(Outcome {
        included: read,
        hidden,
        ..outcome
    }))
}

/// True for a file that is vaulted as a whole. One that cannot be read is told of by who reads it.
fn is_vaulted(content: &Content) -> bool {
    let bytes = content.read().ok().flatten().unwrap_or_default();
    vault::is_vaulted(&String::from_utf8_lossy(&bytes))
}

impl Arguments {
    /// The files that are read, in order.
    fn files(&self, computer: &dyn ControlNode) -> Result<Vec<PathBuf>, Stop> {
        let of_folders = self.dir.is_some()
            || self.depth.is_some()
            || self.extensions.is_some()
            || self.files_matching.is_some()
            || self.ignore_files.is_some()
            || self.ignore_unknown_extensions.is_some();
        match (&self.file, &self.dir) {
            (Some(_), _) if of_folders => Err(Stop::failed(
                "You are mixing file only and dir only arguments, these are incompatible",
            )),
            (Some(name), _) => Ok(vec![found(name, computer)?]),
            (None, Some(name)) => {
                let folder = found(name, computer)?;
                match computer.sealed_file(&folder) {
                    LocalFile::Folder => Choice::of(self)?.files(&folder, computer),
                    _ => Err(Stop::failed(format!("{} is not a directory", folder.display()))),
                }
            }
            (None, None) => Err(Stop::failed(
                "Could not find file on the Ansible Controller: `include_vars` needs a `file` or a `dir`",
            )),
        }
    }
}

/// A file or folder, searched where the task's files are.
fn found(name: &str, computer: &dyn ControlNode) -> Result<PathBuf, Stop> {
    computer
        .find("vars", name.trim_end_matches('\n'))
        .map_err(|tried| {
            let tried: Vec<String> = tried.iter().map(|path| format!("  {}", path.display())).collect();
            Stop::failed(format!(
                "Could not find or access '{name}' on the Ansible Controller; looked for\n{}",
                tried.join("\n")
            ))
        })
}

/// Which files of a folder are read.
struct Choice {
    /// Levels of folders; 0: all.
    depth: usize,
    extensions: Vec<String>,
    matching: Option<Regex>,
    ignored: Vec<Regex>,
    /// Files with other endings are passed over, instead of being an error.
    lenient: bool,
}

impl Choice {
    fn of(arguments: &Arguments) -> Result<Choice, Stop> {
        let extensions = arguments.extensions.clone().filter(|given| !given.is_empty());
        let matching = arguments.files_matching.as_ref();
        let ignored = patterns(arguments.ignore_files.as_ref())?;
        Ok(Choice {
            depth: arguments.depth.unwrap_or(0),
            extensions: extensions.unwrap_or_else(|| ["yaml", "yml", "json"].map(String::from).into()),
            matching: matching.map(|text| compile(text, "")).transpose()?,
            ignored: ignored
                .iter()
                .map(|text| compile(&format!("{text}$"), ""))
                .collect::<Result<_, _>>()?,
            lenient: arguments.ignore_unknown_extensions.unwrap_or(false),
        })
    }

    /// The files of a folder and of those in it, folder by folder as Ansible sorts them: by the text of their paths.
    fn files(&self, folder: &Path, computer: &dyn ControlNode) -> Result<Vec<PathBuf>, Stop> {
        let mut folders: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        for entry in computer.entries(folder).into_iter().filter(|entry| !entry.folder) {
            let within = entry.relative.parent().unwrap_or(Path::new(""));
            let level = within.components().count() + 1;
            if self.depth == 0 || level <= self.depth {
                let files = folders.entry(within.to_string_lossy().into_owned()).or_default();
                files.push(entry.relative);
            }
        }
        let mut chosen = vec![];
        for mut files in folders.into_values() {
            files.sort();
            for file in files {
                if self.takes(&folder.join(&file))? {
                    chosen.push(folder.join(&file));
                }
            }
        }
        Ok(chosen)
    }

    fn takes(&self, file: &Path) -> Result<bool, Stop> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let fits = |pattern: &Regex| Ok::<_, Stop>(search(pattern, &name)?.is_some());
        if let Some(matching) = &self.matching
            && !fits(matching)?
        {
            return Ok(false);
        }
        for ignored in &self.ignored {
            if fits(ignored)? {
                return Ok(false);
            }
        }
        let ending = file.extension().unwrap_or_default().to_string_lossy();
        let known = self.extensions.iter().any(|known| *known == ending);
        if !known && !self.lenient {
            return Err(Stop::failed(format!(
                "{} does not have a valid extension: {}; take the file away, name it in `ignore_files`, or set \
                 `ignore_unknown_extensions: true`",
                file.display(),
                self.extensions.join(", ")
            )));
        }
        Ok(known)
    }
}

/// The words of a text, or the texts of a list.
fn patterns(value: Option<&Value>) -> Result<Vec<String>, Stop> {
    match value {
        None | Some(Value::Null) => Ok(vec![]),
        Some(Value::List(items)) => items
            .iter()
            .map(|item| match item {
                Value::Unknown(origin) => Err(Stop::Undecided(origin.clone())),
                item => Ok(item.as_str().unwrap_or_default().to_string()),
            })
            .collect(),
        Some(Value::Unknown(origin)) => Err(Stop::Undecided(origin.clone())),
        Some(other) => match other.as_str() {
            Some(text) => Ok(text.split_whitespace().map(str::to_string).collect()),
            None => Err(Stop::failed(format!(
                "`ignore_files` is a list, not {}",
                other.kind()
            ))),
        },
    }
}
