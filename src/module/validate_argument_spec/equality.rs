//! Truth and equality of values as Python has them.

use crate::value::Value;

/// Python's truth of a value.
pub(super) fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Int(number) => *number != 0,
        Value::Float(number) => *number != 0.0,
        Value::List(items) => !items.is_empty(),
        Value::Map(map) => !map.is_empty(),
        Value::Unknown(_) => true,
        text => text.as_str().is_some_and(|text| !text.is_empty()),
    }
}

/// Python's `==`: numbers and truth values of the same size are the same.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    };
    match (one, other) {
        (Value::Int(one), Value::Int(other)) => one == other,
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len() && one.iter().zip(&**other).all(|(one, other)| same(one, other))
        }
        (Value::Map(one), Value::Map(other)) => {
            let found = |(name, value): (_, &Value)| other.get(name).is_some_and(|other| same(value, other));
            one.len() == other.len() && one.iter().all(found)
        }
        _ => match (number(one), number(other)) {
            (Some(one), Some(other)) => one == other,
            _ => one == other || one.as_str().is_some() && one.as_str() == other.as_str(),
        },
    }
}

/// Whether a value is one of the choices.
pub(super) fn is_among(value: &Value, choices: &[Value]) -> bool {
    choices.iter().any(|choice| same(value, choice))
}

/// `True` and `False` stand for the only choice that means the same, since YAML makes them out of words.
pub(super) fn is_word_for(value: &Value, choices: &[Value]) -> bool {
    const WORDS: [(&str, [&str; 6]); 2] = [
        ("True", ["y", "yes", "on", "1", "true", "t"]),
        ("False", ["n", "no", "off", "0", "false", "f"]),
    ];
    let words = |(word, words)| (value.as_str() == Some(word)).then_some(words);
    let Some(words) = WORDS.into_iter().find_map(words) else {
        return false;
    };
    let number = i64::from(value.as_str() == Some("True"));
    let means = |choice: &&Value| match choice.as_str() {
        Some(text) => words.contains(&text),
        None => same(choice, &Value::Int(number)),
    };
    choices.iter().filter(means).count() == 1
}
