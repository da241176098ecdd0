//! An argument that is not known in check mode, but has few values: the task is planned with each of them. If all
//! plans agree, it does not matter which one it will be.

use super::perform::Broken;
use super::{Attempt, ROUNDS};
use crate::host::{Action, Performed, State};
use crate::module::{Entry, Outcome, Step, Stop};
use crate::value::{Map, Value};
use serde_json::Value as Json;
use std::sync::Arc;

/// More plans than this are not worth their time.
const MOST: usize = 16;

/// The arguments with every value that an unknown one may have; `None` if nothing unknown is among them, or
/// something that may have any value.
pub fn possibilities(module: &Entry, arguments: &Value) -> Option<Vec<Value>> {
    let map = arguments.as_map()?;
    let unknown: Vec<&Arc<str>> = map
        .iter()
        .filter(|(_, value)| matches!(value, Value::Unknown(_)))
        .map(|(name, _)| name)
        .collect();
    if unknown.is_empty() {
        return None;
    }
    let schema = (module.schema)();
    let schema = schema.as_value();
    let mut all: Vec<Map> = vec![(*map).clone()];
    for name in unknown {
        // One that may be anything, such as a content, stays unknown in every plan.
        let property = schema.get("properties").and_then(|all| all.get(&**name));
        let Some(values) = property.and_then(|property| values(property, schema)) else {
            continue;
        };
        all = all
            .iter()
            .flat_map(|map| values.iter().map(|value| with(map, name, value)))
            .collect();
        if all.len() > MOST {
            return None;
        }
    }
    (all.len() > 1).then(|| all.into_iter().map(|map| Value::Map(map.into())).collect())
}

fn with(map: &Map, name: &Arc<str>, value: &Value) -> Map {
    let mut map = map.clone();
    map.insert(name.clone(), value.clone());
    map
}

/// The values that a property of a schema may have: both bools, or the words of a choice.
fn values(property: &Json, schema: &Json) -> Option<Vec<Value>> {
    if let Some(path) = property.get("$ref").and_then(Json::as_str) {
        return values(schema.pointer(path.strip_prefix('#')?)?, schema);
    }
    if let Some(words) = property.get("enum").and_then(Json::as_array) {
        return words
            .iter()
            .map(|word| word.as_str().map(Value::string))
            .collect();
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(ways) = property.get(key).and_then(Json::as_array) {
            let mut found = vec![];
            for way in ways.iter().filter(|way| way.get("type") != Some(&"null".into())) {
                match way.get("const").and_then(Json::as_str) {
                    Some(word) => found.push(Value::string(word)),
                    None => found.extend(values(way, schema)?),
                }
            }
            return (!found.is_empty()).then_some(found);
        }
    }
    let is = |kind: &str| match property.get("type") {
        Some(Json::String(text)) => text == kind,
        Some(Json::Array(kinds)) => kinds.iter().all(|each| each == kind || each == "null"),
        _ => false,
    };
    is("boolean").then(|| vec![Value::Bool(false), Value::Bool(true)])
}

impl Attempt<'_> {
    /// Plans every possibility. If all would do the same, the arguments of the first, and the fields of the
    /// result in which they differ.
    pub async fn agreed(&self, all: Vec<Value>) -> Result<Option<(Value, Vec<Arc<str>>)>, Broken> {
        let mut first: Option<Plan> = None;
        let mut differing: Vec<Arc<str>> = vec![];
        for arguments in &all {
            let Some(plan) = self.plan(arguments).await? else {
                return Ok(None);
            };
            let Some(first) = &first else {
                first = Some(plan);
                continue;
            };
            let same = |pick: fn(&Outcome) -> bool| pick(&first.outcome) == pick(&plan.outcome);
            if first.actions != plan.actions
                || first.outcome.changed != plan.outcome.changed
                || !same(|outcome| outcome.failed.is_some())
                || !same(|outcome| outcome.skipped.is_some())
            {
                return Ok(None);
            }
            let names = first.outcome.fields.keys().chain(plan.outcome.fields.keys());
            let other =
                names.filter(|name| first.outcome.fields.get(*name) != plan.outcome.fields.get(*name));
            differing.extend(other.cloned());
        }
        Ok(all.into_iter().next().map(|arguments| (arguments, differing)))
    }

    /// What the module would do, on a copy of what is known; `None` if that cannot be told.
    async fn plan(&self, arguments: &Value) -> Result<Option<Plan>, Broken> {
        let mut state = State::clone(&self.known.state());
        let (mut performed, mut actions) = (vec![], vec![]);
        for _ in 0..ROUNDS {
            let (step, open) = self.step(arguments, &state, &performed);
            let (more, outcome) = match step {
                Err(Stop::Pending) => {
                    self.ask_only(open.clone()).await?;
                    let known = self.known.state();
                    for question in open {
                        if let Some(answer) = known.answer(&self.user, &question) {
                            state.learn(&self.user, question, answer);
                        }
                    }
                    continue;
                }
                Err(_) => return Ok(None),
                Ok(Step::Act(more)) => (more, None),
                Ok(Step::Finish(more, outcome)) => (more, Some(outcome)),
            };
            for action in &more {
                state.apply(action, &self.origin);
                performed.push(Performed {
                    unknown: true,
                    ..Performed::default()
                });
            }
            actions.extend(more);
            if let Some(outcome) = outcome {
                return Ok(Some(Plan { actions, outcome }));
            }
        }
        Ok(None)
    }
}

/// What a module would do.
struct Plan {
    actions: Vec<Action>,
    outcome: Outcome,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::find;

    fn count(module: &str, arguments: &[(&str, Value)]) -> Option<usize> {
        let arguments = Value::map(arguments.iter().cloned());
        possibilities(find(module).unwrap(), &arguments).map(|all| all.len())
    }

    #[test]
    fn bools_and_choices_have_few_values() {
        let unknown = || Value::unknown("a command");
        assert_eq!(
            count("copy", &[("dest", "/x".into()), ("force", unknown())]),
            Some(2)
        );
        assert_eq!(
            count("service", &[("name", "x".into()), ("enabled", unknown())]),
            Some(2)
        );
        assert_eq!(
            count("service", &[("name", "x".into()), ("state", unknown())]),
            Some(4)
        );
        assert_eq!(count("copy", &[("dest", unknown())]), None);
        assert_eq!(count("copy", &[("dest", "/x".into())]), None);
    }
}
