//! ASN.1's distinguished encoding, as far as keys, requests and certificates need it (ITU-T X.690).

use crate::error::{Error, Result};
use time::OffsetDateTime;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const UTF8_STRING: u8 = 0x0c;
pub(super) const PRINTABLE_STRING: u8 = 0x13;
pub(super) const IA5_STRING: u8 = 0x16;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// One element: tag, length, content.
pub(super) fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        length @ 0..128 => out.push(length as u8),
        length => {
            let bytes = length.to_be_bytes();
            let digits = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
            out.push(0x80 | digits.len() as u8);
            out.extend_from_slice(digits);
        }
    }
    out.extend_from_slice(content);
    out
}

/// An element that holds other elements, one after the other.
pub(super) fn wrap_all(tag: u8, parts: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let content: Vec<u8> = parts
        .iter()
        .flat_map(|part| part.as_ref().iter().copied())
        .collect();
    wrap(tag, &content)
}

/// `SEQUENCE { parts }`.
pub(super) fn sequence(parts: &[impl AsRef<[u8]>]) -> Vec<u8> {
    wrap_all(SEQUENCE, parts)
}

/// A non-negative whole number given by its big-endian bytes.
pub(super) fn integer(bytes: &[u8]) -> Vec<u8> {
    let digits = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
    let mut content = vec![];
    if digits.first().is_none_or(|first| *first >= 0x80) {
        content.push(0);
    }
    content.extend_from_slice(digits);
    wrap(INTEGER, &content)
}

/// An object identifier given as dotted numbers.
pub(super) fn oid(dotted: &str) -> Result<Vec<u8>> {
    let wrong = || Error::new(format!("`{dotted}` is not an object identifier"));
    let numbers = dotted
        .split('.')
        .map(|number| number.parse::<u64>().map_err(|_| wrong()))
        .collect::<Result<Vec<u64>>>()?;
    let [first, second, rest @ ..] = numbers.as_slice() else {
        return Err(wrong());
    };
    if *first > 2 || (*first < 2 && *second > 39) {
        return Err(wrong());
    }
    let mut content = vec![];
    for number in std::iter::once(&(first * 40 + second)).chain(rest) {
        let mut groups = vec![(number & 0x7f) as u8];
        let mut left = number >> 7;
        while left > 0 {
            groups.push(0x80 | (left & 0x7f) as u8);
            left >>= 7;
        }
        content.extend(groups.iter().rev());
    }
    Ok(wrap(OBJECT_IDENTIFIER, &content))
}

/// The dotted numbers of an object identifier's content.
pub(super) fn dotted(content: &[u8]) -> Option<String> {
    let mut numbers = vec![];
    let mut current = 0_u64;
    for byte in content {
        current = current.checked_mul(128)? | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            numbers.push(std::mem::take(&mut current));
        }
    }
    let joined = *numbers.first()?;
    let first = (joined / 40).min(2);
    let mut text = format!("{first}.{}", joined - first * 40);
    for number in &numbers[1..] {
        text.push_str(&format!(".{number}"));
    }
    Some(text)
}

/// A string of whole bytes.
pub(super) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    wrap(BIT_STRING, &[&[0], bytes].concat())
}

/// Named bits, the first being the highest of the first byte; zeros at the end are left out.
pub(super) fn named_bits(bits: &[bool]) -> Vec<u8> {
    let used = bits.iter().rposition(|bit| *bit).map_or(0, |last| last + 1);
    let mut content = vec![0; 1 + used.div_ceil(8)];
    for (at, _) in bits[..used].iter().enumerate().filter(|(_, bit)| **bit) {
        content[1 + at / 8] |= 0x80 >> (at % 8);
    }
    content[0] = ((8 - used % 8) % 8) as u8;
    wrap(BIT_STRING, &content)
}

/// A moment: `UTCTime` up to 2049, `GeneralizedTime` from 2050 on (RFC 5280, 4.1.2.5).
pub(super) fn moment(at: OffsetDateTime) -> Vec<u8> {
    let at = at.to_offset(time::UtcOffset::UTC);
    let rest = format!(
        "{:02}{:02}{:02}{:02}{:02}Z",
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    );
    match at.year() {
        year @ 1950..2050 => wrap(UTC_TIME, format!("{:02}{rest}", year % 100).as_bytes()),
        year => wrap(GENERALIZED_TIME, format!("{year:04}{rest}").as_bytes()),
    }
}

/// One element that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element<'a> {
    /// Its tag with class and form.
    pub tag: u8,
    /// What is in it.
    pub content: &'a [u8],
    /// The element with tag and length.
    pub whole: &'a [u8],
}

impl<'a> Element<'a> {
    /// The elements in it, unless it is broken.
    pub fn children(&self) -> Option<Vec<Element<'a>>> {
        elements(self.content)
    }
}

/// The elements that stand one after the other in `bytes`, unless one is broken.
pub(super) fn elements(mut bytes: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut found = vec![];
    while let [tag, first, ..] = *bytes {
        let (header, length) = match first {
            0..128 => (2, usize::from(first)),
            _ => {
                let digits = bytes.get(2..2 + usize::from(first & 0x7f))?;
                if digits.is_empty() || digits.len() > 4 {
                    return None;
                }
                let length = digits
                    .iter()
                    .fold(0_usize, |sum, digit| sum << 8 | usize::from(*digit));
                (2 + digits.len(), length)
            }
        };
        let whole = bytes.get(..header + length)?;
        found.push(Element {
            tag,
            content: &whole[header..],
            whole,
        });
        bytes = &bytes[whole.len()..];
    }
    bytes.is_empty().then_some(found)
}

/// The one element that `bytes` is, if it has that tag.
pub(super) fn single(bytes: &[u8], tag: u8) -> Option<Element<'_>> {
    match elements(bytes)?.as_slice() {
        [element] if element.tag == tag => Some(*element),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_numbers_are_as_short_as_they_can_be() {
        assert_eq!(wrap(4, &[7; 200])[..3], [4, 0x81, 200]);
        assert_eq!(wrap(4, &[7; 300])[..4], [4, 0x82, 1, 44]);
        assert_eq!(integer(&[0, 0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(integer(&[]), [2, 1, 0]);
        assert_eq!(named_bits(&[true, false, true]), [3, 2, 5, 0xa0]);
        assert_eq!(named_bits(&[false]), [3, 1, 0]);
    }

    #[test]
    fn object_identifiers_come_back() {
        for text in ["1.2.840.113549.1.1.11", "2.5.29.17", "2.999.3", "0.9.2342"] {
            let encoded = oid(text).unwrap();
            let element = single(&encoded, OBJECT_IDENTIFIER).unwrap();
            assert_eq!(dotted(element.content).as_deref(), Some(text));
        }
        assert!(oid("1").is_err() && oid("3.1").is_err() && oid("a.b").is_err());
    }

    #[test]
    fn broken_elements_are_refused() {
        assert!(elements(&[0x30, 5, 1]).is_none());
        assert!(elements(&[0x30]).is_none());
        assert_eq!(elements(&[]).unwrap(), []);
    }
}
