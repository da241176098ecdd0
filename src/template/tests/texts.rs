//! Tests with regular expressions.

use super::{Test, test};
use crate::template::call::{Answer, Call};
use crate::template::filters::regexes::compiled;
use crate::value::Value;

pub(super) const TESTS: &[Test] = &[
    test("match", |call| matches(call, "match")),
    test("search", |call| matches(call, "search")),
    test("regex", |call| {
        let kind = call.text(4, "match_type").unwrap_or_else(|| "search".into());
        matches(call, &kind)
    }),
];

/// `match` begins at the start, `search` finds anywhere, `fullmatch` takes all.
fn matches(call: &Call, kind: &str) -> Answer {
    let pattern = call.need_text(1, "pattern")?;
    let pattern = match kind {
        "match" => format!("\\A(?:{pattern})"),
        "fullmatch" => format!("\\A(?:{pattern})\\Z"),
        "search" => pattern,
        other => {
            return Err(format!(
                "Invalid match_type specified: {other}; known are match, search, fullmatch"
            ));
        }
    };
    let regex = compiled(
        &pattern,
        call.flag(2, "ignorecase", false),
        call.flag(3, "multiline", false),
    )?;
    regex
        .is_match(&call.input_text())
        .map(Value::Bool)
        .map_err(|error| error.to_string())
}
