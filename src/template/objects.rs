//! What the template language sees of Vent's values: every leaf that is unknown, secret or undefined
//! leaves through [`hand_out`] and is written into the ledger.

use super::ledger::{self, Note};
use super::{Outcome, Scope, environment};
use crate::value::{Unknown, Value};
use minijinja::value::{Enumerator, Object, ObjectRepr, Value as Jinja};
use minijinja::{Error as JinjaError, ErrorKind, State};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

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
        Outcome::Undefined { text, .. } => hand_out_undefined(text.clone()),
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
        note: ledger::note_undefined(text),
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

/// What a container holds: Vent's values as long as nobody changes it, then values of the evaluation.
enum Held<Shared, Own> {
    Shared(Arc<Shared>),
    Own(Own),
}

/// A list. A template may change it (`.append`); the change is seen by that template alone.
pub(super) struct ListObject {
    scope: Scope,
    held: RwLock<Held<Vec<Value>, Vec<Jinja>>>,
}

impl ListObject {
    fn shared(items: Arc<Vec<Value>>, scope: &Scope) -> ListObject {
        ListObject {
            scope: scope.clone(),
            held: RwLock::new(Held::Shared(items)),
        }
    }

    /// A list of the evaluation's own values.
    pub(super) fn own(items: Vec<Jinja>, scope: &Scope) -> ListObject {
        ListObject {
            scope: scope.clone(),
            held: RwLock::new(Held::Own(items)),
        }
    }

    /// The untouched list with its scope, or the changed one.
    pub(super) fn contents(&self) -> Result<(Arc<Vec<Value>>, &Scope), Vec<Jinja>> {
        match &*self.held.read().unwrap_or_else(PoisonError::into_inner) {
            Held::Shared(items) => Ok((items.clone(), &self.scope)),
            Held::Own(items) => Err(items.clone()),
        }
    }

    /// Changes the list.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Vec<Jinja>) -> T) -> T {
        let mut items = match self.contents() {
            Ok((items, scope)) => items.iter().map(|item| hand_out(item, scope)).collect(),
            Err(items) => items,
        };
        let result = change(&mut items);
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Held::Own(items);
        result
    }

    fn len(&self) -> usize {
        match &*self.held.read().unwrap_or_else(PoisonError::into_inner) {
            Held::Shared(items) => items.len(),
            Held::Own(items) => items.len(),
        }
    }
}

impl fmt::Debug for ListObject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("list")
    }
}

impl Object for ListObject {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        let at = key.as_usize()?;
        match self.contents() {
            Ok((items, scope)) => items.get(at).map(|item| hand_out(item, scope)),
            Err(items) => items.get(at).cloned(),
        }
    }

    fn get_value_by_str(self: &Arc<Self>, name: &str) -> Option<Jinja> {
        Some(hand_out_undefined(format!(
            "object of type 'list' has no attribute '{name}'"
        )))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.len())
    }

    fn render(self: &Arc<Self>, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&super::convert::text(&Jinja::from_dyn_object(self.clone())))
    }
}

/// The entries of a mapping that belongs to an evaluation.
type Entries = Vec<(Jinja, Jinja)>;

/// A mapping. A template may change it (`.update`); the change is seen by that template alone.
pub(super) struct MapObject {
    scope: Scope,
    held: RwLock<Held<crate::value::Map, Vec<(Jinja, Jinja)>>>,
}

impl MapObject {
    fn shared(map: Arc<crate::value::Map>, scope: &Scope) -> MapObject {
        MapObject {
            scope: scope.clone(),
            held: RwLock::new(Held::Shared(map)),
        }
    }

    /// A mapping of the evaluation's own values.
    pub(super) fn own(entries: Vec<(Jinja, Jinja)>, scope: &Scope) -> MapObject {
        MapObject {
            scope: scope.clone(),
            held: RwLock::new(Held::Own(entries)),
        }
    }

    /// The untouched mapping with its scope, or the changed one.
    pub(super) fn contents(&self) -> Result<(Arc<crate::value::Map>, &Scope), Entries> {
        match &*self.held.read().unwrap_or_else(PoisonError::into_inner) {
            Held::Shared(map) => Ok((map.clone(), &self.scope)),
            Held::Own(entries) => Err(entries.clone()),
        }
    }

    /// Changes the mapping.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Vec<(Jinja, Jinja)>) -> T) -> T {
        let mut entries = match self.contents() {
            Ok((map, scope)) => map
                .iter()
                .map(|(key, value)| (Jinja::from(key.clone()), hand_out(value, scope)))
                .collect(),
            Err(entries) => entries,
        };
        let result = change(&mut entries);
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Held::Own(entries);
        result
    }

    /// Sets an entry.
    pub(super) fn insert(&self, key: Jinja, value: Jinja) {
        self.change(|entries| match entries.iter_mut().find(|entry| entry.0 == key) {
            Some(entry) => entry.1 = value,
            None => entries.push((key, value)),
        });
    }

    /// The keys in order.
    pub(super) fn keys(&self) -> Vec<Jinja> {
        match &*self.held.read().unwrap_or_else(PoisonError::into_inner) {
            Held::Shared(map) => map.keys().cloned().map(Jinja::from).collect(),
            Held::Own(entries) => entries.iter().map(|entry| entry.0.clone()).collect(),
        }
    }
}

impl fmt::Debug for MapObject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("dict")
    }
}

impl Object for MapObject {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        match self.contents() {
            Ok((map, scope)) => {
                // Keys that YAML reads as numbers or booleans are kept as their text.
                let entry = match key.as_str() {
                    Some(name) => map.get(name),
                    None if key.is_number() || matches!(key.kind(), minijinja::value::ValueKind::Bool) => {
                        map.get(key.to_string().as_str())
                    }
                    None => None,
                };
                entry.map(|value| hand_out(value, scope))
            }
            Err(entries) => entries
                .into_iter()
                .find(|entry| entry.0 == *key)
                .map(|entry| entry.1),
        }
    }

    fn get_value_by_str(self: &Arc<Self>, name: &str) -> Option<Jinja> {
        let missing = || hand_out_undefined(format!("object of type 'dict' has no attribute '{name}'"));
        Some(self.get_value(&Jinja::from(name)).unwrap_or_else(missing))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.keys())
    }

    fn render(self: &Arc<Self>, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&super::convert::text(&Jinja::from_dyn_object(self.clone())))
    }
}
