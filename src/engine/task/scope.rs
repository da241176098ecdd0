//! The variables of a task: every level of Ansible's precedence, out of the run, the play and the host.

use super::magic::Magic;
use super::plugins;
use crate::engine::state::context::Context;
use crate::engine::state::host::Host;
use crate::engine::state::play::{Common, PlayState};
use crate::engine::state::run::RunState;
use crate::host::{Answer, Question};
use crate::model::{self, Play, Role, ScopeKind, Task};
use crate::template::{Opener, Planned, Planner, Scope, Surroundings, Variables};
use crate::value::Value;
use crate::vars::{Hosts, Layer, Levels, Source};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Reaches the variables of other hosts, for `hostvars`.
#[derive(Clone)]
struct Others {
    run: Arc<RunState>,
    play: Option<Arc<PlayState>>,
    node: usize,
}

impl Hosts for Others {
    fn host(&self, name: &str) -> Option<Arc<dyn Variables>> {
        let run = &self.run;
        if !run.hosts.inventory().hosts.contains_key(name) && !run.hosts.is_used(name) {
            return None;
        }
        let host = run.hosts.host(name);
        let mut levels = Levels::default();
        add_host(&mut levels, run, &host, self.node);
        levels.magic = vec![Layer::Source(Arc::new(Magic {
            run: run.clone(),
            host,
            play: self.play.clone(),
            task: None,
        }))];
        Some(Arc::new(levels.stack(Arc::new(self.clone()))))
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.run.hosts.inventory().hosts.keys().cloned().collect()
    }
}

/// Variables of `set_fact` and registered results of a host, as a playbook sees them: looked up where they lie, so that
/// one more costs nothing.
struct Set {
    run: Arc<RunState>,
    host: Arc<Host>,
    node: usize,
}

impl Source for Set {
    fn get(&self, name: &str) -> Option<Value> {
        self.host.data().set(name, |by| self.run.sees(self.node, by))
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.host.data().set_names(|by| self.run.sees(self.node, by))
    }
}

/// Adds the levels that a host has everywhere.
fn add_host(levels: &mut Levels, run: &Arc<RunState>, host: &Arc<Host>, node: usize) {
    let inventory = run.hosts.inventory();
    let variables = inventory.host(&host.name).map(|found| &found.variables);
    let variables = variables.unwrap_or(&inventory.shared).clone();
    levels.merges = run.loader.merges_hashes;
    levels.inventory.push(Layer::Placed(variables));
    let mut data = host.data();
    levels.facts.push(Layer::Map(data.injected()));
    let included = data.included.iter().rev().filter(|(by, _)| run.sees(node, *by));
    levels
        .included
        .extend(included.map(|(_, map)| Layer::Map(map.clone())));
    levels.set.push(Layer::Source(Arc::new(Set {
        run: run.clone(),
        host: host.clone(),
        node,
    })));
    levels.extra.push(Layer::Map(run.settings.extra.clone()));
}

/// Adds what roles of a play say that all its tasks see, the strongest last.
fn add_roles<'a>(levels: &mut Levels, roles: impl DoubleEndedIterator<Item = &'a Arc<Role>>) {
    for role in roles.rev() {
        levels.role_vars.push(Layer::Placed(role.vars.clone()));
        levels.role_defaults.push(Layer::Placed(role.defaults.clone()));
    }
}

/// The folders in which files of a task are searched.
fn search(play: &PlayState, task: Option<&Task>) -> Vec<PathBuf> {
    let mut folders = vec![];
    if let Some(task) = task {
        folders.extend(task.scope.roles().map(|role| role.folder.clone()));
        if let Some(folder) = task.place.source.path.as_deref().and_then(|path| path.parent()) {
            folders.push(folder.to_path_buf());
        }
    }
    folders.push(play.folder.clone());
    // Vent's projects keep `templates/` and `files/` beside `playbooks/`.
    if let Some(project) = play.folder.parent() {
        folders.push(project.to_path_buf());
    }
    let mut known = std::collections::HashSet::new();
    folders.retain(|folder| known.insert(std::path::absolute(folder).unwrap_or_else(|_| folder.clone())));
    folders
}

/// The variables of a task on a host; `parameters` are the variables of loops and includes, the strongest first.
pub fn of_task(context: &Context, host: &Arc<Host>, task: Option<&Arc<Task>>, parameters: &[Layer]) -> Scope {
    task_scope(context, host, task, parameters, false)
}

/// As [`of_task`], for a task whose turn has not come: lookups that do something give something unknown.
pub fn of_task_ahead(context: &Context, host: &Arc<Host>, task: &Arc<Task>, parameters: &[Layer]) -> Scope {
    task_scope(context, host, Some(task), parameters, true)
}

fn task_scope(
    context: &Context,
    host: &Arc<Host>,
    task: Option<&Arc<Task>>,
    parameters: &[Layer],
    ahead: bool,
) -> Scope {
    let Context { run, play } = context;
    let common = play.common(task, ahead, || common(context, task, ahead));
    let mut levels = common.levels.clone();
    add_host(&mut levels, run, host, play.node);
    levels.play.splice(0..0, play.vars_files(host));
    levels.parameters.splice(0..0, parameters.iter().cloned());
    levels.role_defaults.push(Layer::Map(host.address.clone()));
    levels.magic.push(Layer::Source(Arc::new(Magic {
        run: run.clone(),
        host: host.clone(),
        play: Some(play.clone()),
        task: task.cloned(),
    })));
    let others = Others {
        run: run.clone(),
        play: Some(play.clone()),
        node: play.node,
    };
    let variables = Arc::new(levels.stack(Arc::new(others)));
    Scope::new(variables, common.surroundings.clone())
}

/// What all hosts see of a task alike.
fn common(context: &Context, task: Option<&Arc<Task>>, ahead: bool) -> Common {
    let Context { run, play } = context;
    let mut levels = Levels::default();
    if let Some(answers) = run.settings.prompted.get(&play.play.place.short()) {
        levels.play.push(Layer::Map(answers.clone()));
    }
    levels.play.push(Layer::Placed(play.play.keywords().vars.clone()));
    let placed = |variables: &Arc<model::Variables>| Layer::Placed(variables.clone());
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
    }
    add_roles(&mut levels, play.published().iter());
    add_roles(&mut levels, play.play.used_roles.iter());
    levels.drop_empty();
    let surroundings = Surroundings {
        opener: Opener::new(run.loader.vault.clone()),
        planner: run.settings.check.then(|| planner(run)),
        search: search(play, task.map(|task| &**task)),
        check: run.settings.check || ahead,
        ahead,
        plugins: Some(plugins::of_play(run, &play.folder)),
    };
    Common {
        levels,
        surroundings: Arc::new(surroundings),
    }
}

/// Files of this computer as they would be after what check mode planned.
fn planner(run: &RunState) -> Planner {
    let (host, user) = (run.hosts.host("localhost"), run.local_user.clone());
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

/// The variables that a play's host pattern sees: its own, those of its roles, and those of the run.
pub fn of_play_pattern(run: &Arc<RunState>, host: &Arc<Host>, play: &Play) -> Scope {
    let mut levels = Levels::default();
    add_host(&mut levels, run, host, usize::MAX);
    levels.magic.push(Layer::Source(Arc::new(Magic {
        run: run.clone(),
        host: host.clone(),
        play: None,
        task: None,
    })));
    levels.play.push(Layer::Placed(play.keywords().vars.clone()));
    add_roles(&mut levels, play.used_roles.iter());
    let others = Others {
        run: run.clone(),
        play: None,
        node: usize::MAX,
    };
    let file = play.place.source.path.as_deref();
    let folder = file.and_then(Path::parent).unwrap_or(Path::new(""));
    let surroundings = Surroundings {
        plugins: Some(plugins::of_play(run, folder)),
        ..Surroundings::default()
    };
    Scope::new(Arc::new(levels.stack(Arc::new(others))), Arc::new(surroundings))
}
