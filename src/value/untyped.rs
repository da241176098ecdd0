//! A [`Value`] as the type of an argument: it passes through serde unchanged, its marks included.

use super::Value;
use super::deserialize::ArgumentError;
use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};
use std::fmt;
use std::sync::Arc;

/// The keys under which marked values pass through serde.
const SECRET: &str = "\u{0}secret";
const UNKNOWN: &str = "\u{0}unknown";

/// A marked text on its way through serde.
pub(super) struct Marked<'a> {
    mark: Option<&'static str>,
    text: &'a str,
}

impl<'a> Marked<'a> {
    /// A text that nobody may see.
    pub(super) fn secret(text: &'a str) -> Marked<'a> {
        Marked {
            mark: Some(SECRET),
            text,
        }
    }

    /// What is not known yet, by what it comes from.
    pub(super) fn unknown(text: &'a str) -> Marked<'a> {
        Marked {
            mark: Some(UNKNOWN),
            text,
        }
    }
}

impl<'de> de::MapAccess<'de> for Marked<'_> {
    type Error = ArgumentError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ArgumentError> {
        self.mark
            .take()
            .map(|mark| seed.deserialize(mark.into_deserializer()))
            .transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ArgumentError> {
        seed.deserialize(self.text.into_deserializer())
    }
}

impl<'de> de::Deserialize<'de> for Value {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or(Value::Float(number as f64), Value::Int))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::string(text))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = vec![];
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = super::Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let value: Value = entries.next_value()?;
            match key.as_str() {
                SECRET => return Ok(Value::Secret(value.as_str().unwrap_or_default().into())),
                UNKNOWN => return Ok(Value::unknown(value.as_str().unwrap_or_default())),
                _ => map.insert(key.into(), value),
            };
        }
        Ok(Value::Map(Arc::new(map)))
    }
}

/// Values are anything in the schema of a module's arguments.
impl schemars::JsonSchema for Value {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Value".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        true.into()
    }
}
