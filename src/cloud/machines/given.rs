//! A part of an inventory file: its value, and where it stands.

use crate::error::{Collector, Error, nearest};
use crate::source::Place;
use crate::value::{Value, deserialize};
use crate::yaml::Node;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// A value of a file with its place.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    /// The value, rendered.
    pub value: &'a Value,
    node: Option<&'a Node>,
    /// Where entries stand that the value has from elsewhere.
    defaults: Option<&'a Node>,
    place: &'a Place,
}

impl<'a> Given<'a> {
    /// A value that stands at `node`.
    pub fn new(value: &'a Value, node: &'a Node) -> Given<'a> {
        Given {
            value,
            node: Some(node),
            defaults: None,
            place: &node.place,
        }
    }

    /// This place with another value, whose further entries stand in `defaults`.
    pub fn completed(self, value: &'a Value, defaults: Given<'a>) -> Given<'a> {
        Given {
            value,
            defaults: defaults.node,
            ..self
        }
    }

    /// Where it stands; for what came out of a template, where the template stands.
    pub fn place(&self) -> &'a Place {
        self.place
    }

    /// The entry `name` of a mapping.
    pub fn get(&self, name: &str) -> Option<Given<'a>> {
        let value = self.value.get(name)?;
        let own = self.node.and_then(|node| node.get(name));
        let node = own.or_else(|| self.defaults.and_then(|node| node.get(name)));
        Some(Given {
            value,
            node,
            defaults: None,
            place: node.map_or(self.place, |node| &node.place),
        })
    }

    /// Where the entry `name` stands, else the whole.
    pub fn place_of(&self, name: &str) -> &'a Place {
        self.get(name).map_or(self.place, |given| given.place)
    }

    /// The items of a list.
    pub fn items(&self) -> Vec<Given<'a>> {
        let nodes = self.node.and_then(Node::items).unwrap_or_default();
        let items = self.value.as_list().unwrap_or_default().iter().enumerate();
        items
            .map(|(at, value)| Given {
                value,
                node: nodes.get(at),
                defaults: None,
                place: nodes.get(at).map_or(self.place, |node| &node.place),
            })
            .collect()
    }

    /// Reads it as `T`, whose fields all have defaults; everything that is wrong is noted.
    pub fn read<T: DeserializeOwned>(&self, errors: &mut Collector) -> Option<T> {
        let mut value = self.value.clone();
        if value.is_null() {
            value = Value::Map(Arc::default());
        }
        loop {
            let error = match deserialize::<T>(&value) {
                Ok((read, _)) => return Some(read),
                Err(error) => error,
            };
            let place = error.argument.as_deref().map(|name| self.place_of(name));
            errors.push(
                Error::new(error.to_string())
                    .at(place.unwrap_or(self.place))
                    .help("`vent machines options` tells what each option takes"),
            );
            // Without what is wrong, the rest is read, so that all errors are told at once.
            match (&mut value, &error.argument) {
                (Value::Map(map), Some(name)) if map.contains_key(name.as_str()) => {
                    Arc::make_mut(map).shift_remove(name.as_str());
                }
                _ => return None,
            }
        }
    }

    /// Refuses entries that are not in `known`.
    pub fn refuse_unknown(&self, known: &[&str], errors: &mut Collector) {
        for name in self.value.as_map().into_iter().flat_map(|map| map.keys()) {
            if known.contains(&&**name) {
                continue;
            }
            let error = Error::new(format!("`{name}` is not an option here")).at(self.place_of(name));
            errors.push(
                error
                    .help(format!("the options are: {}", known.join(", ")))
                    .did_you_mean(nearest(name, known.iter().copied())),
            );
        }
    }
}
