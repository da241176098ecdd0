//! Handlers: run on the hosts on which they are due, in the order of the page.

use super::list::List;
use super::task::{flag, gate, is_fatal, names, on_hosts, out, tell_start};
use super::{debts, include};
use crate::engine::state::context::Context;
use crate::engine::state::handlers::{Due, Notified};
use crate::engine::state::host::Host;
use crate::engine::state::play::Out;
use crate::engine::task::{HostTask, scope};
use crate::model::Task;
use futures::future::join_all;
use std::sync::Arc;

/// Runs all handlers that are due on these hosts, each once, in the order of the page. One that a handler behind
/// it notifies, or itself, waits for the next time, as in Ansible. Gives the hosts that failed.
pub async fn flush(context: &Context, among: &[Arc<Host>]) -> Vec<Arc<Host>> {
    let play = &context.play;
    let mut failed: Vec<Arc<Host>> = vec![];
    let mut alive = among.to_vec();
    let mut passed = 0;
    while let Some((at, due)) = play.handlers.next(passed, &alive) {
        passed = at + 1;
        let broken = run(context, &due).await;
        let fatal = !broken.is_empty() && (ends_all(context, &due.task, &broken) || play.too_many_failed());
        failed.extend(broken);
        if fatal {
            for host in among.iter().filter(|host| !play.is_out(host)) {
                play.put_out(host, Out::Failed);
                failed.push(host.clone());
            }
        }
        // The hosts that failed stay notified of all that is left.
        let gone = names(&failed);
        alive.retain(|host| !gone.contains(&host.name));
    }
    failed
}

/// Runs a handler on the hosts for which it is due; gives those that failed in it.
async fn run(context: &Context, due: &Due) -> Vec<Arc<Host>> {
    let task = &due.task;
    let Some((first, _)) = due.hosts.first() else {
        return vec![];
    };
    let list = List::of_play(vec![]);
    if let Some(include) = &due.include
        && due
            .hosts
            .iter()
            .all(|(_, notified)| matches!(notified, Notified::Surely))
    {
        let hosts: Vec<_> = due.hosts.iter().map(|(host, _)| host.clone()).collect();
        let broken = include::run(context, include, &list, &hosts).await;
        let broken: Vec<_> = broken.into_iter().map(|(host, _)| host).collect();
        let gone = names(&broken);
        let paid = hosts.iter().filter(|host| !gone.contains(&host.name));
        join_all(paid.map(|host| debts::paid(context, host, task))).await;
        return broken;
    }
    let scope = scope::of_task(context, first, Some(task), &[]);
    let handler = |host: &Arc<Host>, maybe| HostTask {
        handler: true,
        maybe,
        ..HostTask::new(context, host, task, &list.parameters)
    };
    tell_start(context, &handler(first, None), &scope);
    let once = flag(task, &scope, |keywords| &keywords.run_once);
    let chosen = if once { &due.hosts[..1] } else { &due.hosts[..] };
    let work = chosen.iter().map(|(host, notified)| match notified {
        Notified::Maybe(origin) => handler(host, Some(origin.clone())),
        Notified::Surely => handler(host, None),
    });
    let mut failed = vec![];
    for (host, ended) in on_hosts(context, work, gate(context, task, &scope)).await {
        let Some(result) = ended.map(|ended| ended.result) else {
            continue;
        };
        if result.is_failure() {
            let unreachable = result.status == crate::event::Status::Unreachable;
            context.play.put_out(&host, out(unreachable));
            failed.push(host);
            continue;
        }
        let others = due.hosts[1..].iter().filter(|_| once).map(|(host, _)| host);
        for other in others.clone() {
            handler(other, None).register(&result);
        }
        let served = others.chain([&host]);
        join_all(served.map(|host| debts::paid(context, host, task))).await;
    }
    failed
}

/// True if a failure of the handler is one of all hosts.
fn ends_all(context: &Context, task: &Arc<Task>, failed: &[Arc<Host>]) -> bool {
    failed.iter().any(|host| {
        let scope = scope::of_task(context, host, Some(task), &[]);
        is_fatal(context, task, &scope)
    })
}
