//! The plugins that the templates of a play may call: found by the loader, called by the bridge, counted by the run.

use crate::engine::state::run::RunState;
use crate::error::{Error, Result};
use crate::template::{Asked, NameKind, PluginCall, PluginFailure, PluginSource, Plugins};
use crate::value::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Finds and calls plugins for the templates of a play.
struct OfPlay {
    run: Arc<RunState>,
    folder: PathBuf,
}

/// The plugins of a play whose playbook lies in this folder.
pub(super) fn of_play(run: &Arc<RunState>, folder: &Path) -> Plugins {
    Plugins::new(OfPlay {
        run: run.clone(),
        folder: folder.to_path_buf(),
    })
}

impl PluginSource for OfPlay {
    fn has(&self, kind: NameKind, name: &str) -> Result<bool> {
        let OfPlay { run, folder } = self;
        let found = run.loader.plugin(kind, name, folder)?;
        run.warn(&run.loader.take_warnings());
        Ok(found.is_some())
    }

    fn call(&self, call: &PluginCall<'_>, asked: &mut dyn Asked) -> Result<Vec<Value>, PluginFailure> {
        let OfPlay { run, folder } = self;
        let failed = |error: Error| {
            let begin = call.kind.failed(call.name);
            PluginFailure::Failed(format!("{begin}: {}", error.line()))
        };
        let plugin = run.loader.plugin(call.kind, call.name, folder).map_err(failed)?;
        let Some(plugin) = plugin else {
            let (kind, name) = (call.kind.word(), call.name);
            return Err(PluginFailure::Failed(format!("no {kind} named '{name}'")));
        };
        let times = if call.kind == NameKind::Lookup {
            1
        } else {
            call.values.len()
        };
        run.bridged.count_plugin(call.kind.word(), &plugin.name, times);
        let called = run
            .loader
            .bridge
            .call_plugin(&plugin, call, asked)
            .map_err(failed)?;
        let warnings: Vec<Error> = called.warnings.into_iter().map(Error::new).collect();
        run.warn(&warnings);
        called.results
    }
}
