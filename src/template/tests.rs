//! All tests of our own (`value is name`), by topic. A test is one function and one line in the list of
//! its file.

mod undefined;

use super::call::{self, Call};
use super::filters::both_names;
use crate::value::Value;
use minijinja::Environment;
use minijinja::value::{Rest, Value as Jinja};

/// One test.
pub(super) struct Test {
    /// Its short name and, behind a colon, the collection it belongs to if that is not `ansible.builtin`.
    name: &'static str,
    run: fn(&Call) -> Result<bool, String>,
}

/// A test.
const fn test(name: &'static str, run: fn(&Call) -> Result<bool, String>) -> Test {
    Test { name, run }
}

/// The lists of all topics.
const TOPICS: [&[Test]; 0] = [];

/// The names of all tests of our own, short and full.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    all_names().iter().map(String::as_str).chain(undefined::NAMES)
}

fn all_names() -> &'static [String] {
    static NAMES: std::sync::OnceLock<Vec<String>> = std::sync::OnceLock::new();
    NAMES.get_or_init(|| {
        TOPICS
            .into_iter()
            .flatten()
            .flat_map(|test| both_names(test.name))
            .collect()
    })
}

/// Adds all tests to an environment.
pub(super) fn add(environment: &mut Environment<'static>) {
    undefined::add(environment);
    for test in TOPICS.into_iter().flatten() {
        for name in both_names(test.name) {
            let shown = name.clone();
            environment.add_test(name, move |arguments: Rest<Jinja>| {
                let answer = call::run(&shown, &arguments, false, |call| {
                    (test.run)(call).map(Value::Bool)
                })?;
                Ok::<bool, minijinja::Error>(answer.is_true())
            });
        }
    }
}
