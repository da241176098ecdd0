//! A batch of a play: facts, debts, the sections with the handlers behind each.

use super::list::{self, List};
use super::{debts, handlers};
use crate::engine::state::context::Context;
use crate::engine::state::host::Host;
use crate::engine::task::debts::are_not_kept;
use crate::engine::task::scope;
use crate::model::configuration::Gathering;
use crate::model::{Action, Item, Keywords, Placed, Play, Task};
use crate::module;
use crate::source::{Place, Source};
use crate::template;
use crate::value;
use futures::future::join_all;
use std::sync::Arc;

/// Runs the play on a batch of its hosts.
pub async fn batch(context: &Context, hosts: Vec<Arc<Host>>) {
    let free = context
        .play
        .play
        .strategy
        .as_ref()
        .and_then(|placed| placed.value.as_str());
    let free = match free {
        Some(name) => matches!(
            name,
            "free" | "host_pinned" | "ansible.builtin.free" | "ansible.builtin.host_pinned"
        ),
        None => context.run.settings.rules.free,
    };
    if free {
        join_all(hosts.into_iter().map(|host| sections(context, vec![host]))).await;
    } else {
        sections(context, hosts).await;
    }
}

async fn sections(context: &Context, hosts: Vec<Arc<Host>>) {
    if let Some(task) = gathering(context) {
        let list = List::of_play(vec![Item::Task(task)]);
        let anew = context.run.settings.gathering != Gathering::Smart;
        let wanting: Vec<_> = hosts
            .iter()
            .filter(|host| anew || !host.data().gathered)
            .cloned()
            .collect();
        list::run(context, &list, wanting).await;
    }
    debts::read(context, &hosts).await;
    let sections = context.play.play.sections();
    let last = sections.len() - 1;
    for (at, section) in sections.into_iter().enumerate() {
        for part in section {
            let alive = hosts.iter().filter(|host| !context.play.is_out(host));
            list::run(context, &List::of_play(part), alive.cloned().collect()).await;
        }
        if context.run.permits.stop_now.is_cancelled() {
            return;
        }
        let settings = &context.run.settings;
        let forced = settings.force_handlers
            || settings.rules.force_handlers
            || context
                .play
                .play
                .force_handlers
                .as_ref()
                .and_then(|placed| value::to_bool(&placed.value))
                == Some(true);
        // A run that is stopped leaves its handlers to the next one, but for hosts that could not tell it of them.
        let stopped = context.run.permits.is_stopped();
        let chosen: Vec<_> = hosts
            .iter()
            .filter(|host| context.play.runs_handlers(host, forced))
            .filter(|host| !stopped || are_not_kept(context, host))
            .cloned()
            .collect();
        if at == last {
            chosen.iter().for_each(|host| debts::claim_rest(context, host));
        }
        handlers::flush(context, &chosen).await;
    }
}

/// The task that gathers facts, if the play wants them.
fn gathering(context: &Context) -> Option<Arc<Task>> {
    let wanted = context.play.play.gather_facts.as_ref().map(|placed| {
        let host = context.run.hosts.host(&context.play.all[0]);
        let scope = scope::of_task(context, &host, None, &[]);
        let rendered = template::render(&placed.value, &scope).ok().flatten();
        rendered
            .and_then(|rendered| value::to_bool(&rendered.value))
            .unwrap_or(true)
    });
    let unasked = context.run.settings.gathering != Gathering::Explicit;
    if !wanted.unwrap_or(unasked) {
        return None;
    }
    Some(gathering_task(&context.play.play))
}

/// The task that gathers facts; it stands for all that say nothing of their own.
pub fn gathering_task(play: &Play) -> Arc<Task> {
    let place = play
        .gather_facts
        .as_ref()
        .map_or(&play.place, |placed| &placed.place);
    let source = Source::named("Gathering Facts", String::new());
    let name = Placed {
        value: "Gathering Facts".into(),
        place: Place::new(&source, 0..0),
    };
    let action = Action {
        module: module::GATHERS_FACTS.into(),
        arguments: Default::default(),
        free_form: None,
        template: None,
        unresolved: None,
        foreign: None,
        place: place.clone(),
    };
    let keywords = Keywords {
        name: Some(name),
        ..Keywords::default()
    };
    Arc::new(Task::unwritten(action, keywords, &play.scope))
}
