//! Whether a value is one of the choices of an option.

use crate::value::{Value, equal};

/// Whether a value is one of the choices.
pub(super) fn is_among(value: &Value, choices: &[Value]) -> bool {
    choices.iter().any(|choice| equal(value, choice))
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
        None => equal(choice, &Value::Int(number)),
    };
    choices.iter().filter(means).count() == 1
}
