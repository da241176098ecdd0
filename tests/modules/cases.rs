//! The cases of the modules, one file a module or several.
//!
//! A case has a `title`, a `module` and its `arguments`. What the host answers: `files`, `users`, `groups`, `packages`,
//! `units`, `sysctls`, `kernel_modules`, `zones`, `records`, and `probes` by a text that `has` to be in their script; all
//! else is absent. `after` holds those that are answered otherwise once something was done, `outputs` what each action
//! gives. `computer` are files of this computer, `variables` the host's, `now` the time; `check` is check mode.
//!
//! A module of the run has other answers, and what it tells, asks and changes, in order, is what `happens`
//! (`tests/modules/run.rs`).
//!
//! A case states the `actions` (left out: none), whether something is `changed`, or that it is `skipped` or `failed` and why,
//! what becomes of variables (`included`) and of the `inventory`, and of the `fields` of the result those it names,
//! `<a time>` for any.

use super::carry_out::{End, Mode, carry_out};
use super::desk::Desk;
use super::pretended::Pretended;
use super::run;
use super::shown::shown;
use super::{files_of, read, reasons};
use serde_json::{Map as Object, Value as Json, json};
use std::collections::BTreeMap;
use vent::module::{Entry, InventoryChange, MODULES, Outcome, Work, find};
use vent::value::Value;

/// One case.
pub struct Case {
    /// Where it stands and what it is called.
    pub title: String,
    /// What it says.
    pub says: Json,
}

/// All cases.
pub fn cases() -> Vec<Case> {
    let mut cases = vec![];
    for path in files_of("tests/modules") {
        let text = std::fs::read_to_string(&path).unwrap();
        for says in read(&path, &text).as_array().unwrap() {
            cases.push(Case {
                title: format!("{}: {}", path.display(), says["title"].as_str().unwrap()),
                says: says.clone(),
            });
        }
    }
    cases
}

/// How a case ended.
pub struct Ended {
    /// The case, with the folder that it was run in.
    pub says: Json,
    /// What of the end it states, as it states it.
    pub got: Json,
    pub outcome: Outcome,
}

impl Case {
    /// The module it is about.
    pub fn module(&self) -> &'static Entry {
        let name = self.says["module"].as_str().unwrap();
        find(name).unwrap_or_else(|| panic!("{}: there is no module {name}", self.title))
    }

    /// The fields of the result that it states.
    pub fn fields(&self) -> Object<String, Json> {
        self.says["fields"].as_object().cloned().unwrap_or_default()
    }

    /// Carries it out.
    pub fn ended(&self) -> Ended {
        if let Work::Run(work) = self.module().work {
            return run::ended(&self.says, work);
        }
        let mut side = Pretended::of(&self.says);
        let arguments = Value::from(self.says["arguments"].clone());
        let mode = match self.says["check"] == json!(true) {
            true => Mode::Check,
            false => Mode::Run,
        };
        let module = self.says["module"].as_str().unwrap();
        let end = carry_out(module, &arguments, &Desk::of(&self.says), &mut side, mode);
        Ended {
            says: self.says.clone(),
            got: self.got(&end),
            outcome: end.outcome,
        }
    }

    fn got(&self, end: &End) -> Json {
        let mut got = Object::new();
        if self.says["actions"] != json!(null) || !end.actions.is_empty() {
            got.insert("actions".into(), end.actions.iter().map(shown).collect());
        }
        match (&end.outcome.failed, &end.outcome.skipped) {
            (Some(message), _) => got.insert("failed".into(), json!(message)),
            (None, Some(reason)) => got.insert("skipped".into(), json!(reason)),
            (None, None) => got.insert("changed".into(), json!(end.changed)),
        };
        got.extend(brought(&end.outcome));
        got.extend(fields(&self.says, &end.outcome));
        Json::Object(got)
    }
}

impl Ended {
    fn stated(&self) -> Json {
        let names = [
            "actions",
            "happens",
            "changed",
            "fields",
            "failed",
            "skipped",
            "included",
            "inventory",
            "difference",
            "planned",
        ];
        let stated = names
            .iter()
            .filter_map(|name| Some((name.to_string(), self.says.get(*name)?.clone())));
        Json::Object(stated.collect())
    }
}

/// What a case states of a field that holds the time.
const A_TIME: &str = "<a time>";

/// The fields of a result that a case states.
pub fn fields(says: &Json, outcome: &Outcome) -> Option<(String, Json)> {
    let stated = says["fields"].as_object().filter(|fields| !fields.is_empty())?;
    let shown = |(name, wanted): (&String, &Json)| match outcome.fields.get(name.as_str()) {
        Some(Value::String(text)) if wanted == A_TIME && text.parse::<jiff::civil::DateTime>().is_ok() => {
            json!(A_TIME)
        }
        Some(value) => Json::from(value),
        None => json!("<missing>"),
    };
    let fields = stated.iter().map(|field| (field.0.clone(), shown(field)));
    Some(("fields".into(), Json::Object(fields.collect())))
}

/// Variables and changes of the inventory that a module brings.
pub fn brought(outcome: &Outcome) -> Object<String, Json> {
    let mut out = Object::new();
    if !outcome.included.is_empty() {
        let included = Value::Map(outcome.included.clone().into());
        out.insert("included".into(), Json::from(&included));
    }
    match outcome.inventory.as_deref() {
        None => {}
        Some(InventoryChange::Host {
            name,
            groups,
            variables,
        }) => {
            let variables = Json::from(&Value::Map(variables.clone().into()));
            let host = json!({"host": name, "groups": groups, "variables": variables});
            out.insert("inventory".into(), host);
        }
        Some(InventoryChange::Group { name, parents }) => {
            out.insert("inventory".into(), json!({"group": name, "parents": parents}));
        }
    }
    out
}

#[test]
fn arguments_and_answers_give_actions_and_results() {
    let mut wrong = vec![];
    for case in cases() {
        let ended = case.ended();
        let (wanted, got) = (ended.stated(), &ended.got);
        if wanted != *got {
            wrong.push(format!("{}\n  wanted {wanted}\n  got    {got}", case.title));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What there has to be a case of for every module.
const KINDS: [&str; 3] = ["changed", "unchanged", "failed"];

#[test]
fn every_module_has_a_case_of_every_kind() {
    let mut shown: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for case in cases() {
        let kind = match (&case.says["changed"], &case.says["failed"]) {
            (Json::Bool(true), _) => "changed",
            (_, Json::String(_)) => "failed",
            _ => "unchanged",
        };
        shown.entry(case.module().names[0]).or_default().push(kind);
    }
    let reasons: BTreeMap<String, String> = reasons("no-such-case.txt").into_iter().collect();
    let mut wrong = vec![];
    let mut needed = vec![];
    for entry in MODULES {
        let name = entry.names[0];
        let shown = shown.get(name).cloned().unwrap_or_default();
        if shown.is_empty() {
            wrong.push(format!("{name}: no case"));
        }
        for kind in KINDS.into_iter().filter(|kind| !shown.contains(kind)) {
            let key = format!("{name} {kind}");
            match reasons.contains_key(&key) {
                true => needed.push(key),
                false => wrong.push(format!("{name}: no case `{kind}`")),
            }
        }
    }
    let needless = reasons.keys().filter(|key| !needed.contains(key));
    wrong.extend(needless.map(|key| format!("no-such-case.txt: {key}: there is one, or no such module")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
