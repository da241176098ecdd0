//! Variables that another playbook registers are seen only along needs: a use without a path is refused.

use crate::error::{Collector, Error, Errors};
use crate::graph::{Graph, Node};
use crate::model::task::each_task;
use crate::model::{Condition, Entry, Placed, Task};
use crate::source::Place;
use crate::template;
use crate::value::Value;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Refuses every use of a variable that only playbooks register which are not needed.
///
/// # Errors
/// All such uses, each with the edge that is missing.
pub fn check(graph: &Graph) -> Result<(), Errors> {
    if !graph.nodes.iter().any(states_needs) {
        return Ok(());
    }
    let mut made: HashMap<String, HashSet<usize>> = HashMap::new();
    for (at, node) in graph.nodes.iter().enumerate() {
        let lists = node
            .plays
            .iter()
            .flat_map(|play| play.items().chain([&play.handlers[..]]));
        for list in lists {
            each_task(list, &mut |task| {
                for name in makes(task) {
                    made.entry(name).or_default().insert(at);
                }
            });
        }
    }
    let mut errors = Collector::default();
    for (at, node) in graph.nodes.iter().enumerate() {
        let mut own: HashSet<String> = HashSet::new();
        for play in &node.plays {
            own.extend(play.keywords().vars.keys().map(ToString::to_string));
        }
        let mut check_task = |task: &Arc<Task>| {
            let local: HashSet<String> = task
                .keywords()
                .flat_map(|keywords| keywords.vars.keys().map(ToString::to_string))
                .collect();
            for (value, place, bare) in uses(task) {
                for name in names(value, bare) {
                    let Some(makers) = made.get(&name) else { continue };
                    let seen = makers.iter().any(|maker| graph.sees(at, *maker));
                    if seen || own.contains(&name) || local.contains(&name) {
                        continue;
                    }
                    let maker = makers
                        .iter()
                        .next()
                        .map_or("", |maker| graph.nodes[*maker].name.as_str());
                    errors.push(
                        Error::new(format!(
                            "`{name}` is registered by `{maker}`, which `{}` does not need",
                            node.name
                        ))
                        .at(place)
                        .help(format!("add `{maker}` to the `vent_needs` of `{}`", node.name)),
                    );
                }
            }
        };
        for list in node.plays.iter().flat_map(|play| play.items()) {
            each_task(list, &mut check_task);
        }
    }
    errors.finish(())
}

/// True if a playbook says what it needs. Where none does, all run one after the other, as in Ansible, and what is set stays.
fn states_needs(node: &Node) -> bool {
    let at_import = node.playbook.entries.iter().any(|entry| match entry {
        Entry::Import(import) => import.needs.is_some(),
        Entry::Play(_) => false,
    });
    node.playbook.needs.is_some() || at_import
}

/// The variables a task makes for the rest of the run.
fn makes(task: &Task) -> Vec<String> {
    let mut names: Vec<String> = task.register.iter().cloned().collect();
    if task.action.short() == "set_fact" {
        names.extend(task.action.arguments.keys().map(ToString::to_string));
    }
    names
}

/// Every value of a task that may name variables; true for those whose text is an expression without marks.
pub(super) fn uses(task: &Task) -> Vec<(&Value, &Place, bool)> {
    fn condition(condition: &Condition) -> (&Value, &Place, bool) {
        (&condition.value, &condition.place, true)
    }
    fn placed(placed: &Placed) -> (&Value, &Place, bool) {
        (&placed.value, &placed.place, false)
    }
    let mut found: Vec<_> = task.keywords.when.iter().map(condition).collect();
    found.extend(
        task.changed_when
            .iter()
            .chain(&task.failed_when)
            .chain(&task.until)
            .map(condition),
    );
    let bare = |name: &str| match task.action.short() {
        "debug" => name == "var",
        "assert" => name == "that",
        _ => false,
    };
    found.extend(
        task.action
            .arguments
            .iter()
            .map(|(name, argument)| (&argument.value, &argument.place, bare(name))),
    );
    found.extend(task.action.free_form.as_ref().map(placed));
    found.extend(task.r#loop.as_ref().map(|wanted| placed(&wanted.items)));
    found.extend(task.keywords.vars.values().map(placed));
    found
}

fn names(value: &Value, bare: bool) -> Vec<String> {
    match value {
        Value::Template(text) => template::free_variables(&text.text),
        Value::String(text) if bare => template::free_variables(text),
        Value::List(items) => items.iter().flat_map(|item| names(item, bare)).collect(),
        Value::Map(map) => map.values().flat_map(|item| names(item, false)).collect(),
        _ => vec![],
    }
}
