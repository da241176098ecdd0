//! The accounts that a play acts as on its hosts, as far as that can be told before it begins. What an included file, a
//! loop or a result says about `become` is not known then.

use super::sections::gathering_task;
use crate::connection::{Become, Target};
use crate::engine::state::context::Context;
use crate::engine::state::host::Host;
use crate::engine::task::{scope, way};
use crate::model::task::each_task;
use crate::model::{Keywords, Placed, Task, Variables};
use crate::value::Value;
use std::sync::Arc;

/// The accounts of a play.
pub struct Accounts {
    /// One task of all that say the same about their way to a host.
    samples: Vec<Arc<Task>>,
}

/// What tasks say about their way to a host; those that say the same act as the same account on it.
#[derive(PartialEq)]
struct Said<'a> {
    keywords: Vec<Option<&'a Value>>,
    variables: Vec<*const Variables>,
    role: Option<&'a str>,
}

impl Accounts {
    /// Those of a play.
    pub fn of(context: &Context) -> Accounts {
        let play = &context.play.play;
        let mut all = vec![gathering_task(play)];
        for items in play.items().chain([&play.handlers[..]]) {
            each_task(items, &mut |task| all.push(task.clone()));
        }
        let mut samples: Vec<(Said<'_>, &Arc<Task>)> = vec![];
        for task in &all {
            let said = said(task);
            if samples.iter().all(|(other, _)| *other != said) {
                samples.push((said, task));
            }
        }
        Accounts {
            samples: samples.into_iter().map(|(_, task)| task.clone()).collect(),
        }
    }

    /// Those on one host, along the connection that all tasks use that say nothing else; first the one that logs in.
    pub fn on(&self, context: &Context, host: &Arc<Host>, target: &Target) -> Vec<Option<Become>> {
        let mut found = vec![None];
        for task in &self.samples {
            let scope = scope::of_task_ahead(context, host, task, &[]);
            if let Ok((by, way)) = way::of_task(context, host, task, &scope)
                && Arc::ptr_eq(&by, host)
                && way.target == *target
                && !found.contains(&way.r#become)
            {
                found.push(way.r#become);
            }
        }
        found
    }
}

fn said(task: &Task) -> Said<'_> {
    let picks: [fn(&Keywords) -> &Option<Placed>; 9] = [
        |keywords| &keywords.r#become,
        |keywords| &keywords.become_user,
        |keywords| &keywords.become_method,
        |keywords| &keywords.become_flags,
        |keywords| &keywords.become_exe,
        |keywords| &keywords.delegate_to,
        |keywords| &keywords.connection,
        |keywords| &keywords.remote_user,
        |keywords| &keywords.port,
    ];
    let keyword = |pick: fn(&Keywords) -> &Option<Placed>| task.keyword(pick).map(|placed| &placed.value);
    let variables = task.keywords().map(|keywords| &keywords.vars);
    Said {
        keywords: picks.into_iter().map(keyword).collect(),
        variables: variables
            .filter(|vars| !vars.is_empty())
            .map(Arc::as_ptr)
            .collect(),
        role: task.role().map(|role| &*role.name),
    }
}
