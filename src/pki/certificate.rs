//! Certificates that exist: reading and verifying them.

use super::{Extension, ExtensionKind, Name, PrivateKey, PublicKey, signature};
use crate::error::{Error, Result};
use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

/// A certificate that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// X.509 version, 3 nowadays.
    pub version: u32,
    /// Its number, big-endian.
    pub serial: Vec<u8>,
    /// Whom it is about.
    pub subject: Name,
    /// Who signed it.
    pub issuer: Name,
    /// From when it is good.
    pub not_before: OffsetDateTime,
    /// Until when it is good.
    pub not_after: OffsetDateTime,
    /// The key it is about.
    pub public_key: PublicKey,
    /// Its extensions in their order.
    pub extensions: Vec<Extension>,
    /// Object identifier of the signature's algorithm, dotted.
    pub signature_algorithm: String,
    /// The whole in DER.
    pub encoded: Vec<u8>,
}

impl Certificate {
    /// Reads the first certificate of a PEM text.
    ///
    /// # Errors
    /// No certificate, or a broken one.
    pub fn from_pem(text: &str) -> Result<Certificate> {
        Certificate::all_from_pem(text)?
            .into_iter()
            .next()
            .ok_or_else(|| Error::new("there is no certificate in the file"))
    }

    /// Reads all certificates of a PEM text, such as a chain.
    ///
    /// # Errors
    /// A text that is not PEM, or a broken certificate.
    pub fn all_from_pem(text: &str) -> Result<Vec<Certificate>> {
        let broken = |cause| Error::new("the certificate cannot be read").cause(cause);
        let blocks = pem::parse_many(text).map_err(|cause| broken(cause.to_string()))?;
        let wanted = ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"];
        blocks
            .iter()
            .filter(|block| wanted.contains(&block.tag()))
            .map(|block| Certificate::from_der(block.contents()))
            .collect()
    }

    /// Reads a certificate from DER.
    ///
    /// # Errors
    /// A broken certificate.
    pub fn from_der(encoded: &[u8]) -> Result<Certificate> {
        let broken = || Error::new("the certificate cannot be read");
        let (_, read) = X509Certificate::from_der(encoded).map_err(|cause| broken().cause(cause))?;
        let moment = |at: x509_parser::time::ASN1Time| {
            OffsetDateTime::from_unix_timestamp(at.timestamp()).map_err(|cause| broken().cause(cause))
        };
        Ok(Certificate {
            version: read.version.0 + 1,
            serial: read.raw_serial().to_vec(),
            subject: Name::read(read.subject()),
            issuer: Name::read(read.issuer()),
            not_before: moment(read.validity().not_before)?,
            not_after: moment(read.validity().not_after)?,
            public_key: PublicKey::from_der(read.public_key().raw)?,
            extensions: read.extensions().iter().map(Extension::read).collect(),
            signature_algorithm: read.signature_algorithm.algorithm.to_id_string(),
            encoded: encoded.to_vec(),
        })
    }

    /// The extension of that kind, if it has one.
    pub fn extension(&self, kind: ExtensionKind) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.is(kind))
    }

    /// True if the private key is the one it is about.
    pub fn belongs_to(&self, key: &PrivateKey) -> bool {
        key.public_key().is_ok_and(|public| public == self.public_key)
    }

    /// True if its signature was made by the owner of that key.
    pub fn signed_by(&self, key: &PublicKey) -> bool {
        X509Certificate::from_der(&self.encoded).is_ok_and(|(_, read)| {
            let (content, signature) = (read.tbs_certificate.as_ref(), &read.signature_value.data);
            signature::valid(content, &read.signature_algorithm, signature, key)
        })
    }

    /// True if it is good at that moment.
    pub fn valid_at(&self, moment: OffsetDateTime) -> bool {
        self.not_before <= moment && moment <= self.not_after
    }

    /// May it sign certificates, with `below` authorities between it and the last one.
    fn may_issue(&self, below: usize) -> std::result::Result<(), String> {
        let constraints = self.extension(ExtensionKind::BasicConstraints);
        let (authority, length) = constraints.map_or((false, None), Extension::authority);
        if !authority {
            return Err(format!("`{}` is not an authority", self.subject));
        }
        if length.is_some_and(|length| below > length as usize) {
            return Err(format!("`{}` allows no further authority below it", self.subject));
        }
        match self.extension(ExtensionKind::KeyUsage) {
            Some(usage) if !usage.key_usages().contains(&5) => {
                Err(format!("the key of `{}` may not sign certificates", self.subject))
            }
            _ => Ok(()),
        }
    }
}

/// Verifies that `leaf` leads through some of `intermediates` to one of `roots`, all of them good at `moment`
/// (RFC 5280, 6.1, without policies, name constraints and revocation).
///
/// # Errors
/// Why it does not.
pub fn verify_chain(
    leaf: &Certificate,
    intermediates: &[Certificate],
    roots: &[Certificate],
    moment: OffsetDateTime,
) -> std::result::Result<(), String> {
    let mut current = leaf;
    for below in 0..=intermediates.len() {
        if !current.valid_at(moment) {
            return Err(format!("`{}` is not good at that time", current.subject));
        }
        let issued = |by: &&Certificate| {
            by.subject.attributes == current.issuer.attributes && current.signed_by(&by.public_key)
        };
        if let Some(root) = roots.iter().find(issued) {
            if root.encoded == current.encoded {
                return Ok(());
            }
            root.may_issue(below)?;
            return match root.valid_at(moment) {
                true => Ok(()),
                false => Err(format!("`{}` is not good at that time", root.subject)),
            };
        }
        match intermediates.iter().find(issued) {
            Some(next) if next.encoded != current.encoded => {
                next.may_issue(below)?;
                current = next;
            }
            _ => break,
        }
    }
    Err(format!("nobody known has issued `{}`", current.subject))
}
