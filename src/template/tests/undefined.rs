//! `defined` and `undefined`, and what the patcher writes for them in conditions.

use crate::template::filters::forgiven;
use crate::template::ledger;
use crate::template::objects::UnknownObject;
use minijinja::Environment;
use minijinja::value::Value as Jinja;

/// Their names.
pub(super) const NAMES: [&str; 2] = ["defined", "undefined"];

/// Adds them to an environment.
pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_test("defined", |value: Jinja| !forgiven(&value));
    environment.add_test("undefined", |value: Jinja| forgiven(&value));
    environment.add_test("__defined", |value: Jinja| !missing(&value));
    environment.add_test("__undefined", |value: Jinja| missing(&value));
}

/// In a condition nothing else has hold of the value, so an unknown leaf is simply there: its note goes.
fn missing(value: &Jinja) -> bool {
    if let Some(unknown) = value.downcast_object_ref::<UnknownObject>()
        && !unknown.derived
    {
        ledger::forgive(unknown.note);
        return false;
    }
    forgiven(value)
}
