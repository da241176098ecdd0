//! `extract`, which must not look at more of its container than is asked for: `hostvars` holds everything.

use crate::template::objects::hand_out_undefined;
use minijinja::value::{Value as Jinja, ValueKind};
use minijinja::{Environment, Error as JinjaError};

/// Its names.
pub(super) const NAMES: [&str; 2] = ["extract", "ansible.builtin.extract"];

/// Adds it to an environment.
pub(super) fn add(environment: &mut Environment<'static>) {
    for name in NAMES {
        environment.add_filter(name, extract);
    }
}

/// `key | extract(container, morekeys)`.
fn extract(key: Jinja, container: Jinja, more: Option<Jinja>) -> Result<Jinja, JinjaError> {
    let first = step(&container, &key)?;
    match more {
        None => Ok(first),
        Some(more) if more.is_none() => Ok(first),
        Some(more) if matches!(more.kind(), ValueKind::Seq | ValueKind::Iterable) => {
            more.try_iter()?.try_fold(first, |value, key| step(&value, &key))
        }
        Some(key) => step(&first, &key),
    }
}

fn step(value: &Jinja, key: &Jinja) -> Result<Jinja, JinjaError> {
    let found = value.get_item(key)?;
    Ok(if found.is_undefined() {
        hand_out_undefined(format!("no attribute '{key}'"))
    } else {
        found
    })
}
