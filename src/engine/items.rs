//! Lists of tasks over the hosts of a play: blocks with rescue and always, includes, `run_once`, `throttle`.

use super::handlers::{Due, Notified};
use super::host::Host;
use super::include::Found;
use super::play::Context;
use super::result::TaskResult;
use super::scope;
use super::task::OnHost;
use crate::event::{Kind, Status};
use crate::model::{Block, Include, Item, ScopeKind, Task};
use crate::template;
use crate::value::{self, Map, Value};
use crate::vars::Layer;
use futures::future::{BoxFuture, FutureExt, join_all};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Hosts that failed in a list, with the task and the result that failed.
pub(super) type Failed = Vec<(Arc<Host>, Option<(Arc<Task>, TaskResult)>)>;

/// Runs a list of tasks on hosts; gives those that failed in it. `guarded`: a `rescue` around the list may take
/// failures back, so that they do not count for `max_fail_percentage` yet.
pub(super) fn run<'a>(
    context: &'a Arc<Context>,
    items: &'a [Item],
    hosts: Vec<Arc<Host>>,
    parameters: &'a [Layer],
    guarded: bool,
) -> BoxFuture<'a, Failed> {
    async move {
        let mut alive = hosts;
        let mut failed: Failed = vec![];
        for (at, item) in items.iter().enumerate() {
            alive.retain(|host| !context.is_out(host));
            if alive.is_empty() || context.run.stop.is_cancelled() {
                break;
            }
            let broken = match item {
                Item::Task(task) => self::task(context, task, &items[at + 1..], &alive, parameters).await,
                Item::Block(block) => self::block(context, block, alive.clone(), parameters, guarded).await,
                Item::Include(include) => self::include(context, include, &alive, parameters, guarded).await,
            };
            alive.retain(|host| !broken.iter().any(|(gone, _)| gone.name == host.name));
            failed.extend(broken);
            if !guarded && context.too_many_failed() {
                give_up(context, &alive, &mut failed);
            }
        }
        failed
    }
    .boxed()
}

/// Takes hosts out of the play because of the failures of others.
fn give_up(context: &Context, hosts: &[Arc<Host>], failed: &mut Failed) {
    for host in hosts {
        if !failed.iter().any(|(gone, _)| gone.name == host.name) {
            context.failed(host, false);
            failed.push((host.clone(), None));
        }
    }
}

async fn block(
    context: &Arc<Context>,
    block: &Block,
    hosts: Vec<Arc<Host>>,
    parameters: &[Layer],
    guarded: bool,
) -> Failed {
    // A role that the host has run as it is used here is not run again.
    let once = match &block.scope.kind {
        ScopeKind::Role { once, .. } => once.as_ref(),
        _ => None,
    };
    let Some(once) = once else {
        return block_parts(context, block, hosts, parameters, guarded).await;
    };
    let new = hosts.into_iter().filter(|host| !context.has_run_role(host, once));
    let new: Vec<_> = new.collect();
    let failed = block_parts(context, block, new.clone(), parameters, guarded).await;
    let passed = new
        .iter()
        .filter(|host| !failed.iter().any(|(gone, _)| gone.name == host.name));
    passed.for_each(|host| context.role_ended(host, once));
    failed
}

/// `block`, `rescue` and `always` of a block.
async fn block_parts(
    context: &Arc<Context>,
    block: &Block,
    hosts: Vec<Arc<Host>>,
    parameters: &[Layer],
    guarded: bool,
) -> Failed {
    let Some(first) = hosts.first() else {
        return vec![];
    };
    // As in Ansible, a rescue of which tags leave nothing is none.
    let rescues = any_chosen(context, first, &block.rescue, parameters);
    let within = guarded || rescues;
    let broken = run(context, &block.block, hosts.clone(), parameters, within).await;
    let mut failed: Failed = vec![];
    if !rescues {
        failed = broken;
    } else {
        let (gone, rescued): (Failed, Failed) = broken
            .into_iter()
            .partition(|(host, _)| context.is_unreachable(host));
        failed.extend(gone);
        for (host, cause) in &rescued {
            if let Some((task, result)) = cause {
                let scope = scope::of_task(context, host, Some(task), parameters);
                let name = super::task::title(task, &scope);
                let shown = Value::map([
                    ("name", Value::string(&name)),
                    ("action", Value::string(&task.action.module)),
                ]);
                host.set(context.node, "ansible_failed_task", shown);
                host.set(context.node, "ansible_failed_result", result.value.untrusted());
            }
        }
        let among = |host: &&Arc<Host>| rescued.iter().any(|(saved, _)| saved.name == host.name);
        let hosts: Vec<_> = hosts.iter().filter(among).cloned().collect();
        if !hosts.is_empty() && !context.run.stop.is_cancelled() {
            context.rescued(&rescued);
            failed.extend(run(context, &block.rescue, hosts, parameters, guarded).await);
        }
    }
    if !block.always.is_empty() {
        // Hosts that failed are back for this list only.
        let resumed = context.resume(&hosts);
        for (host, cause) in run(context, &block.always, hosts, parameters, guarded).await {
            if !failed.iter().any(|(gone, _)| gone.name == host.name) {
                failed.push((host, cause));
            }
        }
        resumed.iter().for_each(|host| context.failed(host, false));
    }
    failed
}

/// True if tags choose any of these tasks.
fn any_chosen(context: &Arc<Context>, host: &Arc<Host>, items: &[Item], parameters: &[Layer]) -> bool {
    let chosen = |task: &Arc<Task>| {
        let scope = || scope::of_task(context, host, Some(task), parameters);
        context.run.tags_choose(task, scope)
    };
    items.iter().any(|item| match item {
        Item::Task(task) => chosen(task),
        Item::Include(include) => chosen(&include.task),
        Item::Block(block) => [&block.block, &block.rescue, &block.always]
            .into_iter()
            .any(|items| any_chosen(context, host, items, parameters)),
    })
}

/// Runs one task on all hosts.
async fn task(
    context: &Arc<Context>,
    task: &Arc<Task>,
    coming: &[Item],
    hosts: &[Arc<Host>],
    parameters: &[Layer],
) -> Failed {
    if !context.run.selects(task, || {
        scope::of_task(context, &hosts[0], Some(task), parameters)
    }) {
        return vec![];
    }
    if task.action.short() == "meta" {
        return context.meta(task, hosts, parameters).await;
    }
    let scope = scope::of_task(context, &hosts[0], Some(task), parameters);
    // Ansible's modules that look at all hosts at once.
    let once = matches!(task.action.short(), "add_host" | "pause")
        || flag(task, &scope, |keywords| &keywords.run_once);
    let chosen = if once { &hosts[..1] } else { hosts };
    let gate = gate(task, &scope);
    let results = join_all(chosen.iter().map(|host| async {
        let _permit = gate.acquire().await;
        if context.run.stop.is_cancelled() {
            return (host.clone(), None);
        }
        let on_host = OnHost {
            coming,
            ..OnHost::new(context, host, task, parameters)
        };
        (host.clone(), Some(done(&on_host).await))
    }))
    .await;
    let mut failed: Failed = vec![];
    for (host, result) in results {
        let Some(result) = result else { continue };
        if once {
            for other in &hosts[1..] {
                OnHost::new(context, other, task, parameters).settle(&result);
            }
        }
        if result.is_failure() {
            let ignored = result.status == Status::Unreachable
                && flag(task, &scope, |keywords| &keywords.ignore_unreachable);
            if ignored {
                continue;
            }
            context.failed(&host, result.status == Status::Unreachable);
            failed.push((host, Some((task.clone(), result))));
        }
    }
    let fatal = once || flag(task, &scope, |keywords| &keywords.any_errors_fatal);
    if fatal && !failed.is_empty() {
        give_up(context, hosts, &mut failed);
    }
    failed
}

/// Runs a task on a host, with all that follows from its result.
async fn done(on_host: &OnHost<'_>) -> TaskResult {
    let result = settle(on_host, on_host.run().await);
    let OnHost {
        context, host, task, ..
    } = on_host;
    let scope = || scope::of_task(context, host, Some(task), on_host.parameters);
    context.claim_behind(host, task, scope);
    if let Some(role) = task.scope.once()
        && !matches!(result.status, Status::Skipped | Status::Unreachable)
    {
        context.role_began(host, role);
    }
    if result.owes && matches!(result.status, Status::Ok | Status::Ignored) {
        context.not_owed(host, task, &scope()).await;
    }
    result
}

/// Notes what follows from a result; a handler that nobody has makes it a failure.
fn settle(on_host: &OnHost<'_>, result: TaskResult) -> TaskResult {
    on_host.settle(&result);
    match on_host.notify(&result) {
        None => result,
        Some(error) => {
            let failed = TaskResult::error(&error);
            on_host.tell_end(&failed);
            failed
        }
    }
}

/// Runs a handler on the hosts for which it is due; gives those that failed in it.
pub(super) async fn handler(context: &Arc<Context>, due: &Due) -> Vec<Arc<Host>> {
    let task = &due.task;
    let Some((first, _)) = due.hosts.first() else {
        return vec![];
    };
    let scope = scope::of_task(context, first, Some(task), &[]);
    let surely = |notified: &Notified| matches!(notified, Notified::Surely);
    if let Some(include) = &due.include
        && due.hosts.iter().all(|(_, notified)| surely(notified))
    {
        let hosts: Vec<_> = due.hosts.iter().map(|(host, _)| host.clone()).collect();
        let broken = self::include(context, include, &hosts, &[], false).await;
        let broken: Vec<_> = broken.into_iter().map(|(host, _)| host).collect();
        let is_broken = |host: &Arc<Host>| broken.iter().any(|gone| gone.name == host.name);
        let paid = hosts.iter().filter(|host| !is_broken(host));
        join_all(paid.map(|host| context.paid(host, task))).await;
        return broken;
    }
    let once = flag(task, &scope, |keywords| &keywords.run_once);
    let chosen = if once { &due.hosts[..1] } else { &due.hosts[..] };
    let gate = gate(task, &scope);
    let results = join_all(chosen.iter().map(|(host, notified)| async {
        let _permit = gate.acquire().await;
        let maybe = match notified {
            Notified::Maybe(origin) => Some(origin.clone()),
            Notified::Surely => None,
        };
        let on_host = OnHost {
            handler: true,
            maybe,
            ..OnHost::new(context, host, task, &[])
        };
        let result = on_host.run().await;
        (host.clone(), settle(&on_host, result))
    }))
    .await;
    let mut failed = vec![];
    for (host, result) in results {
        if result.is_failure() {
            context.failed(&host, result.status == Status::Unreachable);
            failed.push(host);
            continue;
        }
        let others = due.hosts[1..].iter().filter(|_| once);
        for (other, _) in others.clone() {
            OnHost::new(context, other, task, &[]).settle(&result);
        }
        let served = others.map(|(host, _)| host).chain([&host]);
        join_all(served.map(|host| context.paid(host, task))).await;
    }
    failed
}

/// True if a failure of the handler is one of all hosts.
pub(super) fn is_fatal(context: &Arc<Context>, task: &Arc<Task>, failed: &[Arc<Host>]) -> bool {
    failed.iter().any(|host| {
        let scope = scope::of_task(context, host, Some(task), &[]);
        flag(task, &scope, |keywords| &keywords.any_errors_fatal)
    })
}

/// Includes a file or a role: loaded while running, for every host and item on its own.
async fn include(
    context: &Arc<Context>,
    include: &Arc<Include>,
    hosts: &[Arc<Host>],
    parameters: &[Layer],
    guarded: bool,
) -> Failed {
    let task = &include.task;
    if !context.run.selects(task, || {
        scope::of_task(context, &hosts[0], Some(task), parameters)
    }) {
        return vec![];
    }
    let mut failed: Failed = vec![];
    let mut groups: Vec<(Vec<Arc<Host>>, Found)> = vec![];
    for host in hosts {
        let on_host = OnHost::new(context, host, task, parameters);
        match on_host.includes(include) {
            Ok(found) => {
                on_host.tell_included(&found);
                for one in found {
                    match groups.iter_mut().find(|(_, known)| known.key == one.key) {
                        Some((hosts, _)) => hosts.push(host.clone()),
                        None => groups.push((vec![host.clone()], one)),
                    }
                }
            }
            Err(result) => {
                on_host.tell_end(&result);
                if result.is_failure() {
                    context.failed(host, false);
                    failed.push((host.clone(), Some((task.clone(), *result))));
                }
            }
        }
    }
    for (hosts, found) in groups {
        let layers = [&found.layers[..], parameters].concat();
        let hosts = hosts
            .into_iter()
            .filter(|host| !failed.iter().any(|(gone, _)| gone.name == host.name))
            .collect();
        failed.extend(run(context, &found.items, hosts, &layers, guarded).await);
    }
    failed
}

/// A bool keyword of a task, false if it is not set.
pub(super) fn flag(
    task: &Task,
    scope: &template::Scope,
    pick: impl Fn(&crate::model::Keywords) -> &Option<crate::model::Placed>,
) -> bool {
    let rendered = task
        .keyword(pick)
        .and_then(|placed| template::render(&placed.value, scope).ok().flatten());
    rendered
        .and_then(|rendered| value::to_bool(&rendered.value))
        .unwrap_or(false)
}

/// Lets as many hosts through at the same time as `throttle` allows.
fn gate(task: &Task, scope: &template::Scope) -> Semaphore {
    let number = || {
        let placed = task.keyword(|keywords| &keywords.throttle)?;
        let rendered = template::render(&placed.value, scope).ok()??;
        usize::try_from(value::to_integer(&rendered.value)?).ok()
    };
    let throttle = number().filter(|throttle| *throttle > 0);
    Semaphore::new(throttle.unwrap_or(Semaphore::MAX_PERMITS))
}

/// A layer of variables with one entry a pair.
pub(super) fn layer(entries: impl IntoIterator<Item = (Arc<str>, Value)>) -> Layer {
    Layer::Map(Arc::new(entries.into_iter().collect::<Map>()))
}

/// Tells a sentence about a host.
pub(super) fn notice(context: &Context, host: Option<&Host>, text: String) {
    let host = host.map(|host| host.name.to_string());
    context.run.events.tell(Kind::Notice { host, text });
}
