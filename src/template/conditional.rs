//! Conditions as Ansible 2.19 reads them: the text of a condition is an expression. What a template in it gives is a value in that
//! expression and never a part of its text, so that no host can say what is evaluated on this computer.

use super::place::undefined_error;
use super::scope::Variables;
use super::{Decision, Outcome, Scope, environment, evaluate};
use crate::error::{Error, Result};
use crate::source::Place;
use crate::value::{Map, Template, Unknown, Value};
use std::ops::Range;
use std::sync::Arc;

/// Decides a `when`, `changed_when`, `failed_when` or `until`: the text of an expression, or a truth value.
///
/// # Errors
/// As [`super::render`], and a result that is no truth value (an error in Ansible 2.19 as well).
pub fn condition(expression: &Value, scope: &Scope) -> Result<Decision> {
    condition_at(expression, None, scope)
}

/// As [`condition`]; `place` is the scalar the expression was written in, so that errors point at the word.
///
/// # Errors
/// As [`condition`].
pub fn condition_at(expression: &Value, place: Option<&Place>, scope: &Scope) -> Result<Decision> {
    let text = match expression {
        Value::Bool(flag) => return Ok(decision(*flag)),
        Value::Null => return Ok(Decision::True),
        Value::Unknown(unknown) => return Ok(Decision::Unknown(unknown.clone())),
        Value::String(text) if has_delimiters(text) => return with_templates(text, place, scope),
        Value::String(text) => text.clone(),
        Value::Template(template) => {
            let place = template.place.as_ref().or(place);
            return with_templates(&template.text, place, scope);
        }
        other => return Err(not_a_truth_value(other, place)),
    };
    match text.trim().is_empty() {
        true => Ok(Decision::True),
        false => decide(evaluate::expression(&text, place, scope), place),
    }
}

fn has_delimiters(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// A condition with templates in it.
fn with_templates(text: &str, place: Option<&Place>, scope: &Scope) -> Result<Decision> {
    let environment = environment::usual();
    if let Some(range) = super::patcher::lone_expression(text, environment.syntax()) {
        if let Some(Value::String(stated)) = stated(text, scope) {
            // A template there is `!unsafe`, and may name itself.
            return match has_delimiters(&stated) {
                true => Err(untrusted(place)),
                false => condition_at(&Value::String(stated), place, scope),
            };
        }
        let outcome = evaluate::expression(&text[range], place, scope);
        return match outcome {
            Outcome::Value {
                value: Value::String(_) | Value::Secret(_),
                ..
            } => Err(untrusted(place)),
            outcome => decide(outcome, place),
        };
    }
    let bare = text.trim();
    let begins = bare.starts_with("{{") || bare.starts_with("{%");
    if begins && (bare.ends_with("}}") || bare.ends_with("%}")) {
        return match evaluate::value(text, place, scope) {
            Outcome::Value {
                value: Value::String(_) | Value::Secret(_),
                ..
            } => Err(untrusted(place)),
            outcome => decide(outcome, place),
        };
    }
    let (expression, texts) = taken_out(text, place)?;
    let variables = Texts {
        own: texts,
        around: scope.variables().clone(),
    };
    let scope = Scope::new(Arc::new(variables), scope.surroundings().clone());
    decide(evaluate::expression(&expression, place, &scope), place)
}

/// The conditions that a variable of the project's own files lists, if `that` is a template of its name; else `that`.
pub fn listed_conditions(that: &Value, scope: &Scope) -> Vec<Value> {
    match that.as_str().and_then(|text| stated(text, scope)) {
        Some(Value::List(conditions)) => conditions.to_vec(),
        _ => vec![that.clone()],
    }
}

/// What the project's own files say of the variable that a template names, and nothing else; such variables may name each other.
fn stated(template: &str, scope: &Scope) -> Option<Value> {
    let syntax = environment::usual().syntax();
    let mut text: Arc<str> = template.into();
    for _ in 0..DEEPEST {
        let range = super::patcher::lone_expression(&text, syntax)?;
        match scope.variables().of_project(text[range].trim())? {
            Value::Template(next) => text = next.text.clone(),
            other => return Some(other),
        }
    }
    None
}

/// How many variables may name each other in a row.
const DEEPEST: usize = 20;

/// The error of a template that gives a text: that is a condition nobody wrote.
fn untrusted(place: Option<&Place>) -> Error {
    Error::new("Encountered untrusted template or expression")
        .at_some(place)
        .cause("the condition is a template that gives a text, which is not evaluated once more")
        .help("write the condition without `{{ }}`")
}

/// The expression with a variable in place of each text in quotes that is a template, and these variables. Spaces keep the places of
/// what stands behind.
fn taken_out(text: &str, place: Option<&Place>) -> Result<(String, Map)> {
    let mut expression = String::new();
    let mut texts = Map::new();
    let mut from = 0;
    let outside = |part: &str| match has_delimiters(part) {
        true => Err(Error::new(
            "Syntax error in expression. Template delimiters are not supported in expressions",
        )
        .at_some(place)
        .help("a condition is an expression already: `{{ name }} == 1` is written `name == 1`")),
        false => Ok(()),
    };
    for range in quoted(text) {
        let inside = &text[range.start + 1..range.end - 1];
        if !has_delimiters(inside) {
            continue;
        }
        outside(&without_texts(&text[from..range.start]))?;
        expression.push_str(&text[from..range.start]);
        let name = format!("vent_text_{}", texts.len());
        let template = Template {
            text: inside.replace("\\'", "'").replace("\\\"", "\"").into(),
            place: place.cloned(),
        };
        texts.insert(name.as_str().into(), Value::Template(Arc::new(template)));
        let width = range.end - range.start;
        expression.push_str(&format!("{name:<width$}"));
        from = range.end;
    }
    outside(&without_texts(&text[from..]))?;
    expression.push_str(&text[from..]);
    Ok((expression, texts))
}

/// The ranges of texts in quotes, with their quotes.
fn quoted(text: &str) -> Vec<Range<usize>> {
    let mut ranges = vec![];
    let mut open: Option<(usize, char)> = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match open {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some((from, quote)) if c == quote => {
                ranges.push(from..at + c.len_utf8());
                open = None;
            }
            None if c == '\'' || c == '"' => open = Some((at, c)),
            _ => {}
        }
    }
    ranges
}

fn without_texts(text: &str) -> String {
    let mut out = String::new();
    let mut from = 0;
    for range in quoted(text) {
        out.push_str(&text[from..range.start]);
        from = range.end;
    }
    out + &text[from..]
}

/// The texts that were taken out, and the variables around.
struct Texts {
    own: Map,
    around: Arc<dyn Variables>,
}

impl Variables for Texts {
    fn of_project(&self, name: &str) -> Option<Value> {
        self.around.of_project(name)
    }

    fn get(&self, name: &str) -> Option<Value> {
        self.own.get(name).cloned().or_else(|| self.around.get(name))
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.around.names()
    }

    fn host(&self, name: &str) -> Option<Arc<dyn Variables>> {
        self.around.host(name)
    }

    fn hosts(&self) -> Vec<Arc<str>> {
        self.around.hosts()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_with_templates_are_taken_out_of_expressions() {
        let (expression, texts) = taken_out("'{{ a }}' == \"it's {{ b }}\" and 'c' in d", None).unwrap();
        assert_eq!(expression, "vent_text_0 == vent_text_1    and 'c' in d");
        let texts: Vec<_> = texts
            .values()
            .map(|value| value.as_str().unwrap_or_default().to_string())
            .collect();
        assert_eq!(texts, ["{{ a }}", "it's {{ b }}"]);
        for wrong in ["{{ a }} == 1", "'{{ a }}' == {{ b }}", "a {% if %} b"] {
            let error = taken_out(wrong, None).unwrap_err();
            assert!(error.message().starts_with("Syntax error"), "{wrong}: {error}");
        }
        assert!(taken_out("'}}' in a or a == {'b': {'c': 1}}", None).is_ok());
    }
}
