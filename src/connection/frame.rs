//! The text of the protocol: what is sent to a shell and how its answers are cut apart.
//!
//! A shell runs one frame at a time. Each frame has a fresh nonce N of 128 random bits; the shell marks
//! the ends of a frame by records, N + one letter + digits + `;`, in its standard output and error.
//!
//! | frame | line sent | records |
//! |---|---|---|
//! | ask | `A N 'script'` | `b` on both streams, `x`status on output, `e` on error |
//! | ask in the shell itself | `H N 'script'` | the same |
//! | feed | `D N length 'script'`, the bytes after `b` was seen | the same |
//! | job | `J N 'script' 'redirection of input' &` | `b` on both streams, `c`process of a relay on each stream, `g`process group, `x`status, `e`, `z` |
//!
//! The records of a job may come in any order, but `b` is the first on its stream and `z` the last. A job whose wrapper was
//! killed ends with `z` without `x`. The relays of a job let it end while a background process still holds
//! its output.

use super::shell::Stream;
use crate::words::{quote, quote_bytes};

/// The number in the first digit of the hello; a preamble whose first line was eaten cannot know it.
const VERSION: &str = "1";

/// What a shell is taught before its first frame. Descriptor 9, if it is open, marks the shell as one of
/// this run (see `lock`); what users run does not get it. `V` proves that the first line arrived, `T` that
/// `setsid` exists, `Y` that the shell reads its input byte by byte (bash), which is slow. The script of a job comes to its
/// shell by standard input, since anybody may read the arguments of a program. The bytes of a feed are read to their end
/// however its script ends; where that cannot be, the shell ends, so that none of them is ever run as a line.
const PREAMBLE: &str = r#"V=1
unset ENV BASH_ENV CDPATH; S=; T=0; Y=0
[ -n "${BASH_VERSION-}" ] && Y=1
command -v setsid >/dev/null 2>&1 && S=setsid && T=1
env --default-signal=INT,QUIT true </dev/null >/dev/null 2>&1 && S="env --default-signal=INT,QUIT $S"
C() { printf '%sb;' "$1"; cat <&7 7<&- 9<&- & printf '%sc%s;' "$1" "$!"; exec 7<&- <&- 9<&-; { wait; } 2>/dev/null; }
B() { eval "$3"; printf '%s\n' "$2" | $S sh 6<&6 9<&- & p=$!; printf '%sg%s;' "$1" "$p"; { wait "$p"; } 2>/dev/null; r=$?; printf '%sx%s;' "$1" "$r"; printf '%se;' "$1" >&2; }
J() { { { B "$1" "$2" "$3" 2>&3 3>&- 4>&- | C "$1" 7<&0 >&4 3>&- 4>&-; } 3>&1 | C "$1" 7<&0 >&2 4>&-; } 4>&1; printf '%sz;' "$1"; }
A() { printf '%sb;' "$1"; printf '%sb;' "$1" >&2; ( eval "$2" ) </dev/null 9<&-; printf '%sx%s;' "$1" "$?"; printf '%se;' "$1" >&2; }
H() { printf '%sb;' "$1"; printf '%sb;' "$1" >&2; eval "$2"; printf '%sx%s;' "$1" "$?"; printf '%se;' "$1" >&2; }
D() { printf '%sb;' "$1"; printf '%sb;' "$1" >&2; { head -c "$2" || kill -9 $$; } | { ( eval "$3" ); r=$?; cat >/dev/null; exit $r; } 9<&-; printf '%sx%s;' "$1" "$?"; printf '%se;' "$1" >&2; }
"#;

/// Text that no output holds by chance: 128 random bits in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonce([u8; 32]);

impl Nonce {
    /// A fresh one.
    ///
    /// # Errors
    /// What the system says when it has no random bytes.
    pub fn fresh() -> std::io::Result<Nonce> {
        let mut random = [0; 16];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())?;
        let mut text = [0; 32];
        for (at, byte) in random.into_iter().enumerate() {
            const DIGITS: &[u8; 16] = b"0123456789abcdef";
            text[2 * at] = DIGITS[usize::from(byte >> 4)];
            text[2 * at + 1] = DIGITS[usize::from(byte & 15)];
        }
        Ok(Nonce(text))
    }

    /// The digits.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Preamble and hello: what a fresh shell is sent. It answers with record `h` on output and `e` on error.
pub fn preamble(nonce: &Nonce) -> Vec<u8> {
    let nonce = nonce.text();
    format!("{PREAMBLE}printf '%sh%s;' {nonce} \"${{V-}}$T$Y\"; printf '%se;' {nonce} >&2\n").into_bytes()
}

/// What a shell said about itself in its hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Jobs have a process group of their own.
    pub groups: bool,
    /// The shell reads its input byte by byte.
    pub bytewise: bool,
}

impl Hello {
    /// Reads the digits of record `h`; nothing if the preamble did not arrive whole.
    pub fn read(digits: &str) -> Option<Hello> {
        let flags = digits.strip_prefix(VERSION)?.as_bytes();
        (flags.len() == 2).then(|| Hello {
            groups: flags[0] == b'1',
            bytewise: flags[1] == b'1',
        })
    }
}

/// The line of an ask.
pub fn ask(nonce: &Nonce, script: &str) -> Vec<u8> {
    format!("A {} {}\n", nonce.text(), quote(script)).into_bytes()
}

/// The line of an ask that runs in the shell itself: what it opens stays open. It must not end the shell
/// nor read its input.
pub fn here(nonce: &Nonce, script: &str) -> Vec<u8> {
    format!("H {} {}\n", nonce.text(), quote(script)).into_bytes()
}

/// The line of an ask whose script reads `input`, all within the line: a line that does not arrive whole
/// is not run.
pub fn ask_with_input(nonce: &Nonce, script: &str, input: &[u8]) -> Vec<u8> {
    let mut inner = printf(input);
    inner.extend_from_slice(b" | {\n");
    inner.extend_from_slice(script.as_bytes());
    inner.extend_from_slice(b"\n}");
    let mut line = format!("A {} ", nonce.text()).into_bytes();
    line.extend_from_slice(&quote_bytes(&inner));
    line.push(b'\n');
    line
}

/// The line of a feed; `length` bytes have to follow once record `b` was seen.
pub fn feed(nonce: &Nonce, script: &str, length: u64) -> Vec<u8> {
    format!("D {} {length} {}\n", nonce.text(), quote(script)).into_bytes()
}

/// The line of a job.
pub fn job(nonce: &Nonce, script: &str, input: Option<&[u8]>) -> Vec<u8> {
    let (mut line, redirection) = match input {
        Some(input) => {
            let mut line = printf(input);
            line.extend_from_slice(b" | ");
            (line, "exec 6<&0")
        }
        None => (vec![], "exec 6</dev/null"),
    };
    let call = format!(
        "J {} {} '{redirection}' &\n",
        nonce.text(),
        quote(&script_by_stdin(script, "<&6 6<&-"))
    );
    line.extend_from_slice(call.as_bytes());
    line
}

/// A script as a shell reads it from its standard input: as one command, which has another standard input. Its first line
/// stays the first, for messages.
pub fn script_by_stdin(script: &str, input: &str) -> String {
    format!("{{ :; {script}\n\n}} {input}")
}

/// The line that sends a signal to a job; the shell is silent about it.
pub fn signal(name: &str, process: i64, group: bool) -> Vec<u8> {
    let sign = if group { "-" } else { "" };
    format!("kill -{name} {sign}{process} 2>/dev/null\n").into_bytes()
}

/// Shell text that prints `bytes`: calls of `printf`, each short enough to be run as a program.
fn printf(bytes: &[u8]) -> Vec<u8> {
    let mut text = b"{ ".to_vec();
    for chunk in bytes.chunks(32 << 10) {
        let mut format = vec![];
        for (at, &byte) in chunk.iter().enumerate() {
            match byte {
                b'\\' => format.extend_from_slice(b"\\\\"),
                b'%' => format.extend_from_slice(b"%%"),
                b'-' if at == 0 => format.extend_from_slice(b"\\055"),
                0 => format.extend_from_slice(b"\\000"),
                other => format.push(other),
            }
        }
        text.extend_from_slice(b"printf ");
        text.extend_from_slice(&quote_bytes(&format));
        text.push(b';');
    }
    text.extend_from_slice(b":; }");
    text
}

/// One part of a frame's answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Bytes of the script.
    Data(Stream, &'a [u8]),
    /// A record: its letter and its digits.
    Record(Stream, u8, &'a str),
}

/// The bytes of the longest record: nonce, letter, digits and `;`.
const LONGEST_RECORD: usize = 64;

/// Cuts the two streams of one frame into data and records.
pub struct Parser {
    nonce: Nonce,
    held: [Vec<u8>; 2],
    begun: [bool; 2],
}

impl Parser {
    /// For the frame with this nonce.
    pub fn new(nonce: Nonce) -> Parser {
        Parser {
            nonce,
            held: [vec![], vec![]],
            begun: [false; 2],
        }
    }

    /// Takes the next bytes of a stream and hands out what is whole. Bytes before the first record of a
    /// stream are none of the frame's and are dropped; a tail that may begin a record is held back.
    pub fn push(&mut self, stream: Stream, bytes: &[u8], take: &mut dyn FnMut(Part<'_>)) {
        let at = stream as usize;
        let mut held = std::mem::take(&mut self.held[at]);
        held.extend_from_slice(bytes);
        let mut start = 0;
        while let Some(found) = find(&held[start..], &self.nonce.0) {
            let mark = start + found;
            let Some(end) = record_end(&held[mark..]) else {
                if held.len() - mark > LONGEST_RECORD {
                    // It cannot become a record any more.
                    self.data(stream, &held[start..mark + 32], take);
                    start = mark + 32;
                    continue;
                }
                self.data(stream, &held[start..mark], take);
                self.held[at] = held.split_off(mark);
                return;
            };
            self.data(stream, &held[start..mark], take);
            let record = &held[mark + 32..mark + end];
            let digits = std::str::from_utf8(&record[1..]).unwrap_or_default();
            self.begun[at] = true;
            take(Part::Record(stream, record[0], digits));
            start = mark + end + 1;
        }
        let keep = held.len() - tail(&held[start..], &self.nonce.0);
        self.data(stream, &held[start..keep], take);
        self.held[at] = held.split_off(keep);
    }

    fn data(&self, stream: Stream, bytes: &[u8], take: &mut dyn FnMut(Part<'_>)) {
        if self.begun[stream as usize] && !bytes.is_empty() {
            take(Part::Data(stream, bytes));
        }
    }
}

/// The offset of the `;` of a record, if the record is whole.
fn record_end(bytes: &[u8]) -> Option<usize> {
    bytes
        .iter()
        .take(LONGEST_RECORD)
        .skip(33)
        .position(|&byte| byte == b';')
        .map(|at| at + 33)
}

/// Where `needle` begins in `bytes`.
fn find(bytes: &[u8], needle: &[u8; 32]) -> Option<usize> {
    let mut from = 0;
    while from + needle.len() <= bytes.len() {
        from += bytes[from..].iter().position(|&byte| byte == needle[0])?;
        if bytes[from..].starts_with(needle) {
            return Some(from);
        }
        from += 1;
    }
    None
}

/// The length of the longest end of `bytes` that `needle` begins with.
fn tail(bytes: &[u8], needle: &[u8; 32]) -> usize {
    let longest = bytes.len().min(needle.len() - 1);
    (1..=longest)
        .rev()
        .find(|&length| bytes.ends_with(&needle[..length]))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `bytes` in pieces of `size` and writes down what comes out, data joined.
    fn parse(nonce: Nonce, bytes: &[u8], size: usize) -> (Vec<u8>, Vec<String>) {
        let mut parser = Parser::new(nonce);
        let (mut data, mut records) = (vec![], vec![]);
        for piece in bytes.chunks(size) {
            parser.push(Stream::Stdout, piece, &mut |part| match part {
                Part::Data(_, bytes) => data.extend_from_slice(bytes),
                Part::Record(_, letter, digits) => records.push(format!("{}{digits}", letter as char)),
            });
        }
        (data, records)
    }

    #[test]
    fn a_frame_is_cut_the_same_whatever_the_pieces() {
        let nonce = Nonce::fresh().unwrap();
        let n = nonce.text();
        let half = &n[..16];
        let text = format!("Killed\n{n}b;one {half} two{half}{n}x42;");
        for size in 1..text.len() + 1 {
            let (data, records) = parse(nonce, text.as_bytes(), size);
            assert_eq!(String::from_utf8(data).unwrap(), format!("one {half} two{half}"));
            assert_eq!(records, ["b", "x42"], "pieces of {size}");
        }
    }

    /// A busy computer may let the relay run before the shell that started it: here the shell sleeps.
    #[test]
    fn output_that_comes_before_the_number_of_its_relay_is_not_lost() {
        use std::io::Write;
        let nonce = Nonce::fresh().unwrap();
        let mut shell = std::process::Command::new("/bin/sh")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let slow = "printf() { case $1 in '%sc%s;'|'%sg%s;') sleep 0.3;; esac; command printf \"$@\"; }\n";
        let lines = [
            PREAMBLE.as_bytes(),
            slow.as_bytes(),
            &job(&nonce, "echo now", None),
            b"wait\n",
        ];
        shell.stdin.take().unwrap().write_all(&lines.concat()).unwrap();
        let output = shell.wait_with_output().unwrap();
        let (data, records) = parse(nonce, &output.stdout, 4096);
        assert_eq!(String::from_utf8(data).unwrap(), "now\n");
        assert!(records.contains(&"x0".into()), "{records:?}");
    }

    #[test]
    fn data_is_handed_out_before_the_frame_ends() {
        let nonce = Nonce::fresh().unwrap();
        let (data, _) = parse(nonce, format!("{}b;hello\n", nonce.text()).as_bytes(), 4096);
        assert_eq!(data, b"hello\n");
    }

    /// A shell that is held up after it has started a process tells of it when the process has ended already.
    #[test]
    fn what_a_quick_command_prints_is_not_lost_when_the_shell_is_slow() {
        let nonce = Nonce::fresh().unwrap();
        let slow = "printf() { case $1 in '%sc%s;' | '%sg%s;') sleep 0.2; esac; command printf \"$@\"; }\n";
        let line = String::from_utf8(job(&nonce, "echo quick", None)).unwrap();
        let text = format!("{PREAMBLE}{slow}{line}wait\n");
        let output = std::process::Command::new("sh")
            .args(["-c", &text])
            .output()
            .unwrap();
        let (data, records) = parse(nonce, &output.stdout, 4096);
        assert_eq!(String::from_utf8(data).unwrap(), "quick\n", "{records:?}");
    }

    #[test]
    fn a_record_without_an_end_is_data_and_is_not_held_for_ever() {
        let nonce = Nonce::fresh().unwrap();
        let mut parser = Parser::new(nonce);
        let mut data = 0;
        let mut count = |part: Part<'_>| {
            data += if let Part::Data(_, bytes) = part {
                bytes.len()
            } else {
                0
            }
        };
        parser.push(
            Stream::Stdout,
            format!("{0}b;{0}x", nonce.text()).as_bytes(),
            &mut count,
        );
        for _ in 0..100 {
            parser.push(Stream::Stdout, &[b'-'; 1024], &mut count);
        }
        assert!(
            parser.held[0].len() < 2 * LONGEST_RECORD,
            "{}",
            parser.held[0].len()
        );
        assert_eq!(data, 33 + 100 * 1024);
    }

    #[test]
    fn a_hello_without_the_first_line_is_no_hello() {
        assert_eq!(
            Hello::read("110"),
            Some(Hello {
                groups: true,
                bytewise: false
            })
        );
        assert_eq!(Hello::read("10"), None);
        assert_eq!(Hello::read(""), None);
    }
}
