//! `meta`: what it says is to happen, and then it happens.

use super::list::List;
use super::{Failed, handlers, task, tell_broken};
use crate::engine::state::context::Context;
use crate::engine::state::host::Host;
use crate::engine::state::play::Out;
use crate::engine::task::{HostTask, TaskResult};
use crate::event::Kind;
use crate::model::Task;
use std::sync::Arc;

/// What is to happen.
enum Wanted {
    Nothing,
    FlushHandlers,
    EndHosts,
    EndBatch,
    EndPlay,
    ClearFacts,
    ClearHostErrors,
    RefreshInventory,
    ResetConnections,
}

impl Wanted {
    fn of(word: &str) -> Wanted {
        match word {
            "flush_handlers" => Wanted::FlushHandlers,
            "end_host" => Wanted::EndHosts,
            "end_batch" => Wanted::EndBatch,
            "end_play" => Wanted::EndPlay,
            "clear_facts" => Wanted::ClearFacts,
            "clear_host_errors" => Wanted::ClearHostErrors,
            "refresh_inventory" => Wanted::RefreshInventory,
            "reset_connection" => Wanted::ResetConnections,
            _ => Wanted::Nothing,
        }
    }

    /// What Ansible says of it on a host, `holds` being its conditions.
    fn told(&self, host: &str, holds: bool) -> String {
        let (name, done, left) = match self {
            Wanted::Nothing => ("noop", "noop".into(), String::new()),
            Wanted::FlushHandlers => (
                "flush_handlers",
                format!("triggered running handlers for {host}"),
                format!(", not running handlers for {host}"),
            ),
            Wanted::EndHosts => (
                "end_host",
                format!("ending play for {host}"),
                format!(", continuing execution for {host}"),
            ),
            Wanted::EndBatch => (
                "end_batch",
                "ending batch".into(),
                ", continuing current batch".into(),
            ),
            Wanted::EndPlay => ("end_play", "ending play".into(), ", continuing play".into()),
            Wanted::ClearFacts => (
                "clear_facts",
                "facts cleared".into(),
                format!(", not clearing facts and fact cache for {host}"),
            ),
            Wanted::ClearHostErrors => (
                "clear_host_errors",
                "cleared host errors".into(),
                format!(", not clearing host error state for {host}"),
            ),
            Wanted::RefreshInventory => (
                "refresh_inventory",
                "inventory successfully refreshed".into(),
                String::new(),
            ),
            Wanted::ResetConnections => ("reset_connection", "reset connection".into(), String::new()),
        };
        match holds {
            true => done,
            false => format!("{name} conditional evaluated to False{left}"),
        }
    }

    /// True if every host's conditions are asked; where it concerns the whole play, Ansible asks the first alone.
    fn is_of_each_host(&self) -> bool {
        matches!(
            self,
            Wanted::Nothing | Wanted::FlushHandlers | Wanted::EndHosts | Wanted::ResetConnections
        )
    }
}

/// True if the task is one.
pub fn is_meta(task: &Task) -> bool {
    task.action.short() == "meta"
}

/// Runs it; gives the hosts that failed.
pub async fn run(context: &Context, task: &Arc<Task>, list: &List, hosts: &[Arc<Host>]) -> Failed {
    let selected = crate::engine::task::selection::selects(&context.run, task, || {
        HostTask::new(context, &hosts[0], task, &list.parameters).scope()
    });
    if !selected {
        return vec![];
    }
    let word = task
        .action
        .free_form
        .as_ref()
        .and_then(|placed| placed.value.as_str());
    let wanted = Wanted::of(word.unwrap_or_default().trim());
    let asked = match wanted.is_of_each_host() {
        true => hosts,
        false => &hosts[..1],
    };
    // As in Ansible, which tells it for each host that it asks.
    for host in asked {
        let task = HostTask::new(context, host, task, &list.parameters);
        task::tell_start(context, &task, &task.scope());
    }
    let (chosen, mut failed) = holding(context, task, list, asked);
    for host in asked {
        let holds = chosen.iter().any(|chosen| chosen.name == host.name);
        let text = wanted.told(&host.name, holds);
        let host = host.name.to_string();
        context.run.events.tell(Kind::Meta { host, text });
    }
    if !chosen.is_empty() {
        let affected = match wanted.is_of_each_host() {
            true => &chosen[..],
            false => hosts,
        };
        failed.extend(happen(context, &wanted, affected).await);
    }
    failed
}

/// Lets it happen to hosts; gives those that failed.
async fn happen(context: &Context, wanted: &Wanted, hosts: &[Arc<Host>]) -> Failed {
    let Context { run, play } = context;
    match wanted {
        Wanted::Nothing => {}
        Wanted::FlushHandlers => {
            let gone = handlers::flush(context, hosts).await;
            return gone.into_iter().map(|host| (host, None)).collect();
        }
        Wanted::EndHosts | Wanted::EndBatch => hosts.iter().for_each(|host| play.put_out(host, Out::Ended)),
        Wanted::EndPlay => {
            play.end();
            hosts.iter().for_each(|host| play.put_out(host, Out::Ended));
        }
        Wanted::ClearFacts => {
            for host in hosts {
                let mut data = host.data();
                data.facts = Arc::default();
                data.gathered = false;
            }
        }
        Wanted::ClearHostErrors => play.bring_all_back(),
        Wanted::RefreshInventory => {
            if let Err(error) = run.refresh().await {
                play.note_wrong();
                tell_broken(run, &play.name, &play.play, &error);
                hosts.iter().for_each(|host| play.put_out(host, Out::Failed));
            }
        }
        Wanted::ResetConnections => {
            for host in hosts {
                host.reset().await;
            }
        }
    }
    vec![]
}

/// The hosts for which the conditions hold, and those for which they are wrong.
fn holding(
    context: &Context,
    task: &Arc<Task>,
    list: &List,
    hosts: &[Arc<Host>],
) -> (Vec<Arc<Host>>, Failed) {
    let mut chosen = vec![];
    let mut failed: Failed = vec![];
    for host in hosts {
        let host_task = HostTask::new(context, host, task, &list.parameters);
        match host_task.holds() {
            Ok(true) => chosen.push(host.clone()),
            Ok(false) => {}
            Err(error) => {
                let result = TaskResult::error(&error);
                host_task.tell_not_run(&result);
                context.play.put_out(host, Out::Failed);
                failed.push((host.clone(), Some((task.clone(), result))));
            }
        }
    }
    (chosen, failed)
}
