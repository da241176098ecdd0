//! The hosts of a play: its pattern, their permits, the batches of `serial`, their `vars_files`.

use crate::engine::state::context::Context;
use crate::engine::state::host::Host;
use crate::engine::state::play::PlayState;
use crate::engine::state::run::RunState;
use crate::engine::task::scope;
use crate::error::{Error, Result, listed};
use crate::event::{Kind, Status};
use crate::inventory::pattern;
use crate::model::Play;
use crate::template;
use crate::value::{self, Value};
use crate::vars::Layer;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

/// The play on its hosts; none if it has none. `gone` are hosts that failed before.
///
/// # Errors
/// A pattern or a keyword that is wrong.
pub fn prepare(
    run: &Arc<RunState>,
    node: usize,
    play: &Arc<Play>,
    gone: &HashSet<Arc<str>>,
) -> Result<Option<Context>> {
    let (pattern, mut hosts) = chosen(run, play)?;
    hosts.retain(|name| !gone.contains(name));
    let playbook = &run.graph.nodes[node].name;
    if leave_out_expected(run, playbook, play, &mut hosts) && hosts.is_empty() {
        return Ok(None);
    }
    let graph_node = &run.graph.nodes[node];
    if hosts.is_empty() {
        let text = nobody(run, play, &pattern);
        run.events.tell(Kind::NoHostsMatched {
            playbook: playbook.clone(),
            play: play.title().into(),
            text,
        });
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
    let folder = path.parent().map(PathBuf::from).unwrap_or_default();
    let node = (node, graph_node.name.clone());
    Ok(Some(Context {
        run: run.clone(),
        play: Arc::new(PlayState::new(node, (folder, written), play, hosts, most_failed)),
    }))
}

/// The play's pattern, rendered, and the hosts that it and `--limit` choose, in the play's `order`.
///
/// # Errors
/// A pattern that is wrong.
pub fn chosen(run: &Arc<RunState>, play: &Play) -> Result<(Value, Vec<Arc<str>>)> {
    let localhost = run.hosts.host("localhost");
    let scope = scope::of_play_pattern(run, &localhost, play);
    let rendered =
        template::render(&play.hosts.value, &scope).map_err(|error| error.at(&play.hosts.place))?;
    let pattern = rendered.map_or(Value::Null, |rendered| rendered.value);
    // A pattern that is omitted names nobody.
    let mut hosts = match &pattern {
        Value::Null => vec![],
        pattern => run.resolve(pattern, &play.hosts.place)?,
    };
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
    Ok((pattern, hosts))
}

/// `max_fail_percentage`, as the play's first host sees it.
fn most_failed(run: &Arc<RunState>, play: &Play, first: &str) -> Result<Option<f64>> {
    let Some(placed) = &play.max_fail_percentage else {
        return Ok(None);
    };
    let scope = scope::of_play_pattern(run, &run.hosts.host(first), play);
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
fn nobody(run: &RunState, play: &Play, pattern: &Value) -> String {
    let inventory = run.hosts.inventory();
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
    error.drawn()
}

/// The permits of all hosts of the play, in the order of their names, so that no two plays wait for each other.
pub async fn permits(context: &Context) -> Vec<tokio::sync::OwnedMutexGuard<()>> {
    let mut held = vec![];
    if context.play.play.shares_hosts {
        return held;
    }
    let mut names = context.play.all.clone();
    names.sort();
    for name in names.iter().filter(|name| &***name != "localhost") {
        held.push(context.run.hosts.host(name).permit.clone().lock_owned().await);
    }
    held
}

/// Batches of `serial`.
pub fn batches(context: &Context) -> Result<Vec<Vec<Arc<Host>>>> {
    let hosts: Vec<_> = context
        .play
        .all
        .iter()
        .map(|name| context.run.hosts.host(name))
        .collect();
    let Some(serial) = &context.play.play.serial else {
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
pub fn read_vars_files(context: &Context) -> Result<()> {
    for name in &context.play.all {
        let host = context.run.hosts.host(name);
        let mut layers: Vec<Layer> = vec![];
        for placed in &context.play.play.vars_files {
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
                .map(|name| context.play.folder.join(name))
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
            layers.insert(0, Layer::Placed(variables));
            context.play.keep_vars_files(&host, layers.clone());
        }
    }
    Ok(())
}

/// Leaves out the hosts that are not there yet, each with one line; true if there were some.
fn leave_out_expected(run: &RunState, playbook: &str, play: &Play, hosts: &mut Vec<Arc<str>>) -> bool {
    let before = hosts.len();
    hosts.retain(|name| {
        let origin = run.hosts.expected(name);
        if let Some(origin) = &origin {
            run.stats.ended(name, Status::Undecided, false);
            run.events.tell(Kind::HostExpected {
                playbook: playbook.into(),
                play: play.title().into(),
                place: play.place.short(),
                host: name.to_string(),
                origin: origin.origin.clone(),
            });
        }
        origin.is_none()
    });
    hosts.len() < before
}
