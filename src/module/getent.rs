//! `getent`: entries of the system's databases.

use super::returns::{FACTS, Returns};
use super::{Module, Outcome, Step, Stop, View};
use crate::host::{Resource, quote};
use crate::value::{Map, Value};
use schemars::JsonSchema;
use serde::Deserialize;

/// Reads a database of the system.
pub(super) struct Getent;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// The database, such as `passwd` or `hosts`.
    database: String,
    /// One entry; all without it.
    key: Option<String>,
    /// What stands between the fields of an entry.
    split: Option<String>,
    /// Fail if the entry is not there.
    #[serde(default = "yes")]
    fail_key: bool,
    /// The service that is asked.
    service: Option<String>,
}

fn yes() -> bool {
    true
}

impl Module for Getent {
    const NAMES: &'static [&'static str] = &["ansible.builtin.getent", "getent"];
    type Arguments = Arguments;
    const RETURNS: &'static [Returns] = &[
        FACTS,
        &[(
            "ansible_facts.getent_<database>",
            "The fields of the entries by their first ones; null for one that is not there.",
        )],
    ];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let database = arguments.database.as_str();
        let service = arguments
            .service
            .as_ref()
            .map_or(String::new(), |service| format!("-s {} ", quote(service)));
        let key = arguments.key.as_deref().unwrap_or_default();
        let script = format!(
            "getent {service}{} {}",
            quote(database),
            if key.is_empty() { String::new() } else { quote(key) }
        );
        let about = match database {
            "passwd" | "shadow" => vec![Resource::Path("/etc/passwd".into()), Resource::User(key.into())],
            "group" | "gshadow" => vec![Resource::Path("/etc/group".into()), Resource::Group(key.into())],
            _ => vec![Resource::Path(format!("/etc/{database}"))],
        };
        let output = match view.probe(&script, &about) {
            // Reading changes nothing, whatever there will be to read.
            Err(Stop::Undecided(_)) => {
                return Ok(Step::done(told(database, view.unknown())));
            }
            output => output?,
        };
        let colon = ["passwd", "shadow", "group", "gshadow"].contains(&database);
        let split = arguments.split.as_deref().or(colon.then_some(":"));
        let mut entries = Map::new();
        for line in output.text().lines() {
            let mut fields: Vec<Value> = match split {
                Some(mark) => line.split(mark).map(Value::string).collect(),
                None => line.split_whitespace().map(Value::string).collect(),
            };
            if fields.is_empty() {
                continue;
            }
            let name = fields.remove(0);
            entries.insert(name.as_str().unwrap_or_default().into(), fields.into());
        }
        const NOT_FOUND: &str = "One or more supplied key could not be found in the database.";
        match output.code {
            0 => {}
            1 => return Err(Stop::failed("Missing arguments, or database unknown.")),
            2 if arguments.fail_key => {
                return Err(Stop::failed(NOT_FOUND));
            }
            2 => drop(entries.insert(key.into(), Value::Null)),
            3 => return Err(Stop::failed("Enumeration not supported on this database.")),
            _ => return Err(Stop::failed("getent is not on this host, or failed")),
        }
        let outcome = told(database, Value::Map(entries.into()));
        Ok(Step::done(match output.code {
            2 => outcome.with("msg", NOT_FOUND),
            _ => outcome,
        }))
    }
}

fn told(database: &str, entries: Value) -> Outcome {
    let facts = [(format!("getent_{database}").into(), entries)];
    Outcome::new().changed(false).gathered("", facts.into())
}
