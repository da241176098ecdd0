//! The environments of the template engine, one for each way of writing marks, made once and kept while there is room.

use super::convert::{expose, print, take};
use super::objects::{Omit, Undefined};
use super::parsed::Parsed;
use super::patcher::{self, Purpose};
use super::{ledger, place};
use crate::budget::STEPS;
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error as JinjaError, ErrorKind, UndefinedBehavior};
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

/// How the marks of a template file are written, as arguments of the `template` module name them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileOptions {
    /// The newline after a block is removed.
    pub trim_blocks: bool,
    /// Blanks before a block are removed.
    pub lstrip_blocks: bool,
    /// What ends a line of the result.
    pub newline_sequence: String,
    /// Begin and end of blocks: `{%` and `%}`.
    pub block: (String, String),
    /// Begin and end of variables: `{{` and `}}`.
    pub variable: (String, String),
    /// Begin and end of comments: `{#` and `#}`.
    pub comment: (String, String),
}

impl Default for FileOptions {
    fn default() -> FileOptions {
        let pair = |begin: &str, end: &str| (begin.to_string(), end.to_string());
        FileOptions {
            trim_blocks: true,
            lstrip_blocks: false,
            newline_sequence: "\n".into(),
            block: pair("{%", "%}"),
            variable: pair("{{", "}}"),
            comment: pair("{#", "#}"),
        }
    }
}

impl FileOptions {
    /// The options after a first line `#jinja2: name:value, ...`, and the offset behind that line.
    pub(super) fn with_header(&self, text: &str) -> (FileOptions, usize) {
        let mut options = self.clone();
        let Some(header) = text.strip_prefix("#jinja2:") else {
            return (options, 0);
        };
        let line = header.split('\n').next().unwrap_or(header);
        for (name, value) in line.split(',').filter_map(|pair| pair.split_once(':')) {
            options.set(name.trim(), value.trim().trim_matches(['\'', '"']));
        }
        (options, text.len().min("#jinja2:".len() + line.len() + 1))
    }

    fn set(&mut self, name: &str, value: &str) {
        let flag = value.eq_ignore_ascii_case("true");
        match name {
            "trim_blocks" => self.trim_blocks = flag,
            "lstrip_blocks" => self.lstrip_blocks = flag,
            "newline_sequence" => self.newline_sequence = value.replace("\\r", "\r").replace("\\n", "\n"),
            "block_start_string" => self.block.0 = value.into(),
            "block_end_string" => self.block.1 = value.into(),
            "variable_start_string" => self.variable.0 = value.into(),
            "variable_end_string" => self.variable.1 = value.into(),
            "comment_start_string" => self.comment.0 = value.into(),
            "comment_end_string" => self.comment.1 = value.into(),
            _ => {}
        }
    }
}

/// The environment for the usual marks.
pub(super) fn usual() -> &'static Arc<Environment<'static>> {
    static USUAL: OnceLock<Arc<Environment<'static>>> = OnceLock::new();
    USUAL.get_or_init(|| Arc::new(build(&FileOptions::default())))
}

/// The environment for these options, kept while there is room; marks that make no sense fall back to the usual ones.
pub(super) fn with(options: &FileOptions) -> Arc<Environment<'static>> {
    type Others = RwLock<Parsed<FileOptions, Arc<Environment<'static>>>>;
    static OTHERS: OnceLock<Others> = OnceLock::new();
    if *options == FileOptions::default() {
        return usual().clone();
    }
    let others = OTHERS.get_or_init(|| RwLock::new(Parsed::new(256 << 10, 16 << 20)));
    let key = (options.clone(), String::new());
    if let Some(known) = others.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return known;
    }
    let made = Arc::new(build(options));
    others
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .keep(key, made)
}

/// The marks as the engine wants them.
pub(super) fn syntax_of(options: &FileOptions) -> Result<SyntaxConfig, JinjaError> {
    SyntaxConfig::builder()
        .trim_blocks(options.trim_blocks)
        .lstrip_blocks(options.lstrip_blocks)
        .keep_trailing_newline(true)
        .block_delimiters(options.block.0.clone(), options.block.1.clone())
        .variable_delimiters(options.variable.0.clone(), options.variable.1.clone())
        .comment_delimiters(options.comment.0.clone(), options.comment.1.clone())
        .build()
}

fn build(options: &FileOptions) -> Environment<'static> {
    let mut environment = Environment::new();
    if let Ok(syntax) = syntax_of(options) {
        environment.set_syntax(syntax);
    }
    environment.set_debug(false);
    environment.set_fuel(Some(STEPS.limit()));
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_path_join_callback(|name, parent| Cow::Owned(find_template(name, parent)));
    super::filters::add(&mut environment);
    super::tests::add(&mut environment);
    super::foreign::add(&mut environment);
    super::lookups::add(&mut environment);
    environment.set_unknown_method_callback(super::methods::call);
    let syntax = environment.syntax().clone();
    environment.set_loader(move |name| load_template(name, &syntax));
    environment.set_formatter(|output, state, value| {
        if value.is_undefined() {
            return minijinja::escape_formatter(output, state, value);
        }
        let prints_nothing = value.is_none()
            || value.downcast_object_ref::<Undefined>().is_some()
            || value.downcast_object_ref::<Omit>().is_some();
        if prints_nothing {
            return Ok(());
        }
        ledger::note_printed(value);
        let other;
        let text = match value.as_str() {
            Some(text) => text,
            None => {
                other = print(&expose(take(value)));
                &other
            }
        };
        ledger::spend(text.len())
            .map_err(|sentence| JinjaError::new(ErrorKind::InvalidOperation, sentence))?;
        output
            .write_str(text)
            .map_err(|_| JinjaError::new(ErrorKind::WriteFailure, "the text cannot be written"))
    });
    environment
}

/// True for the names of functions, which are no variables.
pub(super) fn is_global(name: &str) -> bool {
    static NAMES: OnceLock<Vec<String>> = OnceLock::new();
    let names = NAMES.get_or_init(|| usual().globals().map(|global| global.0.to_string()).collect());
    names.iter().any(|global| global == name)
}

/// What parts the path from the time of its last change in the name of a loaded template, so that a file
/// that changes is read again.
const AT: char = '\u{0}';

/// The name under which an included template is loaded: looked for beside its parent, then along the
/// search path.
fn find_template(name: &str, parent: &str) -> String {
    let beside = Path::new(place::path_of(parent)).parent().map(PathBuf::from);
    let mut folders: Vec<PathBuf> = vec![];
    if let Some(scope) = ledger::scope() {
        for folder in &scope.surroundings().search {
            folders.push(folder.join("templates"));
            folders.push(folder.clone());
        }
    }
    folders.extend(beside);
    let found = folders
        .iter()
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    match found {
        Some(path) => {
            ledger::note_included(path.clone());
            let changed = std::fs::metadata(&path).and_then(|data| data.modified()).ok();
            let stamp = changed
                .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
                .map_or(0, |age| age.as_nanos());
            format!("{}{AT}{stamp}", path.display())
        }
        None => name.to_string(),
    }
}

fn load_template(name: &str, syntax: &SyntaxConfig) -> Result<Option<String>, JinjaError> {
    let path = place::path_of(name);
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(patcher::patch_text(&text, syntax, Purpose::File).text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(JinjaError::new(
            ErrorKind::InvalidOperation,
            format!("cannot read the template {path}: {error}"),
        )),
    }
}
