//! Lookups that read files of this computer.

use super::{Lookup, keeping, lookup, unknown_in_check};
use crate::source::Source;
use crate::template::call::{Answer, Call, truthy};
use crate::template::convert::print;
use crate::template::filters::password::{random_text, sha512_crypt};
use crate::template::filters::paths::expand_user;
use crate::template::filters::random::chance;
use crate::template::{FileOptions, Outcome, Planned, Variables, evaluate, ledger};
use crate::value::{Map, Value};
use crate::wildcard::paths_in;
use std::path::PathBuf;
use std::sync::Arc;

pub(super) const LOOKUPS: &[Lookup] = &[
    lookup("file", |call| {
        let each = |term: &Value| {
            let text = match planned(call, &print(term)) {
                Planned::Unknown(unknown) => {
                    ledger::note_unknown(&unknown);
                    return Ok(Value::Unknown(unknown));
                }
                Planned::Content(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Planned::AsItIs => read(call, &find(call, &print(term), "files")?)?,
            };
            let right = call.named().get("rstrip").is_none_or(truthy);
            let left = call.named().get("lstrip").is_some_and(truthy);
            let text = if right { text.trim_end() } else { &text };
            Ok(Value::string(if left { text.trim_start() } else { text }))
        };
        call.positional()
            .iter()
            .map(each)
            .collect::<Result<Vec<_>, String>>()
            .map(Value::list)
    }),
    lookup("unvault", |call| {
        let each = |term: &Value| Ok(Value::from(read(call, &find(call, &print(term), "files")?)?));
        call.positional()
            .iter()
            .map(each)
            .collect::<Result<Vec<_>, String>>()
            .map(Value::list)
    }),
    keeping("template", |call| {
        let each = |term: &Value| template(call, &print(term));
        call.positional()
            .iter()
            .map(each)
            .collect::<Result<Vec<_>, String>>()
            .map(Value::list)
    }),
    lookup("fileglob", |call| {
        let mut found = vec![];
        for term in call.positional() {
            // Wildcards are for names only: a folder means itself.
            let term = expand_user(&print(term));
            let (below, pattern) = term.rsplit_once('/').unwrap_or(("", &term));
            let folders = match term.starts_with('/') {
                true => vec![PathBuf::from("/")],
                false => folders(call, "files"),
            };
            let hits = folders.iter().map(|folder| {
                let hits = paths_in(&folder.join(below), pattern).into_iter();
                hits.filter(|path| path.is_file()).collect::<Vec<_>>()
            });
            found.extend(hits.into_iter().find(|hits| !hits.is_empty()).unwrap_or_default());
        }
        Ok(Value::list(
            found.iter().map(|path| path.display().to_string().into()),
        ))
    }),
    lookup("first_found", first_found),
    lookup("password", password),
];

/// The folders that are searched: below each of the search path its `kind` folder, then itself.
fn folders(call: &Call, kind: &str) -> Vec<PathBuf> {
    let search = &call.scope.surroundings().search;
    search
        .iter()
        .flat_map(|folder| [folder.join(kind), folder.clone()])
        .collect()
}

/// A file of the search path.
pub(super) fn find(call: &Call, name: &str, kind: &str) -> Result<PathBuf, String> {
    let name = expand_user(name);
    let folders = folders(call, kind);
    let found = folders
        .iter()
        .map(|folder| folder.join(&name))
        .find(|path| path.is_file());
    match found {
        Some(path) => Ok(path),
        None if std::path::Path::new(&name).is_file() => Ok(PathBuf::from(name)),
        None => Err(format!(
            "the file '{name}' was not found; looked in {}",
            crate::error::listed(&folders)
        )),
    }
}

/// What check mode would have made of the file.
fn planned(call: &Call, name: &str) -> Planned {
    let Some(planner) = &call.scope.surroundings().planner else {
        return Planned::AsItIs;
    };
    let name = expand_user(name);
    let paths = folders(call, "files")
        .into_iter()
        .map(|folder| folder.join(&name));
    let mut found = paths
        .map(|path| planner.file(&path))
        .filter(|planned| *planned != Planned::AsItIs);
    found.next().unwrap_or(Planned::AsItIs)
}

/// The text of a file; what is vaulted is opened, and its content is a secret.
/// The text of a file, opened if it is vaulted.
pub(super) fn read(call: &Call, path: &PathBuf) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let vaulted = bytes.starts_with(crate::vault::HEADER.as_bytes());
    let opened = call.scope.surroundings().opener.open(bytes);
    let bytes = opened.map_err(|error| format!("cannot open {}: {}", path.display(), error.line()))?;
    if vaulted {
        ledger::note_secret();
    }
    String::from_utf8(bytes).map_err(|_| format!("{} is no text (UTF-8)", path.display()))
}

/// Variables with some more before them (`template_vars`).
struct Extended {
    more: Map,
    inner: Arc<dyn Variables>,
}

impl Variables for Extended {
    fn get(&self, name: &str) -> Option<Value> {
        self.more.get(name).cloned().or_else(|| self.inner.get(name))
    }

    fn names(&self) -> Vec<Arc<str>> {
        let mut names = self.inner.names();
        names.extend(
            self.more
                .keys()
                .filter(|name| self.inner.get(name).is_none())
                .cloned(),
        );
        names
    }

    fn host(&self, name: &str) -> Option<Arc<dyn Variables>> {
        self.inner.host(name)
    }

    fn hosts(&self) -> Vec<Arc<str>> {
        self.inner.hosts()
    }
}

fn template(call: &Call, name: &str) -> Answer {
    let path = find(call, name, "templates")?;
    let text = read(call, &path)?;
    let mut options = FileOptions {
        trim_blocks: call.named().get("trim_blocks").is_none_or(truthy),
        lstrip_blocks: call.named().get("lstrip_blocks").is_some_and(truthy),
        ..FileOptions::default()
    };
    for (name, marks) in [
        ("variable_start_string", &mut options.variable.0),
        ("variable_end_string", &mut options.variable.1),
    ] {
        if let Some(given) = call.named().get(name) {
            *marks = print(given);
        }
    }
    let scope = match call.named().get("template_vars").and_then(Value::as_map) {
        Some(more) => {
            let variables = Extended {
                more: more.clone(),
                inner: call.scope.variables().clone(),
            };
            crate::template::Scope::new(Arc::new(variables), call.scope.surroundings().clone())
        }
        None => call.scope.clone(),
    };
    let (options, start) = options.with_header(&text);
    let source = Source::file(&path, text.clone());
    let text = text[start..].replace("\r\n", "\n");
    let place = crate::source::Place::new(&source, start..source.text.len());
    let outcome = evaluate::file(&source.name, &text, &options, &scope)
        .map_err(|problem| problem.located(&text, Some(&place)).to_string())?;
    match outcome {
        Outcome::Value { value, .. } => Ok(value),
        Outcome::Omit => Ok(Value::Null),
        Outcome::Undefined { text, .. } => Err(format!("{text} (in the template {})", path.display())),
        Outcome::Failed(error) => Err(error.to_string()),
    }
}

/// The first of some files that exists.
fn first_found(call: &Call) -> Answer {
    let mut names: Vec<String> = vec![];
    let mut skip = call.named().get("skip").is_some_and(truthy);
    let texts = |value: &Value| match value {
        Value::List(items) => items.iter().map(print).collect::<Vec<_>>(),
        one => print(one).split([',', ';', ':']).map(str::to_string).collect(),
    };
    let mut open: Vec<&Value> = call.positional().iter().rev().collect();
    while let Some(term) = open.pop() {
        match term {
            Value::List(items) => open.extend(items.iter().rev()),
            Value::Map(map) => {
                let files = map.get("files").map(texts).unwrap_or_default();
                let paths = map.get("paths").map(texts).unwrap_or_default();
                skip |= map.get("skip").is_some_and(truthy);
                names.extend(below(&paths, &files));
            }
            Value::String(_) | Value::Secret(_) => names.push(print(term)),
            other => {
                let kind = other.kind();
                return Err(format!(
                    "Invalid term supplied. A string, dict or list is required, not '{kind}')."
                ));
            }
        }
    }
    let paths = call.named().get("paths").map(texts).unwrap_or_default();
    names.extend(below(
        &paths,
        &call.named().get("files").map(texts).unwrap_or_default(),
    ));
    // As a loop it looks for what the task's module reads, which may lie in any of them.
    let folders: &[&str] = match call.named().get("vent_loop").is_some_and(truthy) {
        true => &["files", "templates", "vars", "tasks"],
        false => &["files", "tasks"],
    };
    let found = names
        .iter()
        .find_map(|name| folders.iter().find_map(|kind| find(call, name, kind).ok()));
    match found {
        Some(path) => {
            let path = std::path::absolute(&path).unwrap_or(path);
            Ok(Value::list([path.display().to_string().into()]))
        }
        None if skip => Ok(Value::list([])),
        None => Err(format!(
            "No file was found when using first_found. Looked for {}",
            names.join(", ")
        )),
    }
}

fn below(paths: &[String], files: &[String]) -> Vec<String> {
    match (paths, files) {
        (paths, []) => paths.to_vec(),
        ([], files) => files.to_vec(),
        _ => paths
            .iter()
            .flat_map(|path| {
                files
                    .iter()
                    .map(move |file| format!("{}/{file}", path.trim_end_matches('/')))
            })
            .collect(),
    }
}

/// A password out of a file, which is made if it is not there.
fn password(call: &Call) -> Answer {
    let term = call.positional().iter().map(print).collect::<Vec<_>>().join(" ");
    let mut words = term.split_whitespace();
    let path = expand_user(words.next().unwrap_or_default());
    let mut options: std::collections::HashMap<String, String> = call
        .named()
        .iter()
        .map(|(name, value)| (name.to_string(), letters_of(value)))
        .collect();
    options.extend(
        words
            .filter_map(|word| word.split_once('='))
            .map(|(name, value)| (name.to_string(), value.to_string())),
    );
    let length = options
        .get("length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(20);
    let letters = letters(options.get("chars").map(String::as_str));
    let kept = std::fs::read_to_string(&path)
        .ok()
        .map(|text| text.trim_end().to_string());
    let (mut plain, mut salt) = match kept.filter(|text| !text.is_empty()) {
        Some(text) => match text.split_once(" salt=") {
            Some((plain, salt)) => (plain.to_string(), Some(salt.to_string())),
            None => (text, None),
        },
        None => (String::new(), None),
    };
    let hashed = options.get("encrypt").is_some_and(|scheme| !scheme.is_empty());
    if plain.is_empty() || (hashed && salt.is_none()) {
        if path != "/dev/null"
            && let Some(unknown) =
                unknown_in_check(call, &format!("the password that is to be made in {path}"))
        {
            return Ok(unknown);
        }
        if plain.is_empty() {
            let mut chance = chance(options.get("seed").map(Value::string).as_ref());
            let pick = |_| letters[usize::try_from(chance.below(letters.len() as u64)).unwrap_or(0)];
            plain = (0..length).map(pick).collect();
        }
        salt = hashed.then(|| random_text(16).replace(['.', '/'], "x"));
        keep(&path, &plain, salt.as_deref())?;
    }
    Ok(Value::list([match (hashed, salt) {
        (true, Some(salt)) => sha512_crypt(&plain, &salt, 656_000).into(),
        _ => plain.into(),
    }]))
}

fn keep(path: &str, plain: &str, salt: Option<&str>) -> Result<(), String> {
    use std::io::Write;
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    if path == "/dev/null" {
        return Ok(());
    }
    let failed = |error: std::io::Error| format!("cannot write {path}: {error}");
    if let Some(folder) = std::path::Path::new(path).parent() {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed)?;
    }
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    let salt = salt.map(|salt| format!(" salt={salt}")).unwrap_or_default();
    writeln!(file, "{plain}{salt}").map_err(failed)
}

fn letters_of(value: &Value) -> String {
    match value {
        Value::List(items) => items.iter().map(print).collect::<Vec<_>>().join(","),
        other => print(other),
    }
}

/// The letters a password is made of: names of Python's `string` module or the letters themselves.
fn letters(chars: Option<&str>) -> Vec<char> {
    let given = chars.unwrap_or("ascii_letters,digits,.,:,-,_");
    let mut all = vec![];
    if given.contains(",,") {
        all.push(',');
    }
    for part in given.split(',').filter(|part| !part.is_empty()) {
        match part {
            "ascii_letters" => all.extend(('a'..='z').chain('A'..='Z')),
            "ascii_lowercase" => all.extend('a'..='z'),
            "ascii_uppercase" => all.extend('A'..='Z'),
            "digits" => all.extend('0'..='9'),
            "hexdigits" => all.extend("0123456789abcdefABCDEF".chars()),
            "punctuation" => all.extend("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~".chars()),
            other => all.extend(other.chars()),
        }
    }
    if all.is_empty() {
        ('a'..='z').collect()
    } else {
        all
    }
}
