//! What a task gives to its module and its commands: arguments, environment, time-out.

use super::HostTask;
use crate::engine::WITHIN;
use crate::engine::attempt::CommandSettings;
use crate::error::{Error, Result};
use crate::model::Placed;
use crate::model::task::Argument;
use crate::source::Place;
use crate::template::{self, Scope};
use crate::value::{self, Map, Unknown, Value};
use crate::words::is_variable;
use std::sync::Arc;

impl HostTask {
    /// The rendered arguments; `Err`: they cannot be told yet.
    pub fn arguments(&self, scope: &Scope) -> Result<std::result::Result<Value, Arc<Unknown>>> {
        self.rendered_arguments(scope).map_err(|error| {
            let name = self.full_name();
            let finalizing = format!("Finalization of task args for '{name}' failed");
            error.doing(finalizing, &self.task.place)
        })
    }

    /// The module with its collection, as Ansible names it.
    fn full_name(&self) -> String {
        let written = &self.task.action.module;
        let module = self.context.run.module(written);
        let names = module.map(|module| module.names).unwrap_or_default();
        let full = names.iter().find(|name| name.contains('.'));
        full.map_or_else(|| written.to_string(), ToString::to_string)
    }

    fn rendered_arguments(&self, scope: &Scope) -> Result<std::result::Result<Value, Arc<Unknown>>> {
        let action = &self.task.action;
        let module = self.context.run.module_of(action);
        let mut map = Map::new();
        let names = self.names_of_module();
        for defaults in self.task.layers(|keywords| &keywords.module_defaults) {
            let rendered =
                template::render(&defaults.value, scope).map_err(|error| error.at(&defaults.place))?;
            let rendered = rendered.map(|evaluated| evaluated.value);
            for (name, arguments) in rendered.as_ref().and_then(Value::as_map).into_iter().flatten() {
                if self.is_meant(name, &names)
                    && let Some(arguments) = arguments.as_map()
                {
                    map.extend(arguments.clone());
                }
            }
        }
        if let Some(placed) = &action.template {
            let rendered = template::render(&placed.value, scope).map_err(|error| error.at(&placed.place))?;
            match rendered.map(|evaluated| evaluated.value) {
                Some(Value::Map(more)) => map.extend((*more).clone()),
                Some(Value::Unknown(origin)) => return Ok(Err(origin)),
                other => {
                    let kind = other.unwrap_or_default().kind();
                    let message = format!("Task args must resolve to a 'dict' not '{kind}'.");
                    return Err(Error::new(message).at(&placed.place));
                }
            }
        }
        if let Some(text) = &action.free_form {
            let name = module
                .and_then(|module| module.free_form)
                .unwrap_or("_raw_params");
            let rendered = template::render(&text.value, scope);
            let rendered = rendered.map_err(|error| resolving(error, "_raw_params", &text.place))?;
            if let Some(evaluated) = rendered {
                map.insert(name.into(), evaluated.value);
            }
        }
        let open = module.is_some_and(|module| (module.arguments)().is_none());
        for (name, argument) in &action.arguments {
            let name = &match open && name.contains("{{") {
                true => rendered_name(name, argument, scope)?,
                false => name.clone(),
            };
            if module.is_some_and(|module| module.raw.contains(&&**name)) {
                map.insert(name.clone(), argument.value.clone());
                continue;
            }
            let rendered = template::render(&argument.value, scope);
            let rendered = rendered.map_err(|error| resolving(error, name, &argument.place))?;
            match rendered {
                Some(evaluated) => drop(map.insert(name.clone(), evaluated.value)),
                None => drop(map.shift_remove(name)),
            }
        }
        Ok(Ok(Value::Map(map.into())))
    }

    /// All names of the module of the task.
    fn names_of_module(&self) -> Vec<&str> {
        let action = &self.task.action;
        match &action.foreign {
            Some(foreign) => foreign.names.iter().map(String::as_str).collect(),
            None => self
                .context
                .run
                .module_of(action)
                .map_or(vec![], |module| module.names.to_vec()),
        }
    }

    /// True if a name in `module_defaults` is one of these names of a module, or `group/NAME` of a group with it.
    fn is_meant(&self, name: &str, names: &[&str]) -> bool {
        match name.strip_prefix("group/") {
            None => names.contains(&name),
            Some(group) => {
                let (loader, folder) = (&self.context.run.loader, &self.context.play.folder);
                let members = loader.action_group(group, folder);
                members.iter().any(|member| names.contains(&member.as_str()))
            }
        }
    }

    /// On this computer `vent` itself may be found as well.
    pub fn command_settings(&self, scope: &Scope, local: bool) -> Result<CommandSettings> {
        let mut environment: Vec<(String, String)> = vec![];
        if local {
            let path = self.context.run.settings.offers_itself.then(path_with_vent);
            environment.extend(path.flatten().map(|path| ("PATH".into(), path)));
            // A check has no locks that a run inside it could share.
            if !self.context.run.settings.check {
                environment.push((WITHIN.into(), self.context.run.name.clone()));
            }
        }
        for layer in self.task.layers(|keywords| &keywords.environment) {
            let rendered = self.environment_of(layer, scope);
            let doing = |error: Error| error.doing("Error processing keyword 'environment'", &layer.place);
            let maps = match rendered.map_err(doing)? {
                Some(Value::List(items)) => items.to_vec(),
                Some(single) => vec![single],
                None => vec![],
            };
            for (name, value) in maps.iter().filter_map(Value::as_map).flatten() {
                if !is_variable(name) {
                    let message = format!("`{name}` is no name of an environment variable");
                    return Err(Error::new(message)
                        .at(&layer.place)
                        .help("it has letters, digits and `_`, and no digit first"));
                }
                environment.retain(|(known, _)| known != &**name);
                let text = value.as_str().map_or_else(|| value::repr(value), str::to_string);
                environment.push((name.to_string(), text));
            }
        }
        let configured = self.context.run.settings.rules.task_timeout;
        let timeout = match self.task.keyword(|keywords| &keywords.timeout) {
            None if configured > 0 => None,
            given => given.or(self.task.r#async.as_ref()),
        };
        let timeout = match timeout {
            Some(placed) => {
                let rendered = template::render(&placed.value, scope)?.map(|evaluated| evaluated.value);
                rendered
                    .as_ref()
                    .and_then(value::to_integer)
                    .filter(|seconds| *seconds > 0)
                    .map(|seconds| seconds as u64)
            }
            None => Some(configured).filter(|seconds| *seconds > 0),
        };
        Ok(CommandSettings {
            environment,
            timeout,
            reads_only: self.never_changes(),
            background: None,
        })
    }

    /// One `environment`, rendered; without what asks for the environment of a host whose facts are not gathered yet (Ansible
    /// leaves that out, so that a play with such an `environment` can gather them).
    fn environment_of(&self, layer: &Placed, scope: &Scope) -> Result<Option<Value>> {
        let render = |value: &Value| {
            let rendered = template::render(value, scope).map_err(|error| error.at(&layer.place))?;
            Ok(rendered.map(|evaluated| evaluated.value))
        };
        let whole: Result<_> = render(&layer.value);
        match (&layer.value, whole) {
            (Value::Map(entries), Err(error)) if asks_for_environment(&error) => {
                let mut map = Map::new();
                for (name, value) in entries.iter() {
                    match render(value) {
                        Ok(Some(value)) => drop(map.insert(name.clone(), value)),
                        Err(error) if !asks_for_environment(&error) => return Err(error),
                        _ => {}
                    }
                }
                Ok(Some(Value::Map(map.into())))
            }
            (_, whole) => whole,
        }
    }

    /// True if all of `changed_when` is written as `false`.
    pub fn never_changes(&self) -> bool {
        let conditions = &self.task.changed_when;
        !conditions.is_empty() && conditions.iter().all(|condition| is_false(&condition.value))
    }
}

/// True for the error of a template that needs the facts of a host's environment.
fn asks_for_environment(error: &Error) -> bool {
    error.undefined() == Some("ansible_env")
}

/// The error of an argument's value.
fn resolving(error: Error, name: &str, place: &Place) -> Error {
    let error = error.at(place);
    error.doing(format!("Error while resolving value for '{name}'"), place)
}

/// The name of a variable that is a template: `"{{ item.key }}": value`.
fn rendered_name(name: &str, argument: &Argument, scope: &Scope) -> Result<Arc<str>> {
    let place = &argument.name_place;
    let written = Value::trusted(name, Some(place.clone()));
    let rendered = template::render(&written, scope).map_err(|error| error.at(place))?;
    let value = rendered.map(|rendered| rendered.value).unwrap_or_default();
    value.as_str().map(Arc::from).ok_or_else(|| {
        let (shown, kind) = (value::repr(&value), value.kind());
        Error::new(format!("Invalid variable name '{shown}' of type '{kind}'.")).at(place)
    })
}

/// The search path of programs with the folder of this program behind it.
fn path_with_vent() -> Option<String> {
    let own = std::env::current_exe().ok()?;
    let path = std::env::var("PATH").ok()?;
    Some(format!("{path}:{}", own.parent()?.display()))
}

fn is_false(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => !flag,
        Value::String(text) => matches!(text.trim(), "false" | "False" | "no"),
        _ => false,
    }
}
