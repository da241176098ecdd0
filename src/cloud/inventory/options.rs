//! The options of a plugin file: those of all providers, and those of one.

use super::PluginFile;
use crate::cloud::client::access::beside;
use crate::cloud::client::http::secret::Secret;
use crate::error::{Collector, Error, Errors, nearest};
use crate::template::{Scope, Surroundings, Variables, render};
use crate::value::{self, Map, Value};
use indexmap::IndexMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Options that hold expressions: they are evaluated for each host, not when the file is read.
const EXPRESSIONS: &[&str] = &["compose", "keyed_groups", "groups", "filters"];

/// Options that name files: they are looked for beside the file that names them.
const FILES: &[&str] = &["token_file", "api_secret_file", "token_secret_file", "ca_file"];

/// What every provider's file may say, beside `plugin`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Common {
    /// Variables out of expressions.
    pub compose: IndexMap<String, String>,
    /// Groups named by the values of expressions.
    pub keyed_groups: Vec<KeyedGroup>,
    /// Groups of the hosts for which an expression holds.
    pub groups: IndexMap<String, String>,
    /// Expressions that must hold for a host to be taken.
    pub filters: Vec<String>,
    /// Whether an expression that cannot be evaluated is an error.
    pub strict: bool,
    /// Whether a keyed group without prefix begins with the separator.
    pub leading_separator: bool,
    /// Whether answers are kept.
    pub cache: bool,
    /// For how many seconds answers are kept.
    #[serde(alias = "cache_max_age")]
    pub cache_timeout: u64,
    /// The folder for what is kept.
    #[serde(alias = "cache_path")]
    pub cache_connection: Option<String>,
    /// The group of the shipped playbooks for each role tag.
    pub roles: Option<IndexMap<String, String>>,
    /// Takes only machines that carry this cluster's tag.
    pub cluster: Option<String>,
    /// The machines that are to be there.
    pub machines: Value,
}

impl Default for Common {
    fn default() -> Common {
        Common {
            compose: IndexMap::new(),
            keyed_groups: vec![],
            groups: IndexMap::new(),
            filters: vec![],
            strict: false,
            leading_separator: true,
            cache: false,
            cache_timeout: 3600,
            cache_connection: None,
            roles: None,
            cluster: None,
            machines: Value::Null,
        }
    }
}

/// Groups named by the values of an expression.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct KeyedGroup {
    /// The expression: a text, a list, or a mapping.
    pub key: String,
    /// What comes first in the name.
    pub prefix: String,
    /// What stands between prefix and value.
    pub separator: Option<String>,
    /// The group above.
    pub parent_group: Option<String>,
    /// What an empty value counts as.
    pub default_value: Option<String>,
    /// Whether a mapping's empty value leaves the separator behind its key.
    pub trailing_separator: Option<bool>,
}

/// Splits the options of a file.
///
/// # Errors
/// Options that nobody knows, and values that do not fit, with their places.
pub fn read<T: DeserializeOwned>(file: &PluginFile<'_>) -> Result<(Common, T), Errors> {
    let mut errors = Collector::default();
    let empty = Map::new();
    let given = file.value.as_map().unwrap_or(&empty);
    let scope = Scope::new(Arc::new(NoVariables), Arc::new(Surroundings::default()));
    let mut rendered = Map::new();
    for (name, option) in given.iter().filter(|entry| &**entry.0 != "plugin") {
        if EXPRESSIONS.contains(&&**name) {
            rendered.insert(name.clone(), option.untrusted());
            continue;
        }
        let place = file.root.get(name).map(|node| &node.place);
        let value = render(option, &scope).map_err(|error| error.at_some(place));
        if let Some(Some(evaluated)) = errors.take(value) {
            let value = match evaluated.value.as_str() {
                Some(text) if FILES.contains(&&**name) => {
                    Value::string(beside(file.path, text).to_string_lossy())
                }
                _ => evaluated.value,
            };
            rendered.insert(name.clone(), value);
        }
    }
    let whole = Value::Map(Arc::new(rendered));
    let refuse = |error: value::ArgumentError| {
        let place = error.argument.as_deref().and_then(|name| file.root.get(name));
        Error::new(error.to_string()).at(&place.unwrap_or(file.root).place)
    };
    let common = errors.take(value::deserialize::<Common>(&whole).map_err(refuse));
    let own = errors.take(value::deserialize::<T>(&whole).map_err(refuse));
    let (Some((common, common_names)), Some((own, own_names))) = (common, own) else {
        return Err(errors.finish(()).err().unwrap_or_else(|| Errors(vec![])));
    };
    let ignored = [
        "use_extra_vars",
        "cache_plugin",
        "cache_prefix",
        "want_post_filter_facts",
    ];
    for name in given.keys().filter(|name| &***name != "plugin") {
        let known: Vec<&str> = common_names
            .iter()
            .chain(own_names)
            .chain(&ignored)
            .copied()
            .collect();
        if !known.contains(&&**name) {
            let place = file.root.get(name).map(|node| &node.place);
            let error = Error::new(format!("`{name}` is not an option of this inventory")).at_some(place);
            errors.push(
                error
                    .help(format!("the options are: {}", known.join(", ")))
                    .did_you_mean(nearest(name, known.iter().copied())),
            );
        }
    }
    errors.finish((common, own))
}

/// A secret option: a plain or a vaulted text.
pub fn secret(option: &Value) -> Option<Secret> {
    option
        .as_str()
        .filter(|text| !text.trim().is_empty())
        .map(Secret::new)
}

/// Option files see no variables; lookups work.
struct NoVariables;

impl Variables for NoVariables {
    fn get(&self, _name: &str) -> Option<Value> {
        None
    }

    fn names(&self) -> Vec<Arc<str>> {
        vec![]
    }

    fn host(&self, _name: &str) -> Option<Arc<dyn Variables>> {
        None
    }

    fn hosts(&self) -> Vec<Arc<str>> {
        vec![]
    }
}
