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
pub(super) enum Logic {
    And(Box<Logic>, Box<Logic>),
    Or(Box<Logic>, Box<Logic>),
    Not(Box<Logic>),
    If(Box<(Logic, Logic, Option<Logic>)>),
    Leaf(Instructions<'static>),
}

/// Parses and cuts an expression.
pub(super) fn split(source: &'static str) -> Result<Logic, JinjaError> {
    Ok(cut(&machinery::parse_expr(source)?, source))
}

fn cut(expression: &Expr<'static>, source: &'static str) -> Logic {
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

/// Evaluates a cut expression.
pub(super) fn run(
    logic: &Logic,
    environment: &'static Environment<'static>,
    scope: &Scope,
) -> Result<Outcome, Problem> {
    let both = |left: &Logic, right: &Logic, deciding: bool| {
        let first = run(left, environment, scope)?;
        match truth(&first) {
            Some(Truth::Known(truth)) if truth == deciding => Ok(first),
            Some(Truth::Known(_)) => Ok(with_secret(run(right, environment, scope)?, &first)),
            Some(Truth::Unknown(unknown)) => {
                // The unknown half may fail when it is applied; what the other half decides holds if not.
                let second = run(right, environment, scope);
                match second.as_ref().ok().and_then(truth) {
                    Some(Truth::Known(truth)) if truth == deciding => {
                        Ok(known(Value::Bool(deciding), &first))
                    }
                    _ => Ok(known(Value::Unknown(unknown), &first)),
                }
            }
            None => Ok(first),
        }
    };
    match logic {
        Logic::Leaf(instructions) => evaluate::run(scope, || leaf(instructions, environment, scope)),
        Logic::And(left, right) => both(left, right, false),
        Logic::Or(left, right) => both(left, right, true),
        Logic::Not(inner) => {
            let outcome = run(inner, environment, scope)?;
            Ok(match truth(&outcome) {
                Some(Truth::Known(truth)) => known(Value::Bool(!truth), &outcome),
                _ => outcome,
            })
        }
        Logic::If(parts) => {
            let test = run(&parts.0, environment, scope)?;
            match (truth(&test), &parts.2) {
                (Some(Truth::Known(true)), _) => Ok(with_secret(run(&parts.1, environment, scope)?, &test)),
                (Some(Truth::Known(false)), Some(other)) => {
                    Ok(with_secret(run(other, environment, scope)?, &test))
                }
                (Some(Truth::Known(false)), None) => Ok(Outcome::Undefined {
                    text: "the condition of the inline `if` is false and it has no `else`".into(),
                    place: None,
                }),
                _ => Ok(test),
            }
        }
    }
}

fn leaf(
    instructions: &Instructions<'static>,
    environment: &'static Environment<'static>,
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

fn with_secret(outcome: Outcome, from: &Outcome) -> Outcome {
    match outcome {
        Outcome::Value { value, secret } => Outcome::Value {
            value,
            secret: secret || is_secret(from),
        },
        other => other,
    }
}
