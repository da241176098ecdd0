//! What the template language asks others for: filters, tests and lookups that Vent does not have, and what those ask back.

use super::{NameKind, Scope};
use crate::error::Result;
use crate::value::{Map, Value};
use std::sync::Arc;

/// Has filters, tests and lookups that Vent does not have.
pub trait PluginSource: Send + Sync {
    /// True if there is one of this name, and it can be called.
    ///
    /// # Errors
    /// There is one, and something keeps it from being called.
    fn has(&self, kind: NameKind, name: &str) -> Result<bool>;

    /// The result of a plugin for each of the values.
    ///
    /// # Errors
    /// What the plugin ends with.
    fn call(&self, call: &PluginCall<'_>, asked: &mut dyn Asked) -> Result<Vec<Value>, PluginFailure>;
}

/// A call of a plugin; nothing in it is unknown.
#[derive(Clone, Copy, Debug)]
pub struct PluginCall<'a> {
    /// What is called.
    pub kind: NameKind,
    /// Its name, as it is written.
    pub name: &'a str,
    /// What a filter or test is applied to, one after the other.
    pub values: &'a [Value],
    /// All other arguments.
    pub arguments: &'a [Value],
    /// Those with names.
    pub named: &'a Map,
}

/// How a call of a plugin ends that gives no result.
#[derive(Clone, Debug, PartialEq)]
pub enum PluginFailure {
    /// What it gives is undefined.
    Undefined(String),
    /// It failed.
    Failed(String),
}

/// What a plugin may ask while it runs. `host` names another host, as `hostvars` does.
pub trait Asked {
    /// The names of all variables; `None` if there is no such host.
    fn names(&mut self, host: Option<&str>) -> Option<Vec<Arc<str>>>;

    /// The variable of a name, rendered.
    fn variable(&mut self, host: Option<&str>, name: &str) -> Known;

    /// The hosts that `hostvars` knows.
    fn hosts(&mut self) -> Vec<Arc<str>>;
}

/// A variable that a plugin asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Known {
    /// There is none of this name.
    Missing,
    /// It is made of something undefined, or cannot be made.
    Undefined(String),
    /// This is it.
    Value(Value),
}

/// A source of plugins that clones share.
#[derive(Clone)]
pub struct Plugins(Arc<dyn PluginSource>);

impl Plugins {
    /// Asks this source.
    pub fn new(source: impl PluginSource + 'static) -> Plugins {
        Plugins(Arc::new(source))
    }
}

impl std::ops::Deref for Plugins {
    type Target = dyn PluginSource;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl std::fmt::Debug for Plugins {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Plugins")
    }
}

impl PartialEq for Plugins {
    fn eq(&self, other: &Plugins) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// The variable in which lookups find the folders that are searched for files.
const SEARCH_PATH: &str = "ansible_search_path";

fn search_path(scope: &Scope) -> Value {
    let folders = scope.surroundings().search.iter();
    let whole = folders.map(|folder| std::path::absolute(folder).unwrap_or_else(|_| folder.clone()));
    Value::list(whole.map(|folder| folder.display().to_string().into()))
}

/// Answers out of a scope, and notes what it gives away.
pub(super) struct Answering<'a> {
    scope: &'a Scope,
    /// The first unknown thing that was asked for.
    pub unknown: Option<Arc<crate::value::Unknown>>,
    /// The secrets that were given away.
    pub secrets: Vec<Arc<str>>,
}

impl<'a> Answering<'a> {
    /// Answers out of this scope.
    pub(super) fn new(scope: &'a Scope) -> Answering<'a> {
        Answering {
            scope,
            unknown: None,
            secrets: vec![],
        }
    }

    fn of(&self, host: Option<&str>) -> Option<Scope> {
        match host {
            Some(name) => self.scope.host(name),
            None => Some(self.scope.clone()),
        }
    }

    /// Takes the secrets in a value down.
    fn learn(&mut self, value: &Value) {
        match value {
            Value::Secret(text) => self.secrets.push(text.clone()),
            Value::List(items) => items.iter().for_each(|item| self.learn(item)),
            Value::Map(map) => map.values().for_each(|item| self.learn(item)),
            _ => {}
        }
    }
}

impl Asked for Answering<'_> {
    fn names(&mut self, host: Option<&str>) -> Option<Vec<Arc<str>>> {
        Some(self.of(host)?.variables().names())
    }

    fn variable(&mut self, host: Option<&str>, name: &str) -> Known {
        let Some(scope) = self.of(host) else {
            return Known::Missing;
        };
        let Some(raw) = scope.variables().get(name) else {
            return match name {
                SEARCH_PATH => Known::Value(search_path(&scope)),
                _ => Known::Missing,
            };
        };
        match super::render(&raw, &scope) {
            Ok(Some(evaluated)) => {
                if let Some(unknown) = evaluated.value.find_unknown() {
                    self.unknown.get_or_insert_with(|| unknown.clone());
                    return Known::Undefined(format!("'{name}' is not known yet"));
                }
                self.learn(&evaluated.value);
                Known::Value(evaluated.value)
            }
            Ok(None) => Known::Missing,
            Err(error) => Known::Undefined(error.message().to_string()),
        }
    }

    fn hosts(&mut self) -> Vec<Arc<str>> {
        self.scope.variables().hosts()
    }
}
