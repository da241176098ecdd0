//! One play: its hosts, its batches, its sections.

use super::handlers::Handlers;
use super::host::Host;
use super::items::{self, Failed};
use super::result::TaskResult;
use super::run::Run;
use super::scope;
use super::task::OnHost;
use crate::connection::{Become, Kind as ConnectionKind, Method, Secret, Target};
use crate::error::{Error, Result};
use crate::event::Kind;
use crate::model::{Action, Item, Keywords, Placed, Play, Task};
use crate::source::Source;
use crate::template::{self, Scope};
use crate::value::{self, Map, Value};
use crate::vars::Layer;
use futures::future::join_all;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// A play while it runs.
pub(super) struct Context {
    pub(super) run: Arc<Run>,
    /// Number of its playbook in the graph.
    pub(super) node: usize,
    /// Name of its playbook.
    pub(super) name: String,
    /// Folder of its playbook.
    pub(super) folder: PathBuf,
    pub(super) play: Arc<Play>,
    /// All hosts of the play.
    pub(super) all: Vec<Arc<str>>,
    pub(super) handlers: Handlers,
    batch: Mutex<Vec<Arc<str>>>,
    out: Mutex<HashMap<Arc<str>, Out>>,
    files: Mutex<HashMap<Arc<str>, Vec<Layer>>>,
}

/// Why a host is out of a play.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Out {
    Failed,
    Unreachable,
    /// `meta: end_host` and its like.
    Ended,
}

/// The way to a host for one task.
pub(super) struct Way {
    pub(super) target: Target,
    pub(super) r#become: Option<Become>,
    /// The account the task acts as.
    pub(super) user: Arc<str>,
}

/// How a play ended.
#[derive(Default)]
pub(super) struct PlayEnd {
    /// Hosts that failed or could not be reached.
    pub(super) failed: HashSet<Arc<str>>,
    /// Something kept the play from running at all.
    pub(super) broken: bool,
    /// A whole batch failed, so that the rest of the playbook is not run.
    pub(super) over: bool,
}

impl Context {
    fn out(&self) -> std::sync::MutexGuard<'_, HashMap<Arc<str>, Out>> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many hosts failed or could not be reached.
    fn failures(&self) -> usize {
        self.out().values().filter(|out| **out != Out::Ended).count()
    }

    /// True if the host does no more tasks of this play.
    pub(super) fn is_out(&self, host: &Host) -> bool {
        self.out().contains_key(&host.name)
    }

    pub(super) fn is_unreachable(&self, host: &Host) -> bool {
        self.out().get(&host.name) == Some(&Out::Unreachable)
    }

    /// The host failed.
    pub(super) fn failed(&self, host: &Host, unreachable: bool) {
        self.out().insert(
            host.name.clone(),
            if unreachable {
                Out::Unreachable
            } else {
                Out::Failed
            },
        );
    }

    /// The hosts are back after a rescue.
    pub(super) fn rescued(&self, hosts: &[Arc<Host>]) {
        let mut out = self.out();
        for host in hosts {
            out.remove(&host.name);
            self.run.events.tell(Kind::Rescued {
                host: host.name.to_string(),
            });
        }
    }

    /// The host leaves the play without having failed.
    pub(super) fn end(&self, host: &Host) {
        self.out().insert(host.name.clone(), Out::Ended);
    }

    /// `ansible_play_hosts`.
    pub(super) fn alive(&self) -> Vec<Arc<str>> {
        let out = self.out();
        self.all
            .iter()
            .filter(|name| !out.contains_key(*name))
            .cloned()
            .collect()
    }

    /// `ansible_play_batch`.
    pub(super) fn batch_alive(&self) -> Vec<Arc<str>> {
        let out = self.out();
        let batch = self.batch.lock().unwrap_or_else(PoisonError::into_inner);
        batch
            .iter()
            .filter(|name| !out.contains_key(*name))
            .cloned()
            .collect()
    }

    /// The name of the play.
    pub(super) fn title(&self) -> String {
        self.play.title().to_string()
    }

    /// Variables of the play's `vars_files` for a host, the strongest first.
    pub(super) fn vars_files(&self, host: &Host) -> Vec<Layer> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.get(&host.name).cloned().unwrap_or_default()
    }

    /// The host that does a task, and the way to it.
    ///
    /// # Errors
    /// A delegate that cannot be told, an option of the connection that is refused.
    pub(super) fn way(
        self: &Arc<Context>,
        host: &Arc<Host>,
        task: &Task,
        scope: &Scope,
    ) -> Result<(Arc<Host>, Way)> {
        let mut by = host.clone();
        let mut own = scope.clone();
        if let Some(placed) = task.keyword(|keywords| &keywords.delegate_to) {
            let rendered = template::render(&placed.value, scope).map_err(|error| error.at(&placed.place))?;
            let name = match rendered.map(|rendered| rendered.value) {
                Some(Value::String(name)) => Some(name),
                Some(Value::Unknown(origin)) => {
                    return Err(
                        Error::new(format!("the delegate is not known before {}", origin.origin))
                            .at(&placed.place),
                    );
                }
                _ => None,
            };
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                by = self.run.host(&name);
                own = scope::of_run(&self.run, &by);
            }
        }
        let delegated = by.name != host.name;
        let mut map = self.run.connection_variables(&own)?;
        let keyword = |pick: fn(&Keywords) -> &Option<Placed>| -> Result<Option<Value>> {
            match task.keyword(pick) {
                Some(placed) => {
                    let rendered =
                        template::render(&placed.value, scope).map_err(|error| error.at(&placed.place))?;
                    Ok(rendered.map(|rendered| rendered.value))
                }
                None => Ok(None),
            }
        };
        let keywords: [(&str, fn(&Keywords) -> &Option<Placed>); 3] = [
            ("ansible_connection", |keywords| &keywords.connection),
            ("ansible_user", |keywords| &keywords.remote_user),
            ("ansible_port", |keywords| &keywords.port),
        ];
        for (name, pick) in keywords {
            if !map.contains_key(name)
                && !delegated
                && let Some(value) = keyword(pick)?
            {
                map.insert(name.into(), value);
            }
        }
        let target = self.run.reach.target(&by.name, &map)?;
        let setting = |name: &str, pick: fn(&Keywords) -> &Option<Placed>| -> Result<Option<Value>> {
            match map.get(name) {
                Some(value) => Ok(Some(value.clone())),
                None => keyword(pick),
            }
        };
        let settings = &self.run.settings;
        let wanted = setting("ansible_become", |keywords| &keywords.r#become)?;
        let wanted = wanted
            .as_ref()
            .and_then(value::to_bool)
            .unwrap_or(settings.r#become);
        let login: Arc<str> = match target.kind {
            ConnectionKind::Local => self.run.local_user.clone(),
            ConnectionKind::Ssh => target.user.as_str().into(),
        };
        if !wanted {
            return Ok((
                by,
                Way {
                    target,
                    r#become: None,
                    user: login,
                },
            ));
        }
        let text = |value: Option<Value>| value.and_then(|value| value.as_str().map(str::to_string));
        let user = text(setting("ansible_become_user", |keywords| &keywords.become_user)?);
        let user = user
            .or_else(|| settings.become_user.clone())
            .unwrap_or_else(|| "root".into());
        if *login == *user {
            return Ok((
                by,
                Way {
                    target,
                    r#become: None,
                    user: login,
                },
            ));
        }
        let method = text(setting("ansible_become_method", |keywords| {
            &keywords.become_method
        })?);
        let method = method
            .or_else(|| settings.become_method.clone())
            .unwrap_or_else(|| "sudo".into());
        let method = match method
            .trim_start_matches("ansible.builtin.")
            .trim_start_matches("community.general.")
        {
            "sudo" => Method::Sudo,
            "su" => Method::Su,
            "doas" => Method::Doas,
            other => {
                let error = Error::new(format!("become_method `{other}` is none of sudo, su, doas"));
                return Err(error.at(&task.action.place));
            }
        };
        let password = ["ansible_become_password", "ansible_become_pass"]
            .iter()
            .find_map(|name| map.get(*name));
        let r#become = Become {
            method,
            user: user.clone(),
            password: password.and_then(Value::as_str).map(Secret::new),
            flags: text(setting("ansible_become_flags", |keywords| {
                &keywords.become_flags
            })?),
            exe: text(setting("ansible_become_exe", |keywords| &keywords.become_exe)?),
        };
        Ok((
            by,
            Way {
                target,
                r#become: Some(r#become),
                user: user.into(),
            },
        ))
    }
}

/// Runs a play; `gone` are hosts that failed in an earlier play of the same playbook.
pub(super) async fn run(run: &Arc<Run>, node: usize, play: &Arc<Play>, gone: &HashSet<Arc<str>>) -> PlayEnd {
    let start = match prepare(run, node, play, gone) {
        Ok(start) => start,
        Err(error) => {
            run.tell_error(&run.graph.nodes[node].name, play.title(), &error);
            return PlayEnd {
                broken: true,
                ..PlayEnd::default()
            };
        }
    };
    let Some(context) = start else {
        return PlayEnd::default();
    };
    run.events.tell(Kind::PlayStarted {
        playbook: context.name.clone(),
        play: context.title(),
        place: play.place.short(),
        hosts: context.all.iter().map(ToString::to_string).collect(),
    });
    let _permits = permits(&context).await;
    if let Err(error) = read_vars_files(&context) {
        run.tell_error(&context.name, play.title(), &error);
        return PlayEnd {
            broken: true,
            ..PlayEnd::default()
        };
    }
    let batches = match batches(&context) {
        Ok(batches) => batches,
        Err(error) => {
            run.tell_error(&context.name, play.title(), &error);
            return PlayEnd {
                broken: true,
                ..PlayEnd::default()
            };
        }
    };
    let mut over = false;
    for batch in batches {
        *context.batch.lock().unwrap_or_else(PoisonError::into_inner) =
            batch.iter().map(|host| host.name.clone()).collect();
        let count = batch.len();
        let before = context.failures();
        self::batch(&context, batch).await;
        over = context.failures() - before == count;
        if over || run.stop.is_cancelled() {
            break;
        }
    }
    let out = context.out();
    out.values().for_each(|out| run.count(*out));
    let failed = out
        .iter()
        .filter(|(_, out)| **out != Out::Ended)
        .map(|(name, _)| name.clone())
        .collect();
    PlayEnd {
        failed,
        broken: false,
        over,
    }
}

fn prepare(
    run: &Arc<Run>,
    node: usize,
    play: &Arc<Play>,
    gone: &HashSet<Arc<str>>,
) -> Result<Option<Arc<Context>>> {
    let localhost = run.host("localhost");
    let scope = scope::of_play_pattern(run, &localhost, play);
    let rendered =
        template::render(&play.hosts.value, &scope).map_err(|error| error.at(&play.hosts.place))?;
    let pattern = rendered.map_or(Value::Null, |rendered| rendered.value);
    let mut hosts = run.resolve(&pattern, &play.hosts.place)?;
    hosts.retain(|name| !gone.contains(name));
    let order = play.order.as_ref().and_then(|placed| placed.value.as_str());
    match order {
        Some("reverse_inventory") => hosts.reverse(),
        Some("sorted") => hosts.sort(),
        Some("reverse_sorted") => {
            hosts.sort();
            hosts.reverse();
        }
        _ => {}
    }
    let graph_node = &run.graph.nodes[node];
    if hosts.is_empty() {
        let text = format!("play `{}`: no hosts matched", play.title());
        run.events.tell(Kind::Notice { host: None, text });
        return Ok(None);
    }
    let path = play
        .place
        .source
        .path
        .clone()
        .unwrap_or_else(|| graph_node.playbook.path.clone());
    let path = std::path::absolute(&path).unwrap_or(path);
    Ok(Some(Arc::new(Context {
        run: run.clone(),
        node,
        name: graph_node.name.clone(),
        folder: path.parent().map(PathBuf::from).unwrap_or_default(),
        play: play.clone(),
        all: hosts,
        handlers: Handlers::new(&play.handlers),
        batch: Mutex::default(),
        out: Mutex::default(),
        files: Mutex::default(),
    })))
}

/// The permits of all hosts of the play, in the order of their names, so that no two plays wait for each other.
async fn permits(context: &Arc<Context>) -> Vec<tokio::sync::OwnedMutexGuard<()>> {
    let mut held = vec![];
    if context.play.shares_hosts {
        return held;
    }
    let mut names = context.all.clone();
    names.sort();
    for name in names.iter().filter(|name| &***name != "localhost") {
        held.push(context.run.host(name).permit.clone().lock_owned().await);
    }
    held
}

/// Batches of `serial`.
fn batches(context: &Arc<Context>) -> Result<Vec<Vec<Arc<Host>>>> {
    let hosts: Vec<_> = context.all.iter().map(|name| context.run.host(name)).collect();
    let Some(serial) = &context.play.serial else {
        return Ok(vec![hosts]);
    };
    let scope = scope::of_task(context, &hosts[0], None, &[]);
    let rendered = template::render(&serial.value, &scope).map_err(|error| error.at(&serial.place))?;
    let sizes = match rendered.map(|rendered| rendered.value) {
        Some(Value::List(items)) => items.to_vec(),
        Some(single) => vec![single],
        None => vec![],
    };
    let size = |value: &Value| -> Result<usize> {
        let percent = value.as_str().and_then(|text| text.trim().strip_suffix('%'));
        let number = match percent {
            Some(percent) => percent
                .trim()
                .parse::<f64>()
                .ok()
                .map(|percent| ((hosts.len() as f64) * percent / 100.0) as usize),
            None => value::to_integer(value).and_then(|number| usize::try_from(number).ok()),
        };
        let number =
            number.ok_or_else(|| Error::new("`serial` takes numbers and percentages").at(&serial.place))?;
        Ok(if number == 0 && percent.is_none() {
            hosts.len()
        } else {
            number.max(1)
        })
    };
    let sizes: Vec<usize> = sizes.iter().map(size).collect::<Result<_>>()?;
    let mut batches = vec![];
    let mut rest = &hosts[..];
    let mut at = 0;
    while !rest.is_empty() {
        let size = sizes
            .get(at)
            .or(sizes.last())
            .copied()
            .unwrap_or(rest.len())
            .min(rest.len());
        batches.push(rest[..size].to_vec());
        rest = &rest[size..];
        at += 1;
    }
    Ok(batches)
}

async fn batch(context: &Arc<Context>, hosts: Vec<Arc<Host>>) {
    let free = context
        .play
        .strategy
        .as_ref()
        .and_then(|placed| placed.value.as_str());
    if matches!(
        free,
        Some("free" | "host_pinned" | "ansible.builtin.free" | "ansible.builtin.host_pinned")
    ) {
        join_all(hosts.into_iter().map(|host| sections(context, vec![host]))).await;
    } else {
        sections(context, hosts).await;
    }
}

async fn sections(context: &Arc<Context>, hosts: Vec<Arc<Host>>) {
    let mut failed: Failed = vec![];
    if let Some(task) = gathering(context) {
        let items = [Item::Task(task)];
        let wanting: Vec<_> = hosts
            .iter()
            .filter(|host| !host.data().gathered)
            .cloned()
            .collect();
        failed.extend(items::run(context, &items, wanting, &[]).await);
    }
    context.read_debts(&hosts).await;
    for section in context.play.sections() {
        let alive: Vec<_> = hosts
            .iter()
            .filter(|host| !context.is_out(host))
            .cloned()
            .collect();
        failed.extend(items::run(context, section, alive, &[]).await);
        if context.run.stop_now.is_cancelled() {
            return;
        }
        let forced = context.run.settings.force_handlers
            || context
                .play
                .force_handlers
                .as_ref()
                .and_then(|placed| value::to_bool(&placed.value))
                == Some(true);
        let chosen: Vec<_> = hosts
            .iter()
            .filter(|host| forced && !context.is_unreachable(host) || !context.is_out(host))
            .cloned()
            .collect();
        context.flush(&chosen).await;
    }
}

/// The task that gathers facts, if the play wants them.
fn gathering(context: &Arc<Context>) -> Option<Arc<Task>> {
    let wanted = context.play.gather_facts.as_ref().map(|placed| {
        let host = context.run.host(&context.all[0]);
        let scope = scope::of_task(context, &host, None, &[]);
        let rendered = template::render(&placed.value, &scope).ok().flatten();
        rendered
            .and_then(|rendered| value::to_bool(&rendered.value))
            .unwrap_or(true)
    });
    if wanted == Some(false) {
        return None;
    }
    let place = context
        .play
        .gather_facts
        .as_ref()
        .map_or(&context.play.place, |placed| &placed.place);
    let source = Source::named("Gathering Facts", String::new());
    let name = Placed {
        value: "Gathering Facts".into(),
        place: crate::source::Place::new(&source, 0..0),
    };
    Some(Arc::new(Task {
        keywords: Keywords {
            name: Some(name),
            ..Keywords::default()
        },
        scope: context.play.scope.clone(),
        action: Action {
            module: "ansible.builtin.setup".into(),
            arguments: Default::default(),
            free_form: None,
            template: None,
            place: place.clone(),
        },
        r#loop: None,
        register: None,
        changed_when: vec![],
        failed_when: vec![],
        until: vec![],
        retries: None,
        delay: None,
        r#async: None,
        poll: None,
        listen: vec![],
        place: place.clone(),
    }))
}

/// Reads the `vars_files` of the play for every host; of a list the first file that is there.
fn read_vars_files(context: &Arc<Context>) -> Result<()> {
    for name in &context.all {
        let host = context.run.host(name);
        let mut layers: Vec<Layer> = vec![];
        for placed in &context.play.vars_files {
            let scope = scope::of_task(context, &host, None, &[]);
            let rendered =
                template::render(&placed.value, &scope).map_err(|error| error.at(&placed.place))?;
            let names = match rendered.map(|rendered| rendered.value) {
                Some(Value::List(names)) => names.to_vec(),
                Some(single) => vec![single],
                None => vec![],
            };
            let tried: Vec<PathBuf> = names
                .iter()
                .filter_map(Value::as_str)
                .map(|name| context.folder.join(name))
                .collect();
            let Some(path) = tried.iter().find(|path| path.is_file()) else {
                let shown: Vec<String> = tried.iter().map(|path| path.display().to_string()).collect();
                let error = Error::new(format!(
                    "`vars_files`: none of these files is there: {}",
                    shown.join(", ")
                ));
                return Err(error.at(&placed.place));
            };
            layers.insert(0, Layer::Placed(Arc::new(context.run.loader.variables(path)?)));
            let mut files = context.files.lock().unwrap_or_else(PoisonError::into_inner);
            files.insert(host.name.clone(), layers.clone());
        }
    }
    Ok(())
}

impl Context {
    /// `meta`: things about the run itself.
    pub(super) async fn meta(
        self: &Arc<Context>,
        task: &Arc<Task>,
        hosts: &[Arc<Host>],
        parameters: &[Layer],
    ) -> Failed {
        let word = task
            .action
            .free_form
            .as_ref()
            .and_then(|placed| placed.value.as_str())
            .unwrap_or_default()
            .trim()
            .to_string();
        let mut chosen = vec![];
        let mut failed: Failed = vec![];
        for host in hosts {
            let on_host = OnHost {
                context: self,
                host,
                task,
                parameters,
                handler: false,
                maybe: None,
            };
            match on_host.holds() {
                Ok(true) => chosen.push(host.clone()),
                Ok(false) => {}
                Err(error) => {
                    let result = TaskResult::error(&error);
                    on_host.tell_failure(&result);
                    self.failed(host, false);
                    failed.push((host.clone(), Some((task.clone(), result))));
                }
            }
        }
        match word.as_str() {
            "flush_handlers" => {
                let gone = self.flush(&chosen).await;
                failed.extend(gone.into_iter().map(|host| (host, None)));
            }
            "end_play" | "end_batch" if !chosen.is_empty() => hosts.iter().for_each(|host| self.end(host)),
            "end_host" => chosen.iter().for_each(|host| self.end(host)),
            "clear_facts" => {
                for host in &chosen {
                    let mut data = host.data();
                    data.facts = Arc::default();
                    data.gathered = false;
                }
            }
            "clear_host_errors" => self.out().clear(),
            "reset_connection" => {
                for host in &chosen {
                    host.close().await;
                }
            }
            _ => {}
        }
        failed
    }

    /// Reads variables that connections need, in no particular order.
    pub(super) fn known_names() -> &'static [&'static str] {
        &[
            "ansible_host",
            "ansible_port",
            "ansible_user",
            "ansible_ssh_host",
            "ansible_ssh_port",
            "ansible_ssh_user",
            "ansible_connection",
            "ansible_password",
            "ansible_ssh_pass",
            "ansible_ssh_password",
            "ansible_ssh_private_key_file",
            "ansible_private_key_file",
            "ansible_ssh_common_args",
            "ansible_ssh_extra_args",
            "ansible_ssh_args",
            "ansible_host_key_checking",
            "ansible_ssh_host_key_checking",
            "ansible_become",
            "ansible_become_user",
            "ansible_become_method",
            "ansible_become_password",
            "ansible_become_pass",
            "ansible_become_flags",
            "ansible_become_exe",
            "ansible_ssh_timeout",
            "ansible_timeout",
        ]
    }
}

/// A map of rendered variables.
pub(super) fn rendered(names: &[&str], scope: &Scope) -> Result<Map> {
    let mut map = Map::new();
    for name in names {
        if let Some(raw) = scope.variables().get(name)
            && let Some(rendered) = template::render(&raw, scope)?
        {
            map.insert((*name).into(), rendered.value);
        }
    }
    Ok(map)
}
