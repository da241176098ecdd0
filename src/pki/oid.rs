//! Object identifiers, written as dotted numbers.

use crate::error::{Error, Result};
use yasna::models::ObjectIdentifier;

/// Reads dotted numbers.
///
/// # Errors
/// Anything else, and a beginning that cannot be encoded (ITU-T X.660: three arcs, below the first two 40 each).
pub(super) fn oid(dotted: &str) -> Result<ObjectIdentifier> {
    let wrong = || Error::new(format!("`{dotted}` is not an object identifier"));
    let identifier: ObjectIdentifier = dotted.parse().map_err(|_| wrong())?;
    match identifier.components().as_slice() {
        [0 | 1, 0..40, ..] => Ok(identifier),
        [2, second, ..] if *second < u64::MAX - 80 => Ok(identifier),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_identifiers_come_back() {
        for text in ["1.2.840.113549.1.1.11", "2.5.29.17", "2.999.3", "0.9.2342"] {
            let encoded = yasna::construct_der(|writer| writer.write_oid(&oid(text).unwrap()));
            let read = yasna::parse_der(&encoded, |reader| reader.read_oid()).unwrap();
            assert_eq!(read.to_string(), text);
        }
        for text in ["1", "3.1", "1.40", "a.b", "", "1..2", "2.18446744073709551615"] {
            assert!(oid(text).is_err(), "{text}");
        }
    }
}
