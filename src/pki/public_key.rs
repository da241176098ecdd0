//! Public keys.

use crate::error::{Error, Result};
use russh::keys::ssh_key::public::{EcdsaPublicKey, Ed25519PublicKey, KeyData, RsaPublicKey};
use russh::keys::ssh_key::{self, Mpint};
use x509_parser::prelude::FromDer;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

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

/// The curves that OpenSSH knows.
const NIST: [&str; 3] = ["secp256r1", "secp384r1", "secp521r1"];

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
        let key = match self.data() {
            PublicKeyData::Rsa { modulus, exponent } => {
                let number = Mpint::from_positive_bytes;
                KeyData::Rsa(RsaPublicKey::new(number(&exponent), number(&modulus)).ok()?)
            }
            PublicKeyData::Elliptic { curve, .. } if NIST.contains(&curve.as_str()) => {
                KeyData::Ecdsa(EcdsaPublicKey::from_sec1_bytes(&self.bits()).ok()?)
            }
            PublicKeyData::Edwards { name: "Ed25519", key } => {
                KeyData::Ed25519(Ed25519PublicKey(key.try_into().ok()?))
            }
            _ => return None,
        };
        let line = ssh_key::PublicKey::from(key).to_openssh().ok()?;
        Some(line + "\n")
    }

    fn read(&self) -> Option<SubjectPublicKeyInfo<'_>> {
        let (_, read) = SubjectPublicKeyInfo::from_der(&self.encoded).ok()?;
        Some(read)
    }

    /// The bits of the key without its algorithm.
    pub(super) fn bits(&self) -> Vec<u8> {
        self.read()
            .map_or(vec![], |read| read.subject_public_key.data.into_owned())
    }

    /// What the key consists of.
    pub fn data(&self) -> PublicKeyData {
        let Some(read) = self.read() else {
            return PublicKeyData::Other(String::new());
        };
        let algorithm = read.algorithm.algorithm.to_id_string();
        let trimmed = |bytes: &[u8]| {
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            bytes[zeros..].to_vec()
        };
        if let Some((_, name)) = EDWARDS.iter().find(|known| known.0 == algorithm) {
            let key = read.subject_public_key.data.into_owned();
            return PublicKeyData::Edwards { name, key };
        }
        match read.parsed() {
            Ok(x509_parser::public_key::PublicKey::RSA(key)) => PublicKeyData::Rsa {
                modulus: trimmed(key.modulus),
                exponent: trimmed(key.exponent),
            },
            Ok(x509_parser::public_key::PublicKey::EC(point)) => {
                elliptic(&read.algorithm, point.data()).unwrap_or(PublicKeyData::Other(algorithm))
            }
            _ => PublicKeyData::Other(algorithm),
        }
    }
}

/// An uncompressed point of a named curve.
fn elliptic(algorithm: &AlgorithmIdentifier<'_>, point: &[u8]) -> Option<PublicKeyData> {
    let curve = algorithm.parameters.as_ref()?.as_oid().ok()?.to_id_string();
    let name = CURVES.iter().find(|known| known.0 == curve);
    let (4, point) = point.split_first()? else {
        return None;
    };
    let (x, y) = point.split_at(point.len() / 2);
    Some(PublicKeyData::Elliptic {
        curve: name.map_or(curve.clone(), |known| known.1.to_string()),
        x: x.to_vec(),
        y: y.to_vec(),
    })
}

/// A PEM text with lines of 64 characters, as OpenSSL writes it.
pub(super) fn pem_text(tag: &str, contents: &[u8]) -> String {
    pem::encode_config(
        &pem::Pem::new(tag, contents),
        pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF),
    )
}
