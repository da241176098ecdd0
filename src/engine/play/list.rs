//! Lists of tasks over the hosts of a play, one entry behind the other: a barrier stands between them, so that every
//! host has one behind it before any host begins the next.

use super::{Failed, block, include, meta, task};
use crate::engine::state::context::Context;
use crate::engine::state::host::Host;
use crate::engine::state::play::Out;
use crate::engine::task::Coming;
use crate::model::Item;
use crate::vars::Layer;
use futures::future::{BoxFuture, FutureExt};
use std::collections::HashSet;
use std::sync::Arc;

/// A list of tasks and what is around it.
#[derive(Clone)]
pub struct List {
    /// The tasks.
    pub items: Arc<[Item]>,
    /// Variables of includes around the list, the strongest first.
    pub parameters: Arc<[Layer]>,
    /// A `rescue` around the list may take failures back, so that they do not count for `max_fail_percentage` yet.
    pub guarded: bool,
}

impl List {
    /// A list of a play itself.
    pub fn of_play(items: impl Into<Arc<[Item]>>) -> List {
        List {
            items: items.into(),
            parameters: Arc::default(),
            guarded: false,
        }
    }

    /// Another list with the same around it.
    pub fn within(&self, items: &[Item]) -> List {
        List {
            items: items.into(),
            ..self.clone()
        }
    }
}

/// Runs a list of tasks on hosts; gives those that failed in it.
pub fn run<'a>(context: &'a Context, list: &'a List, hosts: Vec<Arc<Host>>) -> BoxFuture<'a, Failed> {
    async move {
        let mut alive = hosts;
        let mut failed: Failed = vec![];
        for (at, item) in list.items.iter().enumerate() {
            alive.retain(|host| !context.play.is_out(host));
            if alive.is_empty() || context.run.permits.is_stopped() {
                break;
            }
            let broken = match item {
                Item::Task(task) if meta::is_meta(task) => meta::run(context, task, list, &alive).await,
                Item::Task(task) => {
                    let coming = Coming::new(&list.items, at + 1);
                    task::run(context, task, list, coming, &alive).await
                }
                Item::Block(block) => block::run(context, block, list, alive.clone()).await,
                Item::Include(include) => include::run(context, include, list, &alive).await,
            };
            if !broken.is_empty() {
                let gone: HashSet<_> = broken.iter().map(|(host, _)| &host.name).collect();
                alive.retain(|host| !gone.contains(&host.name));
                failed.extend(broken);
            }
            if !list.guarded && context.play.too_many_failed() {
                give_up(context, &alive, &mut failed);
            }
        }
        failed
    }
    .boxed()
}

/// Takes hosts out of the play because of the failures of others.
pub fn give_up(context: &Context, hosts: &[Arc<Host>], failed: &mut Failed) {
    let gone: HashSet<_> = failed.iter().map(|(host, _)| host.name.clone()).collect();
    for host in hosts.iter().filter(|host| !gone.contains(&host.name)) {
        context.play.put_out(host, Out::Failed);
        failed.push((host.clone(), None));
    }
}
