//! Tests on the kind of a value and on what a list holds.

use super::{Test, test, versions};
use crate::template::call::{Answer, Call, equal, number, truthy};
use crate::template::convert::print;
use crate::template::filters::sets::holds;
use crate::value::Value;

fn answer(flag: bool) -> Answer {
    Ok(Value::Bool(flag))
}

pub(super) const TESTS: &[Test] = &[
    test("truthy", |call| truth(call, true)),
    test("falsy", |call| truth(call, false)),
    test("sequence", |call| {
        answer(matches!(
            call.input(),
            Value::List(_) | Value::Map(_) | Value::String(_)
        ))
    }),
    test("iterable", |call| {
        answer(matches!(
            call.input(),
            Value::List(_) | Value::Map(_) | Value::String(_)
        ))
    }),
    test("string", |call| answer(matches!(call.input(), Value::String(_)))),
    test("mapping", |call| answer(matches!(call.input(), Value::Map(_)))),
    test("none", |call| answer(call.input().is_null())),
    test("number", |call| {
        answer(matches!(
            call.input(),
            Value::Int(_) | Value::Float(_) | Value::Bool(_)
        ))
    }),
    test("integer", |call| answer(matches!(call.input(), Value::Int(_)))),
    test("float", |call| answer(matches!(call.input(), Value::Float(_)))),
    test("boolean", |call| answer(matches!(call.input(), Value::Bool(_)))),
    test("even", |call| answer(need_number(call)?.rem_euclid(2.0) == 0.0)),
    test("odd", |call| answer(need_number(call)?.rem_euclid(2.0) == 1.0)),
    test("divisibleby", |call| match call.integer(1, "num")? {
        None | Some(0) => Err("integer modulo by zero".into()),
        Some(divisor) => answer(need_number(call)? % divisor as f64 == 0.0),
    }),
    test("callable", |_| answer(false)),
    test("nan", |call| {
        answer(matches!(call.input(), Value::Float(number) if number.is_nan()))
    }),
    test("isnan", |call| {
        answer(matches!(call.input(), Value::Float(number) if number.is_nan()))
    }),
    // A vaulted value was opened when it was read.
    test("vault_encrypted", |_| answer(false)),
    test("subset", |call| {
        answer(all_in(&call.input_list()?, &other(call)?))
    }),
    test("issubset", |call| {
        answer(all_in(&call.input_list()?, &other(call)?))
    }),
    test("superset", |call| {
        answer(all_in(&other(call)?, &call.input_list()?))
    }),
    test("issuperset", |call| {
        answer(all_in(&other(call)?, &call.input_list()?))
    }),
    test("contains", |call| {
        let item = call.need(1, "value")?;
        answer(match call.input() {
            Value::String(text) => text.contains(&print(item)),
            _ => holds(&call.input_list()?, item),
        })
    }),
    test("any", |call| answer(call.input_list()?.iter().any(truthy))),
    test("all", |call| answer(call.input_list()?.iter().all(truthy))),
    test("in", |call| {
        let container = call.need(1, "seq")?;
        answer(match container {
            Value::String(text) => match call.input() {
                Value::String(part) => text.contains(&**part),
                other => {
                    return Err(format!(
                        "'in <string>' requires string as left operand, not {}",
                        other.kind()
                    ));
                }
            },
            _ => holds(&call.list_of(container)?, call.input()),
        })
    }),
    test("eq", |call| answer(equal(call.input(), call.need(1, "b")?))),
    test("equalto", |call| answer(equal(call.input(), call.need(1, "b")?))),
    test("==", |call| answer(equal(call.input(), call.need(1, "b")?))),
    test("ne", |call| answer(!equal(call.input(), call.need(1, "b")?))),
    test("!=", |call| answer(!equal(call.input(), call.need(1, "b")?))),
    test("version", versions::version),
    test("version_compare", versions::version),
];

/// The input as a number.
fn need_number(call: &Call) -> Result<f64, String> {
    number(call.input())
        .ok_or_else(|| format!("expects a number, got a value of kind `{}`", call.input().kind()))
}

fn other(call: &Call) -> Result<Vec<Value>, String> {
    call.list_of(call.need(1, "b")?)
}

fn all_in(small: &[Value], large: &[Value]) -> bool {
    small.iter().all(|item| holds(large, item))
}

/// Python's truth; with `convert_bool` words such as `no` count as well.
fn truth(call: &Call, wanted: bool) -> Answer {
    let convert = call.flag(1, "convert_bool", false);
    let value = call.input();
    let truth = match crate::value::to_bool(value) {
        Some(flag) if convert => flag,
        _ => truthy(value),
    };
    answer(truth == wanted)
}
