//! Public keys.

use super::der;
use crate::error::{Error, Result};
use base64::Engine;
use x509_parser::prelude::FromDer;
use x509_parser::x509::SubjectPublicKeyInfo;

/// A public key as `SubjectPublicKeyInfo` (RFC 5280, 4.1.2.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    encoded: Vec<u8>,
}

/// What a public key consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKeyData {
    /// Modulus and exponent, big-endian without leading zeros.
    Rsa {
        /// The modulus.
        modulus: Vec<u8>,
        /// The public exponent.
        exponent: Vec<u8>,
    },
    /// A point of a named curve, coordinates big-endian.
    Elliptic {
        /// `secp256r1` and so on, or the object identifier of a curve without a name here.
        curve: String,
        /// First coordinate.
        x: Vec<u8>,
        /// Second coordinate.
        y: Vec<u8>,
    },
    /// Ed25519, X25519, Ed448, X448: the name, and the key's bytes.
    Edwards {
        /// `Ed25519` and so on.
        name: &'static str,
        /// The key itself.
        key: Vec<u8>,
    },
    /// Another kind, by its object identifier.
    Other(String),
}

const RSA: &str = "1.2.840.113549.1.1.1";
const ELLIPTIC: &str = "1.2.840.10045.2.1";
const EDWARDS: &[(&str, &str)] = &[
    ("1.3.101.110", "X25519"),
    ("1.3.101.111", "X448"),
    ("1.3.101.112", "Ed25519"),
    ("1.3.101.113", "Ed448"),
];
const CURVES: &[(&str, &str)] = &[
    ("1.2.840.10045.3.1.7", "secp256r1"),
    ("1.3.132.0.34", "secp384r1"),
    ("1.3.132.0.35", "secp521r1"),
    ("1.3.132.0.33", "secp224r1"),
    ("1.3.132.0.10", "secp256k1"),
];

impl PublicKey {
    /// Reads a `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// Anything else.
    pub fn from_der(encoded: &[u8]) -> Result<PublicKey> {
        match SubjectPublicKeyInfo::from_der(encoded) {
            Ok(([], _)) => Ok(PublicKey {
                encoded: encoded.to_vec(),
            }),
            _ => Err(Error::new("the public key cannot be read").cause("it is not a SubjectPublicKeyInfo")),
        }
    }

    /// Reads a PEM text `PUBLIC KEY`.
    ///
    /// # Errors
    /// Anything else.
    pub fn from_pem(text: &str) -> Result<PublicKey> {
        let block = pem::parse(text).map_err(|cause| Error::new("the public key is not PEM").cause(cause))?;
        match block.tag() {
            "PUBLIC KEY" => PublicKey::from_der(block.contents()),
            other => Err(Error::new(format!(
                "a `{other}` was found where a public key is wanted"
            ))),
        }
    }

    /// The DER of the `SubjectPublicKeyInfo`.
    pub fn der(&self) -> &[u8] {
        &self.encoded
    }

    /// The PEM text `PUBLIC KEY`.
    pub fn pem(&self) -> String {
        pem_text("PUBLIC KEY", &self.encoded)
    }

    /// The line OpenSSH writes (RFC 4253, 5656, 8709), without a comment; `None` for kinds it does not know.
    pub fn openssh(&self) -> Option<String> {
        let field = |bytes: &[u8]| {
            let mut field = (bytes.len() as u32).to_be_bytes().to_vec();
            field.extend_from_slice(bytes);
            field
        };
        // Numbers have a sign: one with its highest bit set gets a zero before it.
        let number = |bytes: &[u8]| {
            let sign = bytes.first().is_some_and(|first| *first >= 0x80);
            field(&[if sign { &[0][..] } else { &[] }, bytes].concat())
        };
        let (name, parts) = match self.data() {
            PublicKeyData::Rsa { modulus, exponent } => {
                ("ssh-rsa".to_string(), vec![number(&exponent), number(&modulus)])
            }
            PublicKeyData::Elliptic { curve, .. } => {
                let short = match curve.as_str() {
                    "secp256r1" => "nistp256",
                    "secp384r1" => "nistp384",
                    "secp521r1" => "nistp521",
                    _ => return None,
                };
                let parts = vec![field(short.as_bytes()), field(self.bits())];
                (format!("ecdsa-sha2-{short}"), parts)
            }
            PublicKeyData::Edwards { name: "Ed25519", key } => ("ssh-ed25519".into(), vec![field(&key)]),
            _ => return None,
        };
        let all = [field(name.as_bytes()), parts.concat()].concat();
        let encoded = base64::engine::general_purpose::STANDARD.encode(all);
        Some(format!("{name} {encoded}\n"))
    }

    /// The bits of the key without its algorithm.
    pub(super) fn bits(&self) -> &[u8] {
        der::single(&self.encoded, der::SEQUENCE)
            .and_then(|whole| whole.children())
            .and_then(|parts| parts.get(1)?.content.get(1..))
            .unwrap_or_default()
    }

    /// Object identifiers of algorithm and parameters.
    fn algorithm(&self) -> Option<(String, Option<String>)> {
        let parts = der::single(&self.encoded, der::SEQUENCE)?
            .children()?
            .first()?
            .children()?;
        let parameter = parts.get(1).filter(|part| part.tag == der::OBJECT_IDENTIFIER);
        Some((
            der::dotted(parts.first()?.content)?,
            parameter.and_then(|part| der::dotted(part.content)),
        ))
    }

    /// What the key consists of.
    pub fn data(&self) -> PublicKeyData {
        let Some((algorithm, parameter)) = self.algorithm() else {
            return PublicKeyData::Other(String::new());
        };
        if let Some((_, name)) = EDWARDS.iter().find(|known| known.0 == algorithm) {
            let key = self.bits().to_vec();
            return PublicKeyData::Edwards { name, key };
        }
        let read = match algorithm.as_str() {
            RSA => self.rsa(),
            ELLIPTIC => self.elliptic(parameter),
            _ => None,
        };
        read.unwrap_or(PublicKeyData::Other(algorithm))
    }

    fn rsa(&self) -> Option<PublicKeyData> {
        let trimmed = |bytes: &[u8]| {
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            bytes[zeros..].to_vec()
        };
        let parts = der::single(self.bits(), der::SEQUENCE)?.children()?;
        Some(PublicKeyData::Rsa {
            modulus: trimmed(parts.first()?.content),
            exponent: trimmed(parts.get(1)?.content),
        })
    }

    fn elliptic(&self, curve: Option<String>) -> Option<PublicKeyData> {
        let curve = curve?;
        let name = CURVES.iter().find(|known| known.0 == curve);
        let (4, point) = self.bits().split_first()? else {
            return None;
        };
        let (x, y) = point.split_at(point.len() / 2);
        Some(PublicKeyData::Elliptic {
            curve: name.map_or(curve.clone(), |known| known.1.to_string()),
            x: x.to_vec(),
            y: y.to_vec(),
        })
    }
}

/// A PEM text with lines of 64 characters, as OpenSSL writes it.
pub(super) fn pem_text(tag: &str, contents: &[u8]) -> String {
    pem::encode_config(
        &pem::Pem::new(tag, contents),
        pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF),
    )
}
