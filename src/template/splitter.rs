//! Three-valued logic: the `and`, `or`, `not` and `if else` of an expression are decided here, piece by
//! piece, so that something unknown in one piece does not hide what the others decide.

use super::evaluate;
use super::objects::Root;
use super::place::Problem;
use super::{Outcome, Scope};
use crate::value::{Unknown, Value};
use minijinja::machinery::ast::{BinOpKind, Expr, UnaryOpKind};
use minijinja::machinery::{self, CodeGenerator, Instructions};
use minijinja::value::Value as Jinja;
use minijinja::{AutoEscape, Environment, Error as JinjaError};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An expression cut at its logical operators.
pub(super) enum Logic<'source> {
    And(Box<Logic<'source>>, Box<Logic<'source>>),
    Or(Box<Logic<'source>>, Box<Logic<'source>>),
    Not(Box<Logic<'source>>),
    If(Box<(Logic<'source>, Logic<'source>, Option<Logic<'source>>)>),
    Leaf(Instructions<'source>),
}

/// Parses and cuts an expression.
pub(super) fn split(source: &str) -> Result<Logic<'_>, JinjaError> {
    Ok(cut(&machinery::parse_expr(source)?, source))
}

fn cut<'source>(expression: &Expr<'source>, source: &'source str) -> Logic<'source> {
    match expression {
        Expr::BinOp(operation) if matches!(operation.op, BinOpKind::ScAnd) => Logic::And(
            Box::new(cut(&operation.left, source)),
            Box::new(cut(&operation.right, source)),
        ),
        Expr::BinOp(operation) if matches!(operation.op, BinOpKind::ScOr) => Logic::Or(
            Box::new(cut(&operation.left, source)),
            Box::new(cut(&operation.right, source)),
        ),
        Expr::UnaryOp(operation) if matches!(operation.op, UnaryOpKind::Not) => {
            Logic::Not(Box::new(cut(&operation.expr, source)))
        }
        Expr::IfExpr(choice) => Logic::If(Box::new((
            cut(&choice.test_expr, source),
            cut(&choice.true_expr, source),
            choice.false_expr.as_ref().map(|other| cut(other, source)),
        ))),
        leaf => {
            let mut generator = CodeGenerator::new("<expression>", source);
            generator.compile_expr(leaf);
            Logic::Leaf(generator.finish().0)
        }
    }
}

/// What an expression came to. Of `unknown or true` only the truth is known, not the value.
pub(super) struct Verdict {
    pub outcome: Outcome,
    /// Set if the value is unknown and its truth is not.
    pub truth: Option<bool>,
}

impl Verdict {
    fn of(outcome: Outcome) -> Verdict {
        Verdict { outcome, truth: None }
    }

    /// Python's truth of the value; `None` if there is none.
    fn truth(&self) -> Option<Truth> {
        self.truth.map(Truth::Known).or_else(|| truth(&self.outcome))
    }
}

/// Evaluates a cut expression.
pub(super) fn run(
    logic: &Logic<'_>,
    environment: &Environment<'_>,
    scope: &Scope,
) -> Result<Verdict, Problem> {
    match logic {
        Logic::Leaf(instructions) => {
            evaluate::run(scope, || leaf(instructions, environment, scope)).map(Verdict::of)
        }
        Logic::And(left, right) => both([left, right], false, environment, scope),
        Logic::Or(left, right) => both([left, right], true, environment, scope),
        Logic::Not(inner) => {
            let verdict = run(inner, environment, scope)?;
            Ok(match verdict.truth() {
                Some(Truth::Known(truth)) => Verdict::of(known(Value::Bool(!truth), &verdict.outcome)),
                _ => verdict,
            })
        }
        Logic::If(parts) => {
            let test = run(&parts.0, environment, scope)?;
            let chosen = match test.truth() {
                Some(Truth::Known(true)) => Some(&parts.1),
                Some(Truth::Known(false)) => parts.2.as_ref(),
                _ => return Ok(Verdict::of(test.outcome)),
            };
            match chosen {
                Some(chosen) => Ok(with_secret(run(chosen, environment, scope)?, &test.outcome)),
                None => Ok(Verdict::of(Outcome::Undefined {
                    text: "the condition of the inline `if` is false and it has no `else`".into(),
                    place: None,
                })),
            }
        }
    }
}

/// `and` (decided by a false half) and `or` (decided by a true one).
fn both(
    [left, right]: [&Logic; 2],
    deciding: bool,
    environment: &Environment<'_>,
    scope: &Scope,
) -> Result<Verdict, Problem> {
    let first = run(left, environment, scope)?;
    let known_truth = match first.truth() {
        Some(Truth::Known(truth)) => truth,
        Some(Truth::Unknown(unknown)) => {
            // The unknown half may fail when it is applied; what the other half decides holds if not.
            let second = run(right, environment, scope);
            let truth = match second.as_ref().ok().and_then(Verdict::truth) {
                Some(Truth::Known(truth)) if truth == deciding => Some(deciding),
                _ => None,
            };
            let outcome = known(Value::Unknown(unknown), &first.outcome);
            return Ok(Verdict { outcome, truth });
        }
        None => return Ok(first),
    };
    if known_truth == deciding {
        return Ok(first);
    }
    Ok(with_secret(run(right, environment, scope)?, &first.outcome))
}

fn leaf(
    instructions: &Instructions<'_>,
    environment: &Environment<'_>,
    scope: &Scope,
) -> Result<Jinja, JinjaError> {
    let root = Jinja::from_object(Root(scope.clone()));
    let blocks = BTreeMap::new();
    let mut unused = String::new();
    let mut output = machinery::make_string_output(&mut unused);
    let (value, _) = machinery::eval(
        environment,
        instructions,
        root,
        &blocks,
        &mut output,
        AutoEscape::None,
    )?;
    Ok(value.unwrap_or_default())
}

enum Truth {
    Known(bool),
    Unknown(Arc<Unknown>),
}

/// Python's truth of an outcome; `None` if it is an error.
fn truth(outcome: &Outcome) -> Option<Truth> {
    let Outcome::Value { value, .. } = outcome else {
        return match outcome {
            Outcome::Omit => Some(Truth::Known(true)),
            _ => None,
        };
    };
    Some(Truth::Known(match value {
        Value::Unknown(unknown) => return Some(Truth::Unknown(unknown.clone())),
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Int(number) => *number != 0,
        Value::Float(number) => *number != 0.0,
        Value::String(text) | Value::Secret(text) => !text.is_empty(),
        Value::Template(template) => !template.text.is_empty(),
        Value::List(items) => !items.is_empty(),
        Value::Map(map) => !map.is_empty(),
    }))
}

fn is_secret(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Value { secret: true, .. })
}

fn known(value: Value, from: &Outcome) -> Outcome {
    Outcome::Value {
        value,
        secret: is_secret(from),
    }
}

fn with_secret(verdict: Verdict, from: &Outcome) -> Verdict {
    let outcome = match verdict.outcome {
        Outcome::Value { value, secret } => Outcome::Value {
            value,
            secret: secret || is_secret(from),
        },
        other => other,
    };
    Verdict { outcome, ..verdict }
}
