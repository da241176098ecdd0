//! The Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998), seeded and read as Python's `random.Random`
//! does, so that a seed gives the choice that Ansible makes of it.

use sha2::{Digest, Sha512};

const LENGTH: usize = 624;
const MIDDLE: usize = 397;

/// A generator of 32-bit numbers.
pub(in crate::template) struct Mersenne {
    state: [u32; LENGTH],
    next: usize,
}

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
        Mersenne::from_words(&words)
    }

    /// Seeded with a number; its sign does not count.
    pub(in crate::template) fn from_number(seed: i64) -> Mersenne {
        let seed = seed.unsigned_abs();
        let words = [seed as u32, (seed >> 32) as u32];
        Mersenne::from_words(if words[1] == 0 { &words[..1] } else { &words })
    }

    fn from_words(key: &[u32]) -> Mersenne {
        let mut state = [0u32; LENGTH];
        state[0] = 19_650_218;
        for at in 1..LENGTH {
            state[at] = mixed(state[at - 1], 1_812_433_253).wrapping_add(at as u32);
        }
        let mut at = 1;
        for round in 0..LENGTH.max(key.len()) {
            let of_key = round % key.len();
            state[at] = (state[at] ^ mixed(state[at - 1], 1_664_525))
                .wrapping_add(key[of_key])
                .wrapping_add(of_key as u32);
            at = following(&mut state, at);
        }
        for _ in 1..LENGTH {
            state[at] = (state[at] ^ mixed(state[at - 1], 1_566_083_941)).wrapping_sub(at as u32);
            at = following(&mut state, at);
        }
        state[0] = 0x8000_0000;
        Mersenne { state, next: LENGTH }
    }

    fn word(&mut self) -> u32 {
        if self.next == LENGTH {
            for at in 0..LENGTH {
                let pair = self.state[at] & 0x8000_0000 | self.state[(at + 1) % LENGTH] & 0x7fff_ffff;
                let odd = if pair & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[at] = self.state[(at + MIDDLE) % LENGTH] ^ (pair >> 1) ^ odd;
            }
            self.next = 0;
        }
        let mut word = self.state[self.next];
        self.next += 1;
        word ^= word >> 11;
        word ^= word << 7 & 0x9d2c_5680;
        word ^= word << 15 & 0xefc6_0000;
        word ^ word >> 18
    }

    /// A number of `count` bits, at most 64.
    fn bits(&mut self, count: u32) -> u64 {
        let low = self.word();
        if count <= 32 {
            return u64::from(low >> (32 - count));
        }
        u64::from(low) | u64::from(self.word() >> (64 - count)) << 32
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

fn mixed(word: u32, factor: u32) -> u32 {
    (word ^ word >> 30).wrapping_mul(factor)
}

fn following(state: &mut [u32; LENGTH], at: usize) -> usize {
    if at + 1 < LENGTH {
        return at + 1;
    }
    state[0] = state[LENGTH - 1];
    1
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
