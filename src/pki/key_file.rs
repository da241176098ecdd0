//! The forms in which private keys lie in files: PKCS#8 (RFC 5208), PKCS#1 (RFC 8017), SEC 1 (RFC 5915).

use super::KeyType;
use super::public_key::pem_text;
use crate::error::{Error, Result};
use pkcs8::der::asn1::{AnyRef, OctetStringRef};
use pkcs8::der::{Decode, Encode};
use pkcs8::spki::AlgorithmIdentifierRef;
use pkcs8::{ObjectIdentifier, PrivateKeyInfoRef};
use sec1::{EcParameters, EcPrivateKey};

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

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

fn broken(cause: impl std::fmt::Display) -> Error {
    Error::new("the private key is broken").cause(cause)
}

/// Writes PKCS#8, version 1: algorithm with parameter, and inner key.
fn pkcs8(algorithm: AlgorithmIdentifierRef<'_>, inner: &[u8]) -> Result<Vec<u8>> {
    let inner = OctetStringRef::new(inner).map_err(broken)?;
    PrivateKeyInfoRef::new(algorithm, inner).to_der().map_err(broken)
}

/// Reads the first private key of a PEM text and brings it into PKCS#8.
pub(super) fn read(text: &str) -> Result<Vec<u8>> {
    let blocks = pem::parse_many(text).map_err(broken)?;
    let Some(block) = blocks.iter().find(|block| block.tag().ends_with("PRIVATE KEY")) else {
        return Err(Error::new("there is no private key in the file").help("it must be in PEM form"));
    };
    if block.tag().starts_with("ENCRYPTED") || block.headers().get("DEK-Info").is_some() {
        return Err(Error::new("the private key is encrypted")
            .help("decrypt it first: openssl pkcs8 -topk8 -nocrypt -in KEY -out KEY.pem"));
    }
    match block.tag() {
        "PRIVATE KEY" => Ok(block.contents().to_vec()),
        "RSA PRIVATE KEY" => {
            let (oid, parameters) = (RSA_ENCRYPTION, Some(AnyRef::NULL));
            pkcs8(AlgorithmIdentifierRef { oid, parameters }, block.contents())
        }
        "EC PRIVATE KEY" => from_sec1(block.contents()),
        other => Err(Error::new(format!("a `{other}` cannot be read"))
            .help("RSA, EC and Ed25519 keys in PEM form can")),
    }
}

/// The curve stands inside the key in SEC 1, outside in PKCS#8.
fn from_sec1(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut key = EcPrivateKey::from_der(bytes).map_err(broken)?;
    let curve = key.parameters.take().and_then(EcParameters::named_curve);
    let curve = curve.ok_or_else(|| broken("it does not name its curve"))?;
    let (oid, parameters) = (EC_PUBLIC_KEY, Some(AnyRef::from(&curve)));
    let inner = key.to_der().map_err(broken)?;
    pkcs8(AlgorithmIdentifierRef { oid, parameters }, &inner)
}

/// PKCS#8 in the plain form that every reader knows: version 1, without attributes.
pub(super) fn normal(bytes: &[u8]) -> Result<Vec<u8>> {
    let key = PrivateKeyInfoRef::from_der(bytes).map_err(broken)?;
    pkcs8(key.algorithm, key.private_key.as_bytes())
}

/// Writes a PKCS#8 key in a form.
pub(super) fn write(encoded: &[u8], kind: KeyType, format: KeyFormat) -> Result<String> {
    let key = PrivateKeyInfoRef::from_der(encoded).map_err(broken)?;
    let inner = key.private_key.as_bytes();
    match (format, kind) {
        (KeyFormat::Pkcs8, _) => Ok(pem_text("PRIVATE KEY", encoded)),
        (KeyFormat::Pkcs1, KeyType::Rsa(_)) => Ok(pem_text("RSA PRIVATE KEY", inner)),
        (KeyFormat::Pkcs1, KeyType::P256 | KeyType::P384 | KeyType::P521) => {
            let curve = key.algorithm.parameters_oid().map_err(broken)?;
            let sec1 = EcPrivateKey {
                parameters: Some(EcParameters::NamedCurve(curve)),
                ..EcPrivateKey::from_der(inner).map_err(broken)?
            };
            Ok(pem_text("EC PRIVATE KEY", &sec1.to_der().map_err(broken)?))
        }
        (KeyFormat::Pkcs1, KeyType::Ed25519) | (KeyFormat::Raw, _) => {
            Err(Error::new("the key cannot be written in that format").help("use `format: pkcs8`"))
        }
    }
}
