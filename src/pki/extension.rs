//! The extensions of requests and certificates (RFC 5280, 4.2), each with its critical flag.

use super::{GeneralName, PublicKey, der};
use crate::error::{Error, Result, nearest};
use sha1::{Digest, Sha1};

/// One extension: what it is, whether it is critical, its content as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// Its object identifier, dotted.
    pub oid: String,
    /// True if who does not know it must refuse the certificate.
    pub critical: bool,
    /// Its DER content.
    pub value: Vec<u8>,
}

/// The extensions that are known by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtensionKind {
    /// Names and addresses the certificate is good for.
    SubjectAlternativeName,
    /// What the key may be used for.
    KeyUsage,
    /// What the certificate may be used for.
    ExtendedKeyUsage,
    /// Whether it is an authority, and how many may follow it.
    BasicConstraints,
    /// The digest of its key.
    SubjectKeyIdentifier,
    /// The digest of its issuer's key.
    AuthorityKeyIdentifier,
    /// Names an authority may or may not issue for.
    NameConstraints,
    /// Where lists of revoked certificates are found.
    CrlDistributionPoints,
    /// Where its issuer's certificate and the answers about it are found.
    AuthorityInformationAccess,
    /// OCSP must be stapled (RFC 7633).
    TlsFeature,
}

impl ExtensionKind {
    /// Its object identifier, dotted.
    pub fn oid(self) -> &'static str {
        match self {
            ExtensionKind::SubjectKeyIdentifier => "2.5.29.14",
            ExtensionKind::KeyUsage => "2.5.29.15",
            ExtensionKind::SubjectAlternativeName => "2.5.29.17",
            ExtensionKind::BasicConstraints => "2.5.29.19",
            ExtensionKind::NameConstraints => "2.5.29.30",
            ExtensionKind::CrlDistributionPoints => "2.5.29.31",
            ExtensionKind::AuthorityKeyIdentifier => "2.5.29.35",
            ExtensionKind::ExtendedKeyUsage => "2.5.29.37",
            ExtensionKind::AuthorityInformationAccess => "1.3.6.1.5.5.7.1.1",
            ExtensionKind::TlsFeature => "1.3.6.1.5.5.7.1.24",
        }
    }

    fn with(self, critical: bool, value: Vec<u8>) -> Extension {
        Extension {
            oid: self.oid().into(),
            critical,
            value,
        }
    }
}

/// Names of the key usage bits in their order: as OpenSSL configures them, and as it prints them.
pub const KEY_USAGES: &[(&str, &str)] = &[
    ("digitalSignature", "Digital Signature"),
    ("nonRepudiation", "Non Repudiation"),
    ("keyEncipherment", "Key Encipherment"),
    ("dataEncipherment", "Data Encipherment"),
    ("keyAgreement", "Key Agreement"),
    ("keyCertSign", "Certificate Sign"),
    ("cRLSign", "CRL Sign"),
    ("encipherOnly", "Encipher Only"),
    ("decipherOnly", "Decipher Only"),
];

/// Short name, name as OpenSSL prints it, object identifier.
const EXTENDED_KEY_USAGES: &[(&str, &str, &str)] = &[
    ("serverAuth", "TLS Web Server Authentication", "1.3.6.1.5.5.7.3.1"),
    ("clientAuth", "TLS Web Client Authentication", "1.3.6.1.5.5.7.3.2"),
    ("codeSigning", "Code Signing", "1.3.6.1.5.5.7.3.3"),
    ("emailProtection", "E-mail Protection", "1.3.6.1.5.5.7.3.4"),
    ("timeStamping", "Time Stamping", "1.3.6.1.5.5.7.3.8"),
    ("OCSPSigning", "OCSP Signing", "1.3.6.1.5.5.7.3.9"),
    ("ipsecEndSystem", "IPSec End System", "1.3.6.1.5.5.7.3.5"),
    ("ipsecTunnel", "IPSec Tunnel", "1.3.6.1.5.5.7.3.6"),
    ("ipsecUser", "IPSec User", "1.3.6.1.5.5.7.3.7"),
    ("anyExtendedKeyUsage", "Any Extended Key Usage", "2.5.29.37.0"),
];

/// The name that OpenSSL prints for an extended key usage, or its object identifier.
pub fn extended_key_usage_name(oid: &str) -> &str {
    EXTENDED_KEY_USAGES
        .iter()
        .find(|usage| usage.2 == oid)
        .map_or(oid, |usage| usage.1)
}

fn key_usage_bit(name: &str) -> Result<usize> {
    let found = KEY_USAGES.iter().position(|usage| {
        usage.0.eq_ignore_ascii_case(name)
            || usage.1.eq_ignore_ascii_case(name)
            // The name that later editions of X.509 gave the second bit.
            || (usage.0 == "nonRepudiation" && ["contentCommitment", "Content Commitment"].contains(&name))
    });
    found.ok_or_else(|| {
        let error = Error::new(format!("`{name}` is not a key usage"));
        match nearest(name, KEY_USAGES.iter().map(|usage| usage.0)) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error,
        }
    })
}

impl Extension {
    /// The names and addresses of a subject.
    ///
    /// # Errors
    /// A name that cannot be encoded.
    pub fn subject_alternative_name(names: &[GeneralName], critical: bool) -> Result<Extension> {
        let names = names
            .iter()
            .map(GeneralName::encode)
            .collect::<Result<Vec<_>>>()?;
        Ok(ExtensionKind::SubjectAlternativeName.with(critical, der::sequence(&names)))
    }

    /// What the key may do, by OpenSSL's names (`digitalSignature`, `Key Encipherment`).
    ///
    /// # Errors
    /// A usage that is not known.
    pub fn key_usage<S: AsRef<str>>(usages: &[S], critical: bool) -> Result<Extension> {
        let mut bits = [false; 9];
        for usage in usages {
            bits[key_usage_bit(usage.as_ref())?] = true;
        }
        Ok(ExtensionKind::KeyUsage.with(critical, der::named_bits(&bits)))
    }

    /// What the certificate may be used for, by OpenSSL's names or object identifiers.
    ///
    /// # Errors
    /// A usage that is not known.
    pub fn extended_key_usage<S: AsRef<str>>(usages: &[S], critical: bool) -> Result<Extension> {
        let mut parts = vec![];
        for usage in usages.iter().map(AsRef::as_ref) {
            let known = EXTENDED_KEY_USAGES
                .iter()
                .find(|known| known.0.eq_ignore_ascii_case(usage) || known.1.eq_ignore_ascii_case(usage));
            let encoded = der::oid(known.map_or(usage, |known| known.2)).map_err(|_| {
                let error = Error::new(format!("`{usage}` is not an extended key usage"));
                match nearest(usage, EXTENDED_KEY_USAGES.iter().map(|known| known.0)) {
                    Some(near) => error.help(format!("did you mean `{near}`?")),
                    None => error,
                }
            })?;
            parts.push(encoded);
        }
        Ok(ExtensionKind::ExtendedKeyUsage.with(critical, der::sequence(&parts)))
    }

    /// Whether it is an authority, and how many authorities may follow it, from OpenSSL's words
    /// (`CA:TRUE`, `pathlen:0`).
    ///
    /// # Errors
    /// A word that is not understood.
    pub fn basic_constraints<S: AsRef<str>>(words: &[S], critical: bool) -> Result<Extension> {
        let mut parts = vec![];
        let mut authority = false;
        for word in words.iter().map(AsRef::as_ref) {
            let wrong = || {
                Error::new(format!("`{word}` is not a basic constraint"))
                    .help("write `CA:TRUE`, `CA:FALSE` or `pathlen:NUMBER`")
            };
            match word.split_once(':') {
                Some(("CA", value)) if value.eq_ignore_ascii_case("true") => authority = true,
                Some(("CA", value)) if value.eq_ignore_ascii_case("false") => {}
                Some(("pathlen", number)) => {
                    let number: u32 = number.trim().parse().map_err(|_| wrong())?;
                    parts.push(der::integer(&number.to_be_bytes()));
                }
                _ => return Err(wrong()),
            }
        }
        if authority {
            parts.insert(0, der::wrap(der::BOOLEAN, &[0xff]));
        } else if !parts.is_empty() {
            return Err(Error::new("`pathlen` is for authorities only").help("add `CA:TRUE`"));
        }
        Ok(ExtensionKind::BasicConstraints.with(critical, der::sequence(&parts)))
    }

    /// The identifier of the subject's key.
    pub fn subject_key_identifier(identifier: &[u8]) -> Extension {
        ExtensionKind::SubjectKeyIdentifier.with(false, der::wrap(der::OCTET_STRING, identifier))
    }

    /// The identifier of the issuer's key.
    pub fn authority_key_identifier(identifier: &[u8]) -> Extension {
        let content = der::wrap(0x80, identifier);
        ExtensionKind::AuthorityKeyIdentifier.with(false, der::wrap(der::SEQUENCE, &content))
    }

    /// Names an authority may issue for, and names it may not.
    ///
    /// # Errors
    /// A name that cannot be encoded.
    pub fn name_constraints(
        permitted: &[GeneralName],
        excluded: &[GeneralName],
        critical: bool,
    ) -> Result<Extension> {
        let mut parts = vec![];
        for (tag, names) in [(0xa0, permitted), (0xa1, excluded)] {
            let subtrees = names
                .iter()
                .map(|name| Ok(der::wrap(der::SEQUENCE, &name.encode()?)))
                .collect::<Result<Vec<_>>>()?;
            if !subtrees.is_empty() {
                parts.push(der::wrap_all(tag, &subtrees));
            }
        }
        Ok(ExtensionKind::NameConstraints.with(critical, der::sequence(&parts)))
    }

    /// Where lists of revoked certificates are found: one point for each list of names.
    ///
    /// # Errors
    /// A name that cannot be encoded.
    pub fn crl_distribution_points(points: &[Vec<GeneralName>]) -> Result<Extension> {
        let mut parts = vec![];
        for names in points {
            let names = names
                .iter()
                .map(GeneralName::encode)
                .collect::<Result<Vec<_>>>()?;
            parts.push(der::wrap(
                der::SEQUENCE,
                &der::wrap(0xa0, &der::wrap_all(0xa0, &names)),
            ));
        }
        Ok(ExtensionKind::CrlDistributionPoints.with(false, der::sequence(&parts)))
    }

    /// The demand that OCSP be stapled: TLS feature 5, `status_request`.
    pub fn ocsp_must_staple(critical: bool) -> Extension {
        ExtensionKind::TlsFeature.with(critical, der::sequence(&[der::integer(&[5])]))
    }

    /// True if it is of that kind.
    pub fn is(&self, kind: ExtensionKind) -> bool {
        self.oid == kind.oid()
    }

    /// The names in a subject alternative name.
    pub fn general_names(&self) -> Vec<GeneralName> {
        let sequence = der::single(&self.value, der::SEQUENCE);
        let names = sequence
            .and_then(|sequence| sequence.children())
            .unwrap_or_default();
        names.iter().map(GeneralName::read).collect()
    }

    /// The usages in a key usage, as indexes into [`KEY_USAGES`].
    pub fn key_usages(&self) -> Vec<usize> {
        let Some(bits) = der::single(&self.value, der::BIT_STRING) else {
            return vec![];
        };
        let bytes = bits.content.get(1..).unwrap_or_default();
        (0..KEY_USAGES.len())
            .filter(|at| {
                bytes
                    .get(at / 8)
                    .is_some_and(|byte| byte & (0x80 >> (at % 8)) != 0)
            })
            .collect()
    }

    /// The object identifiers in an extended key usage.
    pub fn extended_key_usages(&self) -> Vec<String> {
        let sequence = der::single(&self.value, der::SEQUENCE);
        let usages = sequence
            .and_then(|sequence| sequence.children())
            .unwrap_or_default();
        usages
            .iter()
            .filter_map(|usage| der::dotted(usage.content))
            .collect()
    }

    /// Basic constraints: is it an authority, and how many may follow it.
    pub fn authority(&self) -> (bool, Option<u32>) {
        let sequence = der::single(&self.value, der::SEQUENCE);
        let parts = sequence
            .and_then(|sequence| sequence.children())
            .unwrap_or_default();
        let is = parts
            .iter()
            .any(|part| part.tag == der::BOOLEAN && part.content != [0]);
        let length = parts.iter().find(|part| part.tag == der::INTEGER).map(|part| {
            part.content
                .iter()
                .fold(0_u32, |sum, byte| sum.wrapping_shl(8) | u32::from(*byte))
        });
        (is, length)
    }

    /// The bytes of a subject or authority key identifier.
    pub fn key_identifier(&self) -> Option<Vec<u8>> {
        if self.is(ExtensionKind::SubjectKeyIdentifier) {
            return Some(der::single(&self.value, der::OCTET_STRING)?.content.to_vec());
        }
        let parts = der::single(&self.value, der::SEQUENCE)?.children()?;
        let identifier = parts.iter().find(|part| part.tag == 0x80)?;
        Some(identifier.content.to_vec())
    }

    /// Names of the issuer of the issuer's certificate and its serial number (of an authority key identifier).
    pub fn authority_certificate(&self) -> (Option<Vec<GeneralName>>, Option<Vec<u8>>) {
        let parts = der::single(&self.value, der::SEQUENCE).and_then(|whole| whole.children());
        let parts = parts.unwrap_or_default();
        let part = |tag| parts.iter().find(|part| part.tag == tag);
        let names = part(0xa1).and_then(|part| part.children());
        let serial = part(0x82).map(|part| part.content.to_vec());
        (
            names.map(|names| names.iter().map(GeneralName::read).collect()),
            serial,
        )
    }

    /// The addresses of an access method (of the authority information access), given by its object identifier.
    pub fn access(&self, method: &str) -> Vec<GeneralName> {
        let descriptions = der::single(&self.value, der::SEQUENCE).and_then(|whole| whole.children());
        let of_method = |description: &der::Element<'_>| match description.children()?.as_slice() {
            [id, name] if der::dotted(id.content).as_deref() == Some(method) => Some(GeneralName::read(name)),
            _ => None,
        };
        descriptions
            .unwrap_or_default()
            .iter()
            .filter_map(of_method)
            .collect()
    }

    /// True if both say the same: lists of names and usages may stand in any order.
    pub fn same(&self, other: &Extension) -> bool {
        let unordered = [
            ExtensionKind::SubjectAlternativeName,
            ExtensionKind::ExtendedKeyUsage,
        ]
        .iter()
        .any(|kind| self.is(*kind));
        let sorted = |extension: &Extension| {
            let mut parts: Vec<Vec<u8>> = der::single(&extension.value, der::SEQUENCE)?
                .children()?
                .iter()
                .map(|part| part.whole.to_vec())
                .collect();
            parts.sort();
            parts.dedup();
            Some(parts)
        };
        self.oid == other.oid
            && self.critical == other.critical
            && (self.value == other.value || (unordered && sorted(self) == sorted(other)))
    }

    /// Its encoding with identifier and flag.
    pub(super) fn encode(&self) -> Result<Vec<u8>> {
        let mut parts = vec![der::oid(&self.oid)?];
        if self.critical {
            parts.push(der::wrap(der::BOOLEAN, &[0xff]));
        }
        parts.push(der::wrap(der::OCTET_STRING, &self.value));
        Ok(der::sequence(&parts))
    }

    /// An extension that was read from a file.
    pub(super) fn read(extension: &x509_parser::extensions::X509Extension<'_>) -> Extension {
        Extension {
            oid: extension.oid.to_id_string(),
            critical: extension.critical,
            value: extension.value.to_vec(),
        }
    }
}

impl PublicKey {
    /// The usual identifier of a key: SHA-1 of its bits (RFC 5280, 4.2.1.2, method 1).
    pub fn identifier(&self) -> Vec<u8> {
        Sha1::digest(self.bits()).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_to_the_issuer_is_read() {
        let uri = GeneralName::parse("URI:http://ocsp.example/").unwrap();
        let description = der::sequence(&[der::oid("1.3.6.1.5.5.7.48.1").unwrap(), uri.encode().unwrap()]);
        let access = ExtensionKind::AuthorityInformationAccess.with(false, der::sequence(&[description]));
        assert_eq!(access.access("1.3.6.1.5.5.7.48.1"), [uri]);
        assert_eq!(access.access("1.3.6.1.5.5.7.48.2"), []);
        let name = GeneralName::parse("DNS:ca.example").unwrap();
        let parts = [der::wrap(0xa1, &name.encode().unwrap()), der::wrap(0x82, &[5, 6])];
        let identifier = ExtensionKind::AuthorityKeyIdentifier.with(false, der::sequence(&parts));
        assert_eq!(
            identifier.authority_certificate(),
            (Some(vec![name]), Some(vec![5, 6]))
        );
        assert_eq!(
            Extension::authority_key_identifier(&[1]).authority_certificate(),
            (None, None)
        );
    }

    #[test]
    fn usages_are_known_by_both_names() {
        let short = Extension::key_usage(&["digitalSignature", "keyCertSign"], true).unwrap();
        let long = Extension::key_usage(&["Certificate Sign", "Digital Signature"], true).unwrap();
        assert_eq!(short, long);
        assert_eq!(short.key_usages(), [0, 5]);
        let error = Extension::key_usage(&["digitalSignatur"], true).unwrap_err();
        assert_eq!(error.cure(), Some("did you mean `digitalSignature`?"));
    }

    #[test]
    fn order_of_names_and_usages_does_not_matter() {
        let one = Extension::extended_key_usage(&["serverAuth", "clientAuth"], false).unwrap();
        let two =
            Extension::extended_key_usage(&["TLS Web Client Authentication", "1.3.6.1.5.5.7.3.1"], false)
                .unwrap();
        assert!(one.same(&two) && one.value != two.value);
        assert!(!one.same(&Extension {
            critical: true,
            ..two
        }));
    }

    #[test]
    fn basic_constraints_follow_openssl() {
        let authority = Extension::basic_constraints(&["CA:TRUE", "pathlen:0"], true).unwrap();
        assert_eq!(authority.authority(), (true, Some(0)));
        assert_eq!(authority.value, [0x30, 6, 1, 1, 0xff, 2, 1, 0]);
        let leaf = Extension::basic_constraints(&["CA:FALSE"], false).unwrap();
        assert_eq!(leaf.value, [0x30, 0]);
        assert!(Extension::basic_constraints(&["pathlen:1"], false).is_err());
        assert!(Extension::basic_constraints(&["CA:maybe"], false).is_err());
    }
}
