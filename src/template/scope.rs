//! The variables an evaluation sees, and the cache of those that are rendered when they are used.

use super::plugins::Plugins;
use super::{Outcome, evaluate};
use crate::error::Error;
use crate::value::{Template, Unknown, Value};
use crate::vault::{self, Vault};
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Where variables come from: values that may hold [`Value::Template`], which are rendered when they are
/// used, with the same variables in sight.
pub trait Variables: Send + Sync {
    /// The variable of that name.
    fn get(&self, name: &str) -> Option<Value>;
    /// The variable as the project's own files (or who typed the command) say it, if nobody stronger says it: no host and no provider had
    /// a part in it.
    fn of_project(&self, _name: &str) -> Option<Value> {
        None
    }
    /// The names of all variables.
    fn names(&self) -> Vec<Arc<str>>;
    /// The variables of another host, for `hostvars`.
    fn host(&self, name: &str) -> Option<Arc<dyn Variables>>;
    /// The hosts that `hostvars` knows.
    fn hosts(&self) -> Vec<Arc<str>>;
}

/// What lookups and included templates need of this computer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Surroundings {
    /// Folders searched for files and templates, nearest first, as Ansible's search path: the role, the
    /// folder of the task's file, the folder of the playbook. In each of them `templates/` (for templates)
    /// or `files/` (for files) is looked into before the folder itself.
    pub search: Vec<PathBuf>,
    /// Check mode: lookups that would run programs give something unknown.
    pub check: bool,
    /// A task is only looked at before its turn: what lookups would ask others for is unknown as well.
    pub ahead: bool,
    /// Check mode: files of this computer as they would be.
    pub planner: Option<Planner>,
    /// Opens vaulted files.
    pub opener: Opener,
    /// Filters, tests and lookups that Vent does not have.
    pub plugins: Option<Plugins>,
}

/// Opens vaulted files with the passwords of the run.
#[derive(Clone, Debug, Default)]
pub struct Opener(Arc<Vault>);

impl Opener {
    /// Opens with these passwords.
    pub fn new(vault: Arc<Vault>) -> Opener {
        Opener(vault)
    }

    /// The bytes of a file: if they are vaulted, what is in the vault.
    ///
    /// # Errors
    /// No password opens it.
    pub fn open(&self, bytes: Vec<u8>) -> crate::error::Result<Vec<u8>> {
        match std::str::from_utf8(&bytes) {
            Ok(text) if text.starts_with(vault::HEADER) => self.0.decrypt(text),
            _ => Ok(bytes),
        }
    }
}

impl PartialEq for Opener {
    fn eq(&self, other: &Opener) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// A file of this computer in check mode.
#[derive(Clone, Debug, PartialEq)]
pub enum Planned {
    /// Nothing would be done to it.
    AsItIs,
    /// This would stand in it.
    Content(Arc<[u8]>),
    /// Only applying can tell.
    Unknown(Arc<Unknown>),
}

/// Tells what check mode would have made of a file of this computer.
#[derive(Clone)]
pub struct Planner(Arc<dyn Fn(&Path) -> Planned + Send + Sync>);

impl Planner {
    /// A planner that answers by `tell`.
    pub fn new(tell: impl Fn(&Path) -> Planned + Send + Sync + 'static) -> Planner {
        Planner(Arc::new(tell))
    }

    /// What would stand at a path.
    pub fn file(&self, path: &Path) -> Planned {
        (self.0)(path)
    }
}

impl std::fmt::Debug for Planner {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Planner")
    }
}

impl PartialEq for Planner {
    fn eq(&self, other: &Planner) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Variables and surroundings of an evaluation. Cheap to clone; clones share the cache, so a new scope is
/// made whenever variables change.
#[derive(Clone)]
pub struct Scope(Arc<Inner>);

struct Inner {
    variables: Arc<dyn Variables>,
    surroundings: Arc<Surroundings>,
    rendered: Mutex<HashMap<usize, (Arc<Template>, Outcome)>>,
    hosts: Mutex<HashMap<String, Scope>>,
}

thread_local! {
    /// The variables and templates that are being rendered, outermost first.
    static UNDER_WAY: RefCell<UnderWay> = RefCell::default();
}

#[derive(Default)]
struct UnderWay {
    names: Vec<String>,
    templates: Vec<(usize, usize)>,
}

impl Scope {
    /// A scope with an empty cache.
    pub fn new(variables: Arc<dyn Variables>, surroundings: Arc<Surroundings>) -> Scope {
        Scope(Arc::new(Inner {
            variables,
            surroundings,
            rendered: Mutex::default(),
            hosts: Mutex::default(),
        }))
    }

    /// Where the variables come from.
    pub fn variables(&self) -> &Arc<dyn Variables> {
        &self.0.variables
    }

    /// Search path and mode.
    pub fn surroundings(&self) -> &Arc<Surroundings> {
        &self.0.surroundings
    }

    /// The scope of another host.
    pub(super) fn host(&self, name: &str) -> Option<Scope> {
        let mut hosts = self.0.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scope) = hosts.get(name) {
            return Some(scope.clone());
        }
        let scope = Scope::new(self.variables().host(name)?, self.surroundings().clone());
        hosts.insert(name.to_string(), scope.clone());
        Some(scope)
    }

    /// Runs `work` while the variable `name` counts as being rendered.
    pub(super) fn naming<T>(&self, name: &str, work: impl FnOnce() -> T) -> T {
        UNDER_WAY.with(|under| under.borrow_mut().names.push(name.to_string()));
        let result = work();
        UNDER_WAY.with(|under| under.borrow_mut().names.pop());
        result
    }

    /// The outcome of a template that is a variable or stands in one, rendered once per scope.
    pub(super) fn rendered(&self, template: &Arc<Template>) -> Outcome {
        let key = Arc::as_ptr(template) as usize;
        let cache = || self.0.rendered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, outcome)) = cache().get(&key) {
            return outcome.clone();
        }
        let entry = (Arc::as_ptr(&self.0) as usize, key);
        let known = UNDER_WAY.with(|under| {
            let mut under = under.borrow_mut();
            if under.templates.contains(&entry) {
                return true;
            }
            under.templates.push(entry);
            false
        });
        if known {
            return Outcome::Failed(recursion().at_some(template.place.as_ref()));
        }
        let mut outcome = evaluate::value(&template.text, template.place.as_ref(), self);
        if template.place.as_ref().is_some_and(|place| place.source.vaulted) {
            outcome = outcome.hidden();
        }
        UNDER_WAY.with(|under| under.borrow_mut().templates.pop());
        cache().insert(key, (template.clone(), outcome.clone()));
        outcome
    }

    /// The value of a variable with all its templates rendered; `None` if there is none.
    pub(super) fn resolved(&self, name: &str) -> Option<Value> {
        super::convert::resolve(&self.variables().get(name)?, self)
    }
}

fn recursion() -> Error {
    let names = UNDER_WAY.with(|under| under.borrow().names.clone());
    let last = names.last().map(String::as_str).unwrap_or_default();
    let start = names.iter().position(|name| name == last).unwrap_or(0);
    Error::new(format!(
        "recursive loop in variables: {}",
        names[start..].join(" -> ")
    ))
    .help("a variable must not be made of itself; rename one of them")
}

impl std::fmt::Debug for Scope {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Scope")
    }
}
