//! Facts as variables: each one also under its old name with `ansible_` before it; those of `getent` and the like
//! as they are named.

use crate::value::Map;
use std::sync::Arc;

/// Beginnings of facts that are not of `setup`: modules give them whole names.
const OWN_NAMES: [&str; 1] = ["getent_"];

/// The facts as top-level variables (`ansible_distribution`), as Ansible injects them.
pub fn injected(facts: &Arc<Map>) -> Arc<Map> {
    let name = |name: &str| match name {
        name if name.starts_with("ansible_") || OWN_NAMES.iter().any(|own| name.starts_with(own)) => {
            name.into()
        }
        name => format!("ansible_{name}").into(),
    };
    Arc::new(
        facts
            .iter()
            .map(|(key, value)| (name(key), value.clone()))
            .collect(),
    )
}
