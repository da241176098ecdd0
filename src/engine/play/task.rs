//! One task on the hosts of a play: each host is a task of its own for the executor, and the last to end is waited for.

use super::list::{List, give_up};
use super::{Failed, debts};
use crate::engine::state::context::Context;
use crate::engine::state::host::Host;
use crate::engine::state::play::Out;
use crate::engine::task::{Coming, Ended, HostTask, scope, selection};
use crate::error::fault::caught;
use crate::event::{Kind, Status, TaskName};
use crate::model::{Keywords, Placed, Task};
use crate::template::{self, Scope};
use crate::value;
use futures::future::join_all;
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::task::AbortOnDropHandle;

/// Runs a task on hosts; gives those that failed.
pub async fn run(
    context: &Context,
    task: &Arc<Task>,
    list: &List,
    coming: Coming,
    hosts: &[Arc<Host>],
) -> Failed {
    let scope = || scope::of_task(context, &hosts[0], Some(task), &list.parameters);
    if !selection::selects(&context.run, task, scope) {
        return vec![];
    }
    let scope = scope();
    tell_start(
        context,
        &HostTask::new(context, &hosts[0], task, &list.parameters),
        &scope,
    );
    let module = context.run.module_of(&task.action);
    let once =
        module.is_some_and(|module| module.nature.once) || flag(task, &scope, |keywords| &keywords.run_once);
    let chosen = if once { &hosts[..1] } else { hosts };
    let work = chosen.iter().map(|host| HostTask {
        coming: coming.clone(),
        ..HostTask::new(context, host, task, &list.parameters)
    });
    let mut failed: Failed = vec![];
    for (host, ended) in on_hosts(context, work, gate(context, task, &scope)).await {
        let Some(Ended { result, .. }) = ended else {
            continue;
        };
        if once {
            // All know what comes of it, those too that are not at this task.
            let all = context.play.alive_in_batch().into_iter();
            for other in all.filter(|name| *name != host.name) {
                let other = context.run.hosts.host(&other);
                HostTask::new(context, &other, task, &list.parameters).register(&result);
            }
        }
        if result.is_failure() {
            let unreachable = result.status == Status::Unreachable;
            if unreachable && flag(task, &scope, |keywords| &keywords.ignore_unreachable) {
                continue;
            }
            context.play.put_out(&host, out(unreachable));
            failed.push((host, Some((task.clone(), result))));
        }
    }
    let fatal = once || is_fatal(context, task, &scope);
    if fatal && !failed.is_empty() {
        give_up(context, hosts, &mut failed);
    }
    failed
}

/// Why a host is out that failed.
pub fn out(unreachable: bool) -> Out {
    match unreachable {
        true => Out::Unreachable,
        false => Out::Failed,
    }
}

/// Tells that a task begins for the play.
pub fn tell_start(context: &Context, task: &HostTask, scope: &Scope) {
    let name = TaskName {
        host: String::new(),
        ..task.name(scope)
    };
    context.run.events.tell(Kind::TaskStarted(name));
}

/// Runs each on a task of the executor, as many at a time as the gate and `--forks` let through, in the order of the
/// hosts; `None` for one that did not begin because the user stopped the run.
pub async fn on_hosts(
    context: &Context,
    work: impl Iterator<Item = HostTask>,
    gate: Semaphore,
) -> Vec<(Arc<Host>, Option<Ended>)> {
    let gate = Arc::new(gate);
    let mut running = vec![];
    for host_task in work {
        // Nobody closes the semaphores.
        let let_through = gate.clone().acquire_owned().await.ok();
        let fork = context.run.permits.forks.clone().acquire_owned().await.ok();
        let (context, host) = (context.clone(), host_task.host.clone());
        let done = tokio::spawn(async move {
            let _permits = (let_through, fork);
            match context.run.permits.is_stopped() && !host_task.handler {
                true => None,
                false => {
                    let ended = caught(with_consequences(&context, host_task.clone())).await;
                    Some(ended.unwrap_or_else(|fault| host_task.broken(&fault)))
                }
            }
        });
        running.push((host, AbortOnDropHandle::new(done)));
    }
    // The executor turns first to what was started last: nothing, so that the hosts begin in their order.
    drop(tokio::spawn(async {}));
    let ended = running.into_iter().map(|(host, running)| async move {
        match running.await {
            Ok(ended) => (host, ended),
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    });
    join_all(ended).await
}

/// Runs a task on a host, with what follows from its result for the play.
async fn with_consequences(context: &Context, host_task: HostTask) -> Ended {
    let (host, task, handler) = (host_task.host.clone(), host_task.task.clone(), host_task.handler);
    let parameters = host_task.parameters.clone();
    let ended = host_task.run().await;
    let result = &ended.result;
    for notification in &ended.notifications {
        for at in &notification.handlers {
            context.play.handlers.notify(*at, &host, &notification.notified);
        }
    }
    if handler {
        return ended;
    }
    let scope = || scope::of_task(context, &host, Some(&task), &parameters);
    debts::claim_behind(context, &host, &task, scope);
    if let Some(role) = task.scope.once()
        && !matches!(result.status, Status::Skipped | Status::Unreachable)
    {
        context.play.role_began(&host, role);
    }
    if result.owes && matches!(result.status, Status::Ok | Status::Ignored) {
        debts::not_owed(context, &host, &task, &scope()).await;
    }
    ended
}

/// A bool keyword of a task, false if it is not set.
pub fn flag(task: &Task, scope: &Scope, pick: impl Fn(&Keywords) -> &Option<Placed>) -> bool {
    crate::engine::task::flag(task, scope, pick).unwrap_or(false)
}

/// True if a failure of the task is one of all hosts.
pub fn is_fatal(context: &Context, task: &Task, scope: &Scope) -> bool {
    let own = crate::engine::task::flag(task, scope, |keywords| &keywords.any_errors_fatal);
    own.unwrap_or(context.run.settings.rules.any_errors_fatal)
}

/// Lets as many hosts through at the same time as `throttle` and the module allow.
pub fn gate(context: &Context, task: &Task, scope: &Scope) -> Semaphore {
    let module = context.run.module_of(&task.action);
    if module.is_some_and(|module| module.nature.one_by_one) {
        return Semaphore::new(1);
    }
    let number = || {
        let placed = task.keyword(|keywords| &keywords.throttle)?;
        let rendered = template::render(&placed.value, scope).ok()??;
        usize::try_from(value::to_integer(&rendered.value)?).ok()
    };
    let throttle = number().filter(|throttle| *throttle > 0);
    Semaphore::new(throttle.unwrap_or(Semaphore::MAX_PERMITS))
}

/// The names of hosts.
pub fn names(hosts: &[Arc<Host>]) -> HashSet<Arc<str>> {
    hosts.iter().map(|host| host.name.clone()).collect()
}
