//! Tests on the results of tasks.

use super::{Test, looking};
use crate::template::call::{Answer, Call, truthy};
use crate::value::{Value, repr};

pub(super) const TESTS: &[Test] = &[
    looking("changed", changed),
    looking("change", changed),
    looking("failed", |call| flag(call, "failed")),
    looking("failure", |call| flag(call, "failed")),
    looking("success", |call| flag(call, "failed").map(not)),
    looking("succeeded", |call| flag(call, "failed").map(not)),
    looking("successful", |call| flag(call, "failed").map(not)),
    looking("skipped", |call| flag(call, "skipped")),
    looking("skip", |call| flag(call, "skipped")),
    looking("unreachable", |call| flag(call, "unreachable")),
    looking("reachable", |call| flag(call, "unreachable").map(not)),
    // What is no job has begun and is finished, as in Ansible.
    looking("started", |call| {
        Ok(result(call)?.get("started").map_or(Value::Bool(true), truth))
    }),
    looking("finished", |call| {
        Ok(result(call)?.get("finished").map_or(Value::Bool(true), truth))
    }),
    looking("timedout", |call| {
        let timed_out = call.input().get("timedout");
        Ok(timed_out
            .and_then(|timed_out| timed_out.get("period"))
            .map_or(Value::Bool(false), truth))
    }),
];

fn result(call: &Call) -> Result<&Value, String> {
    match call.input() {
        map @ Value::Map(_) => Ok(map),
        other => Err(format!(
            "the test expects the result of a task, got {} of kind `{}`; was it registered?",
            repr(other),
            other.kind()
        )),
    }
}

fn truth(value: &Value) -> Value {
    match value {
        unknown @ Value::Unknown(_) => unknown.clone(),
        known => Value::Bool(truthy(known)),
    }
}

fn not(value: Value) -> Value {
    match value {
        Value::Bool(flag) => Value::Bool(!flag),
        unknown => unknown,
    }
}

fn flag(call: &Call, name: &str) -> Answer {
    Ok(result(call)?.get(name).map_or(Value::Bool(false), truth))
}

/// A result without `changed` but with results of a loop has changed if one of them has.
fn changed(call: &Call) -> Answer {
    let result = result(call)?;
    if let Some(changed) = result.get("changed") {
        return Ok(truth(changed));
    }
    let mut unknown = None;
    for item in result.get("results").and_then(Value::as_list).unwrap_or_default() {
        match item.get("changed").map(truth) {
            Some(Value::Bool(true)) => return Ok(Value::Bool(true)),
            Some(found @ Value::Unknown(_)) => unknown = Some(found),
            _ => {}
        }
    }
    Ok(unknown.unwrap_or(Value::Bool(false)))
}
