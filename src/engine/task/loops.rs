//! The loop of a task: its items, the variables of each, their results as one.

use super::judgement::decide;
use super::{HostTask, TaskResult};
use crate::error::{Error, Result};
use crate::event::{Status, TaskName};
use crate::model::{Loop, Placed};
use crate::source::Place;
use crate::template::{self, Decision, Scope};
use crate::value::{self, Map, Template, Value};
use crate::vars::Layer;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The error of a loop over something that is no list.
pub fn no_list(found: &Value, place: &Place) -> Error {
    let error = Error::new(format!("a loop needs a list, not {}", found.kind())).at(place);
    error.help(match found {
        Value::Map(_) => "write `| dict2items` behind it: each item then has `key` and `value`",
        Value::String(_) => "write `| split(',')` behind it, or put it into a list: [...]",
        _ => "put it into a list: [...]",
    })
}

impl HostTask {
    pub async fn with_loop(&self, scope: &Scope, name: &TaskName) -> TaskResult {
        let Some(wanted) = &self.task.r#loop else {
            return self.one(scope, name, &[]).await;
        };
        let items = match self.loop_items(wanted) {
            Ok(Value::List(items)) => items,
            Ok(Value::Unknown(origin)) => return self.without_items(scope, TaskResult::undecided(origin)),
            Ok(other) => {
                return self.without_items(scope, TaskResult::error(&no_list(&other, &wanted.items.place)));
            }
            Err(error) => {
                let error = error.doing("", &wanted.items.place);
                return self.without_items(scope, TaskResult::error(&error));
            }
        };
        self.items(wanted, &items, scope, name).await
    }

    async fn items(
        &self,
        wanted: &Loop,
        items: &Arc<Vec<Value>>,
        scope: &Scope,
        name: &TaskName,
    ) -> TaskResult {
        let course = Course::of(wanted, scope);
        let stop = &self.context.run.permits.stop;
        let mut results = vec![];
        for (at, item) in items.iter().enumerate() {
            if at > 0 && stop.is_cancelled() {
                let text = format!("{}: stopped before item {} of {}", name.task, at + 1, items.len());
                self.context.run.notice(Some(&self.host.name), text);
                break;
            }
            let mut layers = vec![Layer::Map(Arc::new(course.variables(items, at)))];
            layers.extend_from_slice(&self.parameters);
            let on_item = HostTask {
                rest: Some((items.clone(), at + 1)),
                ..self.clone()
            };
            let mut result = on_item.item(wanted, &course, (at, item), &layers, name).await;
            let ends = result.status == Status::Unreachable || self.breaks(wanted, &mut result, &layers);
            results.push(result);
            if ends {
                break;
            }
            if at + 1 < items.len() && !course.pause.is_zero() {
                tokio::select! {
                    () = tokio::time::sleep(course.pause) => {}
                    () = stop.cancelled() => {}
                }
                self.context.run.moves.moved();
            }
        }
        TaskResult::looped(results)
    }

    /// `loop_control.break_when`: true if the loop ends after this item. A condition that is wrong fails the item.
    fn breaks(&self, wanted: &Loop, result: &mut TaskResult, layers: &[Layer]) -> bool {
        if wanted.control.break_when.is_empty() {
            return false;
        }
        let scope = self.with_result(result, layers);
        match decide(&wanted.control.break_when, &scope) {
            Ok(decision) => matches!(decision, Decision::True),
            Err(error) => {
                let hidden = result.hidden;
                *result = TaskResult {
                    hidden,
                    ..TaskResult::error(&error)
                };
                true
            }
        }
    }

    /// The task for one item, with its event.
    async fn item(
        &self,
        wanted: &Loop,
        course: &Course,
        (at, item): (usize, &Value),
        layers: &[Layer],
        name: &TaskName,
    ) -> TaskResult {
        let started = Instant::now();
        let inner = self.scope_with(layers);
        let mut result = self.one(&inner, name, layers).await;
        result.hidden = self.hides(&inner);
        // Later items see what `set_fact` has set for this one.
        self.give_facts(&result, || inner.clone());
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
        course.put(&mut result, at, item);
        let mut shown = result.clone();
        if ignored {
            shown.status = Status::Ignored;
        }
        let label = label.as_ref().unwrap_or(item);
        self.tell_item(name, &inner, label, &shown, started);
        result
    }

    /// The items cannot be told: the task is skipped all the same if its conditions do not hold.
    fn without_items(&self, scope: &Scope, otherwise: TaskResult) -> TaskResult {
        match self.conditions(scope) {
            Ok(Some(skipped)) if skipped.status == Status::Skipped => skipped,
            _ => self.settled(otherwise),
        }
    }

    /// What the task is repeated over.
    pub(super) fn loop_items(&self, wanted: &Loop) -> Result<Value> {
        items_of(wanted, &self.parameters, &|layers| self.scope_with(layers))
    }

    /// The loop variables that `scope` was made with, and those of includes.
    pub fn loop_layers(&self, scope: &Scope) -> Vec<Layer> {
        let mut layers = loop_layer(scope);
        if !layers.is_empty() {
            layers.extend_from_slice(&self.parameters);
        }
        layers
    }
}

/// The loop variables that a scope was made with; nothing if it was made for no loop.
pub fn loop_layer(scope: &Scope) -> Vec<Layer> {
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
    vec![Layer::Map(Arc::new(map))]
}

/// `loop_control`, rendered.
pub struct Course {
    variable: String,
    index: Option<String>,
    /// Items have `ansible_loop`.
    extended: bool,
    /// It has all items.
    whole: bool,
    pause: Duration,
}

impl Course {
    pub fn of(wanted: &Loop, scope: &Scope) -> Course {
        let control = &wanted.control;
        let setting = |placed: &Option<Placed>| {
            let rendered = template::render(&placed.as_ref()?.value, scope).ok()??;
            Some(rendered.value)
        };
        let text = |placed: &Option<Placed>| {
            let value = setting(placed)?;
            Some(value.as_str().map_or_else(|| value::repr(&value), str::to_string))
        };
        let is_set = |placed: &Option<Placed>| setting(placed).as_ref().and_then(value::to_bool);
        let pause =
            text(&control.pause).and_then(|text| Duration::try_from_secs_f64(text.trim().parse().ok()?).ok());
        Course {
            variable: text(&control.loop_var).unwrap_or_else(|| "item".into()),
            index: text(&control.index_var),
            extended: is_set(&control.extended).unwrap_or(false),
            whole: is_set(&control.extended_allitems).unwrap_or(true),
            pause: pause.unwrap_or_default(),
        }
    }

    /// Notes in a result which item it is of.
    fn put(&self, result: &mut TaskResult, at: usize, item: &Value) {
        result.put(&self.variable, item.clone());
        result.put("ansible_loop_var", self.variable.as_str().into());
        if let Some(index) = &self.index {
            result.put("ansible_index_var", index.as_str().into());
            result.put(index, Value::Int(at as i64));
        }
    }

    /// The variables of one item.
    pub fn variables(&self, items: &Arc<Vec<Value>>, at: usize) -> Map {
        let mut map = Map::new();
        map.insert(self.variable.as_str().into(), items[at].clone());
        map.insert("ansible_loop_var".into(), self.variable.as_str().into());
        if let Some(index) = &self.index {
            map.insert(index.as_str().into(), Value::Int(at as i64));
            map.insert("ansible_index_var".into(), index.as_str().into());
        }
        if self.extended {
            map.insert("ansible_loop".into(), extended(items, at, self.whole));
        }
        map
    }
}

/// `ansible_loop`, with all items if they are wanted.
fn extended(items: &Arc<Vec<Value>>, at: usize, whole: bool) -> Value {
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
    if whole {
        put("allitems", Value::List(items.clone()));
    }
    if let Some(next) = items.get(at + 1) {
        put("nextitem", next.clone());
    }
    if let Some(previous) = at.checked_sub(1).and_then(|at| items.get(at)) {
        put("previtem", previous.clone());
    }
    Value::Map(map.into())
}

/// What a task is repeated over, in the scopes that `scope_of` gives. `with_NAME` is the lookup NAME over the terms.
pub fn items_of(wanted: &Loop, parameters: &[Layer], scope_of: &dyn Fn(&[Layer]) -> Scope) -> Result<Value> {
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
    let first_found = lookup.rsplit('.').next() == Some("first_found");
    let looped = if first_found { ", vent_loop=true" } else { "" };
    let text = format!("{{{{ query('{lookup}'{}{looped}) }}}}", names.concat());
    let mut layers = vec![Layer::Map(Arc::new(map))];
    layers.extend_from_slice(parameters);
    let scope = scope_of(&layers);
    let expression = Value::Template(Arc::new(Template {
        text: text.into(),
        place: Some(wanted.items.place.clone()),
    }));
    let found = template::render(&expression, &scope).map_err(|error| error.at(&wanted.items.place))?;
    Ok(found.map_or(Value::Null, |evaluated| evaluated.value))
}
