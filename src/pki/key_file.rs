//! The forms in which private keys lie in files: PKCS#8 (RFC 5208), PKCS#1 (RFC 8017), SEC 1 (RFC 5915).

use super::KeyType;
use super::der::{self, Element};
use super::public_key::pem_text;
use crate::error::{Error, Result};

/// The form a private key is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFormat {
    /// `RSA PRIVATE KEY` or `EC PRIVATE KEY`.
    Pkcs1,
    /// `PRIVATE KEY`.
    Pkcs8,
    /// The bare bytes of an Ed25519 key; read by nobody here, but told apart.
    Raw,
}

impl KeyFormat {
    /// The form of a key file, by its PEM header.
    pub fn of(content: &[u8]) -> KeyFormat {
        let text = String::from_utf8_lossy(content);
        match text.find("-----BEGIN ") {
            None => KeyFormat::Raw,
            Some(at) => match text[at + 11..].split("-----").next() {
                Some("PRIVATE KEY" | "ENCRYPTED PRIVATE KEY") => KeyFormat::Pkcs8,
                _ => KeyFormat::Pkcs1,
            },
        }
    }
}

const RSA_ENCRYPTION: &str = "1.2.840.113549.1.1.1";
const EC_PUBLIC_KEY: &str = "1.2.840.10045.2.1";

fn broken() -> Error {
    Error::new("the private key is broken")
}

fn children<'a>(element: &Element<'a>) -> Result<Vec<Element<'a>>> {
    element.children().ok_or_else(broken)
}

fn outer(bytes: &[u8]) -> Result<Vec<Element<'_>>> {
    children(&der::single(bytes, der::SEQUENCE).ok_or_else(broken)?)
}

/// Version, algorithm with parameter, inner key.
fn pkcs8(oid: &str, parameter: &[u8], inner: &[u8]) -> Result<Vec<u8>> {
    let mut algorithm = der::oid(oid)?;
    algorithm.extend_from_slice(parameter);
    Ok(der::sequence(&[
        der::integer(&[]),
        der::wrap(der::SEQUENCE, &algorithm),
        der::wrap(der::OCTET_STRING, inner),
    ]))
}

/// Reads the first private key of a PEM text and brings it into PKCS#8.
pub(super) fn read(text: &str) -> Result<Vec<u8>> {
    let blocks = pem::parse_many(text).map_err(|cause| broken().cause(cause))?;
    let Some(block) = blocks.iter().find(|block| block.tag().ends_with("PRIVATE KEY")) else {
        return Err(Error::new("there is no private key in the file").help("it must be in PEM form"));
    };
    if block.tag().starts_with("ENCRYPTED") || block.headers().get("DEK-Info").is_some() {
        return Err(Error::new("the private key is encrypted")
            .help("decrypt it first: openssl pkcs8 -topk8 -nocrypt -in KEY -out KEY.pem"));
    }
    match block.tag() {
        "PRIVATE KEY" => Ok(block.contents().to_vec()),
        "RSA PRIVATE KEY" => pkcs8(RSA_ENCRYPTION, &[5, 0], block.contents()),
        "EC PRIVATE KEY" => from_sec1(block.contents()),
        other => Err(Error::new(format!("a `{other}` cannot be read"))
            .help("RSA, EC and Ed25519 keys in PEM form can")),
    }
}

/// The curve stands inside the key in SEC 1, outside in PKCS#8.
fn from_sec1(bytes: &[u8]) -> Result<Vec<u8>> {
    let parts = outer(bytes)?;
    let curve = parts.iter().find(|part| part.tag == 0xa0).ok_or_else(broken)?;
    let rest: Vec<&[u8]> = parts
        .iter()
        .filter(|part| part.tag != 0xa0)
        .map(|part| part.whole)
        .collect();
    pkcs8(EC_PUBLIC_KEY, curve.content, &der::sequence(&rest))
}

/// PKCS#8 in the plain form that every reader knows: version 1, without attributes.
pub(super) fn normal(bytes: &[u8]) -> Result<Vec<u8>> {
    let parts = outer(bytes)?;
    let [_, algorithm, key, ..] = parts.as_slice() else {
        return Err(broken());
    };
    Ok(der::sequence(&[&der::integer(&[]), algorithm.whole, key.whole]))
}

/// Writes a PKCS#8 key in a form.
pub(super) fn write(encoded: &[u8], kind: KeyType, format: KeyFormat) -> Result<String> {
    let parts = outer(encoded)?;
    let [_, algorithm, key, ..] = parts.as_slice() else {
        return Err(broken());
    };
    match (format, kind) {
        (KeyFormat::Pkcs8, _) => Ok(pem_text("PRIVATE KEY", encoded)),
        (KeyFormat::Pkcs1, KeyType::Rsa(_)) => Ok(pem_text("RSA PRIVATE KEY", key.content)),
        (KeyFormat::Pkcs1, KeyType::P256 | KeyType::P384 | KeyType::P521) => {
            let algorithm = children(algorithm)?;
            let curve = algorithm.get(1).ok_or_else(broken)?;
            let inner = outer(key.content)?;
            let mut sec1: Vec<Vec<u8>> = vec![];
            for part in inner.iter().filter(|part| part.tag != 0xa0) {
                sec1.push(part.whole.to_vec());
            }
            sec1.insert(2.min(sec1.len()), der::wrap(0xa0, curve.whole));
            Ok(pem_text("EC PRIVATE KEY", &der::sequence(&sec1)))
        }
        (KeyFormat::Pkcs1, KeyType::Ed25519) | (KeyFormat::Raw, _) => {
            Err(Error::new("the key cannot be written in that format").help("use `format: pkcs8`"))
        }
    }
}
