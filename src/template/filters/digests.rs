//! Digests and identifiers made of them.

use super::{Filter, filter};
use crate::content::hexadecimal;
use crate::template::call::{Answer, Call};
use crate::value::Value;
use sha2::Digest;
use uuid::Uuid;

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
        let mut sum = flate2::Crc::new();
        sum.update(call.input_text().as_bytes());
        Ok(format!("{:x}", sum.sum()).into())
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

/// The namespace of Ansible's `to_uuid`.
const NAMESPACE: &str = "361e6d51-faec-444a-9079-341386da8e2e";

/// A version 5 identifier (RFC 9562) of a text.
fn to_uuid(call: &Call) -> Answer {
    let namespace = call.text(1, "namespace").unwrap_or_else(|| NAMESPACE.into());
    let namespace = Uuid::parse_str(&namespace).map_err(|_| format!("{namespace} is no UUID"))?;
    let digest = sha1::Sha1::new()
        .chain_update(namespace)
        .chain_update(call.input_text())
        .finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    let identifier = uuid::Builder::from_sha1_bytes(bytes).into_uuid();
    Ok(identifier.to_string().into())
}
