//! Digests and identifiers made of them.

use super::{Filter, filter};
use crate::content::hexadecimal;
use crate::template::call::{Answer, Call};
use crate::value::Value;
use sha2::Digest;

pub(super) const FILTERS: &[Filter] = &[
    filter("hash", |call| {
        let kind = call.text(1, "hashtype").unwrap_or_else(|| "sha1".into());
        digest(&kind, call.input_text().as_bytes()).map(Value::from)
    }),
    filter("checksum", |call| {
        digest("sha1", call.input_text().as_bytes()).map(Value::from)
    }),
    filter("md5", |call| {
        digest("md5", call.input_text().as_bytes()).map(Value::from)
    }),
    filter("sha1", |call| {
        digest("sha1", call.input_text().as_bytes()).map(Value::from)
    }),
    filter("to_uuid", to_uuid),
    filter("community.general:crc32", |call| {
        Ok(format!("{:x}", crc32(call.input_text().as_bytes())).into())
    }),
    filter("password_hash", super::password::password_hash),
];

fn digest(kind: &str, bytes: &[u8]) -> Result<String, String> {
    Ok(match kind {
        "md5" => hexadecimal(&md5::Md5::digest(bytes)),
        "sha1" => hexadecimal(&sha1::Sha1::digest(bytes)),
        "sha224" => hexadecimal(&sha2::Sha224::digest(bytes)),
        "sha256" => hexadecimal(&sha2::Sha256::digest(bytes)),
        "sha384" => hexadecimal(&sha2::Sha384::digest(bytes)),
        "sha512" => hexadecimal(&sha2::Sha512::digest(bytes)),
        other => {
            return Err(format!(
                "unsupported hash type {other}; known are md5, sha1, sha224, sha256, sha384, sha512"
            ));
        }
    })
}

/// CRC-32 (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32| (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg());
    let all = bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| step(sum))
    });
    !all
}

/// The namespace of Ansible's `to_uuid`.
const NAMESPACE: &str = "361e6d51-faec-444a-9079-341386da8e2e";

/// A version 5 identifier (RFC 9562) of a text.
fn to_uuid(call: &Call) -> Answer {
    let namespace = call.text(1, "namespace").unwrap_or_else(|| NAMESPACE.into());
    let digits: String = namespace.chars().filter(|c| *c != '-').collect();
    let wrong = || format!("{namespace} is no UUID");
    let mut bytes = vec![];
    for at in 0..16 {
        let pair = digits.get(2 * at..2 * at + 2).ok_or_else(wrong)?;
        bytes.push(u8::from_str_radix(pair, 16).map_err(|_| wrong())?);
    }
    bytes.extend(call.input_text().bytes());
    let mut digest = sha1::Sha1::digest(&bytes)[..16].to_vec();
    digest[6] = digest[6] & 0x0f | 0x50;
    digest[8] = digest[8] & 0x3f | 0x80;
    let text = hexadecimal(&digest);
    let parts = [
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..],
    ];
    Ok(parts.join("-").into())
}
