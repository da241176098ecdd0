//! Verifying the signatures of requests and certificates.

use super::public_key::PublicKeyData;
use super::{PublicKey, der};
use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};

/// True if `signed` (a request or certificate in DER: content, algorithm, signature) was signed by that key.
pub(super) fn valid(signed: &[u8], key: &PublicKey) -> bool {
    check(signed, key).unwrap_or(false)
}

fn check(signed: &[u8], key: &PublicKey) -> Option<bool> {
    let parts = der::single(signed, der::SEQUENCE)?.children()?;
    let [content, algorithm, signature] = parts.as_slice() else {
        return None;
    };
    let oid = der::dotted(algorithm.children()?.first()?.content)?;
    let algorithm = verification(&oid, &key.data())?;
    let signature = signature.content.get(1..)?;
    let key = UnparsedPublicKey::new(algorithm, key.bits());
    Some(key.verify(content.whole, signature).is_ok())
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
