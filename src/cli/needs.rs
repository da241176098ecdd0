//! The needs of one playbook alone: found beside it, planned in check mode, never silently run.

use super::project::Project;
use crate::engine::Settings;
use crate::error::{Collector, Error, ErrorKind, Errors, INTERRUPTED, Result, cures};
use crate::event::{Event, Kind, Status};
use crate::graph::Graph;
use crate::inventory::Inventory;
use crate::model::load::Loader;
use crate::model::{Playbook, playbook};
use crate::report::Reporter;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The playbooks that `playbook` needs, however far back, in the order in which they may run. Nothing for a
/// playbook that states none.
///
/// # Errors
/// A need that no file beside the playbook meets.
pub fn of(loader: &Loader, path: &Path, playbook: &Playbook) -> Result<Vec<Arc<Playbook>>, Errors> {
    let folder = path.parent().map(PathBuf::from).unwrap_or_default();
    let folder = if folder.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        folder
    };
    let entries = std::fs::read_dir(&folder)
        .map_err(|error| Error::new(format!("cannot read {}", folder.display())).cause(error))?;
    let mut files: BTreeMap<String, PathBuf> = BTreeMap::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        if path
            .extension()
            .is_some_and(|ending| ending == "yml" || ending == "yaml")
        {
            files.insert(playbook::name_of(&path), path);
        }
    }
    let mut found: Vec<Arc<Playbook>> = vec![];
    let mut errors = Collector::default();
    visit(
        loader,
        playbook,
        &files,
        &mut vec![playbook.name.clone()],
        &mut found,
        &mut errors,
    );
    errors.finish(found)
}

fn visit(
    loader: &Loader,
    playbook: &Playbook,
    files: &BTreeMap<String, PathBuf>,
    path: &mut Vec<String>,
    found: &mut Vec<Arc<Playbook>>,
    errors: &mut Collector,
) {
    for need in playbook.needs.iter().flatten() {
        if found.iter().any(|known| known.name == need.name) {
            continue;
        }
        if path.contains(&need.name) {
            let error = Error::new(format!(
                "the needs lead in a circle: {} -> {}",
                path.join(" -> "),
                need.name
            ));
            errors.push(error.at(&need.place).help(cures::TAKE_A_NEED_AWAY));
            continue;
        }
        let Some(file) = files.get(&need.name) else {
            let error =
                Error::new(format!("no playbook beside this one is named `{}`", need.name)).at(&need.place);
            errors.push(error.help(cures::NAMES_OF_PLAYBOOKS));
            continue;
        };
        if let Some(needed) = errors.take(loader.playbook(file)) {
            path.push(need.name.clone());
            visit(loader, &needed, files, path, found, errors);
            path.pop();
            found.push(Arc::new(needed));
        }
    }
}

/// What the check of the needs would change.
#[derive(Clone, Default)]
struct Due(Arc<Mutex<Vec<String>>>);

impl Reporter for Due {
    fn event(&mut self, event: &Event) {
        let line = match &event.kind {
            Kind::TaskEnded(task)
                if !matches!(task.status, Status::Ok | Status::Skipped | Status::Ignored) =>
            {
                Some(format!(
                    "  {:?}: [{}] {} | {}",
                    task.status, task.name.host, task.name.playbook, task.name.task
                ))
            }
            Kind::HostExpected { host, playbook, .. } => {
                Some(format!("  undecided: [{host}] {playbook} | every task"))
            }
            Kind::PlayBroken {
                playbook, message, ..
            } => Some(format!("  failed: {playbook} | {message}")),
            _ => None,
        };
        if let Some(line) = line {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(line.to_lowercase());
        }
    }
}

/// True if a check of the needs finds nothing to do; else says what is to be done first.
///
/// # Errors
/// What keeps the check from being made.
pub async fn are_met(
    project: &Project,
    needed: Vec<Arc<Playbook>>,
    inventory: &Inventory,
    settings: &Settings,
) -> Result<bool, Errors> {
    let names: Vec<String> = needed.iter().map(|playbook| playbook.name.clone()).collect();
    let graph = Graph::of(&needed)?;
    project.wake(&graph, inventory, settings.limit.as_deref()).await?;
    let due = Due::default();
    let settings = Settings {
        check: true,
        tags: vec![],
        skip_tags: vec![],
        start_at_task: None,
        ..settings.clone()
    };
    let code = super::run::watch(
        project,
        graph,
        inventory.clone(),
        settings,
        vec![Box::new(due.clone())],
    )
    .await?;
    if code == i32::from(INTERRUPTED) {
        let stopped = Error::new("stopped while the needs of this playbook were looked at");
        let stopped = stopped.help("nothing was touched; `--no-needs` goes on without looking");
        return Err(stopped.of_kind(ErrorKind::Interrupted).into());
    }
    let due = due.0.lock().unwrap_or_else(PoisonError::into_inner);
    if due.is_empty() {
        return Ok(true);
    }
    super::say(&format!(
        "this playbook needs {}, and there something is still to be done:\n{}{}\nnothing was touched; `--with-needs` does that first, `--no-needs` goes on without it",
        names.join(", "),
        due.iter().take(10).cloned().collect::<Vec<_>>().join("\n"),
        if due.len() > 10 {
            format!("\n  and {} more", due.len() - 10)
        } else {
            String::new()
        },
    ));
    Ok(false)
}
