//! Facts as variables: each one also under its old name with `ansible_` before it.

use crate::value::Map;
use std::sync::Arc;

/// The facts as top-level variables (`ansible_distribution`), as Ansible injects them.
pub(super) fn injected(facts: &Arc<Map>) -> Arc<Map> {
    let name = |name: &str| match name {
        name if name.starts_with("ansible_") => name.into(),
        name => format!("ansible_{name}").into(),
    };
    Arc::new(
        facts
            .iter()
            .map(|(key, value)| (name(key), value.clone()))
            .collect(),
    )
}
