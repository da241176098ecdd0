//! Arguments of modules: typed, documented, checked; and those that all modules on files share.

use super::{Module, RunModule};
use crate::error::cures::did_you_mean;
use crate::error::nearest;
use crate::host::Attributes;
use crate::value::{ArgumentError, ArgumentErrorKind, Value, deserialize, fields};
use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Anything a module takes as its arguments.
pub trait Arguments: Sized {
    /// JSON schema for documentation and editors.
    fn schema() -> Schema;

    /// The names that are known, aliases included.
    fn names() -> Vec<&'static str>;

    /// Reads them; the second result lists the names that are known.
    ///
    /// # Errors
    /// What is missing or cannot be read.
    fn read(value: &Value) -> Result<(Self, Vec<&'static str>), ArgumentError>;
}

impl<T: DeserializeOwned + JsonSchema> Arguments for T {
    fn schema() -> Schema {
        schema_for!(T)
    }

    fn names() -> Vec<&'static str> {
        fields::<T>().to_vec()
    }

    fn read(value: &Value) -> Result<(T, Vec<&'static str>), ArgumentError> {
        deserialize(value).map(|(read, fields)| (read, fields.to_vec()))
    }
}

/// Arguments of a module together with those that all modules on files share.
#[derive(Clone, Debug)]
pub struct WithFile<T> {
    /// The module's own.
    pub own: T,
    /// Mode, owner and group.
    pub file: FileArguments,
}

impl<T: DeserializeOwned + JsonSchema> Arguments for WithFile<T> {
    fn schema() -> Schema {
        joined_schema::<T, FileArguments>()
    }

    fn names() -> Vec<&'static str> {
        [fields::<T>(), fields::<FileArguments>()].concat()
    }

    fn read(value: &Value) -> Result<(WithFile<T>, Vec<&'static str>), ArgumentError> {
        let (own, mut known) = deserialize(value).map(|(read, fields): (T, _)| (read, fields.to_vec()))?;
        let (file, fields) = deserialize(value)?;
        known.extend_from_slice(fields);
        Ok((WithFile { own, file }, known))
    }
}

/// The schema of two structures whose fields are given together.
pub(super) fn joined_schema<T: JsonSchema, U: JsonSchema>() -> Schema {
    let mut schema = schema_for!(T);
    let shared = schema_for!(U);
    let into = schema
        .as_object_mut()
        .and_then(|object| object.get_mut("properties")?.as_object_mut());
    if let (Some(into), Some(from)) = (into, shared.get("properties").and_then(|found| found.as_object())) {
        into.extend(from.clone());
    }
    schema
}

/// Reads the arguments of a pure module and refuses those it does not know.
pub(super) fn read<M: Module>(value: &Value) -> Result<M::Arguments, ArgumentError> {
    read_as(M::NAMES[0], M::IGNORED, M::OPEN, value)
}

/// Reads the arguments of a module of the run and refuses those it does not know.
pub(super) fn read_run<M: RunModule>(value: &Value) -> Result<M::Arguments, ArgumentError> {
    read_as(M::NAMES[0], M::IGNORED, false, value)
}

fn read_as<A: Arguments>(
    module: &str,
    ignored: &[&str],
    open: bool,
    value: &Value,
) -> Result<A, ArgumentError> {
    let (read, known) = A::read(value)?;
    let unknown =
        |name: &&std::sync::Arc<str>| !open && !known.contains(&&***name) && !ignored.contains(&&***name);
    if let Some(name) = value.as_map().and_then(|map| map.keys().find(unknown)) {
        let mut message = format!("`{module}` has no argument `{name}`");
        if let Some(near) = nearest(name, known.iter().copied()) {
            message.push_str(&format!("; {}", did_you_mean(near)));
        }
        return Err(ArgumentError::new(message)
            .of(name)
            .of_kind(ArgumentErrorKind::Surplus));
    }
    Ok(read)
}

/// The arguments that all modules on files share.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct FileArguments {
    /// Permissions: octal digits (`"0644"`) or symbolic (`u=rw,g=r,o=`); `preserve` keeps those of the source.
    pub mode: Option<Value>,
    /// Name or number of the owner.
    pub owner: Option<String>,
    /// Name or number of the group.
    pub group: Option<String>,
    /// Write into a file that cannot be replaced, as a bind mount, although who reads it meanwhile sees a part of it.
    #[serde(default)]
    pub unsafe_writes: bool,
}

/// A mode as it was asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Mode {
    /// These bits.
    Bits(u32),
    /// Clauses such as `u+x,o=`, applied to what is there.
    Symbolic(String),
    /// Those of the source file.
    Preserve,
}

impl FileArguments {
    /// The mode that was asked for.
    ///
    /// # Errors
    /// A mode that is none, or that is not known yet.
    pub fn wanted_mode(&self) -> Result<Option<Mode>, ArgumentError> {
        match &self.mode {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Int(bits)) => Ok(Some(Mode::Bits(*bits as u32 & 0o7777))),
            Some(Value::Unknown(unknown)) => {
                let kind = ArgumentErrorKind::Unknown(unknown.clone());
                Err(ArgumentError::new("is not known").of("mode").of_kind(kind))
            }
            Some(value) => {
                let text = value.as_str().unwrap_or_default().trim();
                match text {
                    "preserve" => Ok(Some(Mode::Preserve)),
                    _ if !text.is_empty() && text.chars().all(|c| ('0'..='7').contains(&c)) => {
                        Ok(u32::from_str_radix(text, 8)
                            .ok()
                            .map(|bits| Mode::Bits(bits & 0o7777)))
                    }
                    _ if parse_mode(text, 0, false).is_some() => Ok(Some(Mode::Symbolic(text.into()))),
                    _ => {
                        let message =
                            format!("`{text}` is no mode: write octal digits in quotes or u=rw,g=r");
                        Err(ArgumentError::new(message).of("mode"))
                    }
                }
            }
        }
    }

    /// The attributes to be set on something that has the bits `now`.
    ///
    /// # Errors
    /// A mode that is none.
    pub fn attributes(&self, now: Option<u32>, folder: bool) -> Result<Attributes, ArgumentError> {
        let mode = match self.wanted_mode()? {
            Some(Mode::Bits(bits)) => Some(bits),
            Some(Mode::Symbolic(text)) => {
                parse_mode(&text, now.unwrap_or(if folder { 0o755 } else { 0o644 }), folder)
            }
            Some(Mode::Preserve) | None => None,
        };
        Ok(Attributes {
            mode,
            owner: self.owner.clone(),
            group: self.group.clone(),
        })
    }
}

/// Applies symbolic clauses (`u+x,g=rX,o=`) to permission bits; `None` if the text is none.
pub fn parse_mode(text: &str, now: u32, folder: bool) -> Option<u32> {
    let mut bits = now;
    for clause in text.split(',') {
        let split = clause.find(['+', '-', '='])?;
        let who = if split == 0 { "a" } else { &clause[..split] };
        let mut rest = &clause[split..];
        while let Some(sign) = rest.chars().next() {
            let end = rest[1..].find(['+', '-', '=']).map_or(rest.len(), |at| at + 1);
            bits = apply_clause(bits, who, sign, &rest[1..end], folder)?;
            rest = &rest[end..];
        }
    }
    Some(bits)
}

fn apply_clause(now: u32, who: &str, sign: char, permissions: &str, folder: bool) -> Option<u32> {
    let mut bits = now;
    for class in if who == "a" { "ugo" } else { who }.chars() {
        let shift = match class {
            'u' => 6,
            'g' => 3,
            'o' => 0,
            'a' => return apply_clause(now, "ugo", sign, permissions, folder),
            _ => return None,
        };
        let mut wanted = 0;
        for permission in permissions.chars() {
            wanted |= match permission {
                'r' => 4 << shift,
                'w' => 2 << shift,
                'x' => 1 << shift,
                'X' if folder || now & 0o111 != 0 => 1 << shift,
                'X' => 0,
                's' if class == 'u' => 0o4000,
                's' if class == 'g' => 0o2000,
                's' => 0,
                't' => 0o1000,
                'u' => (now >> 6 & 7) << shift,
                'g' => (now >> 3 & 7) << shift,
                'o' => (now & 7) << shift,
                _ => return None,
            };
        }
        bits = match sign {
            '+' => bits | wanted,
            '-' => bits & !wanted,
            // As Ansible: what stands in no clause goes, of the bits for set-uid, set-gid and sticky too.
            _ => bits & !(7 << shift) & !(0o1000 << (shift / 3)) | wanted,
        };
    }
    Some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbolic_modes_are_as_chmod_reads_them() {
        assert_eq!(parse_mode("u=rw,g=r,o=", 0o777, false), Some(0o640));
        assert_eq!(parse_mode("a+X", 0o644, true), Some(0o755));
        assert_eq!(parse_mode("+X", 0o644, false), Some(0o644));
        assert_eq!(parse_mode("u+s,o-rwx", 0o755, false), Some(0o4750));
        assert_eq!(parse_mode("g=rx", 0o6711, true), Some(0o4751));
        assert_eq!(parse_mode("u=rwx,g=rxs,o=t", 0o4711, false), Some(0o3750));
        assert_eq!(parse_mode("nonsense", 0, false), None);
    }

    #[test]
    fn a_number_is_a_mode_as_yaml_reads_it() {
        let mode = |value: Value| {
            FileArguments {
                mode: Some(value),
                ..FileArguments::default()
            }
            .wanted_mode()
        };
        assert_eq!(mode("0644".into()), Ok(Some(Mode::Bits(0o644))));
        assert_eq!(mode(Value::Int(420)), Ok(Some(Mode::Bits(0o644))));
        assert!(mode("rw".into()).is_err());
    }
}
