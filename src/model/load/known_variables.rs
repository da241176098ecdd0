//! The variables that are known when a playbook is read, before there is a host: for the names of what is imported.

use super::reader::Reader;
use crate::error::Result;
use crate::model::{Placed, Scope, ScopeKind, Variables as Named};
use crate::template::{self, Surroundings};
use crate::value::{Map, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Variables by their strength: `-e`, those of the keyword `vars` from the task outwards with those of the roles in between, and what
/// says where things lie.
struct KnownVariables {
    extra: Arc<Map>,
    layers: Vec<Arc<Named>>,
    places: Vec<(&'static str, Value)>,
}

impl KnownVariables {
    fn of(reader: &Reader<'_>, scope: &Scope) -> KnownVariables {
        let mut layers = vec![];
        let mut defaults = vec![];
        for step in scope.chain() {
            layers.push(step.keywords.vars.clone());
            if let ScopeKind::Role { role, parameters, .. } = &step.kind {
                layers.push(parameters.clone());
                layers.push(role.vars.clone());
                defaults.push(role.defaults.clone());
            }
        }
        layers.extend(defaults);
        let here = std::env::current_dir().unwrap_or_default();
        let folder = here.join(&reader.folder);
        let mut places = vec![("playbook_dir", Value::string(folder.display().to_string()))];
        if let Some(role) = scope.role() {
            places.push(("role_path", Value::string(&role.path)));
            places.push(("role_name", Value::string(&role.name)));
        }
        KnownVariables {
            extra: reader.loader.extra.clone(),
            layers,
            places,
        }
    }
}

impl template::Variables for KnownVariables {
    fn get(&self, name: &str) -> Option<Value> {
        let placed = || self.places.iter().find(|place| place.0 == name);
        let named = || self.layers.iter().find_map(|layer| layer.get(name));
        placed()
            .map(|place| place.1.clone())
            .or_else(|| self.extra.get(name).cloned())
            .or_else(|| named().map(|placed| placed.value.clone()))
    }

    fn names(&self) -> Vec<Arc<str>> {
        let mut names: BTreeSet<Arc<str>> = self.extra.keys().cloned().collect();
        names.extend(self.layers.iter().flat_map(|layer| layer.keys().cloned()));
        names.extend(self.places.iter().map(|place| Arc::from(place.0)));
        names.into_iter().collect()
    }

    fn host(&self, _: &str) -> Option<Arc<dyn template::Variables>> {
        None
    }

    fn hosts(&self) -> Vec<Arc<str>> {
        vec![]
    }
}

impl Reader<'_> {
    /// A text, rendered with what is known before there is a host.
    ///
    /// # Errors
    /// A variable that is not known yet.
    pub(super) fn rendered(&self, placed: &Placed, scope: &Scope) -> Result<Option<String>> {
        let scope = template::Scope::new(
            Arc::new(KnownVariables::of(self, scope)),
            Arc::new(Surroundings::default()),
        );
        let text = template::render(&placed.value, &scope).map_err(|error| error.at(&placed.place))?;
        Ok(text.and_then(|text| text.value.as_str().map(str::to_string)))
    }

    /// The name of something that is read before anything runs. It may be a template of variables that are known by then: those of
    /// `-e`, of plays and of roles.
    pub(super) fn literal(&mut self, placed: &Placed, module: &str, scope: &Scope) -> Option<String> {
        match &placed.value {
            Value::Template(_) => match self.rendered(placed, scope) {
                Ok(text) => text,
                Err(error) => {
                    let dynamic = match crate::model::task::short(module) {
                        "import_playbook" => "give it with -e".to_string(),
                        name => format!(
                            "write `{}`, which is read on each host",
                            name.replace("import", "include")
                        ),
                    };
                    let error = error.cause(format!("`{module}` is read before anything runs"));
                    self.errors.push(error.help(dynamic));
                    None
                }
            },
            value => value.as_str().map(str::to_string),
        }
    }
}
