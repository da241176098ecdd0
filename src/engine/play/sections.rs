//! A batch of a play: facts, debts, the sections with the handlers behind each.

use super::super::host::Host;
use super::super::items::{self, Failed};
use super::super::scope;
use super::Context;
use crate::model::{Action, Item, Keywords, Placed, Task};
use crate::source::{Place, Source};
use crate::template;
use crate::value;
use futures::future::join_all;
use std::sync::Arc;

pub(super) async fn batch(context: &Arc<Context>, hosts: Vec<Arc<Host>>) {
    let free = context
        .play
        .strategy
        .as_ref()
        .and_then(|placed| placed.value.as_str());
    if matches!(
        free,
        Some("free" | "host_pinned" | "ansible.builtin.free" | "ansible.builtin.host_pinned")
    ) {
        join_all(hosts.into_iter().map(|host| sections(context, vec![host]))).await;
    } else {
        sections(context, hosts).await;
    }
}

async fn sections(context: &Arc<Context>, hosts: Vec<Arc<Host>>) {
    let mut failed: Failed = vec![];
    if let Some(task) = gathering(context) {
        let items = [Item::Task(task)];
        let wanting: Vec<_> = hosts
            .iter()
            .filter(|host| !host.data().gathered)
            .cloned()
            .collect();
        failed.extend(items::run(context, &items, wanting, &[], false).await);
    }
    context.read_debts(&hosts).await;
    let sections = context.play.sections();
    let last = sections.len() - 1;
    for (at, section) in sections.into_iter().enumerate() {
        for part in section {
            let alive = hosts.iter().filter(|host| !context.is_out(host));
            failed.extend(items::run(context, part, alive.cloned().collect(), &[], false).await);
        }
        if context.run.stop_now.is_cancelled() {
            return;
        }
        let forced = context.run.settings.force_handlers
            || context
                .play
                .force_handlers
                .as_ref()
                .and_then(|placed| value::to_bool(&placed.value))
                == Some(true);
        // A run that is stopped leaves its handlers to the next one, but for hosts that could not tell it of them.
        let stopped = context.run.stop.is_cancelled();
        let chosen: Vec<_> = hosts
            .iter()
            .filter(|host| context.runs_handlers(host, forced))
            .filter(|host| !stopped || context.keeps_no_debts(host))
            .cloned()
            .collect();
        if at == last {
            chosen.iter().for_each(|host| context.claim_rest(host));
        }
        context.flush(&chosen).await;
    }
}

/// The task that gathers facts, if the play wants them.
fn gathering(context: &Arc<Context>) -> Option<Arc<Task>> {
    let wanted = context.play.gather_facts.as_ref().map(|placed| {
        let host = context.run.host(&context.all[0]);
        let scope = scope::of_task(context, &host, None, &[]);
        let rendered = template::render(&placed.value, &scope).ok().flatten();
        rendered
            .and_then(|rendered| value::to_bool(&rendered.value))
            .unwrap_or(true)
    });
    if wanted == Some(false) {
        return None;
    }
    Some(usual_task(context))
}

/// The task that gathers facts; it stands for all that say nothing of their own.
pub(in crate::engine) fn usual_task(context: &Context) -> Arc<Task> {
    let place = context
        .play
        .gather_facts
        .as_ref()
        .map_or(&context.play.place, |placed| &placed.place);
    let source = Source::named("Gathering Facts", String::new());
    let name = Placed {
        value: "Gathering Facts".into(),
        place: Place::new(&source, 0..0),
    };
    let action = Action {
        module: "ansible.builtin.setup".into(),
        arguments: Default::default(),
        free_form: None,
        template: None,
        place: place.clone(),
    };
    let keywords = Keywords {
        name: Some(name),
        ..Keywords::default()
    };
    Arc::new(Task::unwritten(action, keywords, &context.play.scope))
}
