//! `setup`: the facts of the host.

use super::returns::{FACTS, Returns};
use super::{Module, Outcome, Step, Stop, View};
use crate::host::{Resource, facts_script, parse_facts};
use schemars::JsonSchema;
use serde::Deserialize;

/// Gathers the facts of the host.
pub(super) struct Setup;

#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(super) struct Arguments {
    /// Only facts whose names match one of these patterns.
    #[serde(default)]
    filter: Vec<String>,
}

impl Module for Setup {
    const NAMES: &'static [&'static str] = &[
        "ansible.builtin.setup",
        "setup",
        "ansible.builtin.gather_facts",
        "gather_facts",
    ];
    type Arguments = Arguments;
    const IGNORED: &'static [&'static str] = &["gather_subset", "gather_timeout", "fact_path", "parallel"];
    const RETURNS: &'static [Returns] = &[FACTS];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let output = view.probe(facts_script(), &[Resource::Other("facts".into())])?;
        let mut facts = parse_facts(&output.stdout);
        if !arguments.filter.is_empty() {
            let mut set = globset::GlobSetBuilder::new();
            for pattern in &arguments.filter {
                let glob = globset::Glob::new(pattern.trim_start_matches("ansible_"));
                set.add(glob.map_err(|error| Stop::failed(format!("filter: {error}")))?);
            }
            let set = set
                .build()
                .map_err(|error| Stop::failed(format!("filter: {error}")))?;
            facts.retain(|name, _| set.is_match(&**name));
        }
        Ok(Step::done(
            Outcome::new().changed(false).gathered("ansible_", facts),
        ))
    }
}
