//! Facts as variables: each one also under its old name with `ansible_` before it; those of `getent` and the like
//! as they are named.

use crate::value::Map;
use std::collections::HashSet;
use std::sync::Arc;

/// Beginnings of facts that are not of `setup`: modules give them whole names.
const OWN_NAMES: [&str; 1] = ["getent_"];

/// The facts as top-level variables (`ansible_distribution`), as Ansible injects them; `own_names` are those that stay as they are.
pub fn injected(facts: &Arc<Map>, own_names: &HashSet<Arc<str>>) -> Arc<Map> {
    let is_whole = |name: &Arc<str>| {
        let beginning = name.starts_with("ansible_") || OWN_NAMES.iter().any(|own| name.starts_with(own));
        beginning || own_names.contains(name)
    };
    let name = |name: &Arc<str>| match is_whole(name) {
        true => name.clone(),
        false => format!("ansible_{name}").into(),
    };
    Arc::new(
        facts
            .iter()
            .map(|(key, value)| (name(key), value.clone()))
            .collect(),
    )
}
