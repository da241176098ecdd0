//! What a task gives to a module of others: who runs it, with which interpreter, what of it is secret.

use super::connect::Doer;
use super::loops::loop_layer;
use super::{HostTask, scope};
use crate::bridge::{Foreign, REMOTE_TMP};
use crate::engine::attempt::bridged::ForeignWork;
use crate::error::Result;
use crate::template::{self, Scope};
use crate::value::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// What is known of the host before the module is run.
pub(super) struct Surroundings {
    module: Arc<Foreign>,
    host: Arc<str>,
    implicit: bool,
    /// The variables `ansible_NAME_interpreter`, by `NAME`.
    interpreters: HashMap<String, String>,
    remote_tmp: String,
    hidden: bool,
}

impl HostTask {
    /// What a module of others has to know; `None` for one of Vent's.
    pub(super) fn foreign_surroundings(&self, doer: &Doer, scope: &Scope) -> Result<Option<Surroundings>> {
        let Some(module) = &self.task.action.foreign else {
            return Ok(None);
        };
        let run = &self.context.run;
        // As with connections, the variables of the host count that does it.
        let delegated = doer.host.name != self.host.name;
        let own = match delegated {
            true => scope::of_task(&self.context, &doer.host, Some(&self.task), &loop_layer(scope)),
            false => scope.clone(),
        };
        let text = |name: &str| -> Result<Option<String>> {
            let Some(raw) = own.variables().get(name) else {
                return Ok(None);
            };
            let rendered = template::render(&raw, &own)?;
            let value = rendered.map(|rendered| rendered.value);
            Ok(value.as_ref().and_then(Value::as_str).map(str::to_string))
        };
        let mut interpreters = HashMap::new();
        let program = module
            .interpreter
            .first()
            .and_then(|word| word.rsplit('/').next());
        for name in ["python"].into_iter().chain(program) {
            if let Some(text) = text(&format!("ansible_{name}_interpreter"))? {
                interpreters.insert(name.to_string(), text);
            }
        }
        let implicit = doer.is_local() && !run.hosts.inventory().hosts.contains_key(&doer.host.name);
        // The Python of hosts is none of this computer's.
        if let Some(chosen) = run.settings.interpreter_python.as_ref().filter(|_| !implicit) {
            interpreters
                .entry("python".into())
                .or_insert_with(|| chosen.clone());
        }
        let remote_tmp = match text("ansible_remote_tmp")? {
            Some(text) => text,
            None => run
                .settings
                .remote_tmp
                .clone()
                .unwrap_or_else(|| REMOTE_TMP.into()),
        };
        Ok(Some(Surroundings {
            module: module.clone(),
            host: doer.host.name.clone(),
            implicit,
            interpreters,
            remote_tmp,
            hidden: self.hides(scope),
        }))
    }

    /// What the attempt is given; `learn` takes secrets, `warn` warnings.
    pub(super) fn foreign_work<'a>(
        &'a self,
        surroundings: &'a Surroundings,
        learn: &'a (dyn Fn(&str) + Sync),
        warn: &'a (dyn Fn(String) + Sync),
    ) -> ForeignWork<'a> {
        ForeignWork {
            module: &surroundings.module,
            written: &self.task.action.module,
            bridged: &self.context.run.bridged,
            host: &surroundings.host,
            implicit: surroundings.implicit,
            interpreters: &surroundings.interpreters,
            remote_tmp: &surroundings.remote_tmp,
            hidden: surroundings.hidden,
            learn,
            warn,
        }
    }
}
