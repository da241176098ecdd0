//! Chance, with or without a seed. A seed gives the choice that Python makes of it.

use super::mersenne::Mersenne;
use crate::template::call::{Answer, Call};
use crate::template::convert::print;
use crate::value::Value;

/// The generator of a seed, or one by the system's chance.
pub(in crate::template) fn chance(seed: Option<&Value>) -> Mersenne {
    match seed {
        None | Some(Value::Null) => by_chance(),
        Some(Value::Int(seed)) => Mersenne::from_number(*seed),
        Some(Value::Bool(seed)) => Mersenne::from_number((*seed).into()),
        Some(seed) => Mersenne::from_text(&print(seed)),
    }
}

/// Seeded with 256 bits of the system's chance: passwords are made with it.
fn by_chance() -> Mersenne {
    let mut bytes = [0u8; 32];
    // Without the system's chance the hash keys of this process are left, which come from it too.
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        let number = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0);
        bytes[..8].copy_from_slice(&number.to_le_bytes());
    }
    Mersenne::from_bytes(&bytes)
}

/// One item of a list, or a number from `start` below the input in steps.
pub(super) fn random(call: &Call) -> Answer {
    let mut chance = chance(call.get(3, "seed"));
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
    let mut chance = chance(call.get(1, "seed"));
    let mut items = call.input_list()?;
    for at in (1..items.len()).rev() {
        let other = usize::try_from(chance.below(at as u64 + 1)).unwrap_or(0);
        items.swap(at, other);
    }
    Ok(Value::list(items))
}

/// A hardware address with the input as its beginning.
pub(super) fn random_mac(call: &Call) -> Answer {
    let given = call.input_str()?.to_lowercase();
    let pairs: Vec<&str> = given.trim_end_matches(':').split(':').collect();
    let hexadecimal = |pair: &&str| pair.len() == 2 && pair.chars().all(|c| c.is_ascii_hexdigit());
    if pairs.len() > 5 {
        return Err(format!(
            "Invalid value for random_mac: {given}: 5 colon(:) separated items max"
        ));
    }
    if let Some(wrong) = pairs.iter().find(|pair| !hexadecimal(pair)) {
        return Err(format!(
            "Invalid value for random_mac: {given}: {wrong} is not hexa byte"
        ));
    }
    // Ten digits, none of which is a zero in front.
    let number = 0x10_0000_0000 + chance(call.get(1, "seed")).below(0xff_ffff_ffff - 0x10_0000_0000 + 1);
    let digits = format!("{number:x}");
    let more = (0..6 - pairs.len()).map(|at| digits[2 * at..2 * at + 2].to_string());
    let all: Vec<String> = pairs.iter().map(|pair| pair.to_string()).chain(more).collect();
    Ok(all.join(":").into())
}
