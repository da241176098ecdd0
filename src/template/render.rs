//! The doors of the room: values, conditions and files.

use super::convert::print;
use super::place::undefined_error;
use super::{Evaluated, FileOptions, Outcome, Scope, evaluate};
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
