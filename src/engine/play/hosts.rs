//! The hosts of a play: its pattern, their permits, the batches of `serial`, their `vars_files`.

use super::super::handlers::Handlers;
use super::super::host::Host;
use super::super::run::Run;
use super::super::scope;
use super::Context;
use crate::error::{Error, Result, listed};
use crate::event::Kind;
use crate::inventory::pattern;
use crate::model::Play;
use crate::template;
use crate::value::{self, Value};
use crate::vars::Layer;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

pub(super) fn prepare(
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
    let playbook = &run.graph.nodes[node].name;
    if run.leave_out_expected(playbook, play, &mut hosts) && hosts.is_empty() {
        return Ok(None);
    }
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
        let text = nobody(run, play, &pattern);
        run.events.tell(Kind::Notice { host: None, text });
        return Ok(None);
    }
    let most_failed = most_failed(run, play, &hosts[0])?;
    let path = play
        .place
        .source
        .path
        .clone()
        .unwrap_or_else(|| graph_node.playbook.path.clone());
    let written = path.parent().map(PathBuf::from).unwrap_or_default();
    let path = std::path::absolute(&path).unwrap_or(path);
    Ok(Some(Arc::new(Context {
        run: run.clone(),
        node,
        name: graph_node.name.clone(),
        folder: path.parent().map(PathBuf::from).unwrap_or_default(),
        written,
        play: play.clone(),
        all: hosts,
        handlers: Handlers::new(&play.handlers),
        most_failed,
        ended: AtomicBool::new(false),
        batch: Mutex::default(),
        out: Mutex::default(),
        role_uses: Mutex::default(),
        files: Mutex::default(),
    })))
}

/// `max_fail_percentage`, as the play's first host sees it.
fn most_failed(run: &Arc<Run>, play: &Play, first: &str) -> Result<Option<f64>> {
    let Some(placed) = &play.max_fail_percentage else {
        return Ok(None);
    };
    let scope = scope::of_play_pattern(run, &run.host(first), play);
    let rendered = template::render(&placed.value, &scope).map_err(|error| error.at(&placed.place))?;
    let text = rendered.map_or(String::new(), |rendered| {
        let value = rendered.value;
        value.as_str().map_or_else(|| value::repr(&value), str::to_string)
    });
    let number = text.trim().trim_end_matches('%').parse::<f64>();
    let wrong = |_| Error::new("`max_fail_percentage` takes a number").at(&placed.place);
    number.map(Some).map_err(wrong)
}

/// What is said of a play that has no hosts: that is no error, but seldom what was meant.
fn nobody(run: &Run, play: &Play, pattern: &Value) -> String {
    let inventory = run.inventory();
    let error = Error::new(format!("play `{}`: no hosts matched", play.title())).at(&play.hosts.place);
    let unmatched = pattern::unmatched(&inventory, pattern, &play.hosts.place).unwrap_or_default();
    let error = match unmatched.first() {
        _ if inventory.hosts.is_empty() => error
            .cause("the inventory is empty")
            .help("name an inventory: -i FILE, or `inventory` in ansible.cfg"),
        Some(missing) => error
            .cause(missing.message())
            .help(missing.cure().unwrap_or_default()),
        None => error
            .cause("--limit leaves its hosts out, or they failed before")
            .help("`vent run PLAYBOOK --list-hosts` shows the hosts of each play"),
    };
    let drawn = error.to_string();
    drawn.trim_start_matches("error: ").trim_end().to_string()
}

/// The permits of all hosts of the play, in the order of their names, so that no two plays wait for each other.
pub(super) async fn permits(context: &Arc<Context>) -> Vec<tokio::sync::OwnedMutexGuard<()>> {
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
pub(super) fn batches(context: &Arc<Context>) -> Result<Vec<Vec<Arc<Host>>>> {
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

/// Reads the `vars_files` of the play for every host; of a list the first file that is there.
pub(super) fn read_vars_files(context: &Arc<Context>) -> Result<()> {
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
                let error = Error::new("a file of `vars_files` is not there");
                let error = error.cause(format!("looked for {}", listed(&tried)));
                return Err(error
                    .at(&placed.place)
                    .help("the name is relative to the playbook; of a list in the list the first file that is there is taken"));
            };
            let read = context.run.loader.variables(path).map_err(Error::from);
            let variables = read.map_err(|error| error.within(&placed.place, "read for this play"))?;
            layers.insert(0, Layer::Placed(Arc::new(variables)));
            let mut files = context.files.lock().unwrap_or_else(PoisonError::into_inner);
            files.insert(host.name.clone(), layers.clone());
        }
    }
    Ok(())
}
