//! What the modules of `community.crypto` share: reading keys and certificates, showing digests and numbers.

pub(super) use super::place::{Held, Place, Wanted, text_of};
use super::{Stop, View};
use crate::content::{Content, hexadecimal};
use crate::pki::{PublicKey, PublicKeyData};
use crate::value::Value;
use sha2::Digest;

/// Arguments of all these modules that need nothing done here.
pub(super) const IGNORED: &[&str] = &[
    "select_crypto_backend",
    "attributes",
    "attr",
    "seuser",
    "serole",
    "setype",
    "selevel",
];

/// The text given as an argument or in a file that must be there; `what` names it in messages.
pub(super) fn required(
    what: &str,
    path: Option<&str>,
    content: Option<&str>,
    view: &View<'_>,
) -> Result<String, Stop> {
    match (path, content) {
        (Some(_), Some(_)) => Err(Stop::failed(format!(
            "the {what} can be given as a path or as content, not both"
        ))),
        (None, Some(content)) => Ok(content.to_string()),
        (Some(path), None) => {
            text_of(path, view)?.ok_or_else(|| Stop::failed(format!("The {what} file {path} does not exist")))
        }
        (None, None) => Err(Stop::failed(format!("the {what} is missing: give its path"))),
    }
}

/// The file at `path` as it is to be: `wanted` is given what it holds and says what shall stand there instead, if anything.
pub(super) fn renewed(
    path: &str,
    wanted: impl FnOnce(Option<&str>) -> Result<Option<Content>, Stop>,
    view: &View<'_>,
) -> Result<Wanted, Stop> {
    let existing = text_of(path, view)?;
    Ok(wanted(existing.as_deref())?.map_or(Wanted::Keep, Wanted::Write))
}

/// An error of the PKI about a file.
pub(super) fn failed(error: crate::error::Error) -> Stop {
    let line = error.line();
    Stop::failed(match error.cure() {
        Some(cure) => format!("{line} ({cure})"),
        None => line,
    })
}

/// A digest in pairs of hexadecimal digits with colons between.
pub(super) fn colons(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(":")
}

/// Bytes out of pairs of hexadecimal digits with colons between.
pub(super) fn from_colons(text: &str) -> Result<Vec<u8>, Stop> {
    text.split(':')
        .map(|pair| u8::from_str_radix(pair, 16))
        .collect::<Result<_, _>>()
        .map_err(|_| {
            Stop::failed(format!(
                "`{text}` is not a key identifier: write pairs of hexadecimal digits with colons between"
            ))
        })
}

/// Digests of something by the name of the algorithm.
pub(super) fn fingerprints(encoded: &[u8]) -> Value {
    let digests = [
        ("md5", md5::Md5::digest(encoded).to_vec()),
        ("sha1", sha1::Sha1::digest(encoded).to_vec()),
        ("sha224", sha2::Sha224::digest(encoded).to_vec()),
        ("sha256", sha2::Sha256::digest(encoded).to_vec()),
        ("sha384", sha2::Sha384::digest(encoded).to_vec()),
        ("sha512", sha2::Sha512::digest(encoded).to_vec()),
    ];
    Value::map(digests.map(|(name, digest)| (name, Value::from(colons(&digest)))))
}

/// A positive whole number of any length, as decimal text: longer ones do not fit a value's number.
pub(super) fn decimal(bytes: &[u8]) -> Value {
    let text = num_bigint::BigUint::from_bytes_be(bytes).to_string();
    text.parse().map_or(Value::from(text), Value::Int)
}

/// The kind of a key as `community.crypto` names it, and what it consists of.
pub(super) fn public_data(key: &PublicKey) -> (&'static str, Value) {
    match key.data() {
        PublicKeyData::Rsa { modulus, exponent } => {
            let bits =
                modulus.len() as i64 * 8 - modulus.first().map_or(0, |byte| byte.leading_zeros().into());
            let data = [
                ("size", Value::Int(bits)),
                ("modulus", decimal(&modulus)),
                ("exponent", decimal(&exponent)),
            ];
            ("RSA", Value::map(data))
        }
        PublicKeyData::Elliptic { curve, x, y } => {
            let size = match curve.as_str() {
                "secp521r1" => 521,
                _ => x.len() as i64 * 8,
            };
            let data = [
                ("curve", Value::from(curve)),
                ("x", decimal(&x)),
                ("y", decimal(&y)),
                ("exponent_size", Value::Int(size)),
            ];
            ("ECC", Value::map(data))
        }
        PublicKeyData::Edwards { name, key } => {
            let digits = hexadecimal(&key);
            (name, Value::map([("key", Value::from(digits))]))
        }
        PublicKeyData::Other(oid) => ("unknown", Value::map([("algorithm", Value::from(oid))])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_length_are_written_in_decimal() {
        assert_eq!(decimal(&[1, 0, 1]), Value::Int(65537));
        assert_eq!(
            decimal(&[0xff; 16]),
            Value::from("340282366920938463463374607431768211455")
        );
        assert_eq!(decimal(&[]), Value::Int(0));
        assert_eq!(decimal(&[1, 0]), Value::Int(256));
    }

    #[test]
    fn key_identifiers_have_colons() {
        assert_eq!(from_colons(&colons(&[0, 0x1f, 255])).unwrap(), [0, 0x1f, 255]);
        assert!(from_colons("zz").is_err());
    }
}
