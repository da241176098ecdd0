//! Tests on files of this computer, and on addresses.

use super::{Test, test};
use crate::template::call::{Answer, Call};
use crate::template::filters::formats::url_parts;
use crate::template::filters::paths::expand_user;
use crate::value::Value;
use std::path::PathBuf;

pub(super) const TESTS: &[Test] = &[
    test("exists", |call| Ok(Value::Bool(path(call).exists()))),
    test("path_exists", |call| Ok(Value::Bool(path(call).exists()))),
    test("file", |call| Ok(Value::Bool(path(call).is_file()))),
    test("is_file", |call| Ok(Value::Bool(path(call).is_file()))),
    test("directory", |call| Ok(Value::Bool(path(call).is_dir()))),
    test("is_dir", |call| Ok(Value::Bool(path(call).is_dir()))),
    test("link", |call| Ok(Value::Bool(path(call).is_symlink()))),
    test("is_link", |call| Ok(Value::Bool(path(call).is_symlink()))),
    test("link_exists", |call| {
        Ok(Value::Bool(path(call).symlink_metadata().is_ok()))
    }),
    test("abs", |call| Ok(Value::Bool(call.input_text().starts_with('/')))),
    test("is_abs", |call| {
        Ok(Value::Bool(call.input_text().starts_with('/')))
    }),
    test("same_file", same_file),
    test("is_same_file", same_file),
    test("uri", |call| Ok(Value::Bool(has_scheme(call, &schemes(call))))),
    test("urn", |call| Ok(Value::Bool(has_scheme(call, &["urn".into()])))),
    test("url", |call| {
        let text = call.input_text();
        let (scheme, netloc, _) = url_parts(&text);
        Ok(Value::Bool(
            has_scheme(call, &schemes(call)) && (!netloc.is_empty() || scheme == "file"),
        ))
    }),
    test("mount", is_mount),
    test("is_mount", is_mount),
];

fn is_mount(call: &Call) -> Answer {
    use std::os::unix::fs::MetadataExt;
    let here = path(call);
    let device = |path: PathBuf| path.metadata().map(|data| (data.dev(), data.ino())).ok();
    let (own, parent) = (device(here.clone()), device(here.join("..")));
    let mount = match (own, parent) {
        (Some(own), Some(parent)) => own.0 != parent.0 || own.1 == parent.1,
        _ => false,
    };
    Ok(Value::Bool(mount))
}

/// The schemes that are asked for; none: any.
fn schemes(call: &Call) -> Vec<String> {
    let given = call.get(1, "schemes");
    let given = given.and_then(|value| value.as_list().map(<[Value]>::to_vec));
    let texts = given.unwrap_or_default();
    texts
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_string)
        .collect()
}

/// As in Ansible, where every text is an address unless schemes are asked for.
fn has_scheme(call: &Call, schemes: &[String]) -> bool {
    match call.input() {
        Value::String(text) => schemes.is_empty() || schemes.contains(&url_parts(text).0),
        _ => false,
    }
}

fn same_file(call: &Call) -> Answer {
    let other = std::fs::canonicalize(call.need_text(1, "path")?).ok();
    Ok(Value::Bool(
        other.is_some() && std::fs::canonicalize(path(call)).ok() == other,
    ))
}

fn path(call: &Call) -> PathBuf {
    PathBuf::from(expand_user(&call.input_text()))
}
