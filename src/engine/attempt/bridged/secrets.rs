//! The values of options that are never to be shown.

use crate::bridge::OptionSpec;
use crate::value::{Map, Value, repr};
use indexmap::IndexMap;

/// Calls `learn` with the text of each value whose option says `no_log`.
pub fn learn(arguments: &Map, options: &IndexMap<String, OptionSpec>, learn: &dyn Fn(&str)) {
    for (name, option) in options {
        let names = std::iter::once(name).chain(&option.aliases);
        for value in names.filter_map(|name| arguments.get(name.as_str())) {
            if option.no_log {
                texts(value, learn);
            }
            let maps = match value {
                Value::List(items) => items.iter().filter_map(Value::as_map).collect(),
                value => value.as_map().into_iter().collect::<Vec<_>>(),
            };
            maps.into_iter()
                .for_each(|map| self::learn(map, &option.options, learn));
        }
    }
}

fn texts(value: &Value, learn: &dyn Fn(&str)) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::List(items) => items.iter().for_each(|item| texts(item, learn)),
        Value::Map(map) => map.values().for_each(|item| texts(item, learn)),
        value => match value.as_str() {
            Some(text) => learn(text),
            None => learn(&repr(value)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn values_are_found_by_all_names_and_at_any_depth() {
        let secret = OptionSpec {
            no_log: true,
            aliases: vec!["pass".into()],
            ..OptionSpec::default()
        };
        let outer = OptionSpec {
            options: [("password".to_string(), secret.clone())].into_iter().collect(),
            ..OptionSpec::default()
        };
        let options = [("password".to_string(), secret), ("users".to_string(), outer)];
        let arguments = Value::map([
            ("pass", "one".into()),
            (
                "users",
                Value::list([Value::map([("password", Value::list(["two".into(), 3.into()]))])]),
            ),
            ("name", "shown".into()),
        ]);
        let found = RefCell::new(vec![]);
        let note = |text: &str| found.borrow_mut().push(text.to_string());
        learn(arguments.as_map().unwrap(), &options.into_iter().collect(), &note);
        assert_eq!(found.into_inner(), ["one", "two", "3"]);
    }
}
