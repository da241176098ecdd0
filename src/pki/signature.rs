//! Verifying the signatures of requests and certificates.

use super::PublicKey;
use super::public_key::PublicKeyData;
use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use x509_parser::x509::AlgorithmIdentifier;

/// True if `content` was signed by that key; the algorithm is one of signatures, not of keys.
pub(super) fn valid(
    content: &[u8],
    algorithm: &AlgorithmIdentifier<'_>,
    signature: &[u8],
    key: &PublicKey,
) -> bool {
    let algorithm = verification(&algorithm.algorithm.to_id_string(), &key.data());
    algorithm.is_some_and(|algorithm| {
        let key = UnparsedPublicKey::new(algorithm, key.bits());
        key.verify(content, signature).is_ok()
    })
}

/// The algorithm for an object identifier (RFC 4055, 5758, 8410) and a kind of key; none for digests that are
/// no longer safe.
fn verification(oid: &str, key: &PublicKeyData) -> Option<&'static dyn VerificationAlgorithm> {
    let curve = match key {
        PublicKeyData::Elliptic { curve, .. } => curve.as_str(),
        _ => "",
    };
    Some(match (oid, curve) {
        ("1.2.840.113549.1.1.11", "") => &signature::RSA_PKCS1_2048_8192_SHA256,
        ("1.2.840.113549.1.1.12", "") => &signature::RSA_PKCS1_2048_8192_SHA384,
        ("1.2.840.113549.1.1.13", "") => &signature::RSA_PKCS1_2048_8192_SHA512,
        ("1.3.101.112", "") => &signature::ED25519,
        ("1.2.840.10045.4.3.2", "secp256r1") => &signature::ECDSA_P256_SHA256_ASN1,
        ("1.2.840.10045.4.3.3", "secp256r1") => &signature::ECDSA_P256_SHA384_ASN1,
        ("1.2.840.10045.4.3.4", "secp256r1") => &signature::ECDSA_P256_SHA512_ASN1,
        ("1.2.840.10045.4.3.2", "secp384r1") => &signature::ECDSA_P384_SHA256_ASN1,
        ("1.2.840.10045.4.3.3", "secp384r1") => &signature::ECDSA_P384_SHA384_ASN1,
        ("1.2.840.10045.4.3.4", "secp384r1") => &signature::ECDSA_P384_SHA512_ASN1,
        ("1.2.840.10045.4.3.2", "secp521r1") => &signature::ECDSA_P521_SHA256_ASN1,
        ("1.2.840.10045.4.3.3", "secp521r1") => &signature::ECDSA_P521_SHA384_ASN1,
        ("1.2.840.10045.4.3.4", "secp521r1") => &signature::ECDSA_P521_SHA512_ASN1,
        _ => return None,
    })
}
