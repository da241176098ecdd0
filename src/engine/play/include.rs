//! Includes: each host chooses a file or role, hosts that choose the same go through it together.

use super::list::{self, List};
use super::{Failed, task};
use crate::engine::state::context::Context;
use crate::engine::state::host::Host;
use crate::engine::state::play::Out;
use crate::engine::task::{HostTask, Inclusion, TaskResult, flag, scope, selection};
use crate::model::{Include, Item};
use indexmap::IndexMap;
use std::collections::HashSet;
use std::sync::Arc;

/// Hosts that include the same.
struct Group {
    inclusion: Inclusion,
    hosts: Vec<Arc<Host>>,
    /// Its tasks, once they are read.
    items: Arc<[Item]>,
}

/// Runs an include on hosts; gives those that failed in it.
pub async fn run(context: &Context, include: &Arc<Include>, list: &List, hosts: &[Arc<Host>]) -> Failed {
    let task = &include.task;
    let scope = || scope::of_task(context, &hosts[0], Some(task), &list.parameters);
    if !selection::selects(&context.run, task, scope) {
        return vec![];
    }
    let first = HostTask::new(context, &hosts[0], task, &list.parameters);
    task::tell_start(context, &first, &scope());
    // It is of the include alone: what is included is run where it is included.
    let hosts = match flag(task, &scope(), |keywords| &keywords.run_once) {
        Some(true) => &hosts[..1],
        _ => hosts,
    };
    let mut failed: Failed = vec![];
    let groups = groups(context, include, list, hosts, &mut failed);
    let mut gone: HashSet<_> = failed.iter().map(|(host, _)| host.name.clone()).collect();
    for group in &groups {
        let Some(host) = group.hosts.first() else { continue };
        let names = group.hosts.iter().map(|host| host.name.to_string());
        let including = HostTask::new(context, host, task, &list.parameters);
        including.tell_included(&group.inclusion, &group.items, names.collect());
    }
    for mut group in groups {
        group.hosts.retain(|host| !gone.contains(&host.name));
        let layers = group.inclusion.layers.iter().chain(list.parameters.iter());
        let included = List {
            items: group.items,
            parameters: layers.cloned().collect(),
            guarded: list.guarded,
        };
        let broken = list::run(context, &included, group.hosts).await;
        gone.extend(broken.iter().map(|(host, _)| host.name.clone()));
        failed.extend(broken);
    }
    failed
}

/// The hosts by what they include, in the order of the first that does; each file or role is read once for all.
fn groups(
    context: &Context,
    include: &Arc<Include>,
    list: &List,
    hosts: &[Arc<Host>],
    failed: &mut Failed,
) -> Vec<Group> {
    let mut groups: IndexMap<String, Result<Group, Box<TaskResult>>> = IndexMap::new();
    for host in hosts {
        let host_task = HostTask::new(context, host, &include.task, &list.parameters);
        let inclusions = match host_task.inclusions(include) {
            Ok(inclusions) => inclusions,
            Err(mut result) => {
                if host_task.end_without_inclusions(&mut result) {
                    context.play.put_out(host, Out::Failed);
                    failed.push((host.clone(), Some((include.task.clone(), *result))));
                }
                continue;
            }
        };
        let mut read = || -> Result<(), Box<TaskResult>> {
            for inclusion in &inclusions {
                if !groups.contains_key(&inclusion.key) {
                    let read = host_task.read(include, inclusion).map(|read| {
                        context.play.handlers.add(&read.handlers);
                        context.play.publish(read.public);
                        Group {
                            inclusion: inclusion.clone(),
                            hosts: vec![],
                            items: read.items,
                        }
                    });
                    groups.insert(inclusion.key.clone(), read);
                }
                if let Some(Err(result)) = groups.get(&inclusion.key) {
                    return Err(result.clone());
                }
            }
            Ok(())
        };
        match read() {
            Ok(()) => {
                host_task.register_inclusions(&inclusions);
                host_task.count_inclusions(&inclusions);
                for inclusion in &inclusions {
                    if let Some(Ok(group)) = groups.get_mut(&inclusion.key) {
                        group.hosts.push(host.clone());
                    }
                }
            }
            // As in Ansible no `ignore_errors` helps where nothing can be read.
            Err(result) => {
                host_task.tell_not_run(&result);
                if result.is_failure() {
                    context.play.put_out(host, Out::Failed);
                    failed.push((host.clone(), Some((include.task.clone(), *result))));
                }
            }
        }
    }
    groups.into_values().flatten().collect()
}
