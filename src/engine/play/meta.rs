//! `meta`: what it says is to happen, and then it happens.

use super::list::List;
use super::{Failed, handlers, task, tell_broken};
use crate::engine::state::context::Context;
use crate::engine::state::host::Host;
use crate::engine::state::play::Out;
use crate::engine::task::{HostTask, TaskResult};
use crate::error::{Error, Result};
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

    /// What Ansible says of it on a host when it happens.
    fn done(&self, host: &str) -> String {
        match self {
            Wanted::Nothing => "noop".into(),
            Wanted::FlushHandlers => format!("triggered running handlers for {host}"),
            Wanted::EndHosts => format!("ending play for {host}"),
            Wanted::EndBatch => "ending batch".into(),
            Wanted::EndPlay => "ending play".into(),
            Wanted::ClearFacts => "facts cleared".into(),
            Wanted::ClearHostErrors => "cleared host errors".into(),
            Wanted::RefreshInventory => "inventory successfully refreshed".into(),
            Wanted::ResetConnections => "reset connection".into(),
        }
    }

    /// What Ansible says of it on a host whose conditions do not hold: the message, and the reason why it is skipped. Nothing where it asks
    /// no conditions.
    fn left_out(&self, host: &str) -> Option<(String, String)> {
        let (name, left) = match self {
            Wanted::Nothing | Wanted::RefreshInventory | Wanted::ResetConnections => return None,
            Wanted::FlushHandlers => ("flush_handlers", format!(", not running handlers for {host}")),
            Wanted::EndHosts => ("end_host", format!(", continuing execution for {host}")),
            Wanted::EndBatch => ("end_batch", ", continuing current batch".into()),
            Wanted::EndPlay => ("end_play", ", continuing play".into()),
            Wanted::ClearFacts => (
                "clear_facts",
                format!(", not clearing facts and fact cache for {host}"),
            ),
            Wanted::ClearHostErrors => (
                "clear_host_errors",
                format!(", not clearing host error state for {host}"),
            ),
        };
        let message = match self {
            Wanted::EndHosts => format!("{name} conditional evaluated to false{left}"),
            _ => name.to_string(),
        };
        Some((message, format!("{name} conditional evaluated to False{left}")))
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
    let (mut chosen, mut failed): (Vec<Arc<Host>>, Failed) = (vec![], vec![]);
    for host in asked {
        let host_task = HostTask::new(context, host, task, &list.parameters);
        match ask(context, &wanted, &host_task) {
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
    if !chosen.is_empty() {
        let affected = match wanted.is_of_each_host() {
            true => &chosen[..],
            false => hosts,
        };
        failed.extend(happen(context, &wanted, affected).await);
    }
    failed
}

/// Asks the conditions on a host, and tells what comes of it, as Ansible does for each host that it asks; true if it is to happen.
///
/// # Errors
/// A condition that is wrong.
fn ask(context: &Context, wanted: &Wanted, host_task: &HostTask) -> Result<bool> {
    task::tell_start(context, host_task, &host_task.scope());
    let (host, task) = (&host_task.host.name, &host_task.task);
    let left_out = wanted.left_out(host);
    let holds = match left_out {
        None => {
            if !task.conditions().is_empty() {
                let name = task.action.free_form.as_ref();
                let name = name.and_then(|placed| placed.value.as_str()).unwrap_or_default();
                let text = format!("{} task does not support when conditional", name.trim());
                context.run.warn(&[Error::new(text)]);
            }
            true
        }
        Some(_) => host_task.holds()?,
    };
    let skipped = left_out.filter(|_| !holds);
    let text = match &skipped {
        Some((_, reason)) => reason.clone(),
        None => wanted.done(host),
    };
    context.run.events.tell(Kind::Meta {
        host: host.to_string(),
        text,
        skipped: skipped.map(|skipped| skipped.0),
    });
    Ok(holds)
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
