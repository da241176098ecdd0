//! The run, as modules of the run see it in one task.

use super::HostTask;
use super::way::{self, Way};
use crate::cloud::machines::Machines;
use crate::connection::{self, Failure, Output, Stream};
use crate::engine::attempt::TaskControlNode;
use crate::engine::state::host::Host;
use crate::engine::state::run::RunState;
use crate::error::{Error, Result};
use crate::event::{Kind, TaskName};
use crate::module::{self, ControlNode, Entry, InventoryChange, Stop};
use crate::source::Place;
use crate::template::Scope;
use crate::value::Map;
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The run in one task.
pub(super) struct TaskWorld<'a> {
    task: &'a HostTask,
    name: &'a TaskName,
    check: bool,
    diff: bool,
    /// No line may be told (`no_log`).
    hidden: bool,
    control_node: TaskControlNode,
    environment: Vec<(String, String)>,
    inventory: TaskInventory<'a>,
    /// None for a module that needs no host.
    host: Option<TaskConnection>,
}

impl<'a> TaskWorld<'a> {
    /// The run as a task sees it in a scope.
    pub(super) fn new(
        task: &'a HostTask,
        module: &Entry,
        scope: &Scope,
        name: &'a TaskName,
    ) -> Result<TaskWorld<'a>> {
        let run = &task.context.run;
        let check = task.is_check(scope);
        let host = match module.nature.needs_host {
            true => Some(way::of_task(&task.context, &task.host, &task.task, scope)?),
            false => None,
        };
        Ok(TaskWorld {
            task,
            name,
            check,
            diff: task.wants_diff(scope),
            hidden: task.hides(scope),
            control_node: task.control_node(scope, check),
            environment: task.command_settings(scope, true)?.environment,
            inventory: TaskInventory {
                run,
                place: &task.task.place,
            },
            host: host.map(|(host, way)| TaskConnection {
                connection: host.connection(way.target.clone()),
                way,
                host,
            }),
        })
    }
}

impl TaskWorld<'_> {
    fn run(&self) -> &RunState {
        &self.task.context.run
    }
}

impl module::World for TaskWorld<'_> {
    fn is_check(&self) -> bool {
        self.check
    }

    fn wants_diff(&self) -> bool {
        self.diff
    }

    fn stop(&self) -> &CancellationToken {
        &self.run().permits.stop
    }

    fn say(&self, text: String) {
        if !self.hidden {
            self.run().notice(None, text);
        }
    }

    fn progress(&self, done: usize, total: usize, text: String) {
        self.run().events.tell(Kind::Progress {
            host: self.name.host.clone(),
            task: self.name.task.clone(),
            done,
            total,
            text: match self.hidden {
                true => String::new(),
                false => self.run().mask(&text),
            },
        });
    }

    fn output(&self, line: &str) {
        if !self.hidden {
            self.task.tell_line(self.name, Stream::Stderr, line);
        }
    }

    fn inventory(&self) -> &dyn module::Inventory {
        &self.inventory
    }

    fn host(&self) -> Result<&dyn module::Connection, Stop> {
        match &self.host {
            Some(host) => match self.run().hosts.expected(&host.host.name) {
                Some(origin) => Err(Stop::Undecided(origin)),
                None => Ok(host),
            },
            None => Err(Stop::failed("a module that needs no host wants to use one")),
        }
    }

    fn control_node(&self) -> &(dyn ControlNode + Sync) {
        &self.control_node
    }

    fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    fn place(&self) -> String {
        self.name.place.clone()
    }
}

/// The inventory of the run.
struct TaskInventory<'a> {
    run: &'a Arc<RunState>,
    place: &'a Place,
}

#[async_trait]
impl module::Inventory for TaskInventory<'_> {
    fn machines(&self) -> Vec<Arc<dyn Machines>> {
        let inventory = self.run.hosts.inventory();
        inventory
            .machines
            .iter()
            .map(|asked| asked.machines.clone())
            .collect()
    }

    fn has_host(&self, name: &str) -> bool {
        self.run.hosts.inventory().hosts.contains_key(name)
    }

    fn add_host(&self, name: &str, groups: &[String], variables: Map) -> Result<bool, Error> {
        let change = InventoryChange::Host {
            name: name.to_string(),
            groups: groups.to_vec(),
            variables,
        };
        self.run.change_inventory(&name.into(), change, self.place)
    }

    async fn refresh(&self) -> Result<(), Error> {
        let inventory = self.run.hosts.inventory();
        inventory
            .machines
            .iter()
            .for_each(crate::cloud::inventory::Asked::forget_answers);
        self.run.refresh().await
    }
}

/// The connection to the host that does the task.
struct TaskConnection {
    host: Arc<Host>,
    connection: connection::Host,
    way: Way,
}

#[async_trait]
impl module::Connection for TaskConnection {
    fn is_local(&self) -> bool {
        self.way.target.kind == connection::Kind::Local
    }

    fn connect_timeout(&self) -> Duration {
        self.way.target.connect_timeout
    }

    async fn ask(&self, script: &str) -> Result<Output, Failure> {
        let shell = self.connection.shell(self.way.r#become.as_ref()).await?;
        shell.ask(script).await
    }

    async fn close(&self) {
        self.connection.close().await;
    }
}
