//! Texts that were parsed, kept for as long as there is room: values become conditions and patterns, and there is no end to values.

use std::collections::HashMap;
use std::hash::Hash;

/// How many times its length takes what is made of a text, about.
const TIMES: usize = 16;

/// What was made of texts, by their purpose and themselves.
pub(super) struct Parsed<P, T> {
    made: HashMap<(P, String), T>,
    least: usize,
    room: usize,
    taken: usize,
}

impl<P: Eq + Hash, T: Clone> Parsed<P, T> {
    /// Nothing yet. In bytes: what is made of the shortest text takes, about, and what all may take together.
    pub(super) fn new(least: usize, room: usize) -> Parsed<P, T> {
        Parsed {
            made: HashMap::new(),
            least,
            room,
            taken: 0,
        }
    }

    /// Forgets everything.
    pub(super) fn forget(&mut self) {
        self.made.clear();
        self.taken = 0;
    }

    /// What was made of a text.
    pub(super) fn get(&self, key: &(P, String)) -> Option<T> {
        self.made.get(key).cloned()
    }

    /// Keeps what was made of a text, unless somebody else was quicker; what counts then is theirs. Where there is no room, all others
    /// are forgotten: those that are still used are soon made again.
    pub(super) fn keep(&mut self, key: (P, String), made: T) -> T {
        if let Some(known) = self.get(&key) {
            return known;
        }
        let takes = self.least + TIMES * key.1.len();
        if self.taken + takes > self.room {
            self.forget();
        }
        self.taken += takes;
        self.made.insert(key, made.clone());
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_without_end_take_no_memory_without_end() {
        let mut parsed = Parsed::new(4 << 10, 64 << 20);
        let long = "x".repeat(1 << 18);
        for number in 0..100_000 {
            parsed.keep(((), number.to_string()), number);
            assert!(parsed.made.len() * parsed.least <= parsed.room, "{number}");
        }
        assert!(parsed.get(&((), "0".into())).is_none());
        assert_eq!(parsed.get(&((), "99999".into())), Some(99_999));
        for number in 0..100 {
            parsed.keep(((), format!("{long}{number}")), number);
            assert!(
                parsed.made.len() * parsed.least <= parsed.room && parsed.taken <= parsed.room,
                "{number}"
            );
        }
        assert_eq!(parsed.keep(((), format!("{long}99")), 7), 99);
    }
}
