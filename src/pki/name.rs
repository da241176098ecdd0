//! Distinguished names: subjects and issuers.

use super::oid::oid;
use crate::error::{Error, Result};
use yasna::tags::{TAG_IA5STRING, TAG_PRINTABLESTRING, TAG_UTF8STRING};

/// A distinguished name as a list of attributes in their order; an attribute may come more than once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Name {
    /// Object identifier (dotted) and text of each attribute.
    pub attributes: Vec<(String, String)>,
    /// The encoding it was read from, which is what gets copied.
    encoded: Option<Vec<u8>>,
}

/// Short name, long name (as OpenSSL and `community.crypto` write them), object identifier.
const ATTRIBUTES: &[(&str, &str, &str)] = &[
    ("CN", "commonName", "2.5.4.3"),
    ("SN", "surname", "2.5.4.4"),
    ("serialNumber", "serialNumber", "2.5.4.5"),
    ("C", "countryName", "2.5.4.6"),
    ("L", "localityName", "2.5.4.7"),
    ("ST", "stateOrProvinceName", "2.5.4.8"),
    ("street", "streetAddress", "2.5.4.9"),
    ("O", "organizationName", "2.5.4.10"),
    ("OU", "organizationalUnitName", "2.5.4.11"),
    ("title", "title", "2.5.4.12"),
    ("postalCode", "postalCode", "2.5.4.17"),
    ("GN", "givenName", "2.5.4.42"),
    ("initials", "initials", "2.5.4.43"),
    ("generationQualifier", "generationQualifier", "2.5.4.44"),
    ("dnQualifier", "dnQualifier", "2.5.4.46"),
    ("pseudonym", "pseudonym", "2.5.4.65"),
    ("UID", "userId", "0.9.2342.19200300.100.1.1"),
    ("DC", "domainComponent", "0.9.2342.19200300.100.1.25"),
    ("emailAddress", "emailAddress", "1.2.840.113549.1.9.1"),
];

/// The long name of an attribute, or its object identifier if it has none here.
pub fn attribute_long_name(oid: &str) -> &str {
    ATTRIBUTES
        .iter()
        .find(|entry| entry.2 == oid)
        .map_or(oid, |entry| entry.1)
}

/// The object identifier of an attribute given by its short or long name, or as dotted numbers.
fn attribute_oid(name: &str) -> Result<String> {
    let known = ATTRIBUTES
        .iter()
        .find(|entry| entry.0.eq_ignore_ascii_case(name) || entry.1.eq_ignore_ascii_case(name));
    if let Some(entry) = known {
        return Ok(entry.2.into());
    }
    oid(name).map_err(|_| {
        Error::new(format!("`{name}` is not an attribute of a subject")).help(
            "use a name such as CN, O, OU, C, ST, L, emailAddress, serialNumber, or an object identifier",
        )
    })?;
    Ok(name.into())
}

impl Name {
    /// A name out of attribute names (`CN`, `commonName`, `2.5.4.3`) and their texts.
    ///
    /// # Errors
    /// An attribute that is not known.
    pub fn new<N: AsRef<str>, T: Into<String>>(attributes: impl IntoIterator<Item = (N, T)>) -> Result<Name> {
        let attributes = attributes
            .into_iter()
            .map(|(name, text)| Ok((attribute_oid(name.as_ref())?, text.into())))
            .collect::<Result<_>>()?;
        Ok(Name {
            attributes,
            encoded: None,
        })
    }

    /// The text of the first attribute of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let oid = attribute_oid(name).ok()?;
        let found = self.attributes.iter().find(|attribute| attribute.0 == oid)?;
        Some(&found.1)
    }

    /// True if both names hold the same attributes, whatever their order.
    pub fn same_attributes(&self, other: &Name) -> bool {
        let sorted = |name: &Name| {
            let mut attributes = name.attributes.clone();
            attributes.sort();
            attributes.dedup();
            attributes
        };
        sorted(self) == sorted(other)
    }

    /// A name read from a certificate or request.
    pub(super) fn read(name: &x509_parser::x509::X509Name<'_>) -> Name {
        let attributes = name
            .iter_attributes()
            .map(|attribute| {
                let text = match attribute.as_str() {
                    Ok(text) => text.to_string(),
                    Err(_) => String::from_utf8_lossy(attribute.as_slice()).into_owned(),
                };
                (attribute.attr_type().to_id_string(), text)
            })
            .collect();
        Name {
            attributes,
            encoded: Some(name.as_raw().to_vec()),
        }
    }

    /// Its encoding: the bytes it was read from, or one made here.
    pub(super) fn encode(&self) -> Result<Vec<u8>> {
        if let Some(encoded) = &self.encoded {
            return Ok(encoded.clone());
        }
        yasna::try_construct_der(|writer| {
            writer.write_sequence(|parts| {
                for (name, text) in &self.attributes {
                    // String kinds as RFC 5280, appendix A, demands or recommends them.
                    let tag = match name.as_str() {
                        "2.5.4.6" | "2.5.4.5" | "2.5.4.46" => TAG_PRINTABLESTRING,
                        "1.2.840.113549.1.9.1" | "0.9.2342.19200300.100.1.25" => TAG_IA5STRING,
                        _ => TAG_UTF8STRING,
                    };
                    if name == "2.5.4.6" && text.len() != 2 {
                        return Err(Error::new(format!(
                            "the country `{text}` of a subject must have two letters"
                        )));
                    }
                    let name = oid(name)?;
                    parts.next().write_set(|set| {
                        set.next().write_sequence(|attribute| {
                            attribute.next().write_oid(&name);
                            let writer = attribute.next();
                            writer.write_tagged_implicit(tag, |text_of| text_of.write_bytes(text.as_bytes()));
                        });
                    });
                }
                Ok(())
            })
        })
    }
}

/// `CN=one,O=two`, short names where there are some.
impl std::fmt::Display for Name {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, (oid, text)) in self.attributes.iter().enumerate() {
            let short = ATTRIBUTES.iter().find(|entry| entry.2 == oid);
            let name = short.map_or(oid.as_str(), |entry| entry.0);
            write!(out, "{}{name}={text}", if at > 0 { "," } else { "" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_by_short_and_long_name() {
        let name = Name::new([("commonName", "a"), ("O", "b"), ("O", "c"), ("1.2.3", "d")]).unwrap();
        assert_eq!(name.to_string(), "CN=a,O=b,O=c,1.2.3=d");
        assert_eq!(name.get("organizationName"), Some("b"));
        assert!(Name::new([("nonsense", "x")]).is_err());
        assert!(Name::new([("C", "Germany")]).unwrap().encode().is_err());
    }

    #[test]
    fn order_matters_only_when_asked() {
        let one = Name::new([("CN", "a"), ("O", "b")]).unwrap();
        let two = Name::new([("O", "b"), ("CN", "a")]).unwrap();
        assert!(one.same_attributes(&two) && one.attributes != two.attributes);
    }
}
