//! What the template language sees of Vent's values: every leaf that is unknown, secret or undefined
//! leaves through [`hand_out`] and is written into the ledger.

use super::containers::{ListObject, MapObject};
use super::ledger::{self, Note};
use super::{Outcome, Scope, environment};
use crate::value::{Unknown, Value};
use minijinja::value::{Enumerator, Object, ObjectRepr, Value as Jinja};
use minijinja::{Error as JinjaError, ErrorKind, State};
use std::fmt;
use std::sync::Arc;

/// Hands one value out to an evaluation, noting what it is.
pub(super) fn hand_out(value: &Value, scope: &Scope) -> Jinja {
    match value {
        Value::Null => Jinja::from(()),
        Value::Bool(flag) => Jinja::from(*flag),
        Value::Int(number) => Jinja::from(*number),
        Value::Float(number) => Jinja::from(*number),
        Value::String(text) => Jinja::from(text.clone()),
        Value::Secret(text) => {
            ledger::note_secret();
            Jinja::from(text.clone())
        }
        Value::Unknown(unknown) => hand_out_unknown(unknown, false),
        Value::Template(template) => hand_out_outcome(&scope.rendered(template), scope),
        Value::List(items) => Jinja::from_object(ListObject::shared(items.clone(), scope)),
        Value::Map(map) => Jinja::from_object(MapObject::shared(map.clone(), scope)),
    }
}

fn hand_out_outcome(outcome: &Outcome, scope: &Scope) -> Jinja {
    match outcome {
        Outcome::Value { value, secret } => {
            if *secret {
                ledger::note_secret();
            }
            hand_out(value, scope)
        }
        Outcome::Omit => Jinja::from_object(Omit),
        Outcome::Undefined { text, place } => Jinja::from_object(Undefined {
            note: ledger::note_undefined(text.clone(), place.clone()),
        }),
        Outcome::Failed(error) => {
            ledger::note_error(error.clone());
            Jinja::from(JinjaError::new(ErrorKind::InvalidOperation, error.line()))
        }
    }
}

/// Hands out something unknown. `derived` says that it was reached through something unknown, so that
/// even its being there is not known.
pub(super) fn hand_out_unknown(unknown: &Arc<Unknown>, derived: bool) -> Jinja {
    Jinja::from_object(UnknownObject {
        note: ledger::note_unknown(unknown),
        unknown: unknown.clone(),
        derived,
    })
}

/// Hands out something undefined that can be asked further and is an error if nothing forgives it.
pub(super) fn hand_out_undefined(text: String) -> Jinja {
    Jinja::from_object(Undefined {
        note: ledger::note_undefined(text, None),
    })
}

/// Something that is only known when it is applied.
pub(super) struct UnknownObject {
    pub unknown: Arc<Unknown>,
    pub note: Note,
    pub derived: bool,
}

impl fmt::Debug for UnknownObject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        ledger::note_unknown(&self.unknown);
        write!(out, "<<unknown: {}>>", self.unknown.origin)
    }
}

impl Object for UnknownObject {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, _: &Jinja) -> Option<Jinja> {
        Some(hand_out_unknown(&self.unknown, true))
    }

    fn is_true(self: &Arc<Self>) -> bool {
        ledger::note_unknown(&self.unknown);
        false
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, _: &[Jinja]) -> Result<Jinja, JinjaError> {
        Ok(hand_out_unknown(&self.unknown, true))
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        _: &str,
        _: &[Jinja],
    ) -> Result<Jinja, JinjaError> {
        Ok(hand_out_unknown(&self.unknown, true))
    }

    fn render(self: &Arc<Self>, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, out)
    }
}

/// A name or attribute that is not there. It chains, is false and prints nothing; the note makes the error.
pub(super) struct Undefined {
    pub note: Note,
}

impl fmt::Debug for Undefined {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl Object for Undefined {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, _: &Jinja) -> Option<Jinja> {
        Some(Jinja::from_dyn_object(self.clone()))
    }

    fn is_true(self: &Arc<Self>) -> bool {
        false
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, _: &[Jinja]) -> Result<Jinja, JinjaError> {
        Ok(Jinja::from_dyn_object(self.clone()))
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        _: &str,
        _: &[Jinja],
    ) -> Result<Jinja, JinjaError> {
        Ok(Jinja::from_dyn_object(self.clone()))
    }

    fn render(self: &Arc<Self>, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

/// Ansible's `omit`: an argument with this value is left out.
#[derive(Debug)]
pub(super) struct Omit;

impl Object for Omit {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("<<Omit>>")
    }
}

/// The outermost names: the variables of a scope.
pub(super) struct Root(pub Scope);

impl fmt::Debug for Root {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("variables")
    }
}

impl Object for Root {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, name: &str) -> Option<Jinja> {
        match self.0.variables().get(name) {
            Some(value) => Some(self.0.naming(name, || hand_out(&value, &self.0))),
            None => match name {
                "omit" => Some(Jinja::from_object(Omit)),
                "hostvars" => Some(Jinja::from_object(HostVariables(self.0.clone()))),
                "vars" => Some(Jinja::from_object(AllVariables(self.0.clone()))),
                name if environment::is_global(name) => None,
                name => Some(hand_out_undefined(format!("'{name}' is undefined"))),
            },
        }
    }
}

/// `hostvars`: the variables of every host.
pub(super) struct HostVariables(Scope);

impl fmt::Debug for HostVariables {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("hostvars")
    }
}

impl Object for HostVariables {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        let host = self.0.host(key.as_str()?)?;
        Some(Jinja::from_object(AllVariables(host)))
    }

    fn get_value_by_str(self: &Arc<Self>, name: &str) -> Option<Jinja> {
        let missing = || hand_out_undefined(format!("\"hostvars['{name}']\" is undefined"));
        Some(self.get_value(&Jinja::from(name)).unwrap_or_else(missing))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.variables().hosts().into_iter().map(Jinja::from).collect())
    }
}

/// All variables of one host, as a mapping.
pub(super) struct AllVariables(Scope);

impl AllVariables {
    /// The scope whose variables these are.
    pub(super) fn scope(&self) -> &Scope {
        &self.0
    }
}

impl fmt::Debug for AllVariables {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("variables")
    }
}

impl Object for AllVariables {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        let name = key.as_str()?;
        let value = self.0.variables().get(name)?;
        Some(self.0.naming(name, || hand_out(&value, &self.0)))
    }

    fn get_value_by_str(self: &Arc<Self>, name: &str) -> Option<Jinja> {
        let missing =
            || hand_out_undefined(format!("object of type 'HostVarsVars' has no attribute '{name}'"));
        Some(self.get_value(&Jinja::from(name)).unwrap_or_else(missing))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.variables().names().into_iter().map(Jinja::from).collect())
    }
}
