//! What is said of one option.

use crate::value::{Map, Value, truthy};

/// Its type.
pub(super) fn kind(option: &Value) -> &str {
    option.get("type").and_then(Value::as_str).unwrap_or("str")
}

/// Whether it must be given.
pub(super) fn required(option: &Value) -> bool {
    option.get("required").is_some_and(truthy)
}

/// Whether null is refused: of options that are required, and of those with a default.
pub(super) fn needs_value(option: &Value) -> bool {
    required(option) || option.get("default").is_some_and(|default| !default.is_null())
}

/// Whether its value is secret.
pub(super) fn hidden(option: &Value) -> bool {
    option.get("no_log").is_some_and(truthy)
}

/// The options below an option: of a mapping, or of a list of mappings.
pub(super) fn options(option: &Value) -> Option<&Map> {
    let elements = option.get("elements").and_then(Value::as_str);
    let mapping = matches!((kind(option), elements), ("dict", _) | ("list", Some("dict")));
    option.get("options").filter(|_| mapping)?.as_map()
}

/// Its other names.
pub(super) fn aliases(option: &Value) -> impl Iterator<Item = &str> {
    let aliases = option.get("aliases").and_then(Value::as_list);
    aliases.unwrap_or_default().iter().filter_map(Value::as_str)
}
