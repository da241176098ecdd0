//! `vent_artifacts`: the programs and images of a cluster, brought to this computer.

use super::returns::Returns;
use super::{Outcome, RunModule, Stop, World};
use crate::artifact::{
    Architecture, Cache, Key, Missing, Notice, Obtained, Selection, Store, Tell, delivered, notices,
};
use crate::content::{Content, unified};
use crate::error::{Error, Result as Checked};
use crate::event::Diff;
use crate::host::{Action, Attributes};
use crate::value::{Unknown, Value};
use schemars::JsonSchema;
use serde::Deserialize;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

/// Gets programs and images into the cache of this computer and into a folder, each checked against its digest.
pub(super) struct VentArtifacts;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// The folder with `artifacts.yml`, `lock.yml` and the modules that are built.
    artifacts: String,
    /// Names; `NAME=VERSION` makes sure that it is that version [default: all].
    #[serde(default)]
    names: Vec<String>,
    /// Architectures: amd64, arm64 [default: that of this computer].
    arch: Option<Vec<String>>,
    /// The special build of those programs that have it, like no-sys-resource.
    variant: Option<String>,
    /// Also put the files at FOLDER/ARCH/NAME (a variant at FOLDER/ARCH-VARIANT/NAME).
    to: Option<String>,
    /// A folder or an address that is asked before the publishers [default: $VENT_MIRROR].
    mirror: Option<String>,
}

impl RunModule for VentArtifacts {
    const NAMES: &'static [&'static str] = &["vent_artifacts"];
    type Arguments = Arguments;
    const RETURNS: &'static [Returns] = &[&[("missing", "What was not there, and why, a line each.")]];

    async fn run(arguments: &Arguments, world: &dyn World) -> Result<Outcome, Stop> {
        let selection = arguments.selection()?;
        let to = arguments.to.as_ref().map(PathBuf::from);
        let (tell, mut notices) = notices();
        let store = Arc::new(arguments.store(tell, world)?);
        let looked = {
            let (store, selection, to) = (store.clone(), selection.clone(), to.clone());
            apart(async move || selection.missing(&store, to.as_deref()))
        };
        let missing = looked.await?;
        let check = world.is_check();
        let changed = match missing.is_empty() || check {
            true => missing
                .iter()
                .map(|missing| line(&missing.key, &missing.why))
                .collect(),
            false => {
                let uncached = selection.uncached(&store)?;
                let work = apart(async move || selection.fetch(&store, to.as_deref()).await);
                let show = |notice: &Notice, done: usize, total: usize| show(notice, done, total, world);
                let obtained = notices.during(uncached, work, show).await?;
                let told = |file: &Obtained| line(&file.key, &file.record.from);
                obtained.iter().map(told).collect::<Vec<_>>()
            }
        };
        let mut outcome = Outcome::new()
            .changed(!changed.is_empty())
            .with("missing", Value::list(changed.iter().map(Value::string)));
        if world.wants_diff() && !changed.is_empty() {
            let lines: String = changed.iter().map(|line| format!("{line}\n")).collect();
            outcome.diffs.push(Diff {
                path: "artifacts".into(),
                text: unified("", &lines, ("found", "wanted")),
            });
        }
        if let Some(folder) = arguments.to.as_deref().filter(|_| check) {
            outcome.planned = planned(&missing, Path::new(folder), world);
        }
        Ok(outcome)
    }
}

impl Arguments {
    fn selection(&self) -> Checked<Selection> {
        let architectures = match &self.arch {
            Some(names) => names
                .iter()
                .map(|name| Architecture::named(name))
                .collect::<Checked<_>>()?,
            None => vec![Architecture::here()],
        };
        Ok(Selection {
            names: self.names.clone(),
            architectures,
            variant: self.variant.clone(),
        })
    }

    /// A store that tells what it does.
    fn store(&self, tell: Tell, world: &dyn World) -> Checked<Store> {
        let variable = |name: &str| {
            let mut own = world.environment().iter().rev();
            let own = own
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.into());
            own.or_else(|| std::env::var_os(name))
        };
        let given = self.mirror.clone().map(OsString::from);
        let mirror = given
            .filter(|mirror| !mirror.is_empty())
            .or_else(|| variable("VENT_MIRROR"));
        let mirror = mirror.map(|mirror| mirror.to_string_lossy().into_owned());
        let mirror = mirror.as_deref().filter(|mirror| !mirror.is_empty());
        Store::open(Path::new(&self.artifacts), Cache::within(variable)?, mirror, tell)
    }
}

/// Does work that computes long, such as digests, where that holds up nobody; it ends when it is dropped.
async fn apart<T: Send + 'static>(
    work: impl AsyncFnOnce() -> Checked<T> + Send + 'static,
) -> Result<T, Stop> {
    let token = CancellationToken::new();
    let _ends = token.clone().drop_guard();
    let (handle, runs) = (Handle::current(), token);
    let done = tokio::task::spawn_blocking(move || handle.block_on(runs.run_until_cancelled(work())));
    let broke = || Error::new("getting the artifacts broke off");
    let done = done.await.map_err(|error| broke().cause(error))?;
    Ok(done.ok_or_else(broke)??)
}

/// Shows what the store tells, with how many of all are there.
fn show(notice: &Notice, done: usize, total: usize, world: &dyn World) {
    match notice {
        Notice::Output(line) => return world.output(line),
        Notice::Obtained { unlocked: true, .. } => world.say(notice.to_string()),
        _ => {}
    }
    world.progress(done, total, notice.to_string());
}

fn line(key: &Key, why: &str) -> String {
    format!("{key} ({why})")
}

/// What would be in the folder, with contents that nobody knows yet.
fn planned(missing: &[Missing], folder: &Path, world: &dyn World) -> Vec<Action> {
    let mut actions = vec![];
    for Missing { key, .. } in missing {
        let path = delivered(folder, key);
        if let Some(above) = path.parent() {
            actions.push(Action::MakeFolder {
                path: above.to_string_lossy().into_owned(),
                attributes: Attributes::default(),
            });
        }
        let origin = format!("getting {key} ({})", world.place());
        actions.push(Action::WriteFile {
            path: path.to_string_lossy().into_owned(),
            content: Content::Unknown(Arc::new(Unknown { origin })),
            attributes: Attributes {
                mode: Some(key.mode()),
                ..Attributes::default()
            },
            validate: None,
            backup: false,
            unsafe_writes: false,
        });
    }
    actions
}
