//! Chance, with or without a seed. A seed gives the same choice each time, though another than Python's.

use crate::template::call::{Answer, Call};
use crate::template::convert::print;
use crate::value::Value;
use sha2::Digest;
use std::hash::{BuildHasher, Hasher};

/// A stream of numbers.
pub(in crate::template) struct Chance(u64);

impl Chance {
    /// From a seed, or from the system's chance.
    pub(in crate::template) fn new(seed: Option<&str>) -> Chance {
        Chance(match seed {
            Some(seed) => {
                let digest = sha2::Sha256::digest(seed.as_bytes());
                digest
                    .iter()
                    .take(8)
                    .fold(0, |number, byte| number << 8 | u64::from(*byte))
            }
            None => std::hash::RandomState::new().build_hasher().finish(),
        })
    }

    /// A number below `end` (splitmix64).
    pub(in crate::template) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}

fn chance(call: &Call) -> Chance {
    Chance::new(call.named().get("seed").map(print).as_deref())
}

/// One item of a list, or a number from `start` below the input in steps.
pub(super) fn random(call: &Call) -> Answer {
    let mut chance = chance(call);
    if let Value::Int(end) = call.input() {
        let start = call.integer(1, "start")?.unwrap_or(0);
        let step = call.integer(2, "step")?.unwrap_or(1).max(1);
        let count = u64::try_from((end - start + step - 1) / step).unwrap_or(0);
        if count == 0 {
            return Err(format!("empty range for randrange({start}, {end}, {step})"));
        }
        let chosen = i64::try_from(chance.below(count)).unwrap_or(0);
        return Ok(Value::Int(start + chosen * step));
    }
    let items = call.input_list()?;
    let at = usize::try_from(chance.below(items.len() as u64)).unwrap_or(0);
    items
        .get(at)
        .cloned()
        .ok_or_else(|| "the list is empty".to_string())
}

/// The items in another order.
pub(super) fn shuffle(call: &Call) -> Answer {
    let mut chance = chance(call);
    let mut items = call.input_list()?;
    for at in (1..items.len()).rev() {
        let other = usize::try_from(chance.below(at as u64 + 1)).unwrap_or(0);
        items.swap(at, other);
    }
    Ok(Value::list(items))
}
