//! The handlers that a task notifies: their names, and who has such a name.

use super::{HostTask, TaskResult, scope, title};
use crate::engine::state::context::Context;
use crate::engine::state::handlers::Notified;
use crate::engine::state::host::Host;
use crate::error::{Error, Result, nearest};
use crate::event::Status;
use crate::model::Task;
use crate::source::Place;
use crate::template::{self, Scope};
use crate::value::Value;
use std::collections::HashSet;
use std::sync::Arc;

/// That a task notifies handlers of one name or topic.
pub struct Notification {
    /// The name or topic.
    pub name: String,
    /// The numbers of the handlers.
    pub handlers: Vec<usize>,
    /// How surely.
    pub notified: Notified,
}

impl HostTask {
    /// The handlers that the task notifies after this result. One that failed notifies none, even if its failure is
    /// ignored.
    ///
    /// # Errors
    /// A name that no handler has, unless that is only warned of (`error_on_missing_handler`).
    pub(super) fn notifications(&self, result: &TaskResult) -> Result<Vec<Notification>> {
        let notified = match (&result.status, &result.origin) {
            (Status::Undecided, Some(origin)) => Notified::Maybe(origin.clone()),
            (Status::Changed, _) => Notified::Surely,
            _ => return Ok(vec![]),
        };
        if self.task.notify().is_empty() {
            return Ok(vec![]);
        }
        let scope = self.scope();
        let names = names(&self.task, &scope).into_iter();
        let run = &self.context.run;
        let notification = |(name, place): (String, &Place)| {
            let handlers = called(&self.context, &self.host, &name, &scope);
            if !handlers.is_empty() {
                return Some(Ok(Notification {
                    name,
                    handlers,
                    notified: notified.clone(),
                }));
            }
            let nobody = self.nobody(&name, place, &scope);
            if run.settings.rules.ignores_missing_handlers {
                run.warn(&[nobody]);
                return None;
            }
            Some(Err(nobody))
        };
        names.filter_map(notification).collect()
    }

    fn nobody(&self, name: &str, place: &Place, scope: &Scope) -> Error {
        let handlers = self.context.play.handlers.tasks();
        let known: Vec<String> = handlers.iter().map(|task| title(task, scope)).collect();
        let error = Error::new(format!(
            "The requested handler '{name}' was not found in either the main handlers list nor in the listening handlers list"
        ))
        .at(place);
        error
            .help("a handler stands under `handlers:` of the play or of its roles")
            .did_you_mean(nearest(name, known.iter().map(String::as_str)))
    }
}

/// The names that a task notifies, each with its place.
pub fn names<'a>(task: &'a Task, scope: &Scope) -> Vec<(String, &'a Place)> {
    let mut names = vec![];
    for placed in task.notify() {
        let rendered = template::render(&placed.value, scope).ok().flatten();
        let values = match rendered.map(|rendered| rendered.value) {
            Some(Value::List(items)) => items.to_vec(),
            Some(single) => vec![single],
            None => vec![],
        };
        let texts = values.iter().filter_map(Value::as_str);
        names.extend(texts.map(|name| (name.to_string(), &placed.place)));
    }
    names
}

/// Everything by which a handler can be notified: its name without and with its role, and its topics.
pub fn names_of_handler(task: &Task, scope: &Scope) -> Vec<String> {
    let full = title(task, scope);
    let bare = full.split_once(" : ").map_or(full.as_str(), |(_, bare)| bare);
    let topics = task.listen.iter().flat_map(|topic| match &topic.value {
        Value::List(topics) => topics.iter().filter_map(Value::as_str).collect(),
        topic => topic.as_str().into_iter().collect::<Vec<_>>(),
    });
    let mut names = vec![bare.to_string(), full.clone()];
    names.extend(topics.map(str::to_string));
    names.dedup();
    names
}

/// The handlers with this name or topic, by their number.
pub fn called(context: &Context, host: &Arc<Host>, name: &str, scope: &Scope) -> Vec<usize> {
    let mut named = None;
    let mut called = vec![];
    let mut heard = HashSet::new();
    for (at, task) in context.play.handlers.tasks().iter().enumerate().rev() {
        // Variables in a handler's name are its own, as those of the import that brings it.
        let named_by_variables =
            matches!(&task.keywords.name, Some(name) if matches!(name.value, Value::Template(_)));
        let title = match named_by_variables {
            true => title(task, &scope::of_task(context, host, Some(task), &[])),
            false => title(task, scope),
        };
        let bare = title.split_once(" : ").map_or(title.as_str(), |(_, bare)| bare);
        if title == name || bare == name {
            // The last one with a name wins, as in Ansible.
            named = named.or(Some(at));
        }
        let listens = task.listen.iter().any(|topic| match &topic.value {
            Value::List(topics) => topics.iter().any(|topic| topic.as_str() == Some(name)),
            topic => topic.as_str() == Some(name),
        });
        // Of handlers with one name, as of a role that is used twice, only the last hears a topic.
        if listens && (task.keywords.name.is_none() || heard.insert(title.clone())) {
            called.push(at);
        }
    }
    called.extend(named);
    called
}
