//! YAML.

use super::{Filter, filter};
use crate::source::Source;
use crate::template::call::{Answer, Call, truthy};
use crate::value::Value;
use crate::vault::Vault;
use crate::yaml::{self, Layout};

pub(super) const FILTERS: &[Filter] = &[
    filter("to_yaml", |call| written(call, 2, true)),
    filter("to_nice_yaml", |call| written(call, 4, false)),
    filter("from_yaml", |call| {
        if !matches!(call.input(), Value::String(_)) {
            return Ok(call.input().clone());
        }
        let mut documents = read(call)?;
        match documents.len() {
            0 => Ok(Value::Null),
            1 => Ok(documents.remove(0)),
            _ => Err("expected a single document in the stream, but found another document".into()),
        }
    }),
    filter("from_yaml_all", |call| read(call).map(Value::list)),
];

fn written(call: &Call, indent: i64, flow_leaves: bool) -> Answer {
    let named = |name: &str| call.named().get(name);
    let indent = call.integer(1, "indent")?.unwrap_or(indent);
    let width = match call.integer(usize::MAX, "width")? {
        Some(width) => u16::try_from(width).ok(),
        None => Some(80),
    };
    let layout = Layout {
        indent: u8::try_from(indent).unwrap_or(2),
        width,
        sort_keys: named("sort_keys").is_none_or(truthy),
        flow_leaves: match named("default_flow_style") {
            None => flow_leaves,
            Some(style) => style.is_null(),
        },
    };
    let text = yaml::write_with(call.input(), &layout);
    // A lone plain scalar needs no mark of its end.
    Ok(text.strip_suffix("...\n").unwrap_or(&text).into())
}

/// The documents of the text. They are data: nothing in them is rendered.
fn read(call: &Call) -> Result<Vec<Value>, String> {
    let source = Source::named("the text", call.input_text());
    let parsed = yaml::parse(&source).map_err(|errors| {
        errors
            .0
            .first()
            .map_or_else(String::new, |error| match error.place() {
                Some(place) => format!("{} (line {})", error.line(), place.line_column().0),
                None => error.line(),
            })
    })?;
    let value = |node: &yaml::Node| node.value(&Vault::default()).map(|value| value.untrusted());
    parsed
        .documents
        .iter()
        .map(value)
        .collect::<crate::error::Result<_>>()
        .map_err(|error| error.line())
}
