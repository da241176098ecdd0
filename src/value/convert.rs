//! Ansible's lenient readings of booleans and numbers in arguments.

use super::Value;

/// A truth value as Ansible's argument checks read it (`yes`, `on`, `1`, `true`, `y`, `t` and their
/// opposites in any letter case).
pub fn to_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Int(0) => Some(false),
        Value::Int(1) => Some(true),
        Value::Float(number) if *number == 0.0 => Some(false),
        Value::Float(number) if *number == 1.0 => Some(true),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "yes" | "on" | "1" | "true" | "y" | "t" | "1.0" => Some(true),
            "no" | "off" | "0" | "false" | "n" | "f" | "0.0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A whole number as Ansible's argument checks read it: a number, or a text that is one.
pub fn to_integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        Value::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => Some(*number as i64),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_truth_values_and_others_are_refused() {
        for (text, flag) in [
            ("Yes", true),
            ("off", false),
            ("1", true),
            (" true ", true),
            ("F", false),
        ] {
            assert_eq!(to_bool(&Value::string(text)), Some(flag), "{text}");
        }
        assert_eq!(to_bool(&Value::string("maybe")), None);
        assert_eq!(to_bool(&Value::Int(2)), None);
    }

    #[test]
    fn a_text_may_be_a_number() {
        assert_eq!(to_integer(&Value::string(" 42 ")), Some(42));
        assert_eq!(to_integer(&Value::Float(3.0)), Some(3));
        assert_eq!(to_integer(&Value::Float(3.5)), None);
    }
}
