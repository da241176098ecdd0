//! What an undecided task may have changed cannot be told afterwards.

use super::{HostTask, way};
use crate::host::{Action, Command, Effect, Resource};
use crate::template::Scope;
use crate::value::{Unknown, Value};
use std::sync::Arc;

impl HostTask {
    /// True if the module runs a command of the user's.
    pub fn is_command(&self) -> bool {
        let module = self.context.run.module_of(&self.task.action);
        module.is_some_and(|module| module.nature.runs_command)
    }

    /// After a task that check mode could not decide: what its arguments name is not known any more.
    pub(super) fn forget_what_it_names(&self, scope: &Scope, origin: &Arc<Unknown>) {
        let (Ok(Ok(arguments)), Ok((host, _))) = (
            self.arguments(scope),
            way::of_task(&self.context, &self.host, &self.task, scope),
        ) else {
            return;
        };
        let action = if self.is_command() || self.task.action.foreign.is_some() {
            Action::Run(Command::default())
        } else {
            Action::Script {
                script: String::new(),
                explain: String::new(),
                effects: touched(&arguments).into_iter().map(Effect::Forgets).collect(),
            }
        };
        host.known.change(|state| state.apply(&action, origin));
    }
}

/// Everything that arguments name, whatever kind of thing it is.
fn touched(arguments: &Value) -> Vec<Resource> {
    let mut touched = vec![];
    for (name, value) in arguments.as_map().into_iter().flatten() {
        let texts: Vec<&str> = match value {
            Value::List(items) => items.iter().filter_map(Value::as_str).collect(),
            value => value.as_str().into_iter().collect(),
        };
        for text in texts {
            match &**name {
                "path" | "dest" if text.starts_with('/') => touched.push(Resource::Path(text.into())),
                "name" | "unit" | "pkg" | "package" | "service" => {
                    let unit = if text.contains('.') {
                        text.to_string()
                    } else {
                        format!("{text}.service")
                    };
                    touched.extend([
                        Resource::Unit(unit),
                        Resource::Package(text.into()),
                        Resource::User(text.into()),
                        Resource::Group(text.into()),
                        Resource::Sysctl(text.into()),
                        Resource::KernelModule(text.into()),
                    ]);
                    if text.starts_with('/') {
                        touched.push(Resource::Path(text.into()));
                    }
                }
                _ => {}
            }
        }
    }
    touched
}
