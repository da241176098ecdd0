//! Blocks with `rescue` and `always`, and roles that a host runs once.

use super::Failed;
use super::list::{self, List};
use crate::engine::state::context::Context;
use crate::engine::state::host::Host;
use crate::engine::state::play::Out;
use crate::engine::task::{own_title, scope, selection};
use crate::event::Kind;
use crate::model::{Block, Item, ScopeKind, Task};
use crate::value::Value;
use std::collections::HashSet;
use std::sync::Arc;

/// Runs a block on hosts; gives those that failed in it.
pub async fn run(context: &Context, block: &Block, list: &List, hosts: Vec<Arc<Host>>) -> Failed {
    // A role that the host has run as it is used here is not run again.
    let once = match &block.scope.kind {
        ScopeKind::Role { once, .. } => once.as_ref(),
        _ => None,
    };
    let Some(once) = once else {
        return parts(context, block, list, hosts).await;
    };
    let new = hosts
        .into_iter()
        .filter(|host| !context.play.has_run_role(host, once));
    let new: Vec<_> = new.collect();
    let failed = parts(context, block, list, new.clone()).await;
    let gone: HashSet<_> = failed.iter().map(|(host, _)| &host.name).collect();
    let passed = new.iter().filter(|host| !gone.contains(&host.name));
    passed.for_each(|host| context.play.role_ended(host, once));
    failed
}

/// `block`, `rescue` and `always` of a block.
async fn parts(context: &Context, block: &Block, list: &List, hosts: Vec<Arc<Host>>) -> Failed {
    let Some(first) = hosts.first() else {
        return vec![];
    };
    // As in Ansible, a rescue of which tags leave nothing is none.
    let rescues = any_chosen(context, first, &block.rescue, list);
    let own = List {
        guarded: list.guarded || rescues,
        ..list.within(&block.block)
    };
    let broken = list::run(context, &own, hosts.clone()).await;
    let mut failed: Failed = vec![];
    if !rescues {
        failed = broken;
    } else {
        let (gone, rescued): (Failed, Failed) = broken
            .into_iter()
            .partition(|(host, _)| context.play.is_unreachable(host));
        failed.extend(gone);
        failed.extend(rescue(context, block, list, &hosts, rescued).await);
    }
    if !block.always.is_empty() {
        // Hosts that failed are back for this list only.
        let resumed = context.play.resume(&hosts);
        for (host, cause) in list::run(context, &list.within(&block.always), hosts).await {
            if !failed.iter().any(|(gone, _)| gone.name == host.name) {
                failed.push((host, cause));
            }
        }
        resumed
            .iter()
            .for_each(|host| context.play.put_out(host, Out::Failed));
    }
    failed
}

/// Brings back the hosts that failed in a block and runs its `rescue` on them.
async fn rescue(
    context: &Context,
    block: &Block,
    list: &List,
    hosts: &[Arc<Host>],
    rescued: Failed,
) -> Failed {
    for (host, cause) in &rescued {
        if let Some((task, result)) = cause {
            let scope = scope::of_task(context, host, Some(task), &list.parameters);
            let shown = Value::map([
                ("name", Value::string(own_title(task, &scope))),
                ("action", Value::string(&task.action.module)),
            ]);
            let node = context.play.node;
            host.set(node, "ansible_failed_task", shown);
            host.set(node, "ansible_failed_result", result.value.untrusted());
        }
    }
    let names: HashSet<_> = rescued.iter().map(|(host, _)| &host.name).collect();
    let among = hosts.iter().filter(|host| names.contains(&host.name));
    let among: Vec<_> = among.cloned().collect();
    if among.is_empty() || context.run.permits.is_stopped() {
        return vec![];
    }
    for (host, cause) in &rescued {
        context.play.bring_back(host);
        // Those that were only given up because of others are not counted, as in Ansible.
        if cause.is_some() {
            context.run.stats.rescued(&host.name);
            context.run.events.tell(Kind::Rescued {
                host: host.name.to_string(),
            });
        }
    }
    list::run(context, &list.within(&block.rescue), among).await
}

/// True if tags choose any of these tasks.
fn any_chosen(context: &Context, host: &Arc<Host>, items: &[Item], list: &List) -> bool {
    let chosen = |task: &Arc<Task>| {
        let scope = || scope::of_task(context, host, Some(task), &list.parameters);
        selection::tags_choose(&context.run, task, scope)
    };
    items.iter().any(|item| match item {
        Item::Task(task) => chosen(task),
        Item::Include(include) => chosen(&include.task),
        Item::Block(block) => [&block.block, &block.rescue, &block.always]
            .into_iter()
            .any(|items| any_chosen(context, host, items, list)),
    })
}
