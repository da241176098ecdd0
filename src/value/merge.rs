//! Mappings put upon mappings.

use super::Value;

/// Mappings upon mappings add to them, however deep; all else replaces what was there.
pub fn merged(old: &Value, new: &Value) -> Value {
    let (Value::Map(old), Value::Map(new)) = (old, new) else {
        return new.clone();
    };
    let mut all = (**old).clone();
    for (name, value) in &**new {
        let value = all
            .get(name)
            .map_or_else(|| value.clone(), |old| merged(old, value));
        all.insert(name.clone(), value);
    }
    Value::Map(all.into())
}
