//! Making certificates from requests.

use super::key::signed;
use super::public_key::pem_text;
use super::{Certificate, Digest, Extension, ExtensionKind, Name, PrivateKey, Request};
use crate::error::{Error, Result};
use time::{OffsetDateTime, UtcOffset};
use yasna::models::{GeneralizedTime, UTCTime};
use yasna::{DERWriter, Tag};

/// When a certificate gets an identifier of its subject's key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyIdentifier {
    /// If the request brings none.
    #[default]
    IfNotProvided,
    /// Always, in place of the request's.
    Always,
    /// Only the request's own, if it brings one.
    Never,
}

/// Who signs.
#[derive(Clone, Copy, Debug)]
pub enum Authority<'a> {
    /// The subject itself, by the key of the request.
    Itself,
    /// An own authority, by its certificate.
    Own {
        /// The authority's certificate.
        certificate: &'a Certificate,
        /// Whether the authority's key is named in an authority key identifier.
        identify: bool,
    },
}

/// What a certificate is made of.
#[derive(Clone, Copy, Debug)]
pub struct Issuance<'a> {
    /// What it is about.
    pub request: &'a Request,
    /// Who signs.
    pub authority: Authority<'a>,
    /// The key that signs: the subject's own, or the authority's.
    pub key: &'a PrivateKey,
    /// The digest it is signed over.
    pub digest: Digest,
    /// From when it is good; fractions of seconds are dropped.
    pub not_before: OffsetDateTime,
    /// Until when it is good; fractions of seconds are dropped.
    pub not_after: OffsetDateTime,
    /// Twenty random bytes: the serial number, made positive (RFC 5280, 4.1.2.2).
    pub serial: [u8; 20],
    /// When it gets an identifier of the subject's key.
    pub key_identifier: KeyIdentifier,
}

impl Issuance<'_> {
    /// The extensions the certificate gets: those of the request, then the key identifiers.
    pub(super) fn extensions(&self) -> Vec<Extension> {
        let own = ExtensionKind::SubjectKeyIdentifier;
        let authority = self.authority_key_identifier();
        let mut extensions: Vec<Extension> = self
            .request
            .extensions
            .iter()
            .filter(|extension| !(self.key_identifier == KeyIdentifier::Always && extension.is(own)))
            .filter(|extension| authority.is_none() || !extension.is(ExtensionKind::AuthorityKeyIdentifier))
            .cloned()
            .collect();
        if self.key_identifier != KeyIdentifier::Never
            && !extensions.iter().any(|extension| extension.is(own))
        {
            extensions.push(Extension::subject_key_identifier(
                &self.request.public_key.identifier(),
            ));
        }
        extensions.extend(authority);
        extensions
    }

    /// The authority's own identifier of its key, or else the usual one.
    fn authority_key_identifier(&self) -> Option<Extension> {
        let Authority::Own {
            certificate,
            identify: true,
        } = self.authority
        else {
            return None;
        };
        let identifier = certificate
            .extension(ExtensionKind::SubjectKeyIdentifier)
            .and_then(Extension::key_identifier)
            .unwrap_or_else(|| certificate.public_key.identifier());
        Some(Extension::authority_key_identifier(&identifier))
    }

    fn issuer(&self) -> &Name {
        match self.authority {
            Authority::Itself => &self.request.subject,
            Authority::Own { certificate, .. } => &certificate.subject,
        }
    }

    fn signer_matches(&self) -> bool {
        let public = match self.authority {
            Authority::Itself => &self.request.public_key,
            Authority::Own { certificate, .. } => &certificate.public_key,
        };
        self.key.public_key().is_ok_and(|key| key == *public)
    }
}

/// Makes a certificate and gives its PEM text.
///
/// # Errors
/// A request whose signature is wrong, a signing key that is not the signer's, an authority that is none, or a
/// time that ends before it begins.
pub fn issue(wanted: &Issuance<'_>) -> Result<String> {
    if !wanted.request.signature_valid {
        return Err(Error::new("the certificate request is not signed by its own key"));
    }
    if !wanted.signer_matches() {
        let (whose, what) = match wanted.authority {
            Authority::Itself => ("request", "privatekey_path"),
            Authority::Own { .. } => ("authority's certificate", "ownca_privatekey_path"),
        };
        return Err(
            Error::new(format!("the private key does not belong to the {whose}"))
                .help(format!("give the key that was used for it as `{what}`")),
        );
    }
    if let Authority::Own { certificate, .. } = wanted.authority {
        let constraints = certificate.extension(ExtensionKind::BasicConstraints);
        if !constraints.is_some_and(|constraints| constraints.authority().0) {
            return Err(
                Error::new(format!("`{}` is not an authority", certificate.subject))
                    .help("its request needs basic_constraints: [CA:TRUE]"),
            );
        }
    }
    if wanted.not_after < wanted.not_before {
        return Err(Error::new("the certificate would end before it begins"));
    }
    let information = content(wanted)?;
    let whole = signed(information, wanted.key, wanted.digest)?;
    Ok(pem_text("CERTIFICATE", &whole))
}

/// What is signed of a certificate.
fn content(wanted: &Issuance<'_>) -> Result<Vec<u8>> {
    let extensions = wanted.extensions();
    let algorithm = wanted.key.algorithm_identifier(wanted.digest)?;
    let (issuer, subject) = (wanted.issuer().encode()?, wanted.request.subject.encode()?);
    let mut serial = wanted.serial;
    serial[0] = serial[0] & 0x7f | 0x40;
    yasna::try_construct_der(|writer| {
        writer.write_sequence(|parts| {
            let version = parts.next();
            version.write_tagged(Tag::context(0), |writer| writer.write_u8(2));
            parts.next().write_bigint_bytes(&serial, true);
            parts.next().write_der(&algorithm);
            parts.next().write_der(&issuer);
            parts.next().write_sequence(|times| {
                write_moment(times.next(), wanted.not_before)?;
                write_moment(times.next(), wanted.not_after)
            })?;
            parts.next().write_der(&subject);
            parts.next().write_der(wanted.request.public_key.der());
            if extensions.is_empty() {
                return Ok(());
            }
            let writer = parts.next();
            writer.write_tagged(Tag::context(3), |writer| {
                Extension::write_all(&extensions, writer)
            })
        })
    })
}

/// `UTCTime` up to 2049, `GeneralizedTime` from 2050 on (RFC 5280, 4.1.2.5).
fn write_moment(writer: DERWriter<'_>, moment: OffsetDateTime) -> Result<()> {
    let moment = moment.to_offset(UtcOffset::UTC).truncate_to_second();
    match moment.year() {
        1950..2050 => writer.write_utctime(&UTCTime::from_datetime(moment)),
        0..10_000 => writer.write_generalized_time(&GeneralizedTime::from_datetime(moment)),
        year => {
            return Err(Error::new(format!(
                "the year {year} cannot stand in a certificate"
            )));
        }
    }
    Ok(())
}
