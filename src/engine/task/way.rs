//! The way to the host that does a task: connection, account, `become`, delegate.

use super::loops::loop_layer;
use super::scope;
use crate::connection::{Become, Kind, Method, Secret, Target};
use crate::engine::state::context::Context;
use crate::engine::state::host::Host;
use crate::engine::state::run::RunState;
use crate::error::{Error, Result, nearest};
use crate::model::{Keywords, Placed, Task};
use crate::template::{self, Scope};
use crate::value::{self, Map, Value};
use std::sync::Arc;

/// The way to a host for one task.
pub struct Way {
    pub target: Target,
    pub r#become: Option<Become>,
    /// The account the task acts as.
    pub user: Arc<str>,
}

type Pick = fn(&Keywords) -> &Option<Placed>;

/// The host that does a task, and the way to it.
///
/// # Errors
/// A delegate that cannot be told, an option of the connection that is refused.
pub fn of_task(
    context: &Context,
    host: &Arc<Host>,
    task: &Arc<Task>,
    scope: &Scope,
) -> Result<(Arc<Host>, Way)> {
    let (by, own) = match delegate(task, scope)? {
        // As with Ansible, play and task count for the delegate too, but where its own variables say else.
        Some(name) => {
            let by = context.run.hosts.host(&name);
            let own = scope::of_task(context, &by, Some(task), &loop_layer(scope));
            (by, own)
        }
        None => (host.clone(), scope.clone()),
    };
    let (target, map) = reach(&context.run, &by, &own, |pick| keyword(task, scope, pick))?;
    let login: Arc<str> = match target.kind {
        Kind::Local => context.run.local_user.clone(),
        Kind::Ssh => target.user.as_str().into(),
    };
    let r#become = r#become(&context.run, task, scope, &map, &login)?;
    let user = r#become
        .as_ref()
        .map_or(login, |chosen| chosen.user.as_str().into());
    let way = Way {
        target,
        r#become,
        user,
    };
    Ok((by, way))
}

/// The connection that all tasks of the play use that say nothing else.
///
/// # Errors
/// As [`of_task`].
pub fn of_play(context: &Context, host: &Arc<Host>) -> Result<Target> {
    let own = scope::of_task(context, host, None, &[]);
    let keywords = context.play.play.keywords();
    let given = |pick: Pick| match pick(keywords) {
        Some(placed) => rendered_at(placed, &own),
        None => Ok(None),
    };
    Ok(reach(&context.run, host, &own, given)?.0)
}

/// The connection to a host, and the variables that tell of it; `given` are keywords, which are weaker.
fn reach(
    run: &RunState,
    host: &Host,
    own: &Scope,
    given: impl Fn(Pick) -> Result<Option<Value>>,
) -> Result<(Target, Map)> {
    let names = run.reach.variables().iter().copied().chain([BECOME]);
    let mut map = rendered(names.flatten(), own)?;
    let keywords: [(&str, Pick); 3] = [
        ("ansible_connection", |keywords| &keywords.connection),
        ("ansible_user", |keywords| &keywords.remote_user),
        ("ansible_port", |keywords| &keywords.port),
    ];
    for (name, pick) in keywords {
        if !map.contains_key(name)
            && let Some(value) = given(pick)?
        {
            map.insert(name.into(), value);
        }
    }
    let target = run.reach.target(&host.name, &map);
    let target = target.map_err(|error| at_variable(run, error, host, &map))?;
    run.learn_secrets_in(&map);
    for secret in [&target.password, &target.passphrase].into_iter().flatten() {
        run.learn_password(secret.reveal());
    }
    Ok((target, map))
}

/// The error at the variable of the inventory without which it would not be there.
fn at_variable(run: &RunState, error: Error, host: &Host, map: &Map) -> Error {
    let inventory = run.hosts.inventory();
    let Some(host) = inventory.hosts.get(&host.name) else {
        return error;
    };
    let guilty = host.variables.iter().find(|(name, _)| {
        let mut others = map.clone();
        others.shift_remove(&**name).is_some() && run.reach.target(&host.name, &others).is_ok()
    });
    error.at_some(guilty.map(|(_, placed)| &placed.place))
}

/// How the task becomes another account; `None` if it acts as the one that logs in.
fn r#become(run: &RunState, task: &Task, scope: &Scope, map: &Map, login: &str) -> Result<Option<Become>> {
    let setting = |name: &str, pick: Pick| -> Result<Option<Value>> {
        match map.get(name) {
            Some(value) => Ok(Some(value.clone())),
            None => keyword(task, scope, pick),
        }
    };
    let text = |name: &str, pick: Pick| -> Result<Option<String>> {
        Ok(setting(name, pick)?.and_then(|value| value.as_str().map(str::to_string)))
    };
    let settings = &run.settings;
    let wanted = setting("ansible_become", |keywords| &keywords.r#become)?;
    let wanted = wanted.as_ref().and_then(value::to_bool);
    let configured = &settings.rules.becoming;
    if !wanted.unwrap_or(settings.r#become || configured.wanted) {
        return Ok(None);
    }
    let method = text("ansible_become_method", |keywords| &keywords.become_method)?
        .or_else(|| settings.become_method.clone())
        .or_else(|| configured.method.clone())
        .unwrap_or_else(|| "sudo".into());
    let way = configured.way(&method);
    let user = text("ansible_become_user", |keywords| &keywords.become_user)?
        .or_else(|| settings.become_user.clone())
        .or(way.user)
        .unwrap_or_else(|| "root".into());
    let written = task.keyword(|keywords| &keywords.become_method);
    let place = written.map_or(&task.action.place, |placed| &placed.place);
    let method = method_of(&method).map_err(|error| error.at(place))?;
    if login == user {
        return Ok(None);
    }
    let password = ["ansible_become_password", "ansible_become_pass"]
        .iter()
        .find_map(|name| map.get(*name))
        .and_then(Value::as_str)
        .map(Secret::new)
        .or_else(|| settings.become_password.clone())
        .or(way.password);
    if let Some(password) = &password {
        run.learn_password(password.reveal());
    }
    Ok(Some(Become {
        method,
        user,
        password,
        flags: text("ansible_become_flags", |keywords| &keywords.become_flags)?.or(way.flags),
        exe: text("ansible_become_exe", |keywords| &keywords.become_exe)?.or(way.exe),
    }))
}

/// The host that does the task for another (`delegate_to`).
///
/// # Errors
/// A template that cannot be rendered.
pub fn delegate(task: &Task, scope: &Scope) -> Result<Option<String>> {
    let Some(placed) = task.keyword(|keywords| &keywords.delegate_to) else {
        return Ok(None);
    };
    let rendered = template::render(&placed.value, scope).map_err(|error| error.at(&placed.place))?;
    match rendered.map(|rendered| rendered.value) {
        Some(Value::String(name)) => Ok((!name.is_empty()).then(|| name.to_string())),
        Some(Value::Unknown(origin)) => {
            let text = format!("the delegate is not known before {}", origin.origin);
            Err(Error::new(text).at(&placed.place))
        }
        _ => Ok(None),
    }
}

/// A keyword of the task or around it, rendered. One that is omitted leaves it to what is around.
fn keyword(task: &Task, scope: &Scope, pick: Pick) -> Result<Option<Value>> {
    let mut given = task.keywords().filter_map(|keywords| pick(keywords).as_ref());
    given
        .find_map(|placed| rendered_at(placed, scope).transpose())
        .transpose()
}

fn rendered_at(placed: &Placed, scope: &Scope) -> Result<Option<Value>> {
    let rendered = template::render(&placed.value, scope).map_err(|error| error.at(&placed.place))?;
    Ok(rendered.map(|rendered| rendered.value))
}

fn method_of(name: &str) -> Result<Method> {
    let bare = name
        .trim_start_matches("ansible.builtin.")
        .trim_start_matches("community.general.");
    match bare {
        "sudo" => Ok(Method::Sudo),
        "su" => Ok(Method::Su),
        "doas" => Ok(Method::Doas),
        other => {
            let error = Error::new(format!("there is no become method `{other}`"));
            Err(error
                .help("Vent knows sudo, su and doas")
                .did_you_mean(nearest(other, ["sudo", "su", "doas"])))
        }
    }
}

/// The variables that tell how to become another account.
const BECOME: &[&str] = &[
    "ansible_become",
    "ansible_become_user",
    "ansible_become_method",
    "ansible_become_password",
    "ansible_become_pass",
    "ansible_become_flags",
    "ansible_become_exe",
];

/// A map of rendered variables.
fn rendered<'n>(names: impl Iterator<Item = &'n &'n str>, scope: &Scope) -> Result<Map> {
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
