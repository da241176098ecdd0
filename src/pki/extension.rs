//! The extensions of requests and certificates (RFC 5280, 4.2), each with its critical flag.

use super::oid::oid;
use super::{GeneralName, PublicKey};
use crate::error::{Error, Result, nearest};
use sha1::{Digest, Sha1};
use yasna::{ASN1Result, BERReader, DERWriter, Tag, construct_der, parse_der, try_construct_der};

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
        error.did_you_mean(nearest(name, KEY_USAGES.iter().map(|usage| usage.0)))
    })
}

/// General names one after the other.
fn write_names(writer: DERWriter<'_>, names: &[GeneralName]) -> Result<()> {
    writer.write_sequence(|parts| names.iter().try_for_each(|name| name.write(parts.next())))
}

impl Extension {
    /// The names and addresses of a subject.
    ///
    /// # Errors
    /// A name that cannot be encoded.
    pub fn subject_alternative_name(names: &[GeneralName], critical: bool) -> Result<Extension> {
        let value = try_construct_der(|writer| write_names(writer, names))?;
        Ok(ExtensionKind::SubjectAlternativeName.with(critical, value))
    }

    /// What the key may do, by OpenSSL's names (`digitalSignature`, `Key Encipherment`).
    ///
    /// # Errors
    /// A usage that is not known.
    pub fn key_usage<S: AsRef<str>>(usages: &[S], critical: bool) -> Result<Extension> {
        let mut bytes = [0_u8; 2];
        let mut length = 0;
        for usage in usages {
            let bit = key_usage_bit(usage.as_ref())?;
            bytes[bit / 8] |= 0x80 >> (bit % 8);
            length = length.max(bit + 1);
        }
        // Zeros at the end are left out of named bits.
        let bytes = &bytes[..length.div_ceil(8)];
        let value = construct_der(|writer| writer.write_bitvec_bytes(bytes, length));
        Ok(ExtensionKind::KeyUsage.with(critical, value))
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
            let identifier = oid(known.map_or(usage, |known| known.2)).map_err(|_| {
                let error = Error::new(format!("`{usage}` is not an extended key usage"));
                error.did_you_mean(nearest(usage, EXTENDED_KEY_USAGES.iter().map(|known| known.0)))
            })?;
            parts.push(identifier);
        }
        let value = construct_der(|writer| {
            writer.write_sequence(|list| parts.iter().for_each(|part| list.next().write_oid(part)));
        });
        Ok(ExtensionKind::ExtendedKeyUsage.with(critical, value))
    }

    /// Whether it is an authority, and how many authorities may follow it, from OpenSSL's words
    /// (`CA:TRUE`, `pathlen:0`).
    ///
    /// # Errors
    /// A word that is not understood.
    pub fn basic_constraints<S: AsRef<str>>(words: &[S], critical: bool) -> Result<Extension> {
        let mut length = None;
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
                    length = Some(number.trim().parse::<u32>().map_err(|_| wrong())?);
                }
                _ => return Err(wrong()),
            }
        }
        if length.is_some() && !authority {
            return Err(Error::new("`pathlen` is for authorities only").help("add `CA:TRUE`"));
        }
        let value = construct_der(|writer| {
            writer.write_sequence(|parts| {
                if authority {
                    parts.next().write_bool(true);
                }
                if let Some(length) = length {
                    parts.next().write_u32(length);
                }
            });
        });
        Ok(ExtensionKind::BasicConstraints.with(critical, value))
    }

    /// The identifier of the subject's key.
    pub fn subject_key_identifier(identifier: &[u8]) -> Extension {
        let value = construct_der(|writer| writer.write_bytes(identifier));
        ExtensionKind::SubjectKeyIdentifier.with(false, value)
    }

    /// The identifier of the issuer's key.
    pub fn authority_key_identifier(identifier: &[u8]) -> Extension {
        let value = construct_der(|writer| {
            writer.write_sequence(|parts| {
                let writer = parts.next();
                writer.write_tagged_implicit(Tag::context(0), |writer| writer.write_bytes(identifier));
            });
        });
        ExtensionKind::AuthorityKeyIdentifier.with(false, value)
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
        let value = try_construct_der(|writer| {
            writer.write_sequence(|parts| {
                for (number, names) in [(0, permitted), (1, excluded)] {
                    if !names.is_empty() {
                        let writer = parts.next();
                        let subtree = |writer: DERWriter<'_>, name: &GeneralName| {
                            writer.write_sequence(|parts| name.write(parts.next()))
                        };
                        writer.write_tagged_implicit(Tag::context(number), |writer| {
                            writer.write_sequence(|list| {
                                names.iter().try_for_each(|name| subtree(list.next(), name))
                            })
                        })?;
                    }
                }
                Ok::<_, Error>(())
            })
        })?;
        Ok(ExtensionKind::NameConstraints.with(critical, value))
    }

    /// Where lists of revoked certificates are found: one point for each list of names.
    ///
    /// # Errors
    /// A name that cannot be encoded.
    pub fn crl_distribution_points(points: &[Vec<GeneralName>]) -> Result<Extension> {
        let point = |writer: DERWriter<'_>, names: &[GeneralName]| {
            writer.write_sequence(|parts| {
                parts.next().write_tagged(Tag::context(0), |writer| {
                    writer.write_tagged_implicit(Tag::context(0), |writer| write_names(writer, names))
                })
            })
        };
        let value = try_construct_der(|writer| {
            writer.write_sequence(|list| points.iter().try_for_each(|names| point(list.next(), names)))
        })?;
        Ok(ExtensionKind::CrlDistributionPoints.with(false, value))
    }

    /// The demand that OCSP be stapled: TLS feature 5, `status_request`.
    pub fn ocsp_must_staple(critical: bool) -> Extension {
        let value = construct_der(|writer| writer.write_sequence(|parts| parts.next().write_u8(5)));
        ExtensionKind::TlsFeature.with(critical, value)
    }

    /// True if it is of that kind.
    pub fn is(&self, kind: ExtensionKind) -> bool {
        self.oid == kind.oid()
    }

    /// The parts of a sequence; none if it is broken.
    fn parts<T>(&self, read: impl for<'a> Fn(BERReader<'_, 'a>) -> ASN1Result<T>) -> Vec<T> {
        parse_der(&self.value, |reader| reader.collect_sequence_of(read)).unwrap_or_default()
    }

    /// The names in a subject alternative name.
    pub fn general_names(&self) -> Vec<GeneralName> {
        let names = self.parts(|reader| reader.read_tagged_der());
        names.into_iter().map(GeneralName::read).collect()
    }

    /// The usages in a key usage, as indexes into [`KEY_USAGES`].
    pub fn key_usages(&self) -> Vec<usize> {
        let (bytes, length) = parse_der(&self.value, |reader| reader.read_bitvec_bytes()).unwrap_or_default();
        (0..KEY_USAGES.len().min(length))
            .filter(|at| bytes[at / 8] & (0x80 >> (at % 8)) != 0)
            .collect()
    }

    /// The object identifiers in an extended key usage.
    pub fn extended_key_usages(&self) -> Vec<String> {
        let usages = self.parts(|reader| reader.read_oid());
        usages.iter().map(ToString::to_string).collect()
    }

    /// Basic constraints: is it an authority, and how many may follow it.
    pub fn authority(&self) -> (bool, Option<u32>) {
        let read = parse_der(&self.value, |reader| {
            reader.read_sequence(|parts| {
                let is = parts.read_default(false, |reader| reader.read_bool())?;
                Ok((is, parts.read_optional(|reader| reader.read_u32())?))
            })
        });
        read.unwrap_or_default()
    }

    /// The bytes of a subject or authority key identifier.
    pub fn key_identifier(&self) -> Option<Vec<u8>> {
        if self.is(ExtensionKind::SubjectKeyIdentifier) {
            return parse_der(&self.value, |reader| reader.read_bytes()).ok();
        }
        let parts = self.parts(|reader| reader.read_tagged_der());
        let identifier = parts.iter().find(|part| part.tag() == Tag::context(0))?;
        Some(identifier.value().to_vec())
    }

    /// Names of the issuer of the issuer's certificate and its serial number (of an authority key identifier).
    pub fn authority_certificate(&self) -> (Option<Vec<GeneralName>>, Option<Vec<u8>>) {
        let part = |number| {
            move |reader: BERReader<'_, '_>| {
                reader.read_tagged_implicit(Tag::context(number), |reader| reader.read_bytes())
            }
        };
        let read = parse_der(&self.value, |reader| {
            reader.read_sequence(|parts| {
                parts.read_optional(part(0))?;
                let names = parts.read_optional(|reader| {
                    reader.read_tagged_implicit(Tag::context(1), |reader| {
                        reader.collect_sequence_of(|reader| reader.read_tagged_der())
                    })
                })?;
                Ok((names, parts.read_optional(part(2))?))
            })
        });
        let (names, serial) = read.unwrap_or_default();
        let names = names.map(|names| names.into_iter().map(GeneralName::read).collect());
        (names, serial)
    }

    /// The addresses of an access method (of the authority information access), given by its object identifier.
    pub fn access(&self, method: &str) -> Vec<GeneralName> {
        let descriptions = self.parts(|reader| {
            reader.read_sequence(|parts| Ok((parts.next().read_oid()?, parts.next().read_tagged_der()?)))
        });
        let of_method = |(id, name): (yasna::models::ObjectIdentifier, _)| {
            (id.to_string() == method).then(|| GeneralName::read(name))
        };
        descriptions.into_iter().filter_map(of_method).collect()
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
            let mut parts = extension.parts(|reader| reader.read_der());
            parts.sort();
            parts.dedup();
            parts
        };
        self.oid == other.oid
            && self.critical == other.critical
            && (self.value == other.value || (unordered && sorted(self) == sorted(other)))
    }

    /// Writes its encoding with identifier and flag.
    fn write(&self, writer: DERWriter<'_>) -> Result<()> {
        let identifier = oid(&self.oid)?;
        writer.write_sequence(|parts| {
            parts.next().write_oid(&identifier);
            if self.critical {
                parts.next().write_bool(true);
            }
            parts.next().write_bytes(&self.value);
        });
        Ok(())
    }

    /// Writes extensions one after the other.
    pub(super) fn write_all(extensions: &[Extension], writer: DERWriter<'_>) -> Result<()> {
        writer.write_sequence(|list| {
            extensions
                .iter()
                .try_for_each(|extension| extension.write(list.next()))
        })
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
        let description = construct_der(|writer| {
            writer.write_sequence_of(|writer| {
                writer.next().write_sequence(|writer| {
                    writer.next().write_oid(&oid("1.3.6.1.5.5.7.48.1").unwrap());
                    uri.write(writer.next()).unwrap();
                });
            });
        });
        let access = ExtensionKind::AuthorityInformationAccess.with(false, description);
        assert_eq!(access.access("1.3.6.1.5.5.7.48.1"), [uri]);
        assert_eq!(access.access("1.3.6.1.5.5.7.48.2"), []);
        let name = GeneralName::parse("DNS:ca.example").unwrap();
        let identifier = construct_der(|writer| {
            writer.write_sequence(|writer| {
                writer.next().write_tagged_implicit(Tag::context(1), |writer| {
                    writer.write_sequence(|writer| name.write(writer.next()).unwrap());
                });
                writer
                    .next()
                    .write_tagged_implicit(Tag::context(2), |writer| writer.write_bytes(&[5, 6]));
            });
        });
        let identifier = ExtensionKind::AuthorityKeyIdentifier.with(false, identifier);
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
