//! `setup`: the facts of the host.

use super::returns::{FACTS, Returns};
use super::{Module, Nature, Outcome, Step, Stop, View};
use crate::host::{Resource, facts_script, parse_facts, quote};
use crate::value::Value;
use crate::wildcard::fnmatch;
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

/// The interpreter that the inventory names; nothing if it is to be looked for.
fn python(view: &View<'_>) -> Result<String, Stop> {
    let variable = view.control_node().variable("ansible_python_interpreter")?;
    let named = variable.as_ref().and_then(Value::as_str).unwrap_or_default();
    Ok(match named.starts_with("auto") {
        true => String::new(),
        false => named.to_string(),
    })
}

impl Module for Setup {
    const NAMES: &'static [&'static str] = &[
        "ansible.builtin.setup",
        "setup",
        "ansible.builtin.gather_facts",
        "gather_facts",
    ];
    type Arguments = Arguments;
    const NATURE: Nature = Nature {
        gathers_facts: true,
        ..Nature::OF_A_HOST
    };
    const IGNORED: &'static [&'static str] = &["gather_subset", "gather_timeout", "fact_path", "parallel"];
    const RETURNS: &'static [Returns] = &[FACTS];

    fn step(arguments: &Arguments, view: &View<'_>) -> Result<Step, Stop> {
        let exports: String = view
            .environment()
            .iter()
            .map(|(name, value)| format!("export {name}={}\n", quote(value)))
            .collect();
        let script = format!("P={}\n{exports}{}", quote(&python(view)?), facts_script());
        let output = view.probe(&script, &[Resource::Other("facts".into())])?;
        let mut facts = parse_facts(&output.stdout);
        if !arguments.filter.is_empty() {
            let patterns: Vec<_> = arguments
                .filter
                .iter()
                .map(|pattern| fnmatch(pattern.trim_start_matches("ansible_")))
                .collect();
            facts.retain(|name, _| patterns.iter().any(|pattern| pattern.matches(name)));
        }
        Ok(Step::done(
            Outcome::new().changed(false).gathered("ansible_", facts),
        ))
    }
}
