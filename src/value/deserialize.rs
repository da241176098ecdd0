//! Typed arguments out of values, with Ansible's lenient readings: `yes` is a bool, `"5"` a number,
//! `a,b` a list. What is unknown is kept by fields of type [`Value`] and reported by all others.

use super::untyped::Marked;
use super::{Unknown, Value, to_bool, to_integer};
use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

/// Why arguments could not be read.
#[derive(Clone, Debug, PartialEq)]
pub struct ArgumentError {
    /// The argument it is about, if it is about one.
    pub argument: Option<String>,
    /// What is wrong, without the name of the argument, unless there is none of that name.
    pub message: String,
    /// Of what kind it is.
    pub kind: ArgumentErrorKind,
}

/// Why an argument could not be read.
#[derive(Clone, Debug, PartialEq)]
pub enum ArgumentErrorKind {
    /// It takes no such value.
    Wrong,
    /// It takes one of some words.
    Choice {
        /// What was given.
        given: String,
        /// The words.
        choices: &'static [&'static str],
    },
    /// It takes values of another type.
    Type {
        /// What was given, as Python's `repr` shows it.
        given: String,
        /// Its type, as Python calls it.
        of: &'static str,
        /// The type that is wanted, as Ansible calls it.
        wanted: &'static str,
    },
    /// There is no such argument.
    Surplus,
    /// It must be given, and is not.
    Missing,
    /// Nothing is wrong, but the value is not known yet.
    Unknown(Arc<Unknown>),
}

impl ArgumentError {
    /// An error that says `message`, about no argument in particular.
    pub fn new(message: impl Into<String>) -> ArgumentError {
        ArgumentError {
            argument: None,
            message: message.into(),
            kind: ArgumentErrorKind::Wrong,
        }
    }

    /// This error about the argument `name`.
    pub fn of(self, name: &str) -> ArgumentError {
        ArgumentError {
            argument: Some(name.to_string()),
            ..self
        }
    }

    /// This error, of another kind.
    pub fn of_kind(self, kind: ArgumentErrorKind) -> ArgumentError {
        ArgumentError { kind, ..self }
    }
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.argument {
            Some(argument)
                if !matches!(self.kind, ArgumentErrorKind::Surplus | ArgumentErrorKind::Missing) =>
            {
                write!(out, "argument `{argument}`: {}", self.message)
            }
            _ => out.write_str(&self.message),
        }
    }
}

impl std::error::Error for ArgumentError {}

impl de::Error for ArgumentError {
    fn custom<T: fmt::Display>(message: T) -> ArgumentError {
        ArgumentError::new(message.to_string())
    }

    fn missing_field(field: &'static str) -> ArgumentError {
        ArgumentError::new(format!("missing required argument `{field}`"))
            .of(field)
            .of_kind(ArgumentErrorKind::Missing)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> ArgumentError {
        let kind = ArgumentErrorKind::Choice {
            given: variant.to_string(),
            choices: expected,
        };
        ArgumentError::new(format!("`{variant}` is none of {}", expected.join(", "))).of_kind(kind)
    }
}

/// Reads a value as `T`; the second result lists the fields that `T` knows at its top level, aliases included.
pub fn deserialize<T: de::DeserializeOwned>(
    value: &Value,
) -> Result<(T, &'static [&'static str]), ArgumentError> {
    let fields = RefCell::new(&[] as &'static [&'static str]);
    let read = T::deserialize(Reader {
        value,
        fields: Some(&fields),
    })?;
    Ok((read, fields.into_inner()))
}

/// The fields that `T` knows at its top level, aliases included; empty if `T` is no plain struct.
pub fn fields<T: de::DeserializeOwned>() -> &'static [&'static str] {
    let fields = RefCell::new(&[] as &'static [&'static str]);
    // Only what is asked for counts: an empty mapping rarely is enough to read `T`.
    let _ = T::deserialize(Reader {
        value: &Value::Map(Arc::default()),
        fields: Some(&fields),
    });
    fields.into_inner()
}

/// A serde deserializer over one value.
struct Reader<'a> {
    value: &'a Value,
    fields: Option<&'a RefCell<&'static [&'static str]>>,
}

impl<'a> Reader<'a> {
    fn below(value: &'a Value) -> Reader<'a> {
        Reader { value, fields: None }
    }

    /// The value, unless it is unknown.
    fn known(&self) -> Result<&'a Value, ArgumentError> {
        match self.value {
            Value::Unknown(unknown) => {
                let message = format!("is not known before {} is applied", unknown.origin);
                Err(ArgumentError::new(message).of_kind(ArgumentErrorKind::Unknown(unknown.clone())))
            }
            value => Ok(value),
        }
    }

    /// Refuses the value: it is not `wanted`, in Ansible's words of the type `kind`.
    fn refuse<T>(&self, wanted: &str, kind: &'static str) -> Result<T, ArgumentError> {
        let shown = if self.value.holds_secret() {
            "the given secret".into()
        } else {
            super::repr(self.value)
        };
        let refused = ArgumentErrorKind::Type {
            given: shown.clone(),
            of: self.value.kind(),
            wanted: kind,
        };
        Err(ArgumentError::new(format!("{shown} is not {wanted}")).of_kind(refused))
    }

    fn integer(&self) -> Result<i64, ArgumentError> {
        match to_integer(self.known()?) {
            Some(number) => Ok(number),
            None => self.refuse("a whole number", "int"),
        }
    }

    fn text(&self) -> Result<String, ArgumentError> {
        match self.known()? {
            Value::String(text) | Value::Secret(text) => Ok(text.to_string()),
            Value::Template(template) => Ok(template.text.to_string()),
            Value::Null => Ok(String::new()),
            Value::List(_) | Value::Map(_) => Ok(super::json(self.value, None, false)),
            other => Ok(super::repr(other)),
        }
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $kind:ty),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgumentError> {
            match <$kind>::try_from(self.integer()?) {
                Ok(number) => visitor.$visit(number),
                Err(_) => self.refuse("a number in range", "int"),
            }
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Reader<'_> {
    type Error = ArgumentError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgumentError> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(*flag),
            Value::Int(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::String(text) => visitor.visit_str(text),
            Value::Template(template) => visitor.visit_str(&template.text),
            Value::Secret(text) => visitor.visit_map(Marked::secret(text)),
            Value::Unknown(unknown) => visitor.visit_map(Marked::unknown(&unknown.origin)),
            Value::List(items) => visitor.visit_seq(Items(items.iter())),
            Value::Map(map) => visitor.visit_map(Entries {
                rest: map.iter(),
                current: None,
            }),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgumentError> {
        match to_bool(self.known()?) {
            Some(flag) => visitor.visit_bool(flag),
            None => self.refuse("a bool", "bool"),
        }
    }

    numbers!(deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64);

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgumentError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgumentError> {
        let number = match self.known()? {
            Value::Int(number) => Some(*number as f64),
            Value::Float(number) => Some(*number),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        match number {
            Some(number) => visitor.visit_f64(number),
            None => self.refuse("a number", "float"),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgumentError> {
        visitor.visit_string(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgumentError> {
        visitor.visit_string(self.text()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgumentError> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgumentError> {
        match self.known()? {
            Value::List(items) => visitor.visit_seq(Items(items.iter())),
            Value::Null => visitor.visit_seq(Items([].iter())),
            Value::String(text) if text.is_empty() => visitor.visit_seq(Items([].iter())),
            Value::String(text) => {
                let parts: Vec<Value> = text.split(',').map(|part| Value::string(part.trim())).collect();
                visitor.visit_seq(Items(parts.iter()))
            }
            Value::Map(_) => self.refuse("a list", "list"),
            single => visitor.visit_seq(Items(std::slice::from_ref(single).iter())),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgumentError> {
        match self.known()? {
            Value::Map(map) => visitor.visit_map(Entries {
                rest: map.iter(),
                current: None,
            }),
            _ => self.refuse("a mapping", "dict"),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ArgumentError> {
        if let Some(seen) = self.fields {
            *seen.borrow_mut() = fields;
        }
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ArgumentError> {
        let text = match self.known()? {
            // Ansible reads a choice between words as text even where YAML made a bool of it.
            Value::Bool(true) => "yes".to_string(),
            Value::Bool(false) => "no".to_string(),
            _ => self.text()?,
        };
        visitor.visit_enum(text.into_deserializer())
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ArgumentError> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

struct Items<'a>(std::slice::Iter<'a, Value>);

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = ArgumentError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ArgumentError> {
        self.0
            .next()
            .map(|item| seed.deserialize(Reader::below(item)))
            .transpose()
    }
}

struct Entries<'a> {
    rest: indexmap::map::Iter<'a, Arc<str>, Value>,
    current: Option<(&'a str, &'a Value)>,
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = ArgumentError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ArgumentError> {
        self.current = self.rest.next().map(|(key, value)| (&**key, value));
        self.current
            .map(|(key, _)| seed.deserialize(key.into_deserializer()))
            .transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ArgumentError> {
        let Some((key, value)) = self.current else {
            return Err(ArgumentError::new("a value without its key"));
        };
        seed.deserialize(Reader::below(value)).map_err(|mut error| {
            error.argument = Some(match error.argument {
                Some(below) => format!("{key}.{below}"),
                None => key.to_string(),
            });
            error
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum State {
        Present,
        Absent,
    }

    #[derive(Deserialize, Debug, PartialEq)]
    struct Arguments {
        #[serde(alias = "pkg")]
        name: Vec<String>,
        #[serde(default)]
        force: bool,
        state: Option<State>,
        retries: Option<u16>,
        content: Option<Value>,
    }

    fn read(entries: &[(&str, Value)]) -> Result<Arguments, ArgumentError> {
        deserialize(&Value::map(entries.iter().cloned())).map(|read| read.0)
    }

    #[test]
    fn arguments_are_read_leniently() {
        let read = read(&[
            ("pkg", "a, b".into()),
            ("force", "yes".into()),
            ("state", "absent".into()),
            ("retries", "7".into()),
            ("content", Value::unknown("the task")),
        ])
        .unwrap();
        assert_eq!(read.name, ["a", "b"]);
        assert!(read.force);
        assert_eq!((read.state, read.retries), (Some(State::Absent), Some(7)));
        assert_eq!(read.content, Some(Value::unknown("the task")));
    }

    #[test]
    fn an_unknown_argument_says_so() {
        let error = read(&[("name", "a".into()), ("force", Value::unknown("the task"))]).unwrap_err();
        assert_eq!(error.argument.as_deref(), Some("force"));
        let ArgumentErrorKind::Unknown(unknown) = error.kind else {
            panic!("{error}");
        };
        assert_eq!(&*unknown.origin, "the task");
    }

    #[test]
    fn wrong_arguments_are_named() {
        let message = |entries: &[(&str, Value)]| read(entries).unwrap_err().to_string();
        assert_eq!(message(&[]), "missing required argument `name`");
        assert_eq!(read(&[]).unwrap_err().kind, ArgumentErrorKind::Missing);
        assert_eq!(
            message(&[("name", "a".into()), ("force", "maybe".into())]),
            "argument `force`: 'maybe' is not a bool"
        );
        assert_eq!(
            message(&[("name", "a".into()), ("state", "gone".into())]),
            "argument `state`: `gone` is none of present, absent"
        );
        assert_eq!(
            message(&[("name", "a".into()), ("retries", Value::Int(70000))]),
            "argument `retries`: 70000 is not a number in range"
        );
    }

    #[test]
    fn the_fields_are_known_without_a_value() {
        assert!(fields::<Arguments>().contains(&"pkg"));
        assert!(fields::<Vec<String>>().is_empty());
    }

    #[test]
    fn the_fields_that_are_known_include_aliases() {
        let known = deserialize::<Arguments>(&Value::map([("name", Value::string("a"))]))
            .unwrap()
            .1;
        assert!(known.contains(&"pkg") && known.contains(&"name"), "{known:?}");
    }
}
