//! All filters of our own, by topic. A filter is one function and one line in the list of its file.

mod address;
mod digests;
mod durations;
mod extract;
pub(super) mod formats;
pub(in crate::template) mod lists;
mod maps;
mod mersenne;
pub(in crate::template) mod moments;
mod network;
mod numbers;
mod operators;
pub(in crate::template) mod password;
pub(in crate::template) mod paths;
mod queries;
pub(in crate::template) mod random;
mod records;
pub(in crate::template) mod regexes;
pub(in crate::template) mod sets;
mod subnets;
pub(in crate::template) mod tables;
pub(in crate::template) mod texts;
mod undefined;
mod yaml;

pub(in crate::template) use address::Network;

pub(super) use undefined::forgiven;

use super::call::{self, Answer, Call, Given, Plugin, given};
use minijinja::Environment;

/// One filter.
pub(super) struct Filter {
    /// Its short name and, behind a colon, the collection it belongs to if that is not `ansible.builtin`.
    name: &'static str,
    /// True if it passes on leaves that it does not look at, so that unknown ones stay single leaves.
    keeps: bool,
    run: fn(&Call) -> Answer,
}

/// A filter that looks at all it gets.
const fn filter(name: &'static str, run: fn(&Call) -> Answer) -> Filter {
    Filter {
        name,
        keeps: false,
        run,
    }
}

/// A filter that moves whole leaves and looks into none.
const fn keeping(name: &'static str, run: fn(&Call) -> Answer) -> Filter {
    Filter {
        name,
        keeps: true,
        run,
    }
}

/// The lists of all topics.
const TOPICS: [&[Filter]; 15] = [
    digests::FILTERS,
    durations::FILTERS,
    formats::FILTERS,
    lists::FILTERS,
    maps::FILTERS,
    network::FILTERS,
    numbers::FILTERS,
    paths::FILTERS,
    queries::FILTERS,
    records::FILTERS,
    regexes::FILTERS,
    sets::FILTERS,
    tables::FILTERS,
    texts::FILTERS,
    yaml::FILTERS,
];

/// The names of all filters of our own, short and full.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    all_names()
        .iter()
        .map(String::as_str)
        .chain(undefined::NAMES)
        .chain(extract::NAMES)
        .chain(moments::NAMES)
}

fn all_names() -> &'static [String] {
    static NAMES: std::sync::OnceLock<Vec<String>> = std::sync::OnceLock::new();
    NAMES.get_or_init(|| {
        TOPICS
            .into_iter()
            .flatten()
            .flat_map(|filter| both_names(filter.name))
            .collect()
    })
}

/// `name` and `ansible.builtin.name`, or for `collection:name` `name` and `collection.name`.
pub(super) fn both_names(name: &str) -> [String; 2] {
    match name.split_once(':') {
        Some((collection, short)) => [short.to_string(), format!("{collection}.{short}")],
        None => [name.to_string(), format!("ansible.builtin.{name}")],
    }
}

/// Adds all filters to an environment.
pub(super) fn add(environment: &mut Environment<'static>) {
    undefined::add(environment);
    operators::add(environment);
    extract::add(environment);
    moments::add(environment);
    for filter in TOPICS.into_iter().flatten() {
        for name in both_names(filter.name) {
            let [_, shown] = both_names(filter.name);
            environment.add_filter(name, move |arguments: Given| {
                call::run(
                    Plugin::Filter(&shown),
                    &given(arguments),
                    filter.keeps,
                    filter.run,
                )
            });
        }
    }
}
