//! The sets of machines, checked: roles, counts, names, and who may log in.

use super::{Each, MachineSet, ROLES};
use crate::cloud::client::access::beside;
use crate::cloud::machines::given::Given;
use crate::error::{Collector, Error, Result, nearest};
use crate::value::{Map, Value, fields};
use serde::de::DeserializeOwned;
use std::path::Path;
use std::sync::Arc;

/// The most machines of one set.
const MOST: u32 = 500;

/// Reads every set, with what stands beside `sets` for what it leaves out.
pub(super) fn sets<Set: DeserializeOwned>(
    given: &Given<'_>,
    path: &Path,
    errors: &mut Collector,
) -> Vec<MachineSet<Set>> {
    let known = [fields::<Each>(), fields::<Set>()].concat();
    let items = given.get("sets").map(|sets| sets.items()).unwrap_or_default();
    if items.is_empty() {
        errors.push(
            Error::new("`machines` has no `sets`, so no machine is asked for")
                .at(given.place_of("sets"))
                .help("write, for one: sets: [{role: controller, count: 1}, {role: worker, count: 2}]"),
        );
    }
    let mut found: Vec<MachineSet<Set>> = vec![];
    for item in items {
        item.refuse_unknown(&known, errors);
        let completed = completed(given.value, item.value, &known);
        let item = item.completed(&completed, *given);
        let (Some(mut each), Some(set)) = (item.read::<Each>(errors), item.read::<Set>(errors)) else {
            continue;
        };
        check_set(&mut each, &item, path, errors);
        let prefix = each.name.clone().unwrap_or_else(|| {
            let first = each.role.split(',').next().unwrap_or_default();
            first.trim().to_string()
        });
        let names: Vec<String> = (0..each.count.min(MOST))
            .map(|at| format!("{prefix}-{at}"))
            .collect();
        let taken = |name: &&String| found.iter().any(|other| other.names.contains(name));
        if let Some(name) = names.iter().find(taken) {
            errors.push(
                Error::new(format!("two sets would both have a machine `{name}`"))
                    .at(item.place())
                    .help("give one of them a `name` of its own"),
            );
        }
        found.push(MachineSet {
            each,
            set,
            names,
            place: item.place().clone(),
        });
    }
    found
}

/// A set with what stands beside `sets` for what it leaves out.
fn completed(whole: &Value, set: &Value, known: &[&str]) -> Value {
    let own = ["role", "count", "name"];
    let mut map: Map = set.as_map().cloned().unwrap_or_default();
    for (name, value) in whole.as_map().into_iter().flatten() {
        if known.contains(&&**name) && !own.contains(&&**name) && !map.contains_key(name) {
            map.insert(name.clone(), value.clone());
        }
    }
    Value::Map(Arc::new(map))
}

fn check_set(each: &mut Each, item: &Given<'_>, path: &Path, errors: &mut Collector) {
    for role in each.role.split(',').map(str::trim) {
        if ROLES.contains(&role) {
            continue;
        }
        let error = Error::new(format!("`{role}` is no role of a machine")).at(item.place_of("role"));
        errors.push(
            error
                .help(format!("the roles are: {}", ROLES.join(", ")))
                .did_you_mean(nearest(role, ROLES.iter().copied())),
        );
    }
    if each.count > MOST {
        errors.push(
            Error::new(format!("`count: {}` is more than {MOST}", each.count))
                .at(item.place_of("count"))
                .help("make several sets, if that many machines are meant"),
        );
    }
    let fits = |name: &String| {
        name.len() <= 40
            && name.starts_with(|first: char| first.is_ascii_lowercase())
            && name
                .chars()
                .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-')
    };
    if let Some(name) = each.name.as_ref().filter(|name| !fits(name)) {
        errors.push(
            Error::new(format!("`name: {name}` cannot begin the names of machines"))
                .at(item.place_of("name"))
                .help("choose lower-case letters, digits and dashes, a letter first"),
        );
    }
    if each.ssh_keys.is_empty() {
        errors.push(
            Error::new("`ssh_keys` is not given: nobody could log in to the machines")
                .at(item.place_of("ssh_keys"))
                .help("name the file of your public key: ssh_keys: [~/.ssh/id_ed25519.pub]"),
        );
    }
    let given = std::mem::take(&mut each.ssh_keys);
    for (at, text) in given.iter().enumerate() {
        let items = item.get("ssh_keys").map(|list| list.items()).unwrap_or_default();
        let place = items
            .get(at)
            .map_or(item.place_of("ssh_keys"), |item| item.place());
        if let Some(keys) = errors.take(public_keys(text, path).map_err(|error| error.at(place))) {
            each.ssh_keys.extend(keys);
        }
    }
}

/// A public key, or those in a file.
fn public_keys(text: &str, path: &Path) -> Result<Vec<String>> {
    if is_public_key(text) {
        return Ok(vec![text.trim().to_string()]);
    }
    let file = beside(path, text);
    let read = std::fs::read_to_string(&file).map_err(|error| {
        Error::new(format!(
            "`{text}` is neither a public key nor a file that holds one"
        ))
        .cause(format!("{}: {error}", file.display()))
        .help("make a pair of keys with `ssh-keygen -t ed25519`, and name the file that ends in .pub")
    })?;
    let lines = read
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let keys: Vec<String> = lines.map(str::to_string).collect();
    if keys.is_empty() || !keys.iter().all(|key| is_public_key(key)) {
        return Err(Error::new(format!("{} holds no public key", file.display()))
            .help("name the file that ends in .pub; a private key never leaves this computer"));
    }
    Ok(keys)
}

fn is_public_key(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let kind = words.next().unwrap_or_default();
    ["ssh-", "ecdsa-", "sk-"]
        .iter()
        .any(|start| kind.starts_with(start))
        && words.next().is_some_and(|blob| blob.starts_with("AAAA"))
}
