//! Lists and mappings as the template language sees them. A template may change them; nobody else sees it.

use super::Scope;
use super::convert::text;
use super::objects::{hand_out, hand_out_undefined};
use crate::value::Value;
use minijinja::value::{Enumerator, Object, ObjectRepr, Value as Jinja, ValueKind};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

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
    pub(super) fn shared(items: Arc<Vec<Value>>, scope: &Scope) -> ListObject {
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
        out.write_str(&text(&Jinja::from_dyn_object(self.clone())))
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
    pub(super) fn shared(map: Arc<crate::value::Map>, scope: &Scope) -> MapObject {
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
                    None if key.is_number() || matches!(key.kind(), ValueKind::Bool) => {
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
        out.write_str(&text(&Jinja::from_dyn_object(self.clone())))
    }
}
