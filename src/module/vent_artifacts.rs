//! `vent_artifacts`: the programs and images of a cluster, brought to this computer.

use super::returns::Returns;
use super::{Outcome, RunModule, Stop, World};
use crate::artifact::{Architecture, Cache, Key, Missing, Notice, Obtained, Selection, Store, delivered};
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
use tokio::sync::mpsc;
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
        let (sender, mut notices) = mpsc::unbounded_channel();
        let store = Arc::new(arguments.store(sender, world)?);
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
                let mut left = Left::of(&selection, &store)?;
                let mut work = Box::pin(apart(async move || selection.fetch(&store, to.as_deref()).await));
                let obtained = loop {
                    tokio::select! {
                        biased;
                        Some(notice) = notices.recv() => left.tell(&notice, world),
                        done = &mut work => break done?,
                    }
                };
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

    /// A store that tells what it does into a channel.
    fn store(&self, notices: mpsc::UnboundedSender<Notice>, world: &dyn World) -> Checked<Store> {
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
        // A task that was ended has nobody to tell.
        let tell = Arc::new(move |notice: &Notice| drop(notices.send(notice.clone())));
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

/// What is not in the cache yet, while it comes.
struct Left {
    keys: Vec<Key>,
    total: usize,
}

impl Left {
    fn of(selection: &Selection, store: &Store) -> Checked<Left> {
        let keys = selection.uncached(store)?;
        Ok(Left {
            total: keys.len(),
            keys,
        })
    }

    fn tell(&mut self, notice: &Notice, world: &dyn World) {
        if let Notice::Obtained { key, unlocked, .. } = notice {
            self.keys.retain(|left| left != key);
            if *unlocked {
                world.say(notice.to_string());
            }
        }
        let text = notice.to_string().trim_start().to_string();
        world.progress(self.total - self.keys.len(), self.total, text);
    }
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
