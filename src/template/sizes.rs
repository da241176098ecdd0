//! How much the values of an evaluation take, about, and the counting of it against the budget.

use super::ledger::{ITEM, spend};
use crate::budget::EVALUATION;
use minijinja::value::{Value as Jinja, ValueKind};
use minijinja::{Error as JinjaError, ErrorKind};

/// Notes that so many bytes are made or kept.
///
/// # Errors
/// The sentence of the budget, once it is used up.
pub(super) fn count(bytes: usize) -> Result<(), JinjaError> {
    spend(bytes).map_err(|sentence| JinjaError::new(ErrorKind::InvalidOperation, sentence))
}

/// Refuses what is too much alone, before it is made and counted.
///
/// # Errors
/// The sentence of the budget.
pub(super) fn affordable(bytes: usize) -> Result<(), JinjaError> {
    let sentence = EVALUATION.check(bytes as u64);
    sentence.map_err(|sentence| JinjaError::new(ErrorKind::InvalidOperation, sentence))
}

/// The bytes of a text, or of what holds the items of a list; of all else none.
pub(super) fn bytes(value: &Jinja) -> usize {
    match value.kind() {
        ValueKind::String => value.as_str().map_or(0, str::len),
        ValueKind::Seq | ValueKind::Iterable => value.len().unwrap_or(0).saturating_mul(ITEM),
        _ => 0,
    }
}

fn entry(item: &Jinja) -> usize {
    ITEM + item.as_str().map_or(0, str::len)
}

/// The bytes of a text, or of a list or mapping with the texts in it.
pub(super) fn held(value: &Jinja) -> usize {
    match value.kind() {
        ValueKind::Seq => value
            .try_iter()
            .map_or(0, |items| items.map(|item| entry(&item)).sum()),
        ValueKind::Map => value.try_iter().map_or(0, |keys| {
            keys.filter_map(|key| value.get_item(&key).ok())
                .map(|item| entry(&item))
                .sum()
        }),
        _ => bytes(value),
    }
}
