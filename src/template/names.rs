//! The filters, tests and lookups that templates name, and those of them that nobody knows.

use super::environment;
use super::overridden::is_own;
use super::patcher::{self, Purpose};
use super::place;
use super::syntax::{expressions, known_filters, known_lookups, known_tests, statements};
use crate::error::{Error, nearest};
use crate::source::Place;
use crate::value::Value;
use minijinja::machinery;
use minijinja::machinery::ast::{CallArg, Expr};
use std::collections::BTreeSet;

/// What a template names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameKind {
    /// A filter.
    Filter,
    /// A test.
    Test,
    /// A lookup.
    Lookup,
}

impl NameKind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            NameKind::Filter => "filter",
            NameKind::Test => "test",
            NameKind::Lookup => "lookup",
        }
    }

    /// How the error of a plugin of this kind begins, in Ansible's words.
    pub fn failed(self, name: &str) -> String {
        format!("The {} plugin '{name}' failed", self.word())
    }
}

/// A name in a template that means nothing here.
#[derive(Clone, Debug)]
pub struct UnknownName {
    /// What it names.
    pub kind: NameKind,
    /// The name.
    pub name: String,
    /// The error with its place, and the nearest name that is known.
    pub error: Error,
}

/// The filters, tests and lookups that the templates in a value name and that are not here. `condition` says that a text is a bare
/// expression.
pub fn unknown_names(value: &Value, place: Option<&Place>, condition: bool) -> Vec<UnknownName> {
    match value {
        Value::Template(template) => {
            unknown_in(&template.text, template.place.as_ref().or(place), Purpose::Value)
        }
        Value::String(text) if condition => unknown_in(text, place, Purpose::Condition),
        Value::List(items) => items
            .iter()
            .flat_map(|item| unknown_names(item, place, condition))
            .collect(),
        Value::Map(map) => map
            .values()
            .flat_map(|item| unknown_names(item, place, false))
            .collect(),
        _ => vec![],
    }
}

pub(super) fn unknown_in(text: &str, place: Option<&Place>, purpose: Purpose) -> Vec<UnknownName> {
    let names = used_names(text, purpose);
    let unknown = |kind: NameKind, names: BTreeSet<String>, known: &[&'static str]| {
        let word = kind.word();
        let names = names.into_iter().filter(|name| !is_own(kind, name));
        names
            .map(|name| {
                let range = place::word(text, &name);
                let place = place.map(|place| place::inside(place, text, range));
                let error = Error::new(format!("no {word} named '{name}'")).at_some(place.as_ref());
                UnknownName {
                    kind,
                    error: error.did_you_mean(nearest(&name, known.iter().copied())),
                    name,
                }
            })
            .collect::<Vec<_>>()
    };
    [
        unknown(NameKind::Filter, names.filters, known_filters()),
        unknown(NameKind::Test, names.tests, known_tests()),
        unknown(NameKind::Lookup, names.lookups, known_lookups()),
    ]
    .concat()
}

#[derive(Default)]
struct UsedNames {
    filters: BTreeSet<String>,
    tests: BTreeSet<String>,
    lookups: BTreeSet<String>,
}

impl UsedNames {
    /// The name of a filter or test that is handed to another filter.
    fn handed_over(&mut self, filter: &str, args: &[CallArg<'_>]) {
        let (at, names) = match filter.strip_prefix("ansible.builtin.").unwrap_or(filter) {
            "map" => (0, &mut self.filters),
            "select" | "reject" => (0, &mut self.tests),
            "selectattr" | "rejectattr" => (1, &mut self.tests),
            _ => return,
        };
        if let Some(CallArg::Pos(Expr::Const(name))) = args.get(at) {
            names.extend(name.value.as_str().map(str::to_string));
        }
    }
}

/// The functions whose first argument names a lookup.
const LOOKING_UP: [&str; 3] = ["lookup", "query", "q"];

fn called_lookup(expression: &Expr<'_>) -> Option<String> {
    let Expr::Call(call) = expression else { return None };
    let is_lookup = matches!(&call.expr, Expr::Var(function) if LOOKING_UP.contains(&function.id));
    match call.args.first() {
        Some(CallArg::Pos(Expr::Const(name))) if is_lookup => name.value.as_str().map(str::to_string),
        _ => None,
    }
}

fn used_names(text: &str, purpose: Purpose) -> UsedNames {
    let mut names = UsedNames::default();
    let mut note = |expression: &Expr<'_>| match expression {
        Expr::Filter(node) => {
            names.filters.insert(node.name.to_string());
            names.handed_over(node.name, &node.args);
        }
        Expr::Test(node) => {
            names.tests.insert(node.name.to_string());
        }
        call => names.lookups.extend(called_lookup(call)),
    };
    let syntax = environment::usual().syntax();
    match purpose {
        Purpose::Condition => {
            let text = patcher::tidy_expression(text);
            if let Ok(tree) = machinery::parse_expr(&text) {
                expressions(&tree, &mut note);
            }
        }
        _ => {
            let text = patcher::tidy_text(text, syntax, purpose);
            if let Ok(tree) = machinery::parse(&text, "<template>", syntax.clone()) {
                statements(&tree, &mut note);
            }
        }
    }
    names
}
