//! Tests on files of this computer.

use super::{Test, test};
use crate::template::call::Call;
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
    test("same_file", |call| {
        let other = std::fs::canonicalize(call.need_text(1, "path")?).ok();
        Ok(Value::Bool(
            other.is_some() && std::fs::canonicalize(path(call)).ok() == other,
        ))
    }),
    test("mount", |call| {
        use std::os::unix::fs::MetadataExt;
        let here = path(call);
        let device = |path: PathBuf| path.metadata().map(|data| (data.dev(), data.ino())).ok();
        let (own, parent) = (device(here.clone()), device(here.join("..")));
        let mount = match (own, parent) {
            (Some(own), Some(parent)) => own.0 != parent.0 || own.1 == parent.1,
            _ => false,
        };
        Ok(Value::Bool(mount))
    }),
];

fn path(call: &Call) -> PathBuf {
    PathBuf::from(expand_user(&call.input_text()))
}
