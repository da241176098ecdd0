//! No lost restart: a run finds the handlers that an earlier one owed and pays them, and crosses out what has run.

use super::accounts::Accounts;
use crate::connection::Become;
use crate::engine::attempt::perform;
use crate::engine::state::context::Context;
use crate::engine::state::host::{Host, Knowledge};
use crate::engine::task::debts::{FOLDER, are_not_kept, file_name, path};
use crate::engine::task::notifications::{called, names, names_of_handler};
use crate::engine::task::{scope, way};
use crate::host::{Answer, Question};
use crate::model::Task;
use crate::template::Scope;
use std::sync::Arc;

/// Finds the debts of earlier runs; their handlers run behind the tasks that notify them.
pub async fn read(context: &Context, hosts: &[Arc<Host>]) {
    if context.play.handlers.tasks().is_empty() {
        return;
    }
    let all = hosts
        .iter()
        .filter(|host| !are_not_kept(context, host) && !context.play.is_out(host));
    let accounts = Accounts::of(context);
    let all = futures::future::join_all(all.map(|host| read_of(context, host, &accounts)));
    tokio::select! {
        _ = all => {}
        () = context.run.permits.stop.cancelled() => {}
    }
}

async fn read_of(context: &Context, host: &Arc<Host>, accounts: &Accounts) {
    let tasks = context.play.handlers.tasks();
    let Some(task) = tasks.first() else {
        return;
    };
    let own = scope::of_task(context, host, Some(task), &[]);
    let Ok((_, way)) = way::of_task(context, host, task, &own) else {
        return;
    };
    // Root's folder is closed to others, also to a handler that is not root's.
    let is_root = |other: &Option<Become>| {
        let user = other.as_ref().map_or(&way.target.user, |other| &other.user);
        user == "root"
    };
    let mut readers = accounts.on(context, host, &way.target);
    readers.retain(is_root);
    readers.push(way.r#become.clone());
    let question = Question::Names { path: FOLDER.into() };
    let mut found = None;
    for reader in readers {
        // Earlier plays of this run may have made debts and paid some, so that they are always asked for.
        let known = Knowledge::default();
        let asked = vec![question.clone()];
        let Ok(shell) = host.connection(way.target.clone()).shell(reader.as_ref()).await else {
            continue;
        };
        if perform::ask(Some(&shell), &known, &way.user, asked, &[])
            .await
            .is_ok()
        {
            found = known.state().answer(&way.user, &question);
            break;
        }
    }
    let Some(Answer::Names(Some(found))) = found else {
        return;
    };
    for task in &tasks {
        let scope = scope::of_task(context, host, Some(task), &[]);
        let own = names_of_handler(task, &scope);
        if let Some(name) = own.first()
            && own.iter().any(|name| found.contains(&file_name(context, name)))
        {
            let text = format!("an earlier run ended before the handler `{name}`: this one runs it");
            context.run.notice(Some(&host.name), text);
            for at in called(context, host, name, &scope) {
                context.play.handlers.owe(at, host);
            }
        }
    }
}

/// Makes due what an earlier run owed to a task that this run has come past, whether it changed something or
/// not: not sooner, for what the handler needs may be made by the tasks before.
pub fn claim_behind(context: &Context, host: &Arc<Host>, task: &Task, scope: impl FnOnce() -> Scope) {
    if task.notify().is_empty() || !context.play.handlers.owes(host) {
        return;
    }
    let scope = scope();
    for (name, _) in names(task, &scope) {
        let numbers = called(context, host, &name, &scope);
        context.play.handlers.claim(host, Some(&numbers));
    }
}

/// Makes due all that is owed: the tasks that would have notified are behind, or are not run at all.
pub fn claim_rest(context: &Context, host: &Host) {
    context.play.handlers.claim(host, None);
}

/// Crosses out the debt of a handler that has run.
pub async fn paid(context: &Context, host: &Arc<Host>, task: &Arc<Task>) {
    let scope = scope::of_task(context, host, Some(task), &[]);
    cross_out(context, host, task, &scope, names_of_handler(task, &scope)).await;
}

/// Crosses out what a task wrote down before it turned out that it changed nothing (`changed_when`), unless
/// the handler is due for another reason.
pub async fn not_owed(context: &Context, host: &Arc<Host>, task: &Arc<Task>, scope: &Scope) {
    let is_due = |name: &str| {
        let called = called(context, host, name, scope);
        called.iter().any(|at| context.play.handlers.is_due(*at, host))
    };
    let names = names(task, scope).into_iter().map(|(name, _)| name);
    let names: Vec<String> = names.filter(|name| !is_due(name)).collect();
    if !names.is_empty() {
        cross_out(context, host, task, scope, names).await;
    }
}

async fn cross_out(context: &Context, host: &Arc<Host>, task: &Arc<Task>, scope: &Scope, names: Vec<String>) {
    if context.run.settings.check || are_not_kept(context, host) {
        return;
    }
    let paths: Vec<String> = names.iter().map(|name| path(context, name)).collect();
    let script = format!(
        "rm -f -- {} 2>/dev/null; r=$?; rmdir {FOLDER} /var/lib/vent 2>/dev/null; exit $r",
        paths.join(" ")
    );
    // A handler may act as an account that must not touch what the play's own account wrote down.
    let usual = super::sections::gathering_task(&context.play.play);
    let own = scope::of_task(context, host, Some(&usual), &[]);
    for (task, scope) in [(task, scope), (&usual, &own)] {
        let Ok((_, way)) = way::of_task(context, host, task, scope) else {
            continue;
        };
        let crossed = async {
            let shell = host.connection(way.target).shell(way.r#become.as_ref()).await?;
            shell.ask(&script).await
        };
        // A debt that cannot be crossed out is paid once more by the next run: harmless.
        let crossed = context.run.permits.unless_ended(crossed).await;
        if matches!(crossed, Some(Ok(output)) if output.code == 0) {
            return;
        }
    }
}
