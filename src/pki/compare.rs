//! Does what exists still fit what is wanted? The answers are reasons in words; none means it fits.
//!
//! The rules are those of `community.crypto`: times and serial number are never a reason here, names and usages
//! may stand in any order.

use super::{
    Authority, Certificate, Extension, ExtensionKind, Issuance, KeyIdentifier, Name, PublicKey, Request,
};

/// A word for an extension in reasons.
fn called(oid: &str) -> String {
    let known = [
        (ExtensionKind::SubjectAlternativeName, "alternative names"),
        (ExtensionKind::KeyUsage, "key usage"),
        (ExtensionKind::ExtendedKeyUsage, "extended key usage"),
        (ExtensionKind::BasicConstraints, "basic constraints"),
        (ExtensionKind::SubjectKeyIdentifier, "subject key identifier"),
        (ExtensionKind::AuthorityKeyIdentifier, "authority key identifier"),
        (ExtensionKind::NameConstraints, "name constraints"),
        (ExtensionKind::CrlDistributionPoints, "CRL distribution points"),
        (ExtensionKind::TlsFeature, "OCSP must staple"),
    ];
    known
        .iter()
        .find(|(kind, _)| kind.oid() == oid)
        .map_or_else(|| format!("extension {oid}"), |(_, name)| name.to_string())
}

/// The extensions that are missing, too many or different.
fn extension_differences(existing: &[Extension], wanted: &[Extension]) -> Vec<String> {
    let mut reasons = vec![];
    for extension in wanted {
        match existing.iter().find(|other| other.oid == extension.oid) {
            None => reasons.push(format!("the {} are missing", called(&extension.oid))),
            Some(other) if !other.same(extension) => {
                reasons.push(format!("the {} differ", called(&extension.oid)));
            }
            Some(_) => {}
        }
    }
    for extension in existing {
        if !wanted.iter().any(|other| other.oid == extension.oid) {
            reasons.push(format!("the {} are no longer wanted", called(&extension.oid)));
        }
    }
    reasons
}

/// Why a request does not fit: subject (in this order, if `ordered`), extensions, key, signature.
pub fn request_differences(
    existing: &Request,
    subject: &Name,
    ordered: bool,
    extensions: &[Extension],
    key: &PublicKey,
) -> Vec<String> {
    let mut reasons = vec![];
    let same = match ordered {
        true => existing.subject.attributes == subject.attributes,
        false => existing.subject.same_attributes(subject),
    };
    if !same {
        reasons.push(format!("the subject is `{}`", existing.subject));
    }
    reasons.extend(extension_differences(&existing.extensions, extensions));
    if existing.public_key != *key {
        reasons.push("it was made for another key".into());
    } else if !existing.signature_valid {
        reasons.push("its signature is wrong".into());
    }
    reasons
}

/// Why a certificate does not fit what would be issued: subject, key, extensions, issuer, signature.
pub fn certificate_differences(existing: &Certificate, wanted: &Issuance<'_>) -> Vec<String> {
    let mut reasons = vec![];
    if existing.subject.attributes != wanted.request.subject.attributes {
        reasons.push(format!("the subject is `{}`", existing.subject));
    }
    if existing.public_key != wanted.request.public_key {
        reasons.push("it was made for another key".into());
    }
    let signer = match wanted.authority {
        Authority::Itself => &wanted.request.public_key,
        Authority::Own { certificate, .. } => {
            if existing.issuer.attributes != certificate.subject.attributes {
                reasons.push(format!("its issuer is `{}`", existing.issuer));
            }
            &certificate.public_key
        }
    };
    if !existing.signed_by(signer) {
        reasons.push("it was not signed by the issuer's key".into());
    }
    let own = ExtensionKind::SubjectKeyIdentifier;
    let mut extensions = wanted.extensions();
    if wanted.key_identifier == KeyIdentifier::IfNotProvided && wanted.request.extension(own).is_none() {
        // An identifier made by another method than ours is as good.
        let existing = existing.extension(own);
        extensions.retain(|extension| !extension.is(own));
        extensions.extend(existing.cloned().or_else(|| {
            Some(Extension::subject_key_identifier(
                &wanted.request.public_key.identifier(),
            ))
        }));
    }
    reasons.extend(extension_differences(&existing.extensions, &extensions));
    reasons
}
