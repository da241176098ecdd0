//! One task on one host: its result is made, judged and told here, in this order, and handed to the play.

mod arguments;
mod coming;
mod connect;
pub mod debts;
mod effects;
mod foreign;
mod include;
mod job;
mod judgement;
mod lines;
mod loops;
mod magic;
pub mod notifications;
mod plugins;
mod result;
pub mod scope;
pub mod selection;
mod tell;
mod tries;
mod trying;
pub mod way;
mod world;

use super::state::context::Context;
use super::state::host::Host;
use crate::error::fault::{Fault, caught};
use crate::error::{Error, Result};
use crate::event::{Kind, Status};
use crate::model::load::reserved;
use crate::model::{Item, Keywords, Placed, Task};
use crate::template::{self, Decision, Scope};
use crate::value::{self, Unknown, Value};
use crate::vars::Layer;
use futures::future::FutureExt;
use std::sync::Arc;
use std::time::Instant;

pub use include::Inclusion;
pub use notifications::Notification;
pub use result::TaskResult;

/// One task on one host.
#[derive(Clone)]
pub struct HostTask {
    /// The run and the play.
    pub context: Context,
    /// The host; another may do the task for it (`delegate_to`).
    pub host: Arc<Host>,
    /// The task.
    pub task: Arc<Task>,
    /// Variables of includes and loops around the task, the strongest first.
    pub parameters: Arc<[Layer]>,
    /// True for a handler.
    pub handler: bool,
    /// Set for a handler that may not be due: what would decide it.
    pub maybe: Option<Arc<Unknown>>,
    /// What comes behind it in the same list.
    pub coming: Coming,
    /// The items of its loop, and which comes next.
    pub rest: Option<(Arc<Vec<Value>>, usize)>,
}

/// The rest of a list of tasks.
#[derive(Clone, Default)]
pub struct Coming {
    list: Arc<[Item]>,
    from: usize,
}

impl Coming {
    /// What stands in a list from an index on.
    pub fn new(list: &Arc<[Item]>, from: usize) -> Coming {
        Coming {
            list: list.clone(),
            from,
        }
    }

    fn items(&self) -> &[Item] {
        &self.list[self.from..]
    }
}

/// How a task ended on a host.
pub struct Ended {
    /// Its result; what is registered and given as facts is with the host already.
    pub result: TaskResult,
    /// The handlers that it notifies.
    pub notifications: Vec<Notification>,
}

impl HostTask {
    /// A task that is no handler, with nothing known to come behind it.
    pub fn new(context: &Context, host: &Arc<Host>, task: &Arc<Task>, parameters: &Arc<[Layer]>) -> HostTask {
        HostTask {
            context: context.clone(),
            host: host.clone(),
            task: task.clone(),
            parameters: parameters.clone(),
            handler: false,
            maybe: None,
            coming: Coming::default(),
            rest: None,
        }
    }

    /// The variables of the task on its host, without those of a loop.
    pub fn scope(&self) -> Scope {
        self.scope_with(&self.parameters)
    }

    fn scope_with(&self, parameters: &[Layer]) -> Scope {
        scope::of_task(&self.context, &self.host, Some(&self.task), parameters)
    }

    /// Runs the task to its end, and tells its events.
    pub async fn run(self) -> Ended {
        let started = Instant::now();
        let scope = self.scope();
        let name = self.name(&scope);
        self.context.run.events.tell(Kind::HostStarted(name.clone()));
        let mut result = match &self.maybe {
            Some(origin) => TaskResult::undecided(origin.clone()),
            None => {
                let work = caught(self.with_loop(&scope, &name)).boxed();
                match self.context.run.permits.unless_ended(work).await {
                    Some(Ok(result)) => result,
                    Some(Err(fault)) => TaskResult::error(&self.fault(&fault)),
                    None => TaskResult::error(&Error::new("stopped").at(&self.task.place)),
                }
            }
        };
        self.ignore_if_asked(&mut result, &scope);
        self.register(&result);
        let notifications = match self.notifications(&result) {
            Ok(notifications) => notifications,
            Err(error) => {
                result = TaskResult::error(&error);
                vec![]
            }
        };
        for notification in &notifications {
            self.tell_notified(&name, notification);
        }
        self.tell_ended(&name, &scope, &result, started);
        if result.status == Status::Unreachable
            && flag(&self.task, &scope, |keywords| &keywords.ignore_unreachable) == Some(true)
        {
            self.context.run.stats.unreachable_ignored(&self.host.name);
            self.context.run.events.tell(Kind::UnreachableIgnored {
                host: self.host.name.to_string(),
            });
        }
        Ended {
            result,
            notifications,
        }
    }

    /// A failure that `ignore_errors` takes back.
    fn ignore_if_asked(&self, result: &mut TaskResult, scope: &Scope) {
        let asked = || self.flag(scope, |keywords| &keywords.ignore_errors);
        if result.status == Status::Failed && asked() == Some(true) {
            result.status = Status::Ignored;
        }
    }

    /// Ends the task of an include that includes nothing; true if its host is out of the play.
    pub fn end_without_inclusions(&self, result: &mut TaskResult) -> bool {
        self.ignore_if_asked(result, &self.scope());
        self.register_value(&result.value);
        self.tell_not_run(result);
        result.is_failure()
    }

    /// How the task ended if a fault met it outside of [`HostTask::run`]'s own care: failed.
    pub fn broken(&self, fault: &Fault) -> Ended {
        let error = self.fault(fault);
        self.context.run.notice(Some(&self.host.name), error.to_string());
        Ended {
            result: TaskResult::error(&error),
            notifications: vec![],
        }
    }

    fn fault(&self, fault: &Fault) -> Error {
        let action = &self.task.action;
        let what = format!("the task with `{}` on {}", action.module, self.host.name);
        fault.error(&what).at(&action.place)
    }

    /// A bool keyword of the task or around it, rendered; `None` if it is not set.
    fn flag(&self, scope: &Scope, pick: impl Fn(&Keywords) -> &Option<Placed>) -> Option<bool> {
        flag(&self.task, scope, pick)
    }

    /// The result if the conditions do not hold or are not known.
    fn conditions(&self, scope: &Scope) -> Result<Option<TaskResult>> {
        let mut unknown = None;
        for condition in self.task.conditions() {
            let decided = template::condition_at(&condition.value, Some(&condition.place), scope);
            let decided = decided.map_err(|error| {
                let error = error.at(&condition.place);
                error.doing("Error while evaluating conditional", &condition.place)
            });
            match decided? {
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

    /// Whether the conditions hold; what is unknown counts as not.
    ///
    /// # Errors
    /// A condition that is wrong.
    pub fn holds(&self) -> Result<bool> {
        Ok(self.conditions(&self.scope())?.is_none())
    }

    /// The task once, for one item if it has a loop.
    async fn one(&self, scope: &Scope, name: &crate::event::TaskName, layers: &[Layer]) -> TaskResult {
        let mut result = self.decided_or_not(scope, name, layers).await;
        if result.status == Status::Failed && result.value.get("exception").is_none() {
            // What Ansible 2.19 says where there is none.
            result.put("exception", "(traceback unavailable)".into());
        }
        if result.status == Status::Undecided
            && let Some(origin) = &result.origin
        {
            self.forget_what_it_names(scope, origin);
        }
        result
    }

    async fn decided_or_not(
        &self,
        scope: &Scope,
        name: &crate::event::TaskName,
        layers: &[Layer],
    ) -> TaskResult {
        match self.conditions(scope) {
            Ok(None) => {}
            Ok(Some(result)) => return self.settled(result),
            Err(error) => return TaskResult::error(&error.within(&self.task.place, "in this task")),
        }
        if let Some(error) = self.wrong_flag(scope) {
            return TaskResult::error(&error);
        }
        let tried = self.tries(scope, name, layers).await;
        self.settled(tried.unwrap_or_else(|error| {
            TaskResult::error(&error.within(&self.task.action.place, "in this task"))
        }))
    }

    /// The error of a keyword that is neither true nor false.
    fn wrong_flag(&self, scope: &Scope) -> Option<Error> {
        let flags = self.task.keywords().flat_map(Keywords::flags);
        flags.into_iter().find_map(|(name, placed)| {
            if matches!(placed.value, Value::Bool(_)) {
                return None;
            }
            let value = template::render(&placed.value, scope).ok()??.value;
            if !matches!(value, Value::String(_)) || value::to_bool(&value).is_some() {
                return None;
            }
            let shown = value::repr(&value);
            let message = format!(
                "Error processing keyword '{name}': The value {shown} could not be converted to 'bool'."
            );
            Some(Error::new(message).doing("", &placed.place).at(&placed.place))
        })
    }

    /// Of a task that says it never changes anything, the change is decided even where its result is not.
    fn settled(&self, mut result: TaskResult) -> TaskResult {
        if result.status == Status::Undecided && self.never_changes() {
            result.status = Status::Ok;
        }
        result
    }

    /// Gives the host what follows from a result for variables and facts.
    pub fn register(&self, result: &TaskResult) {
        self.register_value(&result.value);
        // Each item of a loop has given its facts already, to its own delegate.
        if self.task.r#loop.is_none() || self.task.keyword(|keywords| &keywords.delegate_facts).is_none() {
            self.give_facts(result, || self.scope());
        }
    }

    fn register_value(&self, value: &Value) {
        if let Some(register) = &self.task.register {
            self.host.set(self.context.play.node, register, value.untrusted());
        }
    }

    /// Warns of names of variables that are those of keywords.
    fn warn_of_names(&self, result: &TaskResult) {
        let run = &self.context.run;
        if !result.included.is_empty() {
            run.warn_of_files(run.loader.take_warnings());
        }
        let arguments = &self.task.action.arguments;
        let warnings = result.facts.keys().filter_map(|name| {
            let given = arguments.get(name).map(|argument| &argument.name_place);
            reserved::warning(name, given.unwrap_or(&self.task.place))
        });
        run.warn_of_files(warnings.collect());
    }

    /// Gives the facts of a result to the host they are of.
    fn give_facts(&self, result: &TaskResult, scope: impl FnOnce() -> Scope) {
        let node = self.context.play.node;
        self.warn_of_names(result);
        for brought in [&result.included, &result.facts] {
            self.context.run.learn_secrets_in(brought);
        }
        if !result.included.is_empty() {
            let included = Arc::new(result.included.clone());
            self.host.data().included.push((node, included));
        }
        if result.facts.is_empty() && result.host_facts.is_empty() && result.returned_facts.is_empty() {
            return;
        }
        let delegate = self.owner_of_facts(scope);
        let host = delegate.as_ref().unwrap_or(&self.host);
        for (name, value) in &result.facts {
            host.set(node, name, value.clone());
        }
        if !result.host_facts.is_empty() {
            let mut data = host.data();
            let facts = Arc::make_mut(&mut data.facts);
            facts.extend(result.host_facts.clone());
            data.gathered |= self.gathers_all();
        }
        if !result.returned_facts.is_empty() {
            host.data().take_returned(&result.returned_facts);
        }
    }

    /// True if the task gathers the facts that every play expects, and not only some.
    fn gathers_all(&self) -> bool {
        let action = &self.task.action;
        let module = self.context.run.module_of(action);
        module.is_some_and(|module| module.nature.gathers_facts) && !action.arguments.contains_key("filter")
    }

    /// The host that facts are given to, if `delegate_facts` says another than the task's own.
    fn owner_of_facts(&self, scope: impl FnOnce() -> Scope) -> Option<Arc<Host>> {
        self.task.keyword(|keywords| &keywords.delegate_facts)?;
        let scope = scope();
        if !self.flag(&scope, |keywords| &keywords.delegate_facts)? {
            return None;
        }
        way::of_task(&self.context, &self.host, &self.task, &scope)
            .ok()
            .map(|(host, _)| host)
    }
}

/// A bool keyword of a task or around it, rendered; `None` if it is not set. One that is omitted leaves it to what is around.
pub fn flag(task: &Task, scope: &Scope, pick: impl Fn(&Keywords) -> &Option<Placed>) -> Option<bool> {
    let mut given = task.keywords().filter_map(|keywords| pick(keywords).as_ref());
    let rendered = given.find_map(|placed| template::render(&placed.value, scope).transpose())?;
    value::to_bool(&rendered.ok()?.value)
}

/// The name of a task as it is shown: rendered, with its role before it; `include_role` has none before it, and names the
/// role that it includes where it has no name.
pub fn title(task: &Task, scope: &Scope) -> String {
    let including = task.action.short() == "include_role";
    let title = own_title(task, scope);
    match task.role().filter(|_| !including) {
        Some(role) => format!("{} : {title}", role.name),
        None => title,
    }
}

/// The name of a task, rendered, without its role.
pub fn own_title(task: &Task, scope: &Scope) -> String {
    let given = task.keywords.name.as_ref().map(|name| {
        let rendered = template::render(&name.value, scope).ok().flatten();
        let text = rendered.and_then(|rendered| rendered.value.as_str().map(str::to_string));
        text.or_else(|| name.value.as_str().map(str::to_string))
            .unwrap_or_default()
    });
    let including = task.action.short() == "include_role";
    if let (true, None) = (including, &given) {
        let arguments = &task.action.arguments;
        let role = arguments.get("name").or_else(|| arguments.get("role"));
        let role = role.and_then(|role| role.value.as_str()).unwrap_or_default();
        return format!("{} : {role}", task.action.module);
    }
    given.unwrap_or_else(|| task.action.module.to_string())
}
