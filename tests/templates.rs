//! Compares thousands of expressions with what ansible-core 2.19 made of them. `tests/templates/expected.json`
//! holds the recorded answers; `tests/templates/differences.txt` every difference, with its reason.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vent::template::{Decision, Scope, Variables, check_file, check_syntax, condition, render};
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

/// A stream of numbers that is the same on every run (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// A random expression over the variables of [`unknown_world`].
fn expression(chance: &mut Chance, depth: usize) -> String {
    if depth == 0 {
        return chance
            .pick(&[
                "u",
                "r.rc",
                "r.lines",
                "r.ok",
                "r['rc']",
                "r.lines[0]",
                "k",
                "s",
                "l",
                "m",
                "m.a",
                "true",
                "0",
                "1",
                "''",
                "'a'",
                "[]",
                "nope",
            ])
            .to_string();
    }
    let mut inner = || expression(chance, depth - 1);
    let (a, b, c) = (inner(), inner(), inner());
    match chance.below(24) {
        0 => format!("({a} and {b})"),
        1 => format!("({a} or {b})"),
        2 => format!("(not {a})"),
        3 => format!("({a} == {b})"),
        4 => format!("({a} != {b})"),
        5 => format!("({a} < {b})"),
        6 => format!("({a} in [{b}, {c}])"),
        7 => format!("({a} if {b} else {c})"),
        8 => format!("({a} | default({b}))"),
        9 => format!("({a} | default({b}, true))"),
        10 => format!("({a} is defined)"),
        11 => format!("({a} is string)"),
        12 => format!("({a} ~ {b})"),
        13 => format!("([{a}, {b}] | first)"),
        14 => format!("([{a}, {b}] | unique | length)"),
        15 => format!("({a} | string | length)"),
        16 => format!("({{'x': {a}, 'y': {b}}}.x)"),
        17 => format!("({a} | ternary({b}, {c}))"),
        18 => format!("([{a}] + [{b}] == [{c}])"),
        19 => format!("({a} | bool)"),
        20 => format!("({a} is sameas {b})"),
        21 => format!("([{a}, {b}] | select | list | length)"),
        22 => format!("({a} | to_json | length > 3)"),
        _ => format!("({a} is in [{b}])"),
    }
}

/// Variables in which `u`, `r.rc` and an item of `r.lines` are the given values.
fn unknown_world(values: [Value; 3]) -> Scope {
    let [u, rc, line] = values;
    let r = Value::map([
        ("rc", rc),
        ("ok", Value::Bool(true)),
        ("lines", Value::list(["a".into(), line])),
    ]);
    let world = Value::map([
        ("u", u),
        ("r", r),
        ("k", Value::Int(1)),
        ("s", "a".into()),
        ("l", Value::list([Value::Int(1), "a".into()])),
        ("m", Value::map([("a", Value::trusted("{{ u }}", None))])),
    ]);
    Scope::new(Arc::new(World(world.as_map().unwrap().clone())), Arc::default())
}

/// Whatever is decided while something is unknown must hold in every world where it is known.
#[test]
fn a_decision_made_without_the_unknown_holds_in_every_world() {
    let unknown = || Value::unknown("the task");
    let leaves = [
        Value::Int(0),
        Value::Int(1),
        Value::string("a"),
        Value::string(""),
        Value::Bool(true),
        Value::Null,
    ];
    let mut worlds = vec![];
    for (at, leaf) in leaves.iter().enumerate() {
        for shift in [0, 1, 3] {
            let other = |by: usize| leaves[(at + by) % leaves.len()].clone();
            worlds.push(unknown_world([leaf.clone(), other(shift), other(2 * shift + 1)]));
        }
    }
    let mut chance = Chance(0x2545_f491_4f6c_dd1d);
    let (mut decided, mut undecided) = (0, 0);
    for round in 0..2000 {
        let text = expression(&mut chance, 1 + round % 3);
        let blind = unknown_world([unknown(), unknown(), unknown()]);
        let as_condition = condition(
            &Value::string(format!("{text} == 1 or ({text}) is defined")),
            &blind,
        );
        check_condition_everywhere(&text, as_condition, &worlds);
        let wrapped = format!("{{{{ {text} }}}}");
        let value = match render(&Value::trusted(&wrapped, None), &blind) {
            Ok(Some(evaluated)) => evaluated.value,
            // An error while something is unknown is allowed: it is shown, never taken for a result.
            _ => continue,
        };
        match value.find_unknown() {
            Some(_) => undecided += 1,
            None => {
                decided += 1;
                for world in &worlds {
                    // In some worlds the unknown half may fail; a value must be the same.
                    if let Ok(Some(real)) = render(&Value::trusted(&wrapped, None), world) {
                        assert_eq!(real.value, value, "{text}");
                    }
                }
            }
        }
    }
    println!("{decided} decided, {undecided} undecided");
    assert!(decided > 200 && undecided > 200, "{decided} {undecided}");
}

fn check_condition_everywhere(text: &str, blind: vent::error::Result<Decision>, worlds: &[Scope]) {
    let blind = match blind {
        Ok(Decision::True) => true,
        Ok(Decision::False) => false,
        _ => return,
    };
    let condition_text = Value::string(format!("{text} == 1 or ({text}) is defined"));
    for world in worlds {
        let real = match condition(&condition_text, world) {
            Ok(Decision::True) => true,
            Ok(Decision::False) => false,
            _ => continue,
        };
        assert_eq!(real, blind, "{text}");
    }
}

fn files(folder: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, endings, found);
        } else if path
            .extension()
            .is_some_and(|ending| endings.iter().any(|known| ending == *known))
        {
            found.push(path);
        }
    }
}

#[test]
fn every_template_that_is_shipped_can_be_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut templates, mut pages) = (vec![], vec![]);
    files(&root.join("templates"), &["j2"], &mut templates);
    files(&root.join("playbooks"), &["yml"], &mut pages);
    files(&root.join("inventory"), &["yml"], &mut pages);
    for path in &templates {
        check_file(&yaml::read(path).unwrap()).unwrap_or_else(|error| panic!("{error}"));
    }
    for path in &pages {
        for node in yaml::parse(&yaml::read(path).unwrap()).unwrap().documents {
            let value = node.value(&Vault::default()).unwrap();
            check_syntax(&value).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}
