//! Numbers that Python's `random.Random` draws, so that a seed gives the choice that Ansible makes of it: the
//! Mersenne Twister MT19937 of `rand_mt`, seeded and read as Python does.

use rand_mt::Mt;
use sha2::{Digest, Sha512};

/// A generator of numbers.
pub(in crate::template) struct Mersenne(Mt);

impl Mersenne {
    /// Seeded with a text: its bytes and their SHA-512 are one large number.
    pub(in crate::template) fn from_text(seed: &str) -> Mersenne {
        let mut bytes = seed.as_bytes().to_vec();
        bytes.extend(Sha512::digest(seed.as_bytes()));
        Mersenne::from_bytes(&bytes)
    }

    /// Seeded with one large number, its highest byte first.
    pub(in crate::template) fn from_bytes(bytes: &[u8]) -> Mersenne {
        let mut words: Vec<u32> = bytes
            .rchunks(4)
            .map(|chunk| chunk.iter().fold(0, |word, byte| word << 8 | u32::from(*byte)))
            .collect();
        while words.len() > 1 && words.last() == Some(&0) {
            words.pop();
        }
        Mersenne(Mt::new_with_key(words))
    }

    /// Seeded with a number; its sign does not count.
    pub(in crate::template) fn from_number(seed: i64) -> Mersenne {
        Mersenne::from_bytes(&seed.unsigned_abs().to_be_bytes())
    }

    /// A number of `count` bits, at most 64.
    fn bits(&mut self, count: u32) -> u64 {
        let low = self.0.next_u32();
        if count <= 32 {
            return u64::from(low >> (32 - count));
        }
        u64::from(low) | u64::from(self.0.next_u32() >> (64 - count)) << 32
    }

    /// A number below `end`; 0 if there is none.
    pub(in crate::template) fn below(&mut self, end: u64) -> u64 {
        let count = u64::BITS - end.leading_zeros();
        if count == 0 {
            return 0;
        }
        loop {
            let number = self.bits(count);
            if number < end {
                return number;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of Python 3.11: `[Random(seed).randrange(end) ...]`, several from one generator.
    #[test]
    fn numbers_are_pythons() {
        const ENDS: [u64; 6] = [60, 1000, 4294967296, 1099511627776, 7, 1];
        let (text, number) = (Mersenne::from_text, Mersenne::from_number);
        for (mut generator, expected) in [
            (text("web1"), [52, 335, 138964869, 357057422967, 3, 0]),
            (text(""), [29, 609, 888572032, 488564789126, 6, 0]),
            (
                text("a much longer seed, with more than four bytes ü"),
                [2, 325, 2608913125, 397619411604, 6, 0],
            ),
            (number(0), [54, 394, 1806341205, 1067347797602, 3, 0]),
            (number(-5), [39, 261, 3185950873, 549512532852, 5, 0]),
            (number(1099511627779), [14, 62, 4215087477, 939627458066, 1, 0]),
        ] {
            assert_eq!(ENDS.map(|end| generator.below(end)), expected);
        }
    }
}
