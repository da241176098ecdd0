//! Holds what a check announced against what the real run then did, host by host, place by place, item by item.

use std::collections::{BTreeMap, BTreeSet};
use vent::event::{Event, Kind, Status, TaskEnded};

/// Host, playbook, place, name, item, and the how many-th time: tasks of an included file stand at one place.
type Key = (String, String, String, String, Option<String>, usize);

/// What came out.
#[derive(Debug)]
pub struct Joined {
    /// A sentence for each thing that was announced wrongly.
    pub lies: Vec<String>,
    /// `place: task` of what the check left open.
    pub undecided: BTreeSet<String>,
    /// How many results of the check were open.
    pub open: usize,
    /// How many results of the check there are.
    pub all: usize,
}

/// Joins the events of a check with those of the run after it.
pub fn join(check: &[Event], real: &[Event]) -> Joined {
    let (check, real) = (results(check), results(real));
    let mut lies = vec![];
    for (key, done) in &real {
        let announced = check.get(key).map(|result| result.status);
        match (announced, done.status == Status::Changed) {
            (Some(Status::Undecided), _) | (Some(Status::Changed), true) => {}
            (Some(Status::Ok | Status::Skipped) | None, false) => {}
            (Some(announced), _) => lies.push(lie(key, &format!("{announced:?}"), done)),
            (None, true) => lies.push(lie(key, "nothing", done)),
        }
        let digests = |result: &TaskEnded| result.digests.iter().cloned().collect::<BTreeMap<_, _>>();
        let (before, after) = (
            check.get(key).map(|it| digests(it)).unwrap_or_default(),
            digests(done),
        );
        for (path, digest) in before {
            if after.get(&path).is_some_and(|real| *real != digest) {
                lies.push(lie(key, &format!("{path} with digest {digest}"), done));
            }
        }
    }
    // What the check announced and the run never came to.
    for (key, announced) in &check {
        if announced.status == Status::Changed && !real.contains_key(key) {
            lies.push(format!("{}: announced as changed, never done", show(key)));
        }
    }
    let open = check.values().filter(|result| result.status == Status::Undecided);
    Joined {
        lies,
        undecided: open.clone().map(|result| show_task(result)).collect(),
        open: open.count(),
        all: check.len(),
    }
}

fn results(events: &[Event]) -> BTreeMap<Key, &TaskEnded> {
    let mut found = BTreeMap::new();
    for event in events {
        let (Kind::TaskEnded(ended) | Kind::ItemEnded(ended)) = &event.kind else {
            continue;
        };
        let name = ended.name.clone();
        let key = |time| {
            let name = name.clone();
            let item = ended.item.clone();
            (name.host, name.playbook, name.place, name.task, item, time)
        };
        let time = (0..).find(|time| !found.contains_key(&key(*time))).unwrap();
        found.insert(key(time), &**ended);
    }
    found
}

fn show(key: &Key) -> String {
    let item = key
        .4
        .as_ref()
        .map(|item| format!(" ({item})"))
        .unwrap_or_default();
    format!("{} {}: {}{item}", key.0, key.2, key.3)
}

/// `place: task`, as `tests/undecided.txt` has it.
fn show_task(ended: &TaskEnded) -> String {
    let file = ended
        .name
        .place
        .rsplit_once(':')
        .map_or(&*ended.name.place, |place| place.0);
    format!("{file}: {}", ended.name.task)
}

fn lie(key: &Key, announced: &str, done: &TaskEnded) -> String {
    format!("{}: announced {announced}, was {:?}", show(key), done.status)
}

/// `place: task` of results left open although the task says that it never changes anything.
pub fn open_readers(check: &[Event]) -> Vec<String> {
    let open = results(check)
        .into_values()
        .filter(|ended| ended.status == Status::Undecided && never_changes(&ended.name.place));
    open.map(show_task).collect()
}

/// True if the task at `file:line` is written with `changed_when: false`.
fn never_changes(place: &str) -> bool {
    let Some((file, line)) = place.rsplit_once(':') else {
        return false;
    };
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let first = line.parse::<usize>().unwrap_or(1) - 1;
    let mut lines = text.lines().skip(first);
    let indent = |line: &str| line.len() - line.trim_start().len();
    let Some(depth) = lines.next().map(indent) else {
        return false;
    };
    lines
        .take_while(|line| line.trim().is_empty() || indent(line) > depth)
        .any(|line| line.trim() == "changed_when: false")
}
