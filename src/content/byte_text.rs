//! Bytes of a host as text, and back without a loss.
//!
//! Contents and names of files need not be UTF-8. As Python's `surrogateescape` (PEP 383) does it, each byte that is
//! no part of UTF-8 becomes a character of its own. A Rust text holds no surrogates, so it is one of the last 128 code
//! points of the private planes: byte 0x80 is U+10FF80, byte 0xFF is U+10FFFF. A file in which these stand as characters
//! keeps them too: their bytes are taken one by one.

use std::borrow::Cow;

const FIRST: u32 = 0x10_FF80;

/// The byte that a character stands for, if it stands for one.
pub fn byte_behind(c: char) -> Option<u8> {
    let at = u32::from(c).checked_sub(FIRST)?;
    u8::try_from(at + 0x80).ok()
}

fn push_byte(text: &mut String, byte: u8) {
    let stands = u32::from(byte).checked_sub(0x80).map(|at| FIRST + at);
    text.push(
        stands
            .and_then(char::from_u32)
            .unwrap_or_else(|| char::from(byte)),
    );
}

/// Any bytes as text; [`bytes_of`] gives the same bytes again.
pub fn text_of(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some(at) = rest.find(|c: char| byte_behind(c).is_some()) {
            let length = rest[at..].chars().next().map_or(0, char::len_utf8);
            text.push_str(&rest[..at]);
            rest[at..at + length]
                .bytes()
                .for_each(|byte| push_byte(&mut text, byte));
            rest = &rest[at + length..];
        }
        text.push_str(rest);
        chunk
            .invalid()
            .iter()
            .for_each(|byte| push_byte(&mut text, *byte));
    }
    text
}

/// The bytes that a text stands for: its UTF-8, but for what [`text_of`] made of bytes that are none.
pub fn bytes_of(text: &str) -> Cow<'_, [u8]> {
    if !holds_bytes(text) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match byte_behind(c) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(bytes)
}

/// True if some of the text stands for bytes that are no UTF-8.
pub fn holds_bytes(text: &str) -> bool {
    text.contains(|c: char| byte_behind(c).is_some())
}

/// The text for people: such bytes as `\xe9`.
pub fn shown(text: &str) -> Cow<'_, str> {
    if !holds_bytes(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match byte_behind(c) {
            Some(byte) => out.push_str(&format!("\\x{byte:02x}")),
            None => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sequence_of_bytes_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        let mut cases = vec![
            b"plain".to_vec(),
            "ä€😀".as_bytes().to_vec(),
            b"caf\xe9\n".to_vec(),
            "\u{10FF7F}\u{10FF80}\u{10FFFF}".as_bytes().to_vec(),
            b"\xf4\x8f\xbe".to_vec(),
            all.clone(),
        ];
        for first in &all {
            cases.extend(all.iter().map(|second| vec![*first, *second, b'x', *first]));
        }
        for bytes in cases {
            let text = text_of(&bytes);
            assert_eq!(bytes_of(&text), bytes.as_slice());
        }
        assert_eq!(text_of(b"caf\xc3\xa9"), "café");
        assert_eq!(text_of(b"caf\xe9"), "caf\u{10FFE9}");
    }

    #[test]
    fn people_see_the_byte() {
        assert_eq!(shown(&text_of(b"caf\xe9 \xc3\xa9")), "caf\\xe9 é");
    }
}
