//! What results hold, held against the documentation: Vent's own, which `vent modules NAME` shows, and Ansible's
//! (`documented.txt`, written by `document.py`).

use super::cases::cases;
use super::reasons;
use serde_json::{Map as Object, Value as Json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use vent::module::{EVERY, Entry, MODULES, Outcome};

/// The names that the module's documentation has beside those of every result.
fn declared(entry: &Entry) -> Vec<&'static str> {
    entry
        .returns
        .iter()
        .copied()
        .flatten()
        .map(|(name, _)| *name)
        .collect()
}

/// True if a key is meant by a name; what stands in angle brackets may be anything.
fn means(name: &str, key: &str) -> bool {
    match name.split_once('<') {
        Some((before, _)) => key.starts_with(before),
        None => name == key,
    }
}

/// A name up to its first dot, and what is behind.
fn split(name: &str) -> (&str, Option<&str>) {
    name.split_once('.')
        .map_or((name, None), |(first, rest)| (first, Some(rest)))
}

/// The fields of a result that the module's documentation does not have.
pub fn undeclared(entry: &Entry, outcome: &Outcome) -> Vec<String> {
    let mut names = declared(entry);
    names.extend(EVERY.iter().map(|(name, _)| *name));
    let mut found = vec![];
    let fields = outcome.fields.iter();
    let fields = fields.map(|(name, value)| (name.to_string(), Json::from(value)));
    strangers("", &fields.collect(), &names, &mut found);
    found
}

/// Finds the keys of a mapping that are not among the names, and those in the values that names with dots describe.
fn strangers(before: &str, map: &Object<String, Json>, names: &[&str], found: &mut Vec<String>) {
    for (key, value) in map {
        let of_key = names
            .iter()
            .map(|name| split(name))
            .filter(|(first, _)| means(first, key));
        let of_key: Vec<Option<&str>> = of_key.map(|(_, rest)| rest).collect();
        if of_key.is_empty() {
            found.push(format!("{before}{key} is not in RETURNS"));
        }
        let inner: Vec<&str> = of_key.into_iter().flatten().collect();
        if !inner.is_empty() {
            for map in described(value, &inner) {
                strangers(&format!("{before}{key}."), map, &inner, found);
            }
        }
    }
}

/// The mappings that names describe: those nearest to a value that have one of them.
fn described<'a>(value: &'a Json, names: &[&str]) -> Vec<&'a Object<String, Json>> {
    match value {
        Json::Object(map)
            if map
                .keys()
                .any(|key| names.iter().any(|name| means(split(name).0, key))) =>
        {
            vec![map]
        }
        Json::Object(map) => map.values().flat_map(|value| described(value, names)).collect(),
        Json::Array(items) => items.iter().flat_map(|item| described(item, names)).collect(),
        _ => vec![],
    }
}

/// The values of a name that a case states; `names` are all that its module has.
fn stated<'a>(fields: &'a Object<String, Json>, name: &str, names: &[&str]) -> Vec<&'a Json> {
    let (first, rest) = split(name);
    let own = |key: &str| names.contains(&key);
    let meant = fields
        .iter()
        .filter(|(key, _)| means(first, key) && (first == **key || !own(key)));
    let meant = meant.map(|(_, value)| value);
    match rest {
        None => meant.collect(),
        Some(rest) => {
            let maps = meant.flat_map(|value| described(value, &[rest]));
            maps.flat_map(|map| stated(map, rest, &[])).collect()
        }
    }
}

#[test]
fn results_hold_what_the_documentation_says() {
    let mut wrong = BTreeSet::new();
    let mut shown: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for case in cases() {
        let entry = case.module();
        for field in undeclared(entry, &case.ended().outcome) {
            wrong.insert(format!("{}: {field}", entry.names[0]));
        }
        let declared = declared(entry);
        let fields = case.fields();
        let names = declared
            .iter()
            .filter(|name| !stated(&fields, name, &declared).is_empty());
        shown.entry(entry.names[0]).or_default().extend(names);
    }
    for entry in MODULES {
        let shown = shown.get(entry.names[0]);
        for name in declared(entry) {
            if !shown.is_some_and(|shown| shown.contains(name)) {
                wrong.insert(format!("{}: no case shows {name}", entry.names[0]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", Vec::from_iter(wrong).join("\n"));
}

/// Lines `MODULE NAME TYPE` of what Ansible documents.
fn documented() -> Vec<[String; 3]> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/modules/documented.txt");
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let words = |line: &str| -> Vec<String> { line.split(' ').map(str::to_string).collect() };
    lines.map(|line| words(line).try_into().unwrap()).collect()
}

fn fits(value: &Json, kind: &str) -> bool {
    let unknown = |text: &str| text.starts_with("<<unknown: ");
    match value {
        Json::Null => true,
        Json::String(text) if unknown(text) => true,
        Json::String(_) => ["str", "path", "raw"].contains(&kind),
        Json::Bool(_) => ["bool", "raw"].contains(&kind),
        Json::Number(number) if number.is_f64() => ["float", "raw"].contains(&kind),
        Json::Number(_) => ["int", "raw"].contains(&kind),
        Json::Array(_) => ["list", "complex", "raw"].contains(&kind),
        Json::Object(_) => ["dict", "complex", "raw"].contains(&kind),
    }
}

#[test]
fn what_ansible_documents_is_returned_and_has_its_type() {
    let reasons: BTreeMap<String, String> = reasons("not-returned.txt").into_iter().collect();
    let mut needed = BTreeSet::new();
    let mut wrong = vec![];
    let cases = cases();
    for [module, name, kind] in documented() {
        let Some(entry) = MODULES
            .iter()
            .find(|entry| entry.names.contains(&module.as_str()))
        else {
            panic!("documented.txt: there is no module {module}");
        };
        let key = format!("{module} {name}");
        let declared = declared(entry);
        let every = EVERY.iter().any(|(other, _)| *other == name);
        let mut problems = vec![];
        if !every && !declared.contains(&name.as_str()) {
            problems.push("is not in RETURNS".to_string());
        }
        for case in cases.iter().filter(|case| case.module().names == entry.names) {
            for value in stated(&case.fields(), &name, &declared) {
                if !fits(value, &kind) {
                    problems.push(format!("should be of type {kind}: {} has {value}", case.title));
                }
            }
        }
        match (problems.is_empty(), reasons.contains_key(&key)) {
            (true, _) => {}
            (false, true) => drop(needed.insert(key)),
            (false, false) => wrong.extend(problems.iter().map(|problem| format!("{key} {problem}"))),
        }
    }
    let needless = reasons.keys().filter(|key| !needed.contains(*key));
    wrong.extend(needless.map(|key| format!("not-returned.txt: {key}: is returned, or not documented")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
