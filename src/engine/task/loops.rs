//! The loop of a task: its items, the variables of each, their results as one.

use super::super::host::Host;
use super::super::play::Context;
use super::super::result::TaskResult;
use super::super::scope;
use super::OnHost;
use crate::error::{Error, Result};
use crate::event::{Status, TaskName};
use crate::model::{Loop, Placed, Task};
use crate::source::Place;
use crate::template::{self, Scope};
use crate::value::{Map, Template, Value};
use crate::vars::Layer;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The error of a loop over something that is no list.
pub(in crate::engine) fn no_list(found: &Value, place: &Place) -> Error {
    let error = Error::new(format!("a loop needs a list, not {}", found.kind())).at(place);
    error.help(match found {
        Value::Map(_) => "write `| dict2items` behind it: each item then has `key` and `value`",
        Value::String(_) => "write `| split(',')` behind it, or put it into a list: [...]",
        _ => "put it into a list: [...]",
    })
}

impl OnHost<'_> {
    pub(super) async fn with_loop(&self, scope: &Scope, name: &TaskName) -> TaskResult {
        let Some(wanted) = &self.task.r#loop else {
            return self.one(scope, name, &[]).await;
        };
        let items = match loop_items(wanted, self.context, self.host, self.task, self.parameters) {
            Ok(Value::List(items)) => items,
            Ok(Value::Unknown(origin)) => return self.without_items(scope, TaskResult::undecided(origin)),
            Ok(other) => {
                return self.without_items(scope, TaskResult::error(&no_list(&other, &wanted.items.place)));
            }
            Err(error) => return self.without_items(scope, TaskResult::error(&error)),
        };
        self.items(wanted, &items, scope, name).await
    }

    async fn items(&self, wanted: &Loop, items: &[Value], scope: &Scope, name: &TaskName) -> TaskResult {
        let (variable, index) = variable_names(wanted, scope);
        let mut results = vec![];
        for (at, item) in items.iter().enumerate() {
            let variables = item_variables(items, at, &variable, index.as_deref());
            let mut layers = vec![Layer::Map(Arc::new(variables))];
            layers.extend_from_slice(self.parameters);
            let mut result = self.item(wanted, item, &layers, name).await;
            result.put(&variable, item.clone());
            result.put("ansible_loop_var", variable.as_str().into());
            let stop = result.status == Status::Unreachable;
            results.push(result);
            if stop {
                break;
            }
            if let Some(pause) = text(&wanted.control.pause, scope).and_then(|text| text.parse::<f64>().ok())
            {
                tokio::time::sleep(Duration::from_secs_f64(pause)).await;
                self.context.run.world.moved();
            }
        }
        TaskResult::looped(results)
    }

    /// The task for one item, with its event.
    async fn item(&self, wanted: &Loop, item: &Value, layers: &[Layer], name: &TaskName) -> TaskResult {
        let started = Instant::now();
        let inner = scope::of_task(self.context, self.host, Some(self.task), layers);
        let result = self.one(&inner, name, layers).await;
        // Later items see what `set_fact` has set for this one.
        for (name, value) in &result.facts {
            self.host.set(self.context.node, name, value.clone());
        }
        let label = match &wanted.control.label {
            Some(label) => template::render(&label.value, &inner)
                .ok()
                .flatten()
                .map(|label| label.value),
            None => None,
        };
        let ignored = result.status == Status::Failed
            && self
                .flag(&inner, |keywords| &keywords.ignore_errors)
                .unwrap_or(false);
        let mut shown = result.clone();
        if ignored {
            shown.status = Status::Ignored;
        }
        let label = label.as_ref().unwrap_or(item);
        self.tell(name, &inner, Some(label), false, &shown, started);
        result
    }

    /// The items cannot be told: the task is skipped all the same if its conditions do not hold.
    fn without_items(&self, scope: &Scope, otherwise: TaskResult) -> TaskResult {
        match self.conditions(scope) {
            Ok(Some(skipped)) if skipped.status == Status::Skipped => skipped,
            _ => self.settled(otherwise),
        }
    }

    /// The loop variables that `scope` was made with.
    pub(super) fn loop_layers(&self, scope: &Scope) -> Vec<Layer> {
        let Some(Value::String(variable)) = scope.variables().get("ansible_loop_var") else {
            return vec![];
        };
        let names = [
            &*variable,
            "ansible_loop_var",
            "ansible_loop",
            "ansible_index_var",
        ];
        let index = scope.variables().get("ansible_index_var");
        let names = names.into_iter().chain(index.as_ref().and_then(Value::as_str));
        let map: Map = names
            .filter_map(|name| Some((Arc::from(name), scope.variables().get(name)?)))
            .collect();
        let mut layers = vec![Layer::Map(Arc::new(map))];
        layers.extend_from_slice(self.parameters);
        layers
    }
}

fn text(placed: &Option<Placed>, scope: &Scope) -> Option<String> {
    let rendered = template::render(&placed.as_ref()?.value, scope).ok()??;
    rendered.value.as_str().map(str::to_string)
}

/// The names of the variables that hold a loop's item and, if it is wanted, its index.
pub(super) fn variable_names(wanted: &Loop, scope: &Scope) -> (String, Option<String>) {
    let variable = text(&wanted.control.loop_var, scope).unwrap_or_else(|| "item".into());
    (variable, text(&wanted.control.index_var, scope))
}

/// The variables of one item of a loop.
pub(super) fn item_variables(items: &[Value], at: usize, variable: &str, index: Option<&str>) -> Map {
    let mut map = Map::new();
    map.insert(variable.into(), items[at].clone());
    map.insert("ansible_loop_var".into(), variable.into());
    if let Some(index) = index {
        map.insert(index.into(), Value::Int(at as i64));
        map.insert("ansible_index_var".into(), index.into());
    }
    map.insert("ansible_loop".into(), extended(items, at));
    map
}

/// `ansible_loop`.
fn extended(items: &[Value], at: usize) -> Value {
    let mut map = Map::new();
    let mut put = |name: &str, value: Value| drop(map.insert(name.into(), value));
    let length = items.len();
    put("index", Value::Int(at as i64 + 1));
    put("index0", Value::Int(at as i64));
    put("revindex", Value::Int((length - at) as i64));
    put("revindex0", Value::Int((length - at) as i64 - 1));
    put("first", (at == 0).into());
    put("last", (at + 1 == length).into());
    put("length", Value::Int(length as i64));
    put("allitems", Value::list(items.iter().cloned()));
    if let Some(next) = items.get(at + 1) {
        put("nextitem", next.clone());
    }
    if let Some(previous) = at.checked_sub(1).and_then(|at| items.get(at)) {
        put("previtem", previous.clone());
    }
    Value::Map(map.into())
}

/// What a task is repeated over. `with_NAME` is the lookup NAME over the terms.
pub(in crate::engine) fn loop_items(
    wanted: &Loop,
    context: &Arc<Context>,
    host: &Host,
    task: &Task,
    parameters: &[Layer],
) -> Result<Value> {
    let scope_of = |layers: &[Layer]| scope::of_task(context, host, Some(task), layers);
    items_of(wanted, parameters, &scope_of)
}

/// As [`loop_items`], in the scopes that `scope_of` gives.
pub(super) fn items_of(
    wanted: &Loop,
    parameters: &[Layer],
    scope_of: &dyn Fn(&[Layer]) -> Scope,
) -> Result<Value> {
    let scope = scope_of(parameters);
    let rendered =
        template::render(&wanted.items.value, &scope).map_err(|error| error.at(&wanted.items.place))?;
    let items = rendered.map_or(Value::Null, |evaluated| evaluated.value);
    let Some(lookup) = &wanted.lookup else {
        return Ok(items);
    };
    if let Value::Unknown(_) = items {
        return Ok(items);
    }
    let terms = match items {
        Value::List(items) => items.to_vec(),
        single => vec![single],
    };
    let map: Map = terms
        .into_iter()
        .enumerate()
        .map(|(at, term)| (Arc::from(format!("vent_term_{at}")), term))
        .collect();
    let names: Vec<String> = map.keys().map(|name| format!(", {name}")).collect();
    let text = format!("{{{{ query('{lookup}'{}) }}}}", names.concat());
    let mut layers = vec![Layer::Map(Arc::new(map))];
    layers.extend_from_slice(parameters);
    let scope = scope_of(&layers);
    let expression = Value::Template(Arc::new(Template {
        text,
        place: Some(wanted.items.place.clone()),
    }));
    let found = template::render(&expression, &scope).map_err(|error| error.at(&wanted.items.place))?;
    Ok(found.map_or(Value::Null, |evaluated| evaluated.value))
}
