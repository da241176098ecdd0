//! What is wrong with the arguments of a task, at its place.

use super::Action;
use crate::error::{Error, ErrorKind, nearest};
use crate::module::Entry;
use crate::value::{ArgumentError, ArgumentErrorKind};

impl Action {
    /// The error for arguments that a module cannot take.
    pub fn argument_error(&self, module: &Entry, found: &ArgumentError) -> Error {
        let argument = found
            .argument
            .as_deref()
            .and_then(|name| self.arguments.get(name));
        let error = match (&found.kind, found.argument.as_deref()) {
            (ArgumentErrorKind::Surplus, Some(name)) => {
                let names = (module.arguments)().unwrap_or_default();
                Error::new(format!("`{}` has no argument `{name}`", self.module))
                    .at(argument.map_or(&self.place, |argument| &argument.name_place))
                    .help(format!("it takes {}", names.join(", ")))
                    .did_you_mean(nearest(name, names.iter().copied()))
            }
            _ => Error::new(format!("`{}`: {found}", self.module))
                .at(argument.map_or(&self.place, |argument| &argument.place)),
        };
        error.of_kind(ErrorKind::Task)
    }
}
