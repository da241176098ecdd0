//! Certificate requests (PKCS#10, RFC 2986).

use super::key::signed;
use super::oid::oid;
use super::public_key::pem_text;
use super::{Digest, Extension, ExtensionKind, Name, PrivateKey, PublicKey, signature};
use crate::error::{Error, Result};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::cri_attributes::ParsedCriAttribute;
use x509_parser::prelude::FromDer;
use yasna::{DERWriter, Tag};

const EXTENSION_REQUEST: &str = "1.2.840.113549.1.9.14";

/// A request that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// For whom a certificate is wanted.
    pub subject: Name,
    /// The key it is wanted for.
    pub public_key: PublicKey,
    /// The extensions it asks for, in their order.
    pub extensions: Vec<Extension>,
    /// True if it was signed by the key it names.
    pub signature_valid: bool,
}

/// Makes a request and gives its PEM text.
///
/// # Errors
/// A subject that cannot be encoded, or what the cryptographic library refuses.
pub fn create_request(
    subject: &Name,
    extensions: &[Extension],
    key: &PrivateKey,
    digest: Digest,
) -> Result<String> {
    let (subject, public_key) = (subject.encode()?, key.public_key()?);
    let wanted = |writer: DERWriter<'_>| {
        let identifier = oid(EXTENSION_REQUEST)?;
        writer.write_sequence(|attribute| {
            attribute.next().write_oid(&identifier);
            let writer = attribute.next();
            writer.write_set(|set| Extension::write_all(extensions, set.next()))
        })
    };
    let information = yasna::try_construct_der(|writer| {
        writer.write_sequence(|parts| {
            parts.next().write_u8(0);
            parts.next().write_der(&subject);
            parts.next().write_der(public_key.der());
            parts.next().write_tagged_implicit(Tag::context(0), |writer| {
                writer.write_set(|attributes| match extensions {
                    [] => Ok(()),
                    _ => wanted(attributes.next()),
                })
            })
        })
    })?;
    Ok(pem_text(
        "CERTIFICATE REQUEST",
        &signed(information, key, digest)?,
    ))
}

impl Request {
    /// Reads a request from PEM text (`CERTIFICATE REQUEST`, `NEW CERTIFICATE REQUEST`).
    ///
    /// # Errors
    /// Anything else, or a broken request.
    pub fn from_pem(text: &str) -> Result<Request> {
        let broken = || Error::new("the certificate request cannot be read");
        let block = pem::parse(text).map_err(|cause| broken().cause(cause))?;
        if !block.tag().ends_with("CERTIFICATE REQUEST") {
            return Err(broken().cause(format!("the file holds a `{}`", block.tag())));
        }
        let (_, request) =
            X509CertificationRequest::from_der(block.contents()).map_err(|cause| broken().cause(cause))?;
        let information = &request.certification_request_info;
        let public_key = PublicKey::from_der(information.subject_pki.raw)?;
        Ok(Request {
            subject: Name::read(&information.subject),
            signature_valid: signature::valid(
                information.raw,
                &request.signature_algorithm,
                &request.signature_value.data,
                &public_key,
            ),
            public_key,
            extensions: requested(&request),
        })
    }

    /// The extension of that kind, if it is asked for.
    pub fn extension(&self, kind: ExtensionKind) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.is(kind))
    }
}

/// The extensions as they stand in the attribute `extensionRequest`.
fn requested(request: &X509CertificationRequest<'_>) -> Vec<Extension> {
    request
        .certification_request_info
        .iter_attributes()
        .filter_map(|attribute| match attribute.parsed_attribute() {
            ParsedCriAttribute::ExtensionRequest(request) => Some(&request.extensions),
            _ => None,
        })
        .flatten()
        .map(Extension::read)
        .collect()
}
