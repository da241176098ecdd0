//! One task on one host.

mod arguments;
mod background;
mod coming;
mod connect;
mod doubt;
mod event;
mod judgement;
mod lines;
mod loops;
mod once;
mod reboot;
mod run_module;
mod tries;

use super::handlers::Notified;
use super::host::Host;
use super::play::Context;
use super::result::TaskResult;
use super::scope;
use crate::error::{Error, Result};
use crate::event::{Kind, Status, TaskName};
use crate::model::{Item, Placed, Task};
use crate::template::{self, Decision, Scope};
use crate::value::{self, Unknown, Value};
use crate::vars::Layer;
use std::sync::Arc;
use std::time::Instant;

pub(super) use loops::{loop_items, loop_layer, no_list};

/// One task on one host.
pub(super) struct OnHost<'a> {
    pub(super) context: &'a Arc<Context>,
    pub(super) host: &'a Arc<Host>,
    pub(super) task: &'a Arc<Task>,
    /// Variables of includes around the task, the strongest first.
    pub(super) parameters: &'a [Layer],
    pub(super) handler: bool,
    /// Set for a handler that may not be due: what would decide it.
    pub(super) maybe: Option<Arc<Unknown>>,
    /// What comes behind it in the same list.
    pub(super) coming: &'a [Item],
    /// The items of its loop, and which comes next.
    pub(super) rest: Option<(&'a Arc<Vec<Value>>, usize)>,
}

impl<'a> OnHost<'a> {
    /// A task that is no handler, with nothing known to come behind it.
    pub(super) fn new(
        context: &'a Arc<Context>,
        host: &'a Arc<Host>,
        task: &'a Arc<Task>,
        parameters: &'a [Layer],
    ) -> OnHost<'a> {
        OnHost {
            context,
            host,
            task,
            parameters,
            handler: false,
            maybe: None,
            coming: &[],
            rest: None,
        }
    }
}

impl OnHost<'_> {
    /// Runs the task and tells its events; registers nothing.
    pub(super) async fn run(&self) -> TaskResult {
        let started = Instant::now();
        let scope = scope::of_task(self.context, self.host, Some(self.task), self.parameters);
        let name = self.name(&scope);
        self.context.run.events.tell(Kind::TaskStarted(name.clone()));
        let mut result = match &self.maybe {
            Some(origin) => TaskResult::undecided(origin.clone()),
            None => {
                let done = self.context.run.unless_ended(self.with_loop(&scope, &name)).await;
                done.unwrap_or_else(|| TaskResult::error(&Error::new("stopped").at(&self.task.place)))
            }
        };
        if result.status == Status::Failed
            && self
                .flag(&scope, |keywords| &keywords.ignore_errors)
                .unwrap_or(false)
        {
            result.status = Status::Ignored;
        }
        self.tell(&name, &scope, None, self.task.r#loop.is_some(), &result, started);
        result
    }

    /// A bool keyword of the task or around it, rendered; `None` if it is not set.
    fn flag(&self, scope: &Scope, pick: impl Fn(&crate::model::Keywords) -> &Option<Placed>) -> Option<bool> {
        let placed = self.task.keyword(pick)?;
        let rendered = template::render(&placed.value, scope).ok()??;
        value::to_bool(&rendered.value)
    }

    /// The result if the conditions do not hold or are not known.
    pub(super) fn conditions(&self, scope: &Scope) -> Result<Option<TaskResult>> {
        let mut unknown = None;
        for condition in self.task.conditions() {
            let decided = template::condition_at(&condition.value, Some(&condition.place), scope);
            match decided.map_err(|error| error.at(&condition.place))? {
                Decision::True => {}
                Decision::False => {
                    let reason = "Conditional result was False";
                    return Ok(Some(TaskResult::skipped(reason, Some(condition.value.clone()))));
                }
                Decision::Unknown(origin) => unknown = unknown.or(Some(origin)),
            }
        }
        Ok(unknown.map(TaskResult::undecided))
    }

    /// The task once, for one item if it has a loop.
    async fn one(&self, scope: &Scope, name: &TaskName, layers: &[Layer]) -> TaskResult {
        let result = self.decided_or_not(scope, name, layers).await;
        if result.status == Status::Undecided
            && let Some(origin) = &result.origin
        {
            self.doubt(scope, origin);
        }
        result
    }

    async fn decided_or_not(&self, scope: &Scope, name: &TaskName, layers: &[Layer]) -> TaskResult {
        match self.conditions(scope) {
            Ok(None) => {}
            Ok(Some(result)) => return self.settled(result),
            Err(error) => return TaskResult::error(&error.within(&self.task.place, "in this task")),
        }
        let tried = self.tries(scope, name, layers).await;
        self.settled(tried.unwrap_or_else(|error| {
            TaskResult::error(&error.within(&self.task.action.place, "in this task"))
        }))
    }

    /// Of a task that says it never changes anything, the change is decided even where its result is not.
    fn settled(&self, mut result: TaskResult) -> TaskResult {
        if result.status == Status::Undecided && self.never_changes() {
            result.status = Status::Ok;
        }
        result
    }

    /// Notes what follows from a result for variables and facts.
    pub(super) fn settle(&self, result: &TaskResult) {
        let (context, host) = (self.context, self.host);
        if let Some(register) = &self.task.register {
            host.set(context.node, register, result.value.untrusted());
        }
        // Each item of a loop has given its facts already, to its own delegate.
        if self.task.r#loop.is_none() || self.task.keyword(|keywords| &keywords.delegate_facts).is_none() {
            let scope = scope::of_task(context, host, Some(self.task), self.parameters);
            self.give_facts(result, &scope);
        }
    }

    /// Notifies the handlers of the task. One that failed notifies none, even if its failure is ignored.
    pub(super) fn notify(&self, result: &TaskResult) -> Option<Error> {
        let notified = match &result.status {
            Status::Undecided => Notified::Maybe(result.origin.clone()?),
            Status::Changed => Notified::Surely,
            _ => return None,
        };
        if self.task.notify().is_empty() {
            return None;
        }
        let scope = scope::of_task(self.context, self.host, Some(self.task), self.parameters);
        self.context.notify(self.host, self.task, &scope, &notified)
    }

    /// True if the task gathers the facts that every play expects, and not only some.
    fn gathers_all(&self) -> bool {
        let action = &self.task.action;
        matches!(action.short(), "setup" | "gather_facts") && !action.arguments.contains_key("filter")
    }

    /// Gives the facts of a result to the host they are of.
    fn give_facts(&self, result: &TaskResult, scope: &Scope) {
        let delegate = self.owner_of_facts(scope);
        let host = delegate.as_ref().unwrap_or(self.host);
        for (name, value) in &result.facts {
            host.set(self.context.node, name, value.clone());
        }
        if !result.host_facts.is_empty() {
            let mut data = host.data();
            let facts = Arc::make_mut(&mut data.facts);
            facts.extend(result.host_facts.clone());
            data.gathered |= self.gathers_all();
        }
    }

    /// The host that facts are given to, if `delegate_facts` says another than the task's own.
    fn owner_of_facts(&self, scope: &Scope) -> Option<Arc<Host>> {
        self.task.keyword(|keywords| &keywords.delegate_facts)?;
        if !self.flag(scope, |keywords| &keywords.delegate_facts)? {
            return None;
        }
        self.context
            .way(self.host, self.task, scope)
            .ok()
            .map(|(host, _)| host)
    }

    /// Whether the conditions hold; what is unknown counts as not.
    pub(super) fn holds(&self) -> Result<bool> {
        let scope = scope::of_task(self.context, self.host, Some(self.task), self.parameters);
        Ok(self.conditions(&scope)?.is_none())
    }
}

/// The name of a task as it is shown: rendered, with its role before it.
pub(super) fn title(task: &Task, scope: &Scope) -> String {
    let given = task.keywords.name.as_ref().map(|name| {
        let rendered = template::render(&name.value, scope).ok().flatten();
        let text = rendered.and_then(|rendered| rendered.value.as_str().map(str::to_string));
        text.or_else(|| name.value.as_str().map(str::to_string))
            .unwrap_or_default()
    });
    let title = given.unwrap_or_else(|| task.action.module.to_string());
    match task.role() {
        Some(role) => format!("{} : {title}", role.name),
        None => title,
    }
}
