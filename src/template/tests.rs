//! All tests of our own (`value is name`), by topic. A test is one function and one line in the list of
//! its file.

mod kinds;
mod networks;
mod paths;
mod results;
mod texts;
mod undefined;
mod versions;

use super::call::{self, Answer, Call, Given, Plugin, given};
use super::filters::both_names;
use minijinja::Environment;

/// One test.
pub(super) struct Test {
    /// Its short name and, behind a colon, the collection it belongs to if that is not `ansible.builtin`.
    name: &'static str,
    /// True if it looks into a result by itself, so that unknown leaves it does not need do no harm.
    keeps: bool,
    run: fn(&Call) -> Answer,
}

/// A test.
const fn test(name: &'static str, run: fn(&Call) -> Answer) -> Test {
    Test {
        name,
        keeps: false,
        run,
    }
}

/// A test that looks at some leaves of what it gets.
const fn looking(name: &'static str, run: fn(&Call) -> Answer) -> Test {
    Test {
        name,
        keeps: true,
        run,
    }
}

/// The lists of all topics.
const TOPICS: [&[Test]; 5] = [
    results::TESTS,
    kinds::TESTS,
    networks::TESTS,
    paths::TESTS,
    texts::TESTS,
];

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
            let [_, shown] = both_names(test.name);
            environment.add_test(name, move |arguments: Given| {
                let answer = call::run(Plugin::Test(&shown), &given(arguments), test.keeps, test.run)?;
                Ok::<bool, minijinja::Error>(answer.is_true())
            });
        }
    }
}
