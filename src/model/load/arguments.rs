//! Arguments of modules, as far as they can be checked before anything runs.

use super::reader::Reader;
use crate::error::{Error, ErrorKind, nearest};
use crate::model::Action;
use crate::module::Entry;
use crate::value::{ArgumentErrorKind, Map, Value};
use std::sync::Arc;

impl Reader<'_> {
    /// Refuses arguments that the module does not have, and values it cannot take. What is a template is not
    /// known yet; with `defaults` from elsewhere nothing counts as missing.
    pub fn check_arguments(&mut self, action: &Action, defaults: bool) {
        let Some(known) = self.loader.known.module(&action.module) else {
            return;
        };
        if !self.names_are_known(action, known) || defaults || action.template.is_some() {
            return;
        }
        let arguments = arguments(action, known);
        let Err(found) = (known.check)(&Value::Map(Arc::new(arguments))) else {
            return;
        };
        let argument = found
            .argument
            .as_deref()
            .and_then(|name| action.arguments.get(name));
        let open = match argument {
            Some(argument) => argument.value.holds_template(),
            None => holds_template(action) && found.kind != ArgumentErrorKind::Missing,
        };
        if !matches!(found.kind, ArgumentErrorKind::Unknown(_)) && !open {
            let place = argument.map_or(&action.place, |argument| &argument.place);
            self.errors.push(
                Error::new(format!("`{}`: {found}", action.module))
                    .at(place)
                    .of_kind(ErrorKind::Task),
            );
        }
    }

    fn names_are_known(&mut self, action: &Action, known: &Entry) -> bool {
        let Some(names) = (known.arguments)() else {
            return true;
        };
        let mut all = true;
        for (name, argument) in &action.arguments {
            if names.contains(&&**name) {
                continue;
            }
            all = false;
            let error = Error::new(format!("`{}` has no argument `{name}`", action.module))
                .at(&argument.name_place)
                .of_kind(ErrorKind::Task);
            self.errors.push(
                error
                    .help(format!("it takes {}", names.join(", ")))
                    .did_you_mean(nearest(name, names.iter().copied())),
            );
        }
        all
    }
}

/// The arguments with everything that is still to be rendered unknown.
fn arguments(action: &Action, known: &Entry) -> Map {
    let own = action
        .arguments
        .iter()
        .map(|(name, argument)| (name.clone(), unrendered(&argument.value)));
    let free = known.free_form.zip(action.free_form.as_ref());
    own.chain(free.map(|(name, placed)| (Arc::from(name), unrendered(&placed.value))))
        .collect()
}

fn unrendered(value: &Value) -> Value {
    match value {
        Value::Template(_) => Value::unknown("the template"),
        Value::List(items) => Value::list(items.iter().map(unrendered)),
        Value::Map(map) => Value::map(map.iter().map(|(key, value)| (key, unrendered(value)))),
        other => other.clone(),
    }
}

fn holds_template(action: &Action) -> bool {
    let free = action
        .free_form
        .as_ref()
        .is_some_and(|placed| placed.value.holds_template());
    free || action
        .arguments
        .values()
        .any(|argument| argument.value.holds_template())
}

#[cfg(test)]
mod tests {
    use crate::model::load::tests::messages;

    #[test]
    fn what_a_module_cannot_take_is_refused() {
        let shown = messages(&[(
            "site.yml",
            "- hosts: a\n  tasks:\n    - file: {mode: 1}\n    - file: {path: '{{ x }}'}\n    - file: {}\n      module_defaults: {file: {path: x}}\n    - file: {mode: '{{ x }}'}\n",
        )]);
        let missing = |line| format!("site.yml:{line}:7: `file`: missing required argument `path`");
        assert_eq!(shown, [missing(3), missing(7)]);
    }
}
