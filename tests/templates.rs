//! Compares thousands of expressions with what ansible-core 2.19 made of them. `tests/templates/expected.json`
//! holds the recorded answers; `tests/templates/differences.txt` every difference, with its reason.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vent::template::{Decision, Scope, Variables, condition, render};
use vent::value::{Map, Value};
use vent::{source::Source, vault::Vault, yaml};

struct World(Map);

impl Variables for World {
    fn get(&self, name: &str) -> Option<Value> {
        self.0.get(name).cloned()
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.0.keys().cloned().collect()
    }

    fn host(&self, _: &str) -> Option<Arc<dyn Variables>> {
        None
    }

    fn hosts(&self) -> Vec<Arc<str>> {
        vec![]
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/templates")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap()
}

fn scope() -> Scope {
    let source = Source::named("world.yml", read("world.yml"));
    let node = yaml::parse_one(&source).unwrap().0.unwrap();
    let world = node.value(&Vault::default()).unwrap();
    Scope::new(Arc::new(World(world.as_map().unwrap().clone())), Arc::default())
}

/// What Vent makes of an expression: `None` is an error.
fn ours(kind: &str, text: &str, scope: &Scope) -> (Option<serde_json::Value>, String) {
    let value = Value::trusted(text, None);
    let answer = match kind {
        "condition" => condition(&value, scope).map(|decision| match decision {
            Decision::True => Value::Bool(true),
            Decision::False => Value::Bool(false),
            Decision::Unknown(unknown) => Value::Unknown(unknown),
        }),
        _ => render(&value, scope).map(|rendered| match rendered {
            Some(evaluated) => evaluated.value,
            None => Value::string("omitted"),
        }),
    };
    match answer {
        Ok(value) => (Some(serde_json::Value::from(&value)), String::new()),
        Err(error) => (None, error.line()),
    }
}

/// Equal, with some room for the last digit of numbers with a point.
fn same(left: &serde_json::Value, right: &serde_json::Value) -> bool {
    use serde_json::Value as Json;
    match (left, right) {
        (Json::Number(a), Json::Number(b)) => {
            a == b || (a.is_f64() && b.is_f64() && (a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 1e-9)
        }
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => left == right,
    }
}

#[test]
fn expressions_come_out_as_in_ansible() {
    let expected: Vec<serde_json::Value> = serde_json::from_str(&read("expected.json")).unwrap();
    let differences = read("differences.txt");
    let mut known: HashMap<&str, bool> = differences
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| Some((line.split_once('\t')?.0, false)))
        .collect();
    let scope = scope();
    let (mut agree, mut wrong) = (0, vec![]);
    for case in &expected {
        let (kind, text) = (case["kind"].as_str().unwrap(), case["text"].as_str().unwrap());
        let (ours, error) = ours(kind, text, &scope);
        let agrees = match (&ours, case.get("result")) {
            (Some(ours), Some(theirs)) => same(ours, theirs),
            (None, None) => true,
            _ => false,
        };
        let line = text.replace('\n', "\\N");
        match known.get_mut(line.as_str()) {
            _ if agrees => agree += 1,
            Some(seen) => *seen = true,
            None => {
                let theirs = case.get("result").or(case.get("error")).unwrap();
                let ours = ours.map_or(format!("error: {error}"), |value| value.to_string());
                wrong.push(format!(
                    "{line}\t{kind}\n    ansible {theirs}\n    vent    {ours}"
                ));
            }
        }
    }
    println!(
        "{agree} of {} expressions agree with ansible-core",
        expected.len()
    );
    let stale: Vec<_> = known
        .iter()
        .filter(|entry| !entry.1)
        .map(|entry| *entry.0)
        .collect();
    if let Ok(path) = std::env::var("VENT_TEMPLATE_DIFFERENCES") {
        std::fs::write(path, wrong.join("\n")).unwrap();
    }
    assert!(
        stale.is_empty(),
        "these agree by now; take them out of differences.txt:\n{}",
        stale.join("\n")
    );
    assert!(
        wrong.is_empty(),
        "{} differ and are not in differences.txt:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
