//! Walks over syntax trees; the names that are known, free variables, the load-time check.

use super::environment;
use super::names::{NameKind, unknown_in};
use super::patcher::{self, Purpose};
use super::place::Problem;
use super::{FileOptions, evaluate};
use crate::error::{Error, Result};
use crate::source::{Place, Source};
use crate::value::Value;
use minijinja::machinery::ast::{CallArg, Expr, Stmt};
use std::sync::{Arc, OnceLock};

/// The expressions directly below an expression.
pub(super) fn children<'a, 's>(expression: &'a Expr<'s>) -> Vec<&'a Expr<'s>> {
    match expression {
        Expr::Var(_) | Expr::Const(_) => vec![],
        Expr::Slice(node) => {
            let bounds = [&node.start, &node.stop, &node.step];
            std::iter::once(&node.expr)
                .chain(bounds.into_iter().flatten())
                .collect()
        }
        Expr::UnaryOp(node) => vec![&node.expr],
        Expr::BinOp(node) => vec![&node.left, &node.right],
        Expr::Compare(node) => std::iter::once(&node.expr)
            .chain(node.ops.iter().map(|op| &op.expr))
            .collect(),
        Expr::IfExpr(node) => {
            let mut all = vec![&node.test_expr, &node.true_expr];
            all.extend(&node.false_expr);
            all
        }
        Expr::Filter(node) => node.expr.iter().chain(node.args.iter().map(argument)).collect(),
        Expr::Test(node) => std::iter::once(&node.expr)
            .chain(node.args.iter().map(argument))
            .collect(),
        Expr::GetAttr(node) => vec![&node.expr],
        Expr::GetItem(node) => vec![&node.expr, &node.subscript_expr],
        Expr::Call(node) => std::iter::once(&node.expr)
            .chain(node.args.iter().map(argument))
            .collect(),
        Expr::List(node) => node.items.iter().collect(),
        Expr::Tuple(node) => node.items.iter().collect(),
        Expr::Map(node) => node.keys.iter().chain(&node.values).collect(),
    }
}

pub(super) fn argument<'a, 's>(argument: &'a CallArg<'s>) -> &'a Expr<'s> {
    match argument {
        CallArg::Pos(expr)
        | CallArg::Kwarg(_, expr)
        | CallArg::PosSplat(expr)
        | CallArg::KwargSplat(expr) => expr,
    }
}

/// Visits an expression and all below it, the inner ones first.
pub(super) fn expressions<'a, 's>(expression: &'a Expr<'s>, visit: &mut dyn FnMut(&'a Expr<'s>)) {
    for child in children(expression) {
        expressions(child, visit);
    }
    visit(expression);
}

/// Visits every expression that is evaluated in a statement and below it, the inner ones first.
pub(super) fn statements<'a, 's>(statement: &'a Stmt<'s>, visit: &mut dyn FnMut(&'a Expr<'s>)) {
    let (own, below) = parts(statement);
    for expression in own {
        expressions(expression, visit);
    }
    for statement in below.into_iter().flatten() {
        statements(statement, visit);
    }
}

type Parts<'a, 's> = (Vec<&'a Expr<'s>>, Vec<&'a Vec<Stmt<'s>>>);

/// The expressions and the statements directly below a statement.
fn parts<'a, 's>(statement: &'a Stmt<'s>) -> Parts<'a, 's> {
    match statement {
        Stmt::Template(node) => (vec![], vec![&node.children]),
        Stmt::EmitExpr(node) => (vec![&node.expr], vec![]),
        Stmt::EmitRaw(_) | Stmt::Continue(_) | Stmt::Break(_) => (vec![], vec![]),
        Stmt::ForLoop(node) => {
            let own = std::iter::once(&node.iter).chain(&node.filter_expr).collect();
            (own, vec![&node.body, &node.else_body])
        }
        Stmt::IfCond(node) => (vec![&node.expr], vec![&node.true_body, &node.false_body]),
        Stmt::WithBlock(node) => (
            node.assignments.iter().map(|pair| &pair.1).collect(),
            vec![&node.body],
        ),
        Stmt::Set(node) => (vec![&node.expr], vec![]),
        Stmt::SetBlock(node) => (node.filter.iter().collect(), vec![&node.body]),
        Stmt::AutoEscape(node) => (vec![&node.enabled], vec![&node.body]),
        Stmt::FilterBlock(node) => (vec![&node.filter], vec![&node.body]),
        Stmt::Block(node) => (vec![], vec![&node.body]),
        Stmt::Import(node) => (vec![&node.expr], vec![]),
        Stmt::FromImport(node) => (vec![&node.expr], vec![]),
        Stmt::Extends(node) => (vec![&node.name], vec![]),
        Stmt::Include(node) => (vec![&node.name], vec![]),
        Stmt::Macro(node) => (node.defaults.iter().collect(), vec![&node.body]),
        Stmt::CallBlock(node) => {
            let call = std::iter::once(&node.call.expr).chain(node.call.args.iter().map(argument));
            let defaults = node.macro_decl.defaults.iter();
            (call.chain(defaults).collect(), vec![&node.macro_decl.body])
        }
        Stmt::Do(node) => (
            std::iter::once(&node.call.expr)
                .chain(node.call.args.iter().map(argument))
                .collect(),
            vec![],
        ),
    }
}

/// Names, sorted, each once, made once.
type Names = OnceLock<Vec<&'static str>>;

fn sorted(names: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The names of all filters, sorted.
pub fn known_filters() -> &'static [&'static str] {
    static NAMES: Names = OnceLock::new();
    NAMES.get_or_init(|| sorted(super::filters::names().chain(STOCK_FILTERS)))
}

/// The names of all tests, sorted.
pub fn known_tests() -> &'static [&'static str] {
    static NAMES: Names = OnceLock::new();
    NAMES.get_or_init(|| sorted(super::tests::names().chain(STOCK_TESTS)))
}

/// The names of all lookups, sorted.
pub fn known_lookups() -> &'static [&'static str] {
    static NAMES: Names = OnceLock::new();
    NAMES.get_or_init(|| sorted(super::lookups::names()))
}

/// Filters that the engine brings itself and that behave as Jinja2's.
const STOCK_FILTERS: [&str; 33] = [
    "abs",
    "attr",
    "batch",
    "capitalize",
    "count",
    "e",
    "escape",
    "first",
    "format",
    "groupby",
    "indent",
    "items",
    "last",
    "length",
    "list",
    "lower",
    "max",
    "min",
    "pprint",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sum",
    "title",
    "trim",
    "upper",
    "urlencode",
];

/// Tests that the engine brings itself and that behave as Jinja2's.
const STOCK_TESTS: [&str; 38] = [
    "!=",
    "<",
    "<=",
    "==",
    ">",
    ">=",
    "boolean",
    "divisibleby",
    "endingwith",
    "eq",
    "equalto",
    "escaped",
    "even",
    "false",
    "filter",
    "float",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "int",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "sameas",
    "startingwith",
    "string",
    "test",
    "true",
    "upper",
];

/// Checks at load time what can be seen without running: syntax, and the names of filters and tests.
///
/// # Errors
/// The first thing that is wrong, with its place and the nearest known name.
pub fn check_syntax(value: &Value) -> Result<(), Error> {
    match value {
        Value::Template(template) => check_text(&template.text, template.place.as_ref(), Purpose::Value),
        Value::List(items) => items.iter().try_for_each(check_syntax),
        Value::Map(map) => map.values().try_for_each(check_syntax),
        _ => Ok(()),
    }
}

/// As [`check_syntax`], for the bare expression of a condition.
///
/// # Errors
/// As [`check_syntax`].
pub fn check_condition(value: &Value, place: Option<&Place>) -> Result<(), Error> {
    match value {
        Value::Template(_) => check_syntax(value),
        Value::String(text) if !text.trim().is_empty() => check_text(text, place, Purpose::Condition),
        _ => Ok(()),
    }
}

/// As [`check_syntax`], for a template file with the usual marks.
///
/// # Errors
/// As [`check_syntax`].
pub fn check_file(source: &Arc<Source>) -> Result<(), Error> {
    let (options, start) = FileOptions::default().with_header(&source.text);
    let place = Place::new(source, start..source.text.len());
    let text = &source.text[start..];
    let environment = environment::with(&options);
    let tidy = patcher::tidy_text(text, environment.syntax(), Purpose::File);
    if let Err(error) = environment.template_from_named_str(&source.name, &tidy) {
        return Err(Problem::of(&error).located(&tidy, Some(&place)));
    }
    check_names(text, Some(&place), Purpose::File)
}

fn check_text(text: &str, place: Option<&Place>, purpose: Purpose) -> Result<(), Error> {
    let located = |problem: Problem| problem.located(text, place);
    evaluate::prepared(text, purpose).map_err(located)?;
    check_names(text, place, purpose)
}

/// Looks for filters and tests that nobody knows.
fn check_names(text: &str, place: Option<&Place>, purpose: Purpose) -> Result<(), Error> {
    let unknown = unknown_in(text, place, purpose)
        .into_iter()
        .find(|unknown| unknown.kind != NameKind::Lookup);
    match unknown {
        Some(unknown) => Err(unknown.error),
        None => Ok(()),
    }
}

/// The variables a text uses without setting them, sorted. A text without marks is read as the expression
/// of a condition.
pub fn free_variables(text: &str) -> Vec<String> {
    let environment = environment::usual();
    let marked = text.contains("{{") || text.contains("{%") || text.contains("{#");
    let found = if marked {
        let text = patcher::tidy_text(text, environment.syntax(), Purpose::File);
        environment
            .template_from_named_str("<template>", &text)
            .map(|template| template.undeclared_variables(false))
    } else {
        environment
            .compile_expression_owned(patcher::tidy_expression(text))
            .map(|expression| expression.undeclared_variables(false))
    };
    let mut names: Vec<String> = found.unwrap_or_default().into_iter().collect();
    names.sort_unstable();
    names
}
