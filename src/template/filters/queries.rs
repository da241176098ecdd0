//! `json_query`: JMESPath.

use super::{Filter, filter};
use crate::template::call::{Answer, Call};
use crate::template::convert::print;
use crate::value::Value;

pub(super) const FILTERS: &[Filter] = &[filter("community.general:json_query", json_query)];

fn json_query(call: &Call) -> Answer {
    let text = print(call.need(1, "expr")?);
    let wrong =
        |error: jmespath::JmespathError| format!("JMESPathError in json_query filter plugin:\n{error}");
    let expression = jmespath::compile(&text).map_err(wrong)?;
    let json = serde_json::Value::from(call.input()).to_string();
    let data = jmespath::Variable::from_json(&json).map_err(|error| error.to_string())?;
    let found = expression.search(data).map_err(wrong)?;
    let found = serde_json::to_value(&*found).map_err(|error| error.to_string())?;
    Ok(Value::from(whole(found)))
}

/// JMESPath knows one kind of number; what is whole stays an integer.
fn whole(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 9e15 => {
                serde_json::Value::from(float as i64)
            }
            _ => serde_json::Value::Number(number),
        },
        serde_json::Value::Array(items) => items.into_iter().map(whole).collect(),
        serde_json::Value::Object(map) => map
            .into_iter()
            .map(|(name, value)| (name, whole(value)))
            .collect(),
        other => other,
    }
}
