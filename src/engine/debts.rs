//! No lost restart: a handler that is due is written down on the host before the change is made, and
//! crossed out when it has run. A run that finds one pays it.

use super::handlers::{names_of, notified_names};
use super::host::Host;
use super::items::notice;
use super::perform;
use super::play::{Context, usual_task};
use super::scope;
use crate::connection;
use crate::host::{Answer, Question, quote};
use crate::model::Task;
use crate::template::Scope;
use std::sync::Arc;

/// Where debts lie on a host.
const FOLDER: &str = "/var/lib/vent/debts";

impl Context {
    /// Shell text that notes the debts of a task that is about to change something.
    pub(super) fn debts_of(self: &Arc<Context>, task: &Task, scope: &Scope, host: &Arc<Host>) -> String {
        if task.notify().is_empty() || self.keeps_no_debts(host) {
            return String::new();
        }
        let paths: Vec<String> = notified_names(task, scope)
            .iter()
            .map(|(name, _)| self.path(name))
            .collect();
        if paths.is_empty() {
            return String::new();
        }
        format!(
            "mkdir -p {FOLDER} 2>/dev/null && : >>{} 2>/dev/null; ",
            paths.join(" 2>/dev/null && : >>")
        )
    }

    /// The path of the debt of a handler, quoted.
    fn path(&self, handler: &str) -> String {
        quote(&format!("{FOLDER}/{}", self.debt(handler)))
    }

    /// This computer is shared by all hosts that are it; their debts could not be told apart.
    pub(super) fn keeps_no_debts(self: &Arc<Context>, host: &Arc<Host>) -> bool {
        self.target(host)
            .is_ok_and(|target| target.kind == connection::Kind::Local)
    }

    /// The file name of the debt of a handler.
    fn debt(&self, handler: &str) -> String {
        let safe = |c: char| {
            if c.is_ascii_alphanumeric() || c == '.' || c == '-' {
                c
            } else {
                '_'
            }
        };
        format!("{}.{handler}", self.name).chars().map(safe).collect()
    }

    /// Finds the debts of earlier runs; their handlers run behind the tasks that notify them.
    pub(super) async fn read_debts(self: &Arc<Context>, hosts: &[Arc<Host>]) {
        if self.handlers.tasks().is_empty() {
            return;
        }
        let all = hosts
            .iter()
            .filter(|host| !self.keeps_no_debts(host) && !self.is_out(host));
        let all = futures::future::join_all(all.map(|host| self.read_debts_of(host)));
        tokio::select! {
            _ = all => {}
            () = self.run.stop.cancelled() => {}
        }
    }

    async fn read_debts_of(self: &Arc<Context>, host: &Arc<Host>) {
        let tasks = self.handlers.tasks();
        let Some(task) = tasks.first().cloned() else {
            return;
        };
        let scope = scope::of_task(self, host, Some(&task), &[]);
        let Ok((_, way)) = self.way(host, &task, &scope) else {
            return;
        };
        let Ok(shell) = host.connection(way.target).shell(way.r#become.as_ref()).await else {
            return;
        };
        let question = Question::Names { path: FOLDER.into() };
        // Earlier plays of this run may have made debts and paid some, so that they are always asked for.
        let known = Host::new(&host.name);
        if perform::ask(&shell, &known, &way.user, vec![question.clone()], &[])
            .await
            .is_err()
        {
            return;
        }
        let Some(Answer::Names(Some(names))) = known.state().answer(&way.user, &question) else {
            return;
        };
        for task in &tasks {
            let scope = scope::of_task(self, host, Some(task), &[]);
            let own = names_of(task, &scope);
            if let Some(name) = own.first()
                && own.iter().any(|name| names.contains(&self.debt(name)))
            {
                notice(
                    self,
                    Some(host),
                    format!("an earlier run ended before the handler `{name}`: this one runs it"),
                );
                self.owe(host, name, &scope);
            }
        }
    }

    /// Crosses out the debt of a handler that has run.
    pub(super) async fn paid(self: &Arc<Context>, host: &Arc<Host>, task: &Task) {
        let scope = scope::of_task(self, host, Some(task), &[]);
        self.cross_out(host, task, &scope, names_of(task, &scope)).await;
    }

    /// Crosses out what a task wrote down before it turned out that it changed nothing (`changed_when`), unless
    /// the handler is due for another reason.
    pub(super) async fn not_owed(self: &Arc<Context>, host: &Arc<Host>, task: &Task, scope: &Scope) {
        let names = notified_names(task, scope).into_iter().map(|(name, _)| name);
        let names: Vec<String> = names.filter(|name| !self.is_due(host, name, scope)).collect();
        if !names.is_empty() {
            self.cross_out(host, task, scope, names).await;
        }
    }

    async fn cross_out(
        self: &Arc<Context>,
        host: &Arc<Host>,
        task: &Task,
        scope: &Scope,
        names: Vec<String>,
    ) {
        if self.run.settings.check || self.keeps_no_debts(host) {
            return;
        }
        let paths: Vec<String> = names.iter().map(|name| self.path(name)).collect();
        let script = format!(
            "rm -f -- {} 2>/dev/null; r=$?; rmdir {FOLDER} /var/lib/vent 2>/dev/null; exit $r",
            paths.join(" ")
        );
        // A handler may act as an account that must not touch what the play's own account wrote down.
        let usual = usual_task(self);
        let own = scope::of_task(self, host, Some(&usual), &[]);
        for (task, scope) in [(task, scope), (&*usual, &own)] {
            let Ok((_, way)) = self.way(host, task, scope) else {
                continue;
            };
            let crossed = async {
                let shell = host.connection(way.target).shell(way.r#become.as_ref()).await?;
                shell.ask(&script).await
            };
            // A debt that cannot be crossed out is paid once more by the next run: harmless.
            let crossed = self.run.unless_ended(crossed).await;
            if matches!(crossed, Some(Ok(output)) if output.code == 0) {
                return;
            }
        }
    }
}
