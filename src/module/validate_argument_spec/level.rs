//! One mapping of arguments against its options, and the mappings below it. What is asked, in which order, and in
//! which words is Ansible's.

use super::choices::{is_among, is_word_for};
use super::convert::{self, shown};
use super::option::{aliases, hidden, kind, needs_value, options, required};
use super::relations;
use crate::value::{MASK, Map, Unknown, Value, truthy};
use std::sync::Arc;

/// What was found while arguments were held against their options.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// What is wrong for certain.
    pub(super) errors: Vec<String>,
    /// Set if something could not be looked at.
    pub(super) unknown: Option<Arc<Unknown>>,
    /// Names that no option has, with the names around them, each with a text of the names that there are.
    unsupported: Vec<(String, String)>,
}

/// Where a mapping stands.
#[derive(Clone, Debug, Default)]
struct Level<'a> {
    /// The options around it, outermost first.
    around: Vec<&'a str>,
    /// Its values are secret (`no_log` of an option around it).
    hidden: bool,
}

impl Level<'_> {
    /// Behind a message: ` found in a -> b`.
    fn found(&self) -> String {
        match self.around.is_empty() {
            true => String::new(),
            false => format!(" found in {}", self.around.join(" -> ")),
        }
    }

    /// Within a message on a type: ` found in 'a -> b'`.
    fn found_quoted(&self) -> String {
        match self.around.is_empty() {
            true => String::new(),
            false => format!(" found in '{}'", self.around.join(" -> ")),
        }
    }
}

impl Findings {
    /// Holds arguments against their options.
    pub(super) fn of(options: &Map, arguments: &Map) -> Findings {
        let mut findings = Findings::default();
        findings.level(options, None, arguments, &Level::default());
        if let Some((_, supported)) = findings.unsupported.first() {
            let mut names: Vec<&str> = findings.unsupported.iter().map(|(name, _)| &**name).collect();
            names.sort_unstable();
            let error = format!("{}. Supported parameters include: {supported}.", names.join(", "));
            findings.errors.push(error);
        }
        findings
    }

    /// `rules` is the option around the mapping, which says what its options ask of each other.
    fn level(&mut self, options: &Map, rules: Option<&Value>, given: &Map, at: &Level<'_>) {
        let mut arguments = given.clone();
        if let Err(error) = rename(options, &mut arguments) {
            return self.errors.push(error);
        }
        if let Err(error) = readable(options, &arguments) {
            self.errors.push(error);
        }
        if at.around.is_empty() {
            self.unsupported(options, &arguments, at);
        }
        let exclusive = rules.and_then(|rules| relations::exclusive(rules, &arguments));
        self.push(exclusive, at);
        self.push(missing(options, &arguments), at);
        for (name, option) in options {
            let default = option.get("default").filter(|default| !default.is_null());
            if let (Some(default), false) = (default, arguments.contains_key(name)) {
                arguments.insert(name.clone(), default.clone());
            }
        }
        for (name, option) in options {
            self.r#type(name, option, &mut arguments, at);
        }
        for (name, option) in options {
            self.choices(name, option, &arguments, at);
        }
        let missing = rules.map(|rules| relations::missing(rules, &arguments));
        self.push(missing.into_iter().flatten(), at);
        for (name, option) in options {
            self.below(name, option, arguments.get(name), at);
        }
        if !at.around.is_empty() {
            self.unsupported(options, &arguments, at);
        }
    }

    fn push(&mut self, errors: impl IntoIterator<Item = String>, at: &Level<'_>) {
        let found = at.found();
        self.errors.extend(errors.into_iter().map(|error| error + &found));
    }

    /// Notes what is unknown in a value; true if something is.
    fn note(&mut self, value: &Value) -> bool {
        let unknown = value.find_unknown();
        self.unknown = self.unknown.take().or(unknown.cloned());
        unknown.is_some()
    }

    fn unsupported(&mut self, options: &Map, arguments: &Map, at: &Level<'_>) {
        let mut names: Vec<&str> = options.keys().map(|name| &**name).collect();
        let mut others: Vec<&str> = options.values().flat_map(aliases).collect();
        names.sort_unstable();
        others.sort_unstable();
        let wrong = arguments
            .keys()
            .filter(|name| !names.contains(&&***name) && !others.contains(&&***name));
        let mut supported = names.join(", ");
        if !others.is_empty() {
            supported.push_str(&format!(" ({})", others.join(", ")));
        }
        for name in wrong {
            let path = [&at.around[..], &[&**name]].concat().join(".");
            self.unsupported.push((path, supported.clone()));
        }
    }

    fn r#type(&mut self, name: &str, option: &Value, arguments: &mut Map, at: &Level<'_>) {
        let Some(value) = arguments.get(name) else { return };
        let kind = kind(option);
        let unknown = self.note(value);
        let container = matches!((kind, value), ("list", Value::List(_)) | ("dict", Value::Map(_)));
        if unknown && !container || value.is_null() && !needs_value(option) {
            return;
        }
        let hidden = at.hidden || hidden(option);
        match convert::to(kind, value, hidden) {
            Err(cause) => {
                let found = at.found_quoted();
                let found = if found.is_empty() { found } else { found + "." };
                self.errors.push(format!(
                    "argument '{name}' is of type {}{found} and we were unable to convert to {kind}: {cause}",
                    value.kind()
                ));
            }
            Ok(converted) => {
                let converted = self.elements(name, option, converted, at);
                arguments.insert(name.into(), converted);
            }
        }
    }

    /// The items of a list as their type; those that cannot be it are left out.
    fn elements(&mut self, name: &str, option: &Value, value: Value, at: &Level<'_>) -> Value {
        let Some(wanted) = option.get("elements").and_then(Value::as_str) else {
            return value;
        };
        let hidden = at.hidden || hidden(option);
        let Value::List(items) = &value else {
            let shown = if hidden { MASK.to_string() } else { shown(&value) };
            self.errors.push(format!(
                "Invalid type {} for option '{shown}', elements value check is supported only with 'list' type",
                kind(option)
            ));
            return value;
        };
        let mut converted = vec![];
        for item in &**items {
            if item.find_unknown().is_some() {
                converted.push(item.clone());
                continue;
            }
            match convert::to(wanted, item, hidden) {
                Ok(item) => converted.push(item),
                Err(cause) => self.errors.push(format!(
                    "Elements value for option '{name}'{} is of type {} and we were unable to convert to {wanted}: \
                     {cause}",
                    at.found_quoted(),
                    item.kind()
                )),
            }
        }
        Value::list(converted)
    }

    fn choices(&mut self, name: &str, option: &Value, arguments: &Map, at: &Level<'_>) {
        let wanted = option.get("choices").filter(|wanted| !wanted.is_null());
        let (Some(wanted), Some(value)) = (wanted, arguments.get(name)) else {
            return;
        };
        let Value::List(choices) = wanted else {
            let shown = shown(wanted);
            let error = format!("internal error: choices for argument {name} are not iterable: {shown}");
            return self.push([error], at);
        };
        if self.note(wanted) || value.find_unknown().is_some() {
            return;
        }
        let hidden = at.hidden || hidden(option) || value.holds_secret();
        let words = |values: &mut dyn Iterator<Item = &Value>| {
            let shown = |value| if hidden { MASK.to_string() } else { shown(value) };
            values.map(shown).collect::<Vec<_>>().join(", ")
        };
        let known: Vec<String> = choices.iter().map(shown).collect();
        let known = known.join(", ");
        if let Value::List(items) = value {
            let mut others = items.iter().filter(|item| !is_among(item, choices)).peekable();
            if others.peek().is_some() {
                let others = words(&mut others);
                let error =
                    format!("value of {name} must be one or more of: {known}. Got no match for: {others}");
                self.push([error], at);
            }
        } else if !is_among(value, choices) && !is_word_for(value, choices) {
            let shown = words(&mut [value].into_iter());
            self.push(
                [format!("value of {name} must be one of: {known}, got: {shown}")],
                at,
            );
        }
    }

    /// Mappings in an argument that has options of its own.
    fn below(&mut self, name: &str, option: &Value, value: Option<&Value>, at: &Level<'_>) {
        let Some(options) = options(option) else { return };
        let mut level = at.clone();
        level.around.push(name);
        level.hidden |= hidden(option);
        let value = value.filter(|value| !value.is_null());
        match value {
            None if option.get("apply_defaults").is_some_and(truthy) => {
                self.level(options, Some(option), &Map::new(), &level);
            }
            None | Some(Value::Unknown(_)) => {}
            Some(Value::Map(map)) => self.level(options, Some(option), map, &level),
            Some(Value::List(items)) if items.iter().all(is_mapping) => {
                for map in items.iter().filter_map(Value::as_map) {
                    self.level(options, Some(option), map, &level);
                }
            }
            Some(_) => {
                let error = format!("value of '{name}' must be of type dict or list of dicts");
                self.push([error], at);
            }
        }
    }
}

fn is_mapping(value: &Value) -> bool {
    matches!(value, Value::Map(_) | Value::Unknown(_))
}

/// Gives arguments that were named by an alias the name of their option.
fn rename(options: &Map, arguments: &mut Map) -> Result<(), String> {
    for (name, option) in options {
        if option.as_map().is_none() {
            let kind = option.kind();
            return Err(format!(
                "the option '{name}' is described by a mapping, not by a {kind}"
            ));
        }
        let default = option.get("default").unwrap_or(&Value::Null);
        if required(option) && !default.is_null() {
            return Err(format!(
                "internal error: required and default are mutually exclusive for {name}"
            ));
        }
        if option
            .get("aliases")
            .is_some_and(|aliases| !matches!(aliases, Value::Null | Value::List(_)))
        {
            return Err("internal error: aliases must be a list or tuple".into());
        }
        for alias in aliases(option) {
            if let Some(value) = arguments.get(alias).cloned() {
                arguments.insert(name.clone(), value);
            }
        }
    }
    Ok(())
}

/// Whether all that should be a mapping can be read as one, on all levels: the first that cannot.
fn readable(given: &Map, arguments: &Map) -> Result<(), String> {
    for (name, option) in given {
        let Some((options, value)) = options(option).zip(arguments.get(name)) else {
            continue;
        };
        let items = match value {
            Value::List(items) => items.to_vec(),
            Value::Null => vec![],
            single => vec![single.clone()],
        };
        for item in items {
            match &item {
                Value::Unknown(_) => {}
                Value::Map(map) => readable(options, map)?,
                text if text.as_str().is_some() => {
                    if let Value::Map(map) = convert::mapping(text)? {
                        readable(options, &map)?;
                    }
                }
                other => {
                    return Err(format!(
                        "Value '{}' in the sub parameter field '{name}' must be a {}, not '{}'",
                        shown(other),
                        kind(option),
                        other.kind()
                    ));
                }
            }
        }
    }
    Ok(())
}

fn missing(options: &Map, arguments: &Map) -> Option<String> {
    let mut missing: Vec<&str> = options
        .iter()
        .filter(|(name, option)| required(option) && !arguments.contains_key(*name))
        .map(|(name, _)| &**name)
        .collect();
    missing.sort_unstable();
    (!missing.is_empty()).then(|| format!("missing required arguments: {}", missing.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(options: &str, arguments: &str) -> Findings {
        let map = |text| match Value::from(serde_json::from_str::<serde_json::Value>(text).unwrap()) {
            Value::Map(map) => map,
            other => panic!("{other:?}"),
        };
        Findings::of(&map(options), &map(arguments))
    }

    #[test]
    fn what_is_unknown_is_no_mistake() {
        let options = r#"{"a": {"type": "int", "choices": [1]}, "b": {"type": "list", "elements": "int"},
            "c": {"type": "dict", "options": {"x": {"type": "int"}, "y": {}}, "required_if": [["x", 1, ["y"]]]}}"#;
        let Value::Map(options) = Value::from(serde_json::from_str::<serde_json::Value>(options).unwrap())
        else {
            panic!()
        };
        let unknown = || Value::unknown("a task");
        let check = |name: &str, value: Value| Findings::of(&options, &Map::from([(name.into(), value)]));
        for (name, value) in [
            ("a", unknown()),
            ("b", Value::list([unknown()])),
            ("c", unknown()),
            ("c", Value::map([("x", unknown())])),
        ] {
            let found = check(name, value);
            assert!(
                found.errors.is_empty() && found.unknown.is_some(),
                "{name}: {found:?}"
            );
        }
        // What is known and wrong is wrong all the same.
        let found = check("b", Value::list([unknown(), "x".into()]));
        assert_eq!(found.errors.len(), 1);
    }

    #[test]
    fn secret_values_are_not_named() {
        let options = r#"{"a": {"type": "dict", "no_log": true, "options": {"x": {"type": "int"}, "y": {"choices": ["p"]},
            "z": {"type": "list", "choices": ["p"]}}}}"#;
        let found = of(options, r#"{"a": {"x": "word", "y": "word", "z": ["word"]}}"#);
        assert_eq!(found.errors.len(), 3);
        assert!(
            found
                .errors
                .iter()
                .all(|error| error.contains(MASK) && !error.contains("word"))
        );
    }

    #[test]
    fn a_word_of_truth_stands_for_one_choice_only() {
        let fits = |choices: &str, value: &str| {
            let options = format!(r#"{{"a": {{"choices": {choices}}}}}"#);
            of(&options, &format!(r#"{{"a": {value}}}"#)).errors.is_empty()
        };
        assert!(fits(r#"["yes", "no"]"#, "true"));
        assert!(fits(r#"["on", "off"]"#, "false"));
        assert!(!fits(r#"["yes", "on"]"#, "true"));
        assert!(!fits(r#"["no"]"#, "true"));
    }
}
