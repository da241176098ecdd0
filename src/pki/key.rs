//! Private keys: made, read, used to sign.

use super::oid::oid;
use super::public_key::PublicKeyData;
use super::{PublicKey, key_file};
use crate::error::{Error, Result};
use rcgen::{KeyPair, PublicKeyData as _, SignatureAlgorithm, SigningKey};

/// The kinds of keys that can be made and used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// RSA with that many bits.
    Rsa(usize),
    /// The curve secp256r1.
    P256,
    /// The curve secp384r1.
    P384,
    /// The curve secp521r1.
    P521,
    /// Ed25519.
    Ed25519,
}

/// The digest a signature is made over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Digest {
    /// SHA-256.
    #[default]
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Digest {
    /// The digest of that name, such as `sha256`.
    ///
    /// # Errors
    /// A digest that is not (or no longer) fit for signatures.
    pub fn named(name: &str) -> Result<Digest> {
        match name.to_ascii_lowercase().replace('-', "").as_str() {
            "sha256" => Ok(Digest::Sha256),
            "sha384" => Ok(Digest::Sha384),
            "sha512" => Ok(Digest::Sha512),
            _ => Err(
                Error::new(format!("`{name}` is not a digest that Vent signs with"))
                    .help("use sha256, sha384 or sha512"),
            ),
        }
    }
}

/// A private key.
pub struct PrivateKey {
    pair: KeyPair,
    kind: KeyType,
    /// PKCS#8, version 1.
    encoded: Vec<u8>,
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "PrivateKey({:?})", self.kind)
    }
}

impl PrivateKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// An RSA size other than 2048, 3072 or 4096.
    pub fn generate(kind: KeyType) -> Result<PrivateKey> {
        let made = match kind {
            KeyType::Rsa(bits) => {
                let size = match bits {
                    2048 => rcgen::RsaKeySize::_2048,
                    3072 => rcgen::RsaKeySize::_3072,
                    4096 => rcgen::RsaKeySize::_4096,
                    _ => {
                        return Err(Error::new(format!("RSA keys of {bits} bits cannot be made"))
                            .help("use 2048, 3072 or 4096"));
                    }
                };
                KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size)
            }
            KeyType::P256 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256),
            KeyType::P384 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384),
            KeyType::P521 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512),
            KeyType::Ed25519 => KeyPair::generate_for(&rcgen::PKCS_ED25519),
        };
        let pair = made.map_err(|cause| Error::new("the key cannot be made").cause(cause))?;
        PrivateKey::from_pkcs8(pair.serialized_der())
    }

    /// Reads a key: PKCS#8, PKCS#1 (`RSA PRIVATE KEY`) or SEC 1 (`EC PRIVATE KEY`), as PEM text.
    ///
    /// # Errors
    /// A broken, encrypted or unsupported key.
    pub fn from_pem(text: &str) -> Result<PrivateKey> {
        PrivateKey::from_pkcs8(&key_file::read(text)?)
    }

    fn from_pkcs8(encoded: &[u8]) -> Result<PrivateKey> {
        let encoded = key_file::normal(encoded)?;
        let pair = KeyPair::try_from(encoded.as_slice()).map_err(|cause| {
            Error::new("the private key cannot be used")
                .cause(cause)
                .help("RSA from 2048 bits, secp256r1, secp384r1, secp521r1 and Ed25519 are supported")
        })?;
        let public = PublicKey::from_der(&pair.subject_public_key_info())?;
        let kind = match public.data() {
            PublicKeyData::Rsa { modulus, .. } => KeyType::Rsa(modulus.len() * 8),
            PublicKeyData::Elliptic { curve, .. } if curve == "secp256r1" => KeyType::P256,
            PublicKeyData::Elliptic { curve, .. } if curve == "secp384r1" => KeyType::P384,
            PublicKeyData::Elliptic { .. } => KeyType::P521,
            _ => KeyType::Ed25519,
        };
        Ok(PrivateKey { pair, kind, encoded })
    }

    /// Its kind.
    pub fn kind(&self) -> KeyType {
        self.kind
    }

    /// PKCS#8, version 1.
    pub fn pkcs8(&self) -> &[u8] {
        &self.encoded
    }

    /// The PEM text in that format.
    ///
    /// # Errors
    /// PKCS#1 asked for a key that has no such form.
    pub fn pem(&self, format: key_file::KeyFormat) -> Result<String> {
        key_file::write(&self.encoded, self.kind, format)
    }

    /// The public key that belongs to it.
    ///
    /// # Errors
    /// None in practice: the key was read before.
    pub fn public_key(&self) -> Result<PublicKey> {
        PublicKey::from_der(&self.pair.subject_public_key_info())
    }

    /// The identifier of the algorithm that it signs with, in DER.
    pub(super) fn algorithm_identifier(&self, digest: Digest) -> Result<Vec<u8>> {
        let algorithm = oid(self.algorithm(digest).1)?;
        Ok(yasna::construct_der(|writer| {
            writer.write_sequence(|parts| {
                parts.next().write_oid(&algorithm);
                if matches!(self.kind, KeyType::Rsa(_)) {
                    parts.next().write_null();
                }
            });
        }))
    }

    /// Signs a message.
    ///
    /// ECDSA takes the digest that belongs to the curve, but for secp521r1, where it can be chosen.
    ///
    /// # Errors
    /// What the cryptographic library refuses.
    fn sign(&self, message: &[u8], digest: Digest) -> Result<Vec<u8>> {
        let (algorithm, _) = self.algorithm(digest);
        let failed = |cause: rcgen::Error| Error::new("signing failed").cause(cause);
        let text = key_file::write(&self.encoded, self.kind, key_file::KeyFormat::Pkcs8)?;
        let pair = KeyPair::from_pkcs8_pem_and_sign_algo(&text, algorithm).map_err(failed)?;
        pair.sign(message).map_err(failed)
    }

    /// The signature algorithm for a digest, and its object identifier (RFC 4055, 5758, 8410).
    fn algorithm(&self, digest: Digest) -> (&'static SignatureAlgorithm, &'static str) {
        const ECDSA_SHA256: &str = "1.2.840.10045.4.3.2";
        const ECDSA_SHA384: &str = "1.2.840.10045.4.3.3";
        const ECDSA_SHA512: &str = "1.2.840.10045.4.3.4";
        match (self.kind, digest) {
            (KeyType::Rsa(_), Digest::Sha256) => (&rcgen::PKCS_RSA_SHA256, "1.2.840.113549.1.1.11"),
            (KeyType::Rsa(_), Digest::Sha384) => (&rcgen::PKCS_RSA_SHA384, "1.2.840.113549.1.1.12"),
            (KeyType::Rsa(_), Digest::Sha512) => (&rcgen::PKCS_RSA_SHA512, "1.2.840.113549.1.1.13"),
            (KeyType::P256, _) => (&rcgen::PKCS_ECDSA_P256_SHA256, ECDSA_SHA256),
            (KeyType::P384, _) => (&rcgen::PKCS_ECDSA_P384_SHA384, ECDSA_SHA384),
            (KeyType::P521, Digest::Sha256) => (&rcgen::PKCS_ECDSA_P521_SHA256, ECDSA_SHA256),
            (KeyType::P521, Digest::Sha384) => (&rcgen::PKCS_ECDSA_P521_SHA384, ECDSA_SHA384),
            (KeyType::P521, Digest::Sha512) => (&rcgen::PKCS_ECDSA_P521_SHA512, ECDSA_SHA512),
            (KeyType::Ed25519, _) => (&rcgen::PKCS_ED25519, "1.3.101.112"),
        }
    }
}

/// Requests and certificates alike: what is signed, by which algorithm, and the signature.
///
/// # Errors
/// As [`PrivateKey::sign`].
pub(super) fn signed(content: Vec<u8>, key: &PrivateKey, digest: Digest) -> Result<Vec<u8>> {
    let (algorithm, signature) = (key.algorithm_identifier(digest)?, key.sign(&content, digest)?);
    Ok(yasna::construct_der(|writer| {
        writer.write_sequence(|parts| {
            parts.next().write_der(&content);
            parts.next().write_der(&algorithm);
            parts.next().write_bitvec_bytes(&signature, signature.len() * 8);
        });
    }))
}
