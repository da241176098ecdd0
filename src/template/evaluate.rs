//! One text to one outcome: prepares it (once per text), runs it with a ledger, and judges the result.

use super::compiled::{Compiled, Form, Owner};
use super::convert::{hide, print, take};
use super::environment::{self, FileOptions};
use super::ledger::{self, Ledger, with_fresh};
use super::objects::{Omit, Root};
use super::parsed::Parsed;
use super::patcher::{self, Patched, Purpose};
use super::place::{self, Problem};
use super::splitter;
use super::{Outcome, Scope, overridden};
use crate::budget::EVALUATION;
use crate::error::Error;
use crate::source::Place;
use crate::value::Value;
use minijinja::value::Value as Jinja;
use minijinja::{Environment, Error as JinjaError};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

/// A text that was parsed, and the way back from its offsets to those of the written text.
pub(super) struct Prepared {
    /// Offset of the patched text in the written one, before the patches.
    start: usize,
    patched: Patched,
    purpose: Purpose,
    compiled: Compiled,
}

type Cache = RwLock<Parsed<Purpose, Result<Arc<Prepared>, Problem>>>;

fn cache() -> &'static Cache {
    static CACHE: OnceLock<Cache> = OnceLock::new();
    CACHE.get_or_init(|| RwLock::new(Parsed::new(4 << 10, 64 << 20)))
}

type Files = RwLock<HashMap<String, Arc<PreparedFile>>>;

fn files() -> &'static Files {
    static FILES: OnceLock<Files> = OnceLock::new();
    FILES.get_or_init(Files::default)
}

/// Forgets all texts that were compiled.
pub(super) fn forget_prepared() {
    cache().write().unwrap_or_else(PoisonError::into_inner).forget();
    files().write().unwrap_or_else(PoisonError::into_inner).clear();
}

/// Renders the text of a value; `{{ expression }}` alone keeps its kind.
/// One newline at the end does not count for that; a text gets it back unless it ends in as many.
pub(super) fn value(text: &str, place: Option<&Place>, scope: &Scope) -> Outcome {
    let Some(bare) = text.strip_suffix('\n') else {
        return run_prepared(&prepared(text, Purpose::Value), text, place, scope);
    };
    let whole = |written: &str| {
        let newlines = |text: &str| text.len() - text.trim_end_matches('\n').len();
        format!(
            "{written}{}",
            "\n".repeat(newlines(text).saturating_sub(newlines(written)))
        )
    };
    match run_prepared(&prepared(bare, Purpose::Value), text, place, scope) {
        Outcome::Value { value, secret } => Outcome::Value {
            value: match value {
                Value::String(text) => whole(&text).into(),
                Value::Secret(text) => Value::Secret(whole(&text).into()),
                other => other,
            },
            secret,
        },
        other => other,
    }
}

/// Evaluates the bare expression of a condition.
pub(super) fn expression(text: &str, place: Option<&Place>, scope: &Scope) -> Outcome {
    run_prepared(&prepared(text, Purpose::Condition), text, place, scope)
}

fn run_prepared(
    prepared: &Result<Arc<Prepared>, Problem>,
    text: &str,
    place: Option<&Place>,
    scope: &Scope,
) -> Outcome {
    let located = |problem: &Problem| problem.located(text, place);
    match prepared {
        Err(problem) => Outcome::Failed(located(problem)),
        Ok(prepared) => match prepared.run(scope) {
            Ok(outcome) => place_undefined(outcome, text, place),
            Err(problem) => Outcome::Failed(located(&problem)),
        },
    }
}

/// Says where in the text the undefined name stands.
fn place_undefined(outcome: Outcome, text: &str, place: Option<&Place>) -> Outcome {
    match outcome {
        Outcome::Undefined {
            text: sentence,
            place: None,
        } => {
            let range = place::undefined_token(text, &sentence);
            Outcome::Undefined {
                place: place.map(|place| place::inside(place, text, range)),
                text: sentence,
            }
        }
        other => other,
    }
}

/// The parsed form of a text, from the cache if it was seen before.
pub(super) fn prepared(text: &str, purpose: Purpose) -> Result<Arc<Prepared>, Problem> {
    let cache = cache();
    let key = (purpose, text.to_string());
    if let Some(known) = cache.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return known;
    }
    let noted = overridden::count();
    let prepared = prepare(text, purpose).map(Arc::new);
    let mut cache = cache.write().unwrap_or_else(PoisonError::into_inner);
    match overridden::count() == noted {
        true => cache.keep(key, prepared),
        false => prepared,
    }
}

fn prepare(text: &str, purpose: Purpose) -> Result<Prepared, Problem> {
    let environment = environment::usual();
    let syntax = environment.syntax();
    let alone = match purpose {
        Purpose::Condition => Some(0..text.len()),
        Purpose::Value => patcher::lone_expression(text, syntax),
        Purpose::File => None,
    };
    match alone {
        Some(range) => {
            let inner = &text[range.clone()];
            let patched = patcher::patch_expression(inner, purpose);
            let owner = owner("<expression>", &patched.text, environment);
            let compiled =
                Compiled::try_new(owner, |owner| splitter::split(&owner.text).map(Form::Expression))
                    .map_err(|error| Problem::of(&error).moved(|at| range.start + patched.original(at)))?;
            Ok(Prepared {
                start: range.start,
                patched,
                purpose,
                compiled,
            })
        }
        None => {
            let patched = patcher::patch_text(text, syntax, purpose);
            let compiled = compiled_text("<template>", &patched.text, environment)
                .map_err(|error| Problem::of(&error).moved(|at| patched.original(at)))?;
            Ok(Prepared {
                start: 0,
                patched,
                purpose,
                compiled,
            })
        }
    }
}

impl Prepared {
    /// The outcome; errors of the template itself come with their range in the written text.
    fn run(&self, scope: &Scope) -> Result<Outcome, Problem> {
        let environment = environment::usual();
        let outcome = match self.compiled.borrow_dependent() {
            Form::Expression(logic) => splitter::run(logic, environment, scope).map(|verdict| {
                match (self.purpose, verdict.truth, verdict.outcome) {
                    (Purpose::Condition, Some(truth), Outcome::Value { secret, .. }) => Outcome::Value {
                        value: Value::Bool(truth),
                        secret,
                    },
                    (_, _, outcome) => outcome,
                }
            }),
            Form::Text(template) => {
                let (result, ledger) = with_fresh(scope, || {
                    let text = template.render(Jinja::from_object(Root(scope.clone())))?;
                    Ok(Some(native(text)))
                });
                judge(result, ledger)
            }
        };
        outcome.map_err(|problem| problem.moved(|at| self.start + self.patched.original(at)))
    }
}

/// A text that consists of one printed value is that value, and one of nothing is null, as in Ansible 2.19.
fn native(text: String) -> Value {
    match ledger::printed() {
        (0, _) if text.is_empty() => Value::Null,
        (1, Some(value)) if value.as_str().is_none() && !value.is_none() => {
            let value = take(&value);
            if print(&super::convert::expose(value.clone())) == text {
                return value;
            }
            text.into()
        }
        _ => text.into(),
    }
}

/// Evaluates something to a value with a ledger of its own and judges it.
pub(super) fn run(
    scope: &Scope,
    evaluate: impl FnOnce() -> Result<Jinja, JinjaError>,
) -> Result<Outcome, Problem> {
    let (result, ledger) = with_fresh(scope, || {
        let value = evaluate()?;
        Ok(match value.downcast_object_ref::<Omit>() {
            Some(_) => None,
            None => Some(take(&value)),
        })
    });
    judge(result, ledger)
}

/// Unknown goes before undefined, undefined before errors: whatever was handed out decides.
pub(super) fn judge(result: Result<Option<Value>, JinjaError>, ledger: Ledger) -> Result<Outcome, Problem> {
    let secret = ledger.secret;
    if let Some((_, unknown)) = ledger.unknown.into_iter().next() {
        let value = Value::Unknown(unknown);
        return Ok(Outcome::Value { value, secret });
    }
    if let Some((_, text, place)) = ledger.undefined.into_iter().next() {
        return Ok(Outcome::Undefined { text, place });
    }
    if let Some(error) = ledger.error {
        return Ok(Outcome::Failed(error));
    }
    let problem = |error: JinjaError| match secret {
        true => Problem::of(&error).hushed(),
        false => Problem::of(&error),
    };
    Ok(match result.map_err(problem)? {
        None => Outcome::Omit,
        Some(value) => {
            let size = value.size(ledger::ITEM as u64, EVALUATION.limit());
            if let Err(sentence) = EVALUATION.check(size) {
                return Ok(Outcome::Failed(Error::new(sentence)));
            }
            let secret = secret || value.holds_secret();
            let value = if ledger.secret { hide(&value) } else { value };
            Outcome::Value { value, secret }
        }
    })
}

fn owner(name: &str, text: &str, environment: &Arc<Environment<'static>>) -> Owner {
    Owner {
        name: name.to_string(),
        text: text.to_string(),
        environment: environment.clone(),
    }
}

/// A text compiled under a name.
fn compiled_text(
    name: &str,
    text: &str,
    environment: &Arc<Environment<'static>>,
) -> Result<Compiled, JinjaError> {
    Compiled::try_new(owner(name, text, environment), |owner| {
        owner
            .environment
            .template_from_named_str(&owner.name, &owner.text)
            .map(Form::Text)
    })
}

/// A template file that was compiled.
struct PreparedFile {
    options: FileOptions,
    text: String,
    patched: Patched,
    compiled: Compiled,
}

/// A file by its name, compiled anew where its text or its marks are others than before.
fn prepared_file(name: &str, text: &str, options: &FileOptions) -> Result<Arc<PreparedFile>, Problem> {
    let files = files();
    let known = files
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(name)
        .cloned();
    if let Some(known) = known.filter(|known| known.text == text && known.options == *options) {
        return Ok(known);
    }
    let noted = overridden::count();
    let environment = environment::with(options);
    let patched = patcher::patch_text(text, environment.syntax(), Purpose::File);
    let compiled = compiled_text(name, &patched.text, &environment)
        .map_err(|error| Problem::of(&error).moved(|at| patched.original(at)))?;
    let file = Arc::new(PreparedFile {
        options: options.clone(),
        text: text.to_string(),
        patched,
        compiled,
    });
    let mut files = files.write().unwrap_or_else(PoisonError::into_inner);
    if overridden::count() == noted {
        files.insert(name.to_string(), file.clone());
    }
    Ok(file)
}

/// Renders a whole file.
pub(super) fn file(name: &str, text: &str, options: &FileOptions, scope: &Scope) -> Result<Outcome, Problem> {
    let file = prepared_file(name, text, options)?;
    let patched = &file.patched;
    let Form::Text(template) = file.compiled.borrow_dependent() else {
        return Ok(Outcome::Failed(Error::new("a file is no expression")));
    };
    let (result, ledger) = with_fresh(scope, || {
        let text = template.render(Jinja::from_object(Root(scope.clone())))?;
        Ok(Some(Value::from(text)))
    });
    let included = ledger.included.clone();
    let outcome = judge(result, ledger).map_err(|problem| problem.moved(|at| patched.original(at)))?;
    Ok(match outcome {
        Outcome::Undefined {
            text: sentence,
            place: None,
        } if place::undefined_token(text, &sentence).is_none() => Outcome::Undefined {
            place: included
                .iter()
                .find_map(|path| place::undefined_in_file(path, &sentence)),
            text: sentence,
        },
        other => other,
    })
}

/// A range of bytes.
pub(super) type Span = Range<usize>;
