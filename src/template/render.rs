//! The doors of the room: values, conditions and files.

use super::convert::print;
use super::place::undefined_error;
use super::{Decision, Evaluated, FileOptions, Outcome, Scope, evaluate};
use crate::error::{Error, Result};
use crate::source::{Place, Source};
use crate::value::{Map, Unknown, Value};
use std::sync::Arc;

/// Renders every template in a value. `None` is `omit`; entries of lists and mappings that are `omit` are
/// left out.
///
/// # Errors
/// An undefined variable, or what the template says that is wrong, with its place in the file.
pub fn render(value: &Value, scope: &Scope) -> Result<Option<Evaluated>> {
    let plain = |value: &Value| Evaluated {
        value: value.clone(),
        secret: value.holds_secret(),
    };
    match value {
        Value::Template(template) => match scope.rendered(template) {
            Outcome::Value { value, secret } => Ok(Some(Evaluated { value, secret })),
            Outcome::Omit => Ok(None),
            Outcome::Undefined { text, place } => Err(undefined_error(&text, place.as_ref())),
            Outcome::Failed(error) => Err(error),
        },
        Value::List(items) if value.holds_template() => {
            let mut secret = false;
            let mut rendered = Vec::with_capacity(items.len());
            for item in items.iter() {
                if let Some(item) = render(item, scope)? {
                    secret |= item.secret;
                    rendered.push(item.value);
                }
            }
            let value = Value::List(Arc::new(rendered));
            Ok(Some(Evaluated { value, secret }))
        }
        Value::Map(map) if value.holds_template() => {
            let mut secret = false;
            let mut rendered = Map::with_capacity(map.len());
            for (key, item) in map.iter() {
                if let Some(item) = render(item, scope)? {
                    secret |= item.secret;
                    rendered.insert(key.clone(), item.value);
                }
            }
            let value = Value::Map(Arc::new(rendered));
            Ok(Some(Evaluated { value, secret }))
        }
        other => Ok(Some(plain(other))),
    }
}

/// Decides a `when`, `changed_when`, `failed_when` or `until`: the text of an expression, or a truth value.
///
/// # Errors
/// As [`render`], and a result that is no truth value (an error in Ansible 2.19 as well).
pub fn condition(expression: &Value, scope: &Scope) -> Result<Decision> {
    condition_at(expression, None, scope)
}

/// As [`condition`]; `place` is the scalar the expression was written in, so that errors point at the word.
///
/// # Errors
/// As [`condition`].
pub fn condition_at(expression: &Value, place: Option<&Place>, scope: &Scope) -> Result<Decision> {
    let (text, place) = match expression {
        Value::Bool(flag) => return Ok(decision(*flag)),
        Value::Null => return Ok(Decision::True),
        Value::Unknown(unknown) => return Ok(Decision::Unknown(unknown.clone())),
        Value::String(text) => (text.to_string(), place),
        Value::Template(template) => {
            let place = template.place.as_ref().or(place);
            match without_marks(&template.text, place, scope)? {
                Bare::Text(text) => (text, place),
                Bare::Decided(decided) => return Ok(decided),
            }
        }
        other => return Err(not_a_truth_value(other, place)),
    };
    if text.trim().is_empty() {
        return Ok(Decision::True);
    }
    let outcome = evaluate::expression(&text, place, scope);
    decide(outcome, place)
}

fn decide(outcome: Outcome, place: Option<&Place>) -> Result<Decision> {
    match outcome {
        Outcome::Value {
            value: Value::Bool(flag),
            ..
        } => Ok(decision(flag)),
        Outcome::Value {
            value: Value::Unknown(unknown),
            ..
        } => Ok(Decision::Unknown(unknown)),
        Outcome::Value { value, .. } => Err(not_a_truth_value(&value, place)),
        Outcome::Omit => Err(Error::new("a condition cannot be `omit`").at_some(place)),
        Outcome::Undefined { text, place: found } => Err(undefined_error(&text, found.as_ref().or(place))),
        Outcome::Failed(error) => Err(error),
    }
}

fn decision(flag: bool) -> Decision {
    if flag { Decision::True } else { Decision::False }
}

fn not_a_truth_value(value: &Value, place: Option<&Place>) -> Error {
    Error::new(format!(
        "the result of the condition is of kind `{}`, not a truth value",
        value.kind()
    ))
    .at_some(place)
    .help("compare it, as in `name | length > 0`, or convert it with `name | bool`")
}

enum Bare {
    Text(String),
    Decided(Decision),
}

/// A condition that was written with `{{ }}`: the marks around the whole are taken off; marks inside are
/// rendered first, as Ansible does.
fn without_marks(text: &str, place: Option<&Place>, scope: &Scope) -> Result<Bare> {
    let environment = super::environment::Environments::get(&FileOptions::default());
    if let Some(range) = super::patcher::lone_expression(text, environment.syntax()) {
        return Ok(Bare::Text(text[range].to_string()));
    }
    match evaluate::value(text, place, scope) {
        Outcome::Value {
            value: value @ (Value::Bool(_) | Value::Unknown(_)),
            secret,
        } => decide(Outcome::Value { value, secret }, place).map(Bare::Decided),
        Outcome::Value { value, .. } => Ok(Bare::Text(print(&value))),
        other => decide(other, place).map(Bare::Decided),
    }
}

/// Decides a list of conditions that must all hold, in order.
///
/// # Errors
/// As [`condition`]. An error after an unknown condition is not one: it may never be reached.
pub fn conditions(all: &[Value], scope: &Scope) -> Result<Decision> {
    let mut undecided: Option<Arc<Unknown>> = None;
    for one in all {
        match condition(one, scope) {
            Ok(Decision::True) => {}
            Ok(Decision::False) => return Ok(Decision::False),
            Ok(Decision::Unknown(unknown)) => undecided = undecided.or(Some(unknown)),
            Err(error) if undecided.is_none() => return Err(error),
            Err(_) => {}
        }
    }
    Ok(undecided.map_or(Decision::True, Decision::Unknown))
}

/// A rendered template file.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderedFile {
    /// The text, unless it is unknown.
    pub text: Option<String>,
    /// What would decide the text.
    pub unknown: Option<Arc<Unknown>>,
    /// True if a secret went into it.
    pub secret: bool,
}

/// Renders a template file. A first line `#jinja2: name:value, ...` changes the options, as in Ansible.
///
/// # Errors
/// As [`render`], with places in the template file.
pub fn render_file(source: &Arc<Source>, options: &FileOptions, scope: &Scope) -> Result<RenderedFile> {
    let (options, start) = options.with_header(&source.text);
    let text = source.text[start..].replace("\r\n", "\n");
    let place = Place::new(source, start..source.text.len());
    let outcome = evaluate::file(&source.name, &text, &options, scope)
        .map_err(|problem| problem.located(&text, Some(&place)))?;
    match outcome {
        Outcome::Value {
            value: Value::Unknown(unknown),
            secret,
        } => Ok(RenderedFile {
            text: None,
            unknown: Some(unknown),
            secret,
        }),
        Outcome::Value { value, secret } => {
            let text = print(&value);
            let text = match options.newline_sequence.as_str() {
                "\n" => text,
                other => text.replace('\n', other),
            };
            Ok(RenderedFile {
                text: Some(text),
                unknown: None,
                secret,
            })
        }
        Outcome::Omit => Err(Error::new("a template file cannot be `omit`").at(&place)),
        Outcome::Undefined {
            text: sentence,
            place: Some(found),
        } => Err(undefined_error(&sentence, Some(&found))),
        Outcome::Undefined { text: sentence, .. } => {
            let range = super::place::undefined_token(&text, &sentence);
            let place = super::place::inside(&place, &text, range);
            Err(undefined_error(&sentence, Some(&place)))
        }
        Outcome::Failed(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
