//! The output of a running command, cut into lines: it comes in pieces that end anywhere.

use crate::connection::Stream;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A line that is longer than this is told in parts.
const LONGEST: usize = 64 << 10;

/// What has come of the last line of each stream.
pub struct Lines {
    /// False: nothing may be told (`no_log`).
    told: bool,
    open: Mutex<[Vec<u8>; 2]>,
}

impl Lines {
    /// Nothing yet; `told`: whether lines may be told.
    pub fn new(told: bool) -> Lines {
        let open = Mutex::default();
        Lines { told, open }
    }

    fn open(&self) -> MutexGuard<'_, [Vec<u8>; 2]> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next bytes of a stream and hands out the lines that are whole.
    pub fn take(&self, stream: Stream, bytes: &[u8], tell: &dyn Fn(&str)) {
        if !self.told {
            return;
        }
        let mut open = self.open();
        let open = &mut open[stream as usize];
        open.extend_from_slice(bytes);
        let whole = match open.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => end + 1,
            None if open.len() > LONGEST => open.len(),
            None => return,
        };
        let rest = open.split_off(whole);
        let text = std::mem::replace(open, rest);
        String::from_utf8_lossy(&text).lines().for_each(tell);
    }

    /// Hands out the last lines, which end without a newline.
    pub fn rest(&self, tell: &dyn Fn(Stream, &str)) {
        let mut open = self.open();
        for stream in [Stream::Stdout, Stream::Stderr] {
            let text = std::mem::take(&mut open[stream as usize]);
            String::from_utf8_lossy(&text)
                .lines()
                .for_each(|line| tell(stream, line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn a_line_is_told_whole_whatever_the_pieces() {
        let told = RefCell::new(vec![]);
        let lines = Lines::new(true);
        let tell = |line: &str| told.borrow_mut().push(line.to_string());
        lines.take(Stream::Stdout, b"one\ntw", &tell);
        assert_eq!(*told.borrow(), ["one"]);
        lines.take(Stream::Stdout, "o \u{e4}".as_bytes().split_at(3).0, &tell);
        lines.take(Stream::Stderr, b"other\n", &tell);
        lines.take(Stream::Stdout, "o \u{e4}".as_bytes().split_at(3).1, &tell);
        lines.rest(&|stream, line| tell(&format!("{stream:?} {line}")));
        assert_eq!(*told.borrow(), ["one", "other", "Stdout two \u{e4}"]);
        let hidden = Lines::new(false);
        hidden.take(Stream::Stdout, b"secret\nmore", &tell);
        hidden.rest(&|_, line| tell(line));
        assert_eq!(told.borrow().len(), 3);
    }
}
