//! The variables of a task: every level of Ansible's precedence, out of the run, the play and the host.

use super::host::Host;
use super::play::Context;
use super::run::Run;
use crate::host::{Answer, Question};
use crate::model::{self, Play, ScopeKind, Task};
use crate::template::{Opener, Planned, Planner, Scope, Surroundings, Variables};
use crate::value::{Map, Value};
use crate::vars::{Hosts, Layer, Levels};
use std::path::PathBuf;
use std::sync::{Arc, Weak};

/// Reaches the variables of other hosts, for `hostvars`.
struct Others {
    run: Weak<Run>,
    context: Option<Arc<Context>>,
    node: usize,
}

impl Hosts for Others {
    fn host(&self, name: &str) -> Option<Arc<dyn Variables>> {
        let run = self.run.upgrade()?;
        if !run.inventory().hosts.contains_key(name) && !run.is_known(name) {
            return None;
        }
        let host = run.host(name);
        let mut levels = host_levels(&run, &host, self.node);
        levels.magic = vec![Layer::Map(Arc::new(magic(&run, &host, self.context.as_deref())))];
        let others = Others {
            run: self.run.clone(),
            context: self.context.clone(),
            node: self.node,
        };
        Some(Arc::new(levels.stack(Arc::new(others))))
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.run
            .upgrade()
            .map(|run| run.inventory().hosts.keys().cloned().collect())
            .unwrap_or_default()
    }
}

/// The levels that a host has everywhere.
fn host_levels(run: &Arc<Run>, host: &Host, node: usize) -> Levels {
    let mut levels = Levels::default();
    let inventory = run.inventory();
    let variables = inventory.host(&host.name).map(|found| &found.variables);
    let variables = variables.unwrap_or(&inventory.shared).clone();
    levels.inventory.push(Layer::Placed(variables));
    let mut data = host.data();
    let visible = |by: usize| run.sees(node, by);
    levels.facts.push(Layer::Map(data.injected()));
    let included = data.included.iter().rev().filter(|(by, _)| visible(*by));
    levels.included = included.map(|(_, map)| Layer::Map(map.clone())).collect();
    levels.set.push(Layer::Map(data.set(node, visible)));
    levels.extra.push(Layer::Map(run.settings.extra.clone()));
    levels
}

/// The magic variables of a host.
fn magic(run: &Arc<Run>, host: &Host, context: Option<&Context>) -> Map {
    let inventory = run.inventory();
    let names = |names: Vec<Arc<str>>| Value::list(names.into_iter().map(Value::String));
    let mut map = Map::new();
    let mut put = |name: &str, value: Value| drop(map.insert(name.into(), value));
    put("inventory_hostname", Value::String(host.name.clone()));
    put(
        "inventory_hostname_short",
        host.name.split('.').next().unwrap_or_default().into(),
    );
    put("groups", run.groups());
    let own = inventory
        .hosts
        .get(&host.name)
        .map(|host| host.groups.clone())
        .unwrap_or_default();
    put("group_names", names(own));
    put("ansible_check_mode", run.settings.check.into());
    put("ansible_diff_mode", run.settings.diff.into());
    put("ansible_verbosity", i64::from(run.settings.verbosity).into());
    put("ansible_forks", (run.settings.forks as i64).into());
    put("ansible_version", version());
    let tags = |tags: &[String], all: &str| match tags {
        [] => Value::list((!all.is_empty()).then(|| all.into())),
        tags => Value::list(tags.iter().map(Value::string)),
    };
    put("ansible_run_tags", tags(&run.settings.tags, "all"));
    put("ansible_skip_tags", tags(&run.settings.skip_tags, ""));
    if let Some(limit) = &run.settings.limit {
        put("ansible_limit", limit.as_str().into());
    }
    if let Some(source) = inventory.sources.first() {
        let folder = if source.is_dir() {
            Some(source.as_path())
        } else {
            source.parent()
        };
        put("inventory_file", source.display().to_string().into());
        put(
            "inventory_dir",
            folder.map(|folder| folder.display().to_string()).into(),
        );
    }
    put("ansible_facts", Value::Map(host.data().facts.clone()));
    if let Some(context) = context {
        put("playbook_dir", context.folder.display().to_string().into());
        put("ansible_play_name", context.play.title().into());
        put("ansible_play_hosts_all", names(context.all.clone()));
        put("ansible_play_hosts", names(context.alive()));
        put("play_hosts", names(context.batch_alive()));
        put("ansible_play_batch", names(context.batch_alive()));
        let roles = context
            .play
            .used_roles
            .iter()
            .map(|role| role.name.as_str().into());
        let roles = Value::list(roles);
        put("ansible_play_role_names", roles.clone());
        put("role_names", roles.clone());
        put("ansible_role_names", roles);
    }
    map
}

/// The version of Ansible whose behaviour this is.
fn version() -> Value {
    let parts = [
        ("full", "2.19.14".into()),
        ("string", "2.19.14".into()),
        ("major", Value::Int(2)),
        ("minor", Value::Int(19)),
        ("revision", Value::Int(14)),
    ];
    Value::map(parts)
}

/// The folders in which files of a task are searched.
pub(super) fn search(context: &Context, task: Option<&Task>) -> Vec<PathBuf> {
    let mut folders = vec![];
    if let Some(task) = task {
        folders.extend(task.scope.roles().map(|role| role.folder.clone()));
        if let Some(folder) = task.place.source.path.as_deref().and_then(|path| path.parent()) {
            folders.push(folder.to_path_buf());
        }
    }
    folders.push(context.folder.clone());
    // Vent's projects keep `templates/` and `files/` beside `playbooks/`.
    if let Some(project) = context.folder.parent() {
        folders.push(project.to_path_buf());
    }
    let mut known = std::collections::HashSet::new();
    folders.retain(|folder| known.insert(std::path::absolute(folder).unwrap_or_else(|_| folder.clone())));
    folders
}

/// The variables of a task on a host; `parameters` are the variables of loops and includes, the strongest first.
pub(super) fn of_task(
    context: &Arc<Context>,
    host: &Host,
    task: Option<&Task>,
    parameters: &[Layer],
) -> Scope {
    task_scope(context, host, task, parameters, false)
}

/// As [`of_task`], for a task whose turn has not come: lookups that do something give something unknown.
pub(super) fn of_task_ahead(
    context: &Arc<Context>,
    host: &Host,
    task: Option<&Task>,
    parameters: &[Layer],
) -> Scope {
    task_scope(context, host, task, parameters, true)
}

fn task_scope(
    context: &Arc<Context>,
    host: &Host,
    task: Option<&Task>,
    parameters: &[Layer],
    ahead: bool,
) -> Scope {
    let run = &context.run;
    let mut levels = host_levels(run, host, context.node);
    let mut map = magic(run, host, Some(context));
    levels.play.extend(context.vars_files(host));
    if let Some(answers) = run.settings.prompted.get(&context.play.place.short()) {
        levels.play.push(Layer::Map(answers.clone()));
    }
    levels
        .play
        .push(Layer::Placed(context.play.keywords().vars.clone()));
    let placed = |variables: &Arc<model::Variables>| Layer::Placed(variables.clone());
    levels.parameters.extend(parameters.iter().cloned());
    if let Some(task) = task {
        if !task.keywords.vars.is_empty() {
            levels.task.push(placed(&task.keywords.vars));
        }
        for scope in task.scope.chain() {
            match &scope.kind {
                ScopeKind::Role { role, parameters, .. } => {
                    levels.parameters.push(placed(parameters));
                    levels.task.push(placed(&scope.keywords.vars));
                    levels.role_vars.push(placed(&role.vars));
                    levels.role_defaults.push(placed(&role.defaults));
                }
                ScopeKind::Block | ScopeKind::Include => levels.task.push(placed(&scope.keywords.vars)),
                ScopeKind::Play | ScopeKind::Import => {}
            }
        }
        if let Some(role) = task.role() {
            map.insert("role_name".into(), role.name.as_str().into());
            map.insert("role_path".into(), role.path.as_str().into());
        }
    }
    for role in context.play.used_roles.iter().rev() {
        levels.role_vars.push(placed(&role.vars));
        levels.role_defaults.push(placed(&role.defaults));
    }
    levels.magic.push(Layer::Map(Arc::new(map)));
    let others = Others {
        run: Arc::downgrade(run),
        context: Some(context.clone()),
        node: context.node,
    };
    let surroundings = Surroundings {
        opener: Opener::new(run.loader.vault.clone()),
        planner: run.settings.check.then(|| planner(run)),
        search: search(context, task),
        check: run.settings.check || ahead,
        ahead,
    };
    Scope::new(Arc::new(levels.stack(Arc::new(others))), Arc::new(surroundings))
}

/// Files of this computer as they would be after what check mode planned.
fn planner(run: &Run) -> Planner {
    let (host, user) = (run.host("localhost"), run.local_user.clone());
    Planner::new(move |path| {
        let state = host.state();
        let question = Question::Content {
            path: path.to_string_lossy().into_owned(),
            limit: 1 << 24,
        };
        match state.planned(&user, &question) {
            Some(Answer::Content(Some(bytes))) => Planned::Content(bytes),
            Some(Answer::Unknown(origin)) => Planned::Unknown(origin),
            _ if path.exists() => Planned::AsItIs,
            _ => state
                .opaque()
                .map_or(Planned::AsItIs, |origin| Planned::Unknown(origin.clone())),
        }
    })
}

/// The variables that a play's host pattern sees: its own, and those of the run.
pub(super) fn of_play_pattern(run: &Arc<Run>, host: &Host, play: &Play) -> Scope {
    let mut levels = host_levels(run, host, usize::MAX);
    levels.magic.push(Layer::Map(Arc::new(magic(run, host, None))));
    levels.play.push(Layer::Placed(play.keywords().vars.clone()));
    let others = Others {
        run: Arc::downgrade(run),
        context: None,
        node: usize::MAX,
    };
    Scope::new(Arc::new(levels.stack(Arc::new(others))), Arc::default())
}
